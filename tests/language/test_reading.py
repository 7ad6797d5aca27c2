"""Replies are read strictly; every way of being unreadable has a name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qevd_bio.language.reading import MAX_CHARACTERS, Unreadable, read_object


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"score": 3}', {"score": 3}),
        ("{'score': 3}", {"score": 3}),
        ("```json\n{\"a\": [1, 2]}\n```", {"a": [1, 2]}),
        ("Sure! Here it is: {'a': True, 'b': None}. Bye.", {"a": True, "b": None}),
        ("<think>{not this}</think> {\"a\": \"}\"}", {"a": "}"}),
        ('{"a": "it\'s {here}"}', {"a": "it's {here}"}),
    ],
)  # fmt: skip
def test_one_dictionary_is_read(text, value):
    assert read_object(text) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        ("I cannot help with that.", "no_object"),
        ('{"score": ', "cut_off"),
        ("{'a': 1} or {'a': 2}", "several_objects"),
        ("{1: 2}", "not_an_object"),
        ("{1, 2}", "not_an_object"),
        ("{'a': __import__('os').system('true')}", "not_json"),
        ("{'a': open('x')}", "not_json"),
        ("{'a': 1e999}", "not_finite"),
        ('{"a": NaN}', "not_json"),
        ("{" * 50 + "}" * 50, "too_deep"),
        ('{"a": "' + "x" * MAX_CHARACTERS + '"}', "too_long"),
    ],
)
def test_each_unreadable_reply_has_its_reason(text, reason):
    with pytest.raises(Unreadable) as caught:
        read_object(text)
    assert caught.value.reason == reason


@given(st.text(alphabet="{}[]()'\":,.\\ truefalsNo019_x\n", max_size=200))
def test_any_text_is_read_or_named_unreadable(text):
    try:
        assert isinstance(read_object(text), dict)
    except Unreadable as error:
        assert error.reason
