"""People's judgements on what was rewritten and kept: out as a page, back in, and how much was right."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from qevd_bio.rewriting.review_stage import export, key_of, summary, take_back
from qevd_bio.store.errors import UserError
from qevd_bio.tables.motion import CYCLES
from qevd_bio.tables.rewritten import FEEDBACKS, FeedbackRow
from qevd_bio.tables.verdicts import VERDICTS
from qevd_bio.tables.workspace import Workspace
from tests.made_rows import cycle_row, feedback_row, verdict

VERDICT = "S/V/0/0/error:knees_shallow/r"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Three rewritten corrections of two people, one kept, one praise."""
    made = Workspace(tmp_path / "w")
    rows = [
        feedback_row(span=number, video=video, participant=video, text=f"Right knee flexion {80 + number}°.")
        for number, video in ((1, "V"), (2, "V"), (3, "W"))
    ]
    kept = {"text": "Go deeper", "status": "unsupported", "reason": "within_bounds", "rules": [], "violation_ids": []}
    rows.append(feedback_row(span=4, closest=VERDICT, numbers="[]", **kept))
    rows.append(feedback_row(span=5, text="Good", original="Good", status="kept", rules=[], violation_ids=[]))
    FEEDBACKS.save(made.feedbacks, rows)
    VERDICTS.save(made.verdicts, [verdict(id=VERDICT)])
    CYCLES.save(made.cycles, [cycle_row()])
    return made


def keys(workspace: Workspace) -> list[tuple[str, FeedbackRow]]:
    return [(key_of(row), row) for row in FEEDBACKS.load(workspace.feedbacks) if row.status != "kept"]


def saved(path: Path, workspace: Workspace, reviewer: str, states: dict[int, tuple[str, str | None]]) -> Path:
    """A file as the page saves it; `states` by span."""
    decisions = [
        {"key": key, "state": states[row.span][0], "value": states[row.span][1], "at": "2026-01-02T10:00:00Z"}
        for key, row in keys(workspace)
        if row.span in states
    ]
    about = {"format": "qevd-bio review 1", "table": "rewriting", "reviewer": reviewer, "decisions": decisions}
    path.write_text(json.dumps(about), encoding="utf-8")
    return path


def test_the_page_shows_corrections_with_what_was_measured(workspace: Workspace, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert export(workspace, page) == 4
    text = page.read_text(encoding="utf-8")
    assert "what the trainer names was measured within its bounds" in text and "Right knee flexion" in text
    with page.with_suffix(".csv").open(encoding="utf-8") as stream:
        spans = [row["key"].split("/")[2] for row in csv.DictReader(stream)]
    assert spans == ["1", "2", "3", "4"], "the rewritten first"
    assert export(workspace, page, only=["S/W/*"]) == 1
    with pytest.raises(UserError, match="no correction"):
        export(workspace, page, only=["nothing"])


def test_judgements_come_back_as_a_share_with_its_interval(workspace: Workspace, tmp_path: Path) -> None:
    first = {1: ("accepted", None), 2: ("changed", "wrong"), 3: ("changed", "right"), 4: ("rejected", None)}
    assert take_back(workspace, [saved(tmp_path / "a.json", workspace, "A", first)]) == 4
    found = summary(workspace)["groups"]
    assert (found["rewritten"]["right"], found["rewritten"]["told"]) == (2, 3)
    assert found["rewritten"]["share"] == pytest.approx(2 / 3)
    assert found["rewritten"]["low"] <= 2 / 3 <= found["rewritten"]["high"]
    assert found["kept: within_bounds"]["right"] == 0
    assert (workspace.annotations / "rewriting-judged.json").is_file()
    with pytest.raises(UserError, match="no correction"):
        export(workspace, tmp_path / "page.html", undecided=True)


def test_two_reviewers_who_differ_do_not_count(workspace: Workspace, tmp_path: Path) -> None:
    for name, state in (("A", "accepted"), ("B", "rejected")):
        take_back(workspace, [saved(tmp_path / f"{name}.json", workspace, name, {1: (state, None)})])
    assert summary(workspace)["groups"]["rewritten"] == {
        "judged": 1, "told": 0, "right": 0, "share": None, "low": None, "high": None,
    }  # fmt: skip


def test_a_judgement_of_another_sentence_is_stale(workspace: Workspace, tmp_path: Path) -> None:
    take_back(workspace, [saved(tmp_path / "a.json", workspace, "A", {1: ("accepted", None), 3: ("accepted", None)})])
    rows = FEEDBACKS.load(workspace.feedbacks)
    rows[0] = feedback_row(span=1, text="Another sentence.")
    FEEDBACKS.save(workspace.feedbacks, rows)
    report = summary(workspace)
    assert report["stale"] == 1 and report["groups"]["rewritten"]["told"] == 1


def test_a_filled_csv_and_wrong_files(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    (key, _), *_ = keys(workspace)
    path.write_text(f"key,state,value,comment\n{key},changed,cannot tell,dark\n", encoding="utf-8")
    assert take_back(workspace, [path], "A") == 1
    path.write_text(f"key,state,value\n{key},changed,perhaps\n", encoding="utf-8")
    with pytest.raises(UserError, match="right, wrong, cannot tell"):
        take_back(workspace, [path], "A")
    with pytest.raises(UserError, match="qevd-bio rewrite"):
        take_back(Workspace(tmp_path / "empty"), [path], "A")
    with pytest.raises(UserError, match="no judgements yet"):
        (workspace.reviews).unlink()
        summary(workspace)
