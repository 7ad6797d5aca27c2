"""Ratings by people: blind sheets out, filled ones back, means, intervals and agreement."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from qevd_bio.annotation.options import SheetOptions
from qevd_bio.annotation.review.feedback_key import key_path
from qevd_bio.annotation.review.feedback_ratings import summary, take_back
from qevd_bio.annotation.review.feedback_sheets import make_sheets
from qevd_bio.scoring.options import ConfidenceOptions, ScoreOptions
from qevd_bio.scoring.stage import score
from qevd_bio.store.errors import UserError
from tests.scoring.scoring_build import predictions_for, write_benchmark, write_lines

OPTIONS = SheetOptions(count=30, raters=3, seed=4)
NAMES = ("poor", "good", "mixed")


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    root = tmp_path_factory.mktemp("scored")
    data = write_benchmark(root / "data", videos=8)
    options = ScoreOptions(metrics=("temporal",), interval=ConfidenceOptions(replicates=10))
    for seed, name in enumerate(NAMES):
        lines = predictions_for(data, seed=seed, jitter=0.2, copy={"poor": 0, "good": 1, "mixed": 0.5}[name])
        for line in lines:
            for said in line["feedbacks"]:
                said["text"] = f"{name} {said['text']}"
        score(write_lines(root / f"{name}.jsonl", lines), data, options, out=root / name)
    return [root / name for name in NAMES]


def rows_of(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def fill(path, rate):
    rows = rows_of(path)
    for row in rows:
        row |= {f"{letter}_rating": rate(row[letter].split()[0]) for letter in "ABC"}
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def test_sheets_are_blind_and_each_rater_has_an_order_of_their_own(scored, workspace, tmp_path):
    assert make_sheets(workspace, scored, tmp_path / "s", OPTIONS) == 30
    assert sorted(p.name for p in (tmp_path / "s").iterdir()) == ["guide.txt", *(f"sheet-{i}.csv" for i in (1, 2, 3))]
    sheets = [rows_of(tmp_path / "s" / f"sheet-{i}.csv") for i in (1, 2, 3)]
    orders = [[row["item"].split("-")[1] for row in rows] for rows in sheets]
    assert len({tuple(order) for order in orders}) == 3 and len({frozenset(order) for order in orders}) == 1
    # In these predictions the first word is the system, so that the test sees what raters do not.
    first = [[row["A"].split()[0] for row in rows] for rows in sheets]
    assert all({"poor", "good", "mixed"} == set(letters) for letters in first)
    assert all({row[c].split()[0] for c in "ABC"} == set(NAMES) for rows in sheets for row in rows)
    assert not any(name in path.read_text().splitlines()[0] for name in NAMES for path in (tmp_path / "s").iterdir())
    assert len({(r["video"], r["segment"], r["time_s"]) for r in sheets[0]}) == 30
    before = (tmp_path / "s" / "sheet-2.csv").read_bytes()
    make_sheets(workspace, scored, tmp_path / "again", OPTIONS)
    assert (tmp_path / "again" / "sheet-2.csv").read_bytes() == before
    with pytest.raises(UserError, match="key of other sheets"):
        make_sheets(workspace, scored, tmp_path / "other", SheetOptions(count=30, seed=5))


def test_ratings_come_back_to_their_systems(scored, workspace, tmp_path):
    make_sheets(workspace, scored, tmp_path / "s", OPTIONS)
    draw = np.random.default_rng(0)
    centre = {"poor": 2, "good": 4, "mixed": 3}
    for rater in (1, 2, 3):
        fill(tmp_path / "s" / f"sheet-{rater}.csv", lambda name: centre[name] + int(draw.integers(0, 2)))
    assert take_back(workspace, sorted((tmp_path / "s").glob("*.csv"))) == 270
    report = summary(workspace)
    means = {name: found["mean"] for name, found in report["systems"].items()}
    assert 2 < means["poor"] < 3 < means["mixed"] < 4 < means["good"] < 5
    for found in report["systems"].values():
        assert found["low"] <= found["mean"] <= found["high"] and found["n"] == 90
    difference = report["differences"][0]
    assert (difference["base"], difference["system"]) == ("poor", "good")
    assert difference["difference"] == pytest.approx(means["good"] - means["poor"]) and difference["p_value"] < 0.05
    # Raters agree on which system is better, and hardly on the halves drawn at random.
    assert report["alpha"] > 0.6 > 0.3 > abs(report["systems"]["good"]["alpha"])
    assert json.loads(key_path(workspace).with_name("human.json").read_text()) == report


def test_a_sheet_brought_back_again_stands_for_itself_alone(scored, workspace, tmp_path):
    make_sheets(workspace, scored, tmp_path / "s", OPTIONS)
    for rater in (1, 2):
        fill(tmp_path / "s" / f"sheet-{rater}.csv", lambda name: 5 if name == "good" else "")
    take_back(workspace, [tmp_path / "s" / "sheet-1.csv", tmp_path / "s" / "sheet-2.csv"])
    fill(tmp_path / "s" / "sheet-1.csv", lambda name: 1 if name == "good" else "")
    assert take_back(workspace, [tmp_path / "s" / "sheet-1.csv"]) == 30
    found = summary(workspace)["systems"]
    assert (found["good"]["mean"], found["good"]["n"], found["poor"]["mean"]) == (3.0, 60, None)


@pytest.mark.parametrize(
    ("rating", "words"),
    [("6", "the rating '6'"), ("3.5", "the rating '3.5'"), ("good", "the rating 'good'"), ("-1", "the rating '-1'")],
)
def test_a_rating_that_is_none_is_named_with_its_place(scored, workspace, tmp_path, rating, words):
    make_sheets(workspace, scored, tmp_path / "s", OPTIONS)
    fill(tmp_path / "s" / "sheet-1.csv", lambda name: rating)
    with pytest.raises(UserError, match=words) as caught:
        take_back(workspace, [tmp_path / "s" / "sheet-1.csv"])
    assert "sheet-1.csv:2, column A_rating" in str(caught.value)
    with pytest.raises(UserError, match="no ratings yet"):
        summary(workspace)


def test_other_files_and_changed_items(scored, workspace, tmp_path):
    with pytest.raises(UserError, match="no key of sheets"):
        take_back(workspace, [tmp_path / "x.csv"])
    make_sheets(workspace, scored, tmp_path / "s", OPTIONS)
    path = tmp_path / "s" / "sheet-1.csv"
    good = path.read_text()
    for content, words in (
        ("a,b\n1,2\n", "no sheet of these systems"),
        (good.replace("\n1-", "\n9-", 1), "there is no item '9-"),
        (good.replace("\n1-", "\nitem ", 1), "unknown item"),
        (good + good.splitlines(keepends=True)[1], "stands twice"),
    ):
        path.write_text(content)
        with pytest.raises(UserError, match=words):
            take_back(workspace, [path])


def test_one_system_is_not_side_by_side(scored, workspace, tmp_path):
    with pytest.raises(UserError, match="one system"):
        make_sheets(workspace, scored[:1], tmp_path / "s", OPTIONS)
