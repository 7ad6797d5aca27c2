"""Markup: whatever a text holds, it comes back as that text and as nothing else."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qevd_bio.reporting.html import KEPT, SHOWN, Html, clean, join, number, said, short, table, tag


class Reader(HTMLParser):
    """Tags and text of a piece of markup, as a browser's tokenizer sees them."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_any_text_comes_back_as_text(text: str) -> None:
    read = Reader(tag("p", text, title=text, data_label=text))
    assert [name for name, _ in read.tags] == ["p"]
    assert read.text == clean(text)
    assert set(read.tags[0][1]) == {"title", "data-label"}


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="<>\"'&/= \u202e\u2066onerrorsciptimgax", max_size=400))
def test_a_text_from_a_model_opens_no_tag_of_its_own(text: str) -> None:
    assert {name for name, _ in Reader(said(text)).tags} <= {"bdi", "i", "details", "summary", "small"}


def test_control_characters_half_surrogates_and_turning_marks() -> None:
    assert clean("a\x00b\x1b[0m\ud800c\ufeff") == "a�b�[0m�c�"
    assert clean("line\n\ttab") == "line\n\ttab"
    tag("p", "\ud800").encode("utf-8")
    assert "\u202e" in said("abc \u202e evil")
    assert said("abc \u202e evil").startswith("<bdi>")
    assert "\u202e" not in tag("p", title="\u202egnirts")
    assert short("\u202e" + "x" * 50, 10) == "x" * 9 + "…"


def test_long_texts_are_folded_and_endless_ones_cut_and_said() -> None:
    folded = Reader(said("word " * 2000))
    assert folded.text.count("word") >= 2000
    assert "10000 characters" in folded.text
    endless = said("x" * (KEPT + 5))
    assert "5 more characters left out" in endless
    assert len(endless) < KEPT + SHOWN + 300
    assert "<details" not in said("x" * SHOWN)
    assert said(" \n") == "<i>(empty)</i>"


def test_attributes_and_empty_elements() -> None:
    assert tag("details", "x", open=True, id=None, class_="a b") == '<details open class="a b">x</details>'
    assert tag("line", x1=1, stroke_opacity="0.5") == '<line x1="1" stroke-opacity="0.5"/>'
    assert tag("svg", viewBox="0 0 1 1", aria_hidden="true") == '<svg viewBox="0 0 1 1" aria-hidden="true"></svg>'
    assert join(["<b>", Html("<b>"), None, 3]) == "&lt;b&gt;<b>3"


def test_tables_escape_cells_and_name_columns_only_where_rows_become_cards() -> None:
    made = table(["time", "a<b"], [["1 s", "<i>x</i>"]], class_="said", text=2)
    assert 'data-label="a&lt;b"' in made and "&lt;i&gt;x&lt;/i&gt;" in made and "<i>" not in made
    assert "data-label" not in table(["time", "n"], [["1", 2]])
    assert '<td class="n">2</td>' in table(["time", "n"], [["1", 2]])


@pytest.mark.parametrize(("value", "shown"), [(None, "–"), (float("nan"), "–"), (0.12345, "0.123"), (2, "2.000")])
def test_numbers(value: float | None, shown: str) -> None:
    assert number(value) == shown
