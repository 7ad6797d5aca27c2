"""The rewritten data set: same files, times and spans; only supported texts change; everything is traceable."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.dataset.opening import open_dataset
from qevd_bio.dataset.writer import NewSpan, new_workout, write_split
from qevd_bio.rewriting.audit_stage import write_audit
from qevd_bio.rewriting.check import check_numbers
from qevd_bio.rewriting.options import RewriteOptions
from qevd_bio.rewriting.stage import rewrite
from qevd_bio.store.errors import UserError
from qevd_bio.tables.annotations import INTENTS, IntentRow
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.motion import CYCLES, CycleRow
from qevd_bio.tables.rewritten import FEEDBACKS
from qevd_bio.tables.verdicts import VERDICTS, Verdict
from qevd_bio.tables.workspace import Workspace
from tests.made_rows import cycle_row, verdict

SPLIT = "QEVD-FIT-COACH"
FPS = 10
TEXTS = {
    2: "First up are squats!",
    20: "Lower your body more",
    30: "Great — weiter so! 💪",
    45: "Keep your <b>elbows</b> in & up",
    60: "That's three.",
    90: "Squat deeper",
    97: "Go lower please",
    130: "Moving on to lunges!",
    150: "Don't lean forward",
    170: "And that's the end of the workout!",
}


def make_source(root: Path, texts: dict[int, str] = TEXTS, length: int = 7) -> Path:
    """One training video of 20 s; each text lasts `length` frames, so that 90 and 97 touch."""
    folder = root / SPLIT
    (folder / "long_range_videos").mkdir(parents=True)
    times = (1_600_000_000_000_000_000 + np.arange(200) * 1_000_000_000 // FPS).astype(np.int64)
    np.save(folder / "long_range_videos" / "0003_timestamps.npy", times)
    spans = [
        NewSpan(text, frame, frame + length - 1, text.startswith(("First", "Moving", "And that")))
        for frame, text in texts.items()
    ]
    write_split(folder, [new_workout(SPLIT, "0003", times, spans)])
    return root


def make_motion(workspace: Workspace) -> None:
    """Kinematics of the whole video, and shallow squats of two seconds each."""
    frames = 200
    angles = np.zeros((frames, 46), np.float32)
    time_s = np.arange(frames) / FPS
    for side in "rl":
        angles[:, DOF_INDEX[f"knee_angle_{side}"]] = np.deg2rad(40 - 40 * np.cos(np.pi * time_s))
    Kinematics(
        split=SPLIT, video="0003", fps=FPS, frame=np.arange(frames, dtype=np.int32), time_s=time_s, angles=angles,
        raw=angles, observed=np.ones((frames, 46), bool), confidence=np.ones(frames, np.float32),
        status=np.zeros(frames, np.uint8), root=np.zeros((frames, 3), np.float32), meta={"backend": "test"},
    ).write(workspace.kinematics(SPLIT, "0003"))  # fmt: skip
    CYCLES.save(workspace.cycles, [cycle(n) for n in range(6)])
    rows = [judged(n, side, 78.0 + n + 0.3 * (side == "l")) for n in range(6) for side in "rl"]
    rows += [judged(n, "", 20.0, rule="error:leaning", quantity="trunk_lean_deg", verdict="pass") for n in range(6)]
    VERDICTS.save(workspace.verdicts, rows)


def cycle(number: int) -> CycleRow:
    start = 2.0 * number
    return cycle_row(
        split=SPLIT, video="0003", cycle=number, start_s=start, middle_s=start + 1, end_s=start + 2, key_s=start + 1,
        keys=json.dumps({"bottom": start + 1}), best=number == 0, violations=2,
    )  # fmt: skip


def judged(number: int, side: str, value: float, **changes: Any) -> Verdict:
    start, rule = 2.0 * number, changes.get("rule", "error:knees_shallow")
    return verdict(
        id=f"{SPLIT}/0003/0/{number}/{rule}/{side}", split=SPLIT, video="0003", cycle=number, side=side, key="",
        value=value, goal=90.0 if side else 45.0, start_s=start, end_s=start + 2, at_s=start + 1, severity=0.6,
        persistence=number + 1, **changes,
    )  # fmt: skip


@pytest.fixture
def source(tmp_path: Path, workspace: Workspace) -> Path:
    make_motion(workspace)
    return make_source(tmp_path / "qevd")


def run(source: Path, workspace: Workspace, **options: Any):  # type: ignore[no-untyped-def]
    return rewrite(open_dataset(source), workspace, RewriteOptions(**options), videos="none")


def by_frame(rows: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    return {round(row["start_s"] * FPS): row for row in rows}


def test_only_supported_corrective_feedback_changes(source: Path, workspace: Workspace) -> None:
    outcome = run(source, workspace)
    rows = by_frame(FEEDBACKS.read_rows(outcome.path))
    assert {frame: row["status"] for frame, row in rows.items()} == {
        2: "kept", 20: "rewritten", 30: "kept", 45: "unsupported", 60: "kept", 90: "rewritten", 97: "rewritten",
        130: "kept", 150: "unsupported", 170: "kept",
    }  # fmt: skip
    assert rows[45]["reason"] == "no_rule"
    assert rows[150]["reason"] == "no_cycle"
    assert all(row["text"] == TEXTS[frame] for frame, row in rows.items() if row["status"] != "rewritten")
    assert "78° right and 78° left" in rows[20]["text"]
    assert rows[20]["cycle"] == 0
    assert (rows[20]["agreement"], rows[20]["part_agrees"], rows[20]["contradicts"]) == (1.0, True, False)
    assert outcome.mismatches == []


def test_everything_but_the_texts_is_identical(source: Path, workspace: Workspace) -> None:
    run(source, workspace)
    before = json.loads((source / SPLIT / "feedbacks_long_range.json").read_text())
    after = json.loads((workspace.rewritten / SPLIT / "feedbacks_long_range.json").read_text())
    for old, new in zip(before, after, strict=True):
        assert list(old) == list(new)
        assert {k: v for k, v in old.items() if k != "feedbacks"} == {k: v for k, v in new.items() if k != "feedbacks"}
        assert [bool(text) for text in old["feedbacks"]] == [bool(text) for text in new["feedbacks"]]
        assert changes(old["feedbacks"]) == changes(new["feedbacks"])
    name = "long_range_videos/0003_timestamps.npy"
    assert (source / SPLIT / name).read_bytes() == (workspace.rewritten / SPLIT / name).read_bytes()


def changes(dense: list[str]) -> list[int]:
    return [i for i in range(1, len(dense)) if dense[i] != dense[i - 1]]


def test_the_result_is_read_as_a_data_set_with_the_same_segments(source: Path, workspace: Workspace) -> None:
    run(source, workspace)
    old, new = open_dataset(source).segments(), open_dataset(workspace.rewritten).segments()
    assert [(s.key, s.start_s, s.end_s, len(s.feedbacks)) for s in old] == [
        (s.key, s.start_s, s.end_s, len(s.feedbacks)) for s in new
    ]


def test_touching_spans_never_get_one_text(tmp_path: Path, workspace: Workspace) -> None:
    make_motion(workspace)
    texts = {
        2: "First up are squats!",
        **{20 + 7 * n: "Lower your body more" + "!" * n for n in range(8)},
        170: "The end",
    }
    source = make_source(tmp_path / "qevd", {k: v for k, v in texts.items() if k != 170} | {170: "And that's the end!"})
    rows = FEEDBACKS.read_rows(run(source, workspace).path)
    texts = [row["text"] for row in rows if row["status"] == "rewritten"]
    assert len(texts) == 8
    assert all(a != b for a, b in pairwise(texts))
    assert len(open_dataset(workspace.rewritten).workouts()[0].spans) == len(rows)


def test_the_same_seed_gives_the_same_bytes(source: Path, workspace: Workspace, tmp_path: Path) -> None:
    run(source, workspace)
    other = Workspace(tmp_path / "other")
    make_motion(other)
    run(source, other)
    for name in (f"{SPLIT}/feedbacks_long_range.json", "feedbacks.parquet", "README.md"):
        assert (workspace.rewritten / name).read_bytes() == (other.rewritten / name).read_bytes()


def test_a_changed_number_is_found(source: Path, workspace: Workspace) -> None:
    rows = FEEDBACKS.load(run(source, workspace).path)
    verdicts = {one.id: one for one in VERDICTS.load(workspace.verdicts)}
    assert check_numbers(rows, verdicts) == []
    changed = [replace(row, text=row.text.replace("90°", "95°")) for row in rows]
    assert {m.problem for m in check_numbers(changed, verdicts)} == {"the text's numbers are not those of its evidence"}
    moved = {key: replace(one, value=one.value + 1) for key, one in verdicts.items()}
    assert len(check_numbers(rows, moved)) >= 3
    assert {m.problem.split()[0] for m in check_numbers(rows, {})} == {"no"}


def test_refusals_say_what_to_do(source: Path, workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="qevd-bio analyze"):
        rewrite(open_dataset(source), Workspace(tmp_path / "empty"), RewriteOptions())
    run(source, workspace)
    with pytest.raises(UserError, match="was rewritten already"):
        rewrite(open_dataset(workspace.rewritten), workspace, RewriteOptions())
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "a.mp4").write_bytes(b"")
    with pytest.raises(UserError, match="there is no feedback to rewrite"):
        rewrite(open_dataset(tmp_path / "plain"), workspace, RewriteOptions())


def test_without_kinematics_nothing_is_claimed(source: Path, workspace: Workspace) -> None:
    workspace.kinematics(SPLIT, "0003").unlink()
    rows = FEEDBACKS.read_rows(run(source, workspace).path)
    assert {row["reason"] for row in rows if row["status"] == "unsupported"} == {"no_kinematics"}
    assert not any(row["status"] == "rewritten" for row in rows)


def test_a_reviewed_intent_goes_before_the_rules(source: Path, workspace: Workspace) -> None:
    known = IntentRow(
        split=SPLIT, video="0003", span=1, segment=0, time_s=2.0, text=TEXTS[20], intent="motivational", body_parts=[],
        directions=[], avoid=[], confidence=1.0, status="ok", method="llm", review_state="changed",
    )  # fmt: skip
    stale = replace(known, span=5, text="a text of another version")
    INTENTS.save(workspace.annotation("intents"), [known, stale])
    found = by_frame(FEEDBACKS.read_rows(run(source, workspace).path))
    assert (found[20]["intent"], found[20]["intent_method"], found[20]["status"]) == ("motivational", "llm", "kept")
    assert (found[90]["intent"], found[90]["intent_method"]) == ("corrective", "rules")


def test_the_policies_stand_side_by_side(source: Path, workspace: Workspace, tmp_path: Path) -> None:
    outcome = run(source, workspace)
    paper, own = outcome.by_policy["paper"], outcome.by_policy["supported"]
    assert paper.rewritten > own.rewritten
    assert own.contradictions == 0
    card = (workspace.rewritten / "README.md").read_text()
    assert "| `paper` |" in card
    assert "| `no_rule` |" in card


def test_the_audit_page_shows_evidence_and_escapes_text(source: Path, workspace: Workspace) -> None:
    outcome = run(source, workspace)
    page = write_audit(workspace, outcome.mismatches).read_text()
    assert "Keep your &lt;b&gt;elbows&lt;/b&gt; in &amp; up" in page
    assert "<b>" not in page
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert page.count("<svg") == 4  # the fourth belongs to a correction that kept its words
    assert "Who was not read" in page
    assert "re-derived from the verdicts behind it" in page


def test_hugging_face_datasets_reads_the_table(source: Path, workspace: Workspace, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    outcome = run(source, workspace)
    loaded = datasets.load_dataset(
        "parquet", data_files=str(outcome.path), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert len(loaded) == len(TEXTS)
    assert {"original", "text", "intent", "violation_ids", "numbers"} <= set(loaded.column_names)
