from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from qevd_bio.scoring.pairing.pairs_file import read_pairs
from qevd_bio.scoring.pairing.predictions import parse_predictions, read_predictions
from qevd_bio.scoring.pairing.validation import check_file
from qevd_bio.store.errors import UserError

GOOD = {"video": "0000", "segment": 0, "exercise": "squats", "feedbacks": [{"time": 12.25, "text": "Lower!"}]}


def line(**changes):
    return json.dumps({**GOOD, **changes}).encode()


def one_issue(data):
    _, issues = parse_predictions(data)
    assert len(issues) == 1, issues
    return issues[0]


def test_a_good_file():
    segments, issues = parse_predictions(line() + b"\r\n\n" + line(segment=1, feedbacks=[]) + b"\n")
    assert issues == []
    assert [(s.video, s.segment, s.times, s.texts, s.line) for s in segments] == [
        ("0000", 0, (12.25,), ("Lower!",), 1),
        ("0000", 1, (), (), 3),
    ]


def test_further_keys_a_byte_order_mark_and_file_names_are_fine():
    data = b"\xef\xbb\xbf" + line(video="./long_range_videos/0007.mp4", timing="official", mine={"a": 1})
    (segment,), issues = parse_predictions(data)
    assert issues == []
    assert (segment.video, segment.timing) == ("0007", "official")


@pytest.mark.parametrize(
    ("data", "problem", "expected"),
    [
        (b"", "the file holds no segment", "at least one line"),
        (b"[1, 2", "not JSON", "one JSON object"),
        (b"7", "a JSON number", "a JSON object"),
        (b"null", "a JSON null", "a JSON object"),
        (line(video=3), "video is a number", "a name"),
        (line(video=" "), "video is empty", "a name"),
        (line(segment=-1), "segment is -1", "a whole number from 0"),
        (line(segment=1.0), "segment is 1.0", "a whole number from 0"),
        (line(segment=True), "segment is true", "a whole number from 0"),
        (line(feedbacks={}), "feedbacks is a object", "a list"),
        (line(feedbacks=["Lower!"]), 'feedback 0 is "Lower!"', '{"time": seconds'),
        (line(feedbacks=[{"time": 1}]), "feedback 0 is", '{"time": seconds'),
        (line(feedbacks=[{"time": "1", "text": "a"}]), 'time of feedback 0 is "1"', "a number of seconds"),
        (line(feedbacks=[{"time": None, "text": "a"}]), "time of feedback 0 is null", "a number of seconds"),
        (line(feedbacks=[{"time": math.nan, "text": "a"}]), "NaN is not a number", "finite numbers"),
        (line(feedbacks=[{"time": math.inf, "text": "a"}]), "Infinity is not a number", "finite numbers"),
        (line(feedbacks=[{"time": -3, "text": "a"}]), "time of feedback 0 is -3", "not before -0.25"),
        (line(feedbacks=[{"time": 10**400, "text": "a"}]), "time of feedback 0 is 1000", "a finite number"),
        (line(feedbacks=[{"time": 2, "text": "a"}, {"time": 1, "text": "b"}]), "feedback 1 at 1 s", "in order of time"),
        (line(feedbacks=[{"time": 2, "text": 5}]), "text of feedback 0 is a number", "a string"),
        (line(feedbacks=[{"time": 2, "text": "\ud800"}]), "half a surrogate", "UTF-8"),
        (line(exercise=4), "exercise is a number", "a string"),
        (b'{"video": "a", "video": "b"}', "key 'video' stands twice", "each key once"),
        (b'{"segment": 0, "feedbacks": []}', "no 'video'", "the keys video"),
        (b"\xff\xfe" + line(), "byte 1 of the line is not UTF-8", "UTF-8"),
        (b"[" * 100_000, "nested too deeply", "a line such as"),
        (b'{"video": "0", "segment": ' + b"1" * 5000 + b"}", "not JSON", "one JSON object"),
    ],
)  # fmt: skip
def test_each_fault_is_named(data, problem, expected):
    issue = one_issue(data)
    assert issue.line == 1
    assert problem in issue.problem
    assert expected in issue.expected


def test_1e999_is_not_finite():
    assert (
        "1e999" in one_issue(line().replace(b"12.25", b"1e999")).problem
        or "Infinity" in one_issue(line().replace(b"12.25", b"1e999")).problem
    )


def test_the_earliest_official_time_is_accepted():
    _, issues = parse_predictions(line(feedbacks=[{"time": -0.25, "text": "a"}]))
    assert issues == []


def test_a_segment_given_twice():
    issue = one_issue(line() + b"\n" + line())
    assert issue.line == 2
    assert "given before, in line 1" in issue.problem


def test_the_error_names_file_line_and_further_faults(tmp_path):
    path = tmp_path / "run.jsonl"
    path.write_bytes(line() + b"\n{}\n{}\n")
    with pytest.raises(UserError) as caught:
        read_predictions(path)
    text = str(caught.value)
    assert f"{path}:2" in text
    assert "and 1 more faulty lines" in text
    assert "qevd-bio validate" in text


@pytest.mark.parametrize("make", [lambda p: p.mkdir(), lambda p: None])
def test_a_folder_or_nothing_instead_of_a_file(tmp_path, make):
    path = tmp_path / "run.jsonl"
    make(path)
    with pytest.raises(UserError) as caught:
        read_predictions(path)
    assert "folder" in str(caught.value) or "no such file" in str(caught.value)


def test_validate_lists_every_fault(tmp_path):
    path = tmp_path / "run.jsonl"
    path.write_bytes(b"{}\n" * 5 + line())
    report = check_file(path, None, "")
    assert [issue.line for issue in report.issues] == [1, 2, 3, 4, 5]
    shown = list(report.lines(3))
    assert len(shown) == 5
    assert "… and 2 more" in shown
    assert shown[-1].endswith("5 faults: 1 segments of 1 videos, 1 feedbacks")


def test_official_pairs(tmp_path):
    path = tmp_path / "pairs.json"
    path.write_text('[{"GT": "Keep going!", "Pred": "Go on!"}]')
    assert read_pairs(path) == [("Keep going!", "Go on!")]


@pytest.mark.parametrize(
    ("text", "problem"),
    [("[]", "no pairs"), ("[1]", "pair 0"), ('[{"GT": "a"}]', "pair 0"), ('[{"GT": 1, "Pred": "a"}]', "pair 0"),
     ("[", "not JSON"), ("[" * 100_000, "not JSON"), ('[{"GT": "\\ud800", "Pred": ""}]', "pair 0")],
)  # fmt: skip
def test_faulty_official_pairs(tmp_path, text, problem):
    path = tmp_path / "pairs.json"
    path.write_text(text)
    with pytest.raises(UserError, match=problem):
        read_pairs(path)


def test_the_schema_says_what_the_reader_does():
    jsonschema = pytest.importorskip("jsonschema")
    from qevd_bio.store.resources import refs_path

    schema = json.loads(refs_path("schemas", "predictions.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    good = [GOOD, {**GOOD, "feedbacks": []}, {**GOOD, "extra": 1}, {k: v for k, v in GOOD.items() if k != "exercise"}]
    bad = [{}, [], {**GOOD, "segment": -1}, {**GOOD, "segment": True}, {**GOOD, "feedbacks": {}},
           {**GOOD, "feedbacks": [{"time": -1, "text": "a"}]}, {**GOOD, "feedbacks": [{"time": 1}]}]  # fmt: skip
    for value in good:
        assert validator.is_valid(value)
        assert parse_predictions(json.dumps(value).encode())[1] == []
    for value in bad:
        assert not validator.is_valid(value)
        assert parse_predictions(json.dumps(value).encode())[1] != []


def test_the_schema_in_the_docs_is_the_shipped_one():
    from qevd_bio.store.resources import refs_path

    docs = Path(__file__).parents[3] / "docs" / "predictions.schema.json"
    assert docs.read_bytes() == refs_path("schemas", "predictions.schema.json").read_bytes()
