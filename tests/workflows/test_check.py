"""From rows to an answer, and `qevd-bio check` on a drawn clip and on wrong input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from qevd_bio.cli.app import app
from typer.testing import CliRunner

from qevd_bio.exercise.catalogue import get
from qevd_bio.tables.motion import CycleRow, MotionSegment
from qevd_bio.tables.verdicts import Verdict
from qevd_bio.workflows.check_result import CheckResult, summarise
from tests.made_rows import cycle_row, verdict


def segment(**changes: Any) -> MotionSegment:
    known: dict[str, Any] = {
        "split": "S", "video": "V", "segment": 0, "exercise": "squats", "status": "ok", "start_s": 0.0, "cycles": 8,
        "units": 8.0, "pose_share": 1.0,
    }  # fmt: skip
    return MotionSegment(**(known | changes))


def cycles(number: int, seconds: float = 1.6) -> list[CycleRow]:
    return [cycle_row(cycle=i, start_s=2.0 * i, end_s=2.0 * i + seconds) for i in range(number)]


def shallow(cycle: int, side: str = "r", **changes: Any) -> Verdict:
    """A squat that is too shallow on one side, at the bottom 1 s after it began."""
    known: dict[str, Any] = {"cycle": cycle, "side": side, "joint": f"knee_{side}", "value": 72.0, "severity": 0.5}
    return verdict(**(known | {"at_s": 2.0 * cycle + 1.0, "start_s": 2.0 * cycle} | changes))


def kept(cycle: int, rule: str = "knees_shallow", quantity: str = "knee_angle", **changes: Any) -> Verdict:
    known: dict[str, Any] = {"cycle": cycle, "rule": f"error:{rule}", "quantity": quantity, "verdict": "pass"}
    return verdict(**(known | {"severity": 0.0, "value": 95.0} | changes))


def answer(verdicts: list[Verdict], number: int = 8) -> CheckResult:
    return summarise(segment(), cycles(number), verdicts, get("squats"))


def test_a_fault_that_recurs_is_told_with_times_numbers_and_reason() -> None:
    both = [shallow(i, side) for i in range(6) for side in "rl"]
    found = answer([*both, *(kept(i) for i in (6, 7))])
    (finding,) = found.to_fix
    assert found.headline == "8 squats, 1.6 s each."
    assert (finding.repetitions, finding.judged) == (6, 8)  # right and left of a repetition count once
    assert finding.times_s == (1.0, 3.0, 5.0, 7.0, 9.0, 11.0)
    assert finding.text == (
        "Knee flexion at the bottom 72°, target 90° (in 6 of 8, at 0:01, 0:03, 0:05, 0:07 …). "
        "Bend the knees further and let the thighs come towards horizontal. "
        "A thigh near horizontal trains the thigh and buttock muscles over their useful range."
    )


def test_one_side_is_named_where_only_it_is_at_fault() -> None:
    found = answer([shallow(i, "l") for i in range(8)] + [kept(i, side="r") for i in range(8)])
    assert found.to_fix[0].what == "left knee flexion at the bottom"


@pytest.mark.parametrize(
    ("broken", "of", "severity", "named"),
    [
        (1, 8, 0.5, False),
        (2, 8, 0.5, False),
        (3, 8, 0.5, True),
        (2, 5, 0.5, True),
        (1, 2, 0.5, False),
        (1, 8, 0.6, True),
    ],
)
def test_a_fault_is_named_when_it_recurs_or_is_grave(broken: int, of: int, severity: float, named: bool) -> None:
    rows = [shallow(i, severity=severity) for i in range(broken)] + [kept(i) for i in range(broken, of)]
    found = answer(rows, of)
    assert bool(found.to_fix) is named and bool(found.seldom) is not named
    assert "knee flexion" not in found.fine


def test_a_soft_rule_is_not_named_for_one_grave_repetition() -> None:
    heels: dict[str, Any] = {
        "rule": "error:heels_lift",
        "quantity": "foot_pitch",
        "value": 40.0,
        "goal": 0.0,
        "severity": 0.7,
    }
    found = answer([shallow(0, **heels), *(kept(i, "heels_lift", "foot_pitch") for i in range(1, 8))])
    assert found.to_fix == () and [f.rule for f in found.seldom] == ["error:heels_lift"]


def test_what_is_kept_unseen_and_unsure_is_said_once_each() -> None:
    rows = [row for i in range(4) for row in (
        kept(i), kept(i, "not_upright"), kept(i, "leaning", "trunk_lean_deg", verdict="not_sure"),
        kept(i, "back_rounds", "spine_extension", verdict="not_judged", reason="not_observed"),
        kept(i, "too_fast", "cycle_duration", verdict="not_judged", reason="cut_off"),
    )]  # fmt: skip
    found = answer(rows, 4)
    assert found.lines() == [
        "4 squats, 1.6 s each.",
        "To fix: nothing that recurs or is grave.",
        "Fine: knee flexion.",
        "Not sure: forward trunk lean.",
        "Not judgeable from this view: spinal extension.",
        "Not judged, for want of a whole repetition: repetition time.",
    ]


def test_a_quantity_is_fine_only_where_all_its_rules_are_sure() -> None:
    found = answer([row for i in range(4) for row in (kept(i), kept(i, "not_upright", verdict="not_sure"))], 4)
    assert (found.fine, found.not_sure) == ((), ("knee flexion",))


def test_two_sided_cycles_count_twice_and_last_half() -> None:
    rows = [cycle_row(exercise="high_knees", cycle=i, end_s=1.2, units=2.0) for i in range(3)]
    slow: dict[str, Any] = {
        "rule": "error:too_slow",
        "quantity": "cycle_duration",
        "unit": "s",
        "stat": "value",
        "side": "",
        "key": "",
    }
    late = [shallow(i, **(slow | {"value": 1.6, "goal": 0.8})) for i in range(3)]
    found = summarise(segment(exercise="high_knees"), rows, late, get("high knees"))
    assert found.headline == "6 knee lifts, 0.6 s each."
    assert "(in 3 of 3 pairs, at" in found.to_fix[0].text


def test_without_repetitions_or_pose_the_answer_says_so() -> None:
    assert summarise(segment(status="no_cycle"), [], [], get("squats")).lines() == ["No squats found."]
    broken = summarise(segment(status="no_pose", detail="none of the 40 frames has a pose"), [], [], get("squats"))
    assert broken.lines() == ["None of the 40 frames has a pose."]


def check(*words: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["check", *map(str, words), "-q"])
    assert "Traceback" not in done.output and (done.exception is None or isinstance(done.exception, SystemExit))
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.usefixtures("pose_model")
def test_the_command_answers_from_a_drawn_clip_and_continues(tmp_path: Path) -> None:
    from qevd_bio.anatomy.skeleton import Skeleton
    from qevd_bio.simulation.drawing.camera import Camera
    from qevd_bio.simulation.drawing.mp4 import write_mp4
    from qevd_bio.simulation.drawing.render import render_clip
    from qevd_bio.simulation.performance.exact_motion import Plan, make_motion

    skeleton = Skeleton.from_stature(1.75)
    motion = make_motion("squats", skeleton, Plan(seconds=8.0, depth=0.5, cycle_s=2.2))
    camera = Camera.looking_at((0.0, 0.9, 0.0), 35.0, distance=3.4)
    folder, work = tmp_path / "clips", tmp_path / "work"
    folder.mkdir()
    write_mp4(folder / "half.mp4", render_clip(motion.angles[::2], skeleton, motion.root[::2], camera), 15)
    code, said, _ = check(folder, "--exercise", "squats", "--workspace", work)
    assert code == 0 and said.startswith("3 squats, 2.")
    assert "Knee flexion" in said and "target 90°" in said and f"Page: {work / 'check.html'}" in said
    film = work / "films" / "videos" / "half.mp4"
    assert f"Video: {film}" in said and film.stat().st_size > 10_000
    drawn = film.stat().st_mtime_ns
    page = (work / "check.html").read_text("utf-8")
    assert "3 squats" in page and "Bend the knees further" in page

    (folder / "bad.mp4").write_bytes(b"no video")
    code, out, _ = check(folder, "--workspace", work, "--exercise", "squats", "--json")
    found = json.loads(out)
    assert code == 2 and list(found["failed"]) == ["videos/bad"]  # the other answer stays
    assert found["videos"] == {"videos/half": str(film)} and film.stat().st_mtime_ns == drawn  # not made again
    (result,) = found["results"]
    assert (result["counted"], result["unit"], result["exercise"]) == (3.0, "squats", "squats")
    assert any(f["rule"] == "error:knees_shallow" and f["repetitions"] == 3 for f in result["to_fix"])

    (folder / "bad.mp4").unlink()
    code, said, _ = check(folder, "--exercise", "auto", "--no-video", "--workspace", tmp_path / "auto")
    assert code == 2 and said.startswith("videos/half: not sure which exercise this is: ")  # they are hardly squats
    assert " or " in said and "Say it with --exercise " in said and "failed" not in said
    assert not (tmp_path / "auto" / "check.html").exists()


def test_wrong_input_is_one_message_and_leaves_nothing(tmp_path: Path) -> None:
    work, empty, video = tmp_path / "work", tmp_path / "empty", tmp_path / "a.mp4"
    empty.mkdir()
    video.write_bytes(b"")
    for words, message in (
        ((tmp_path / "none.mp4", "--exercise", "squats"), "none.mp4: no such file or folder"),
        ((empty, "--exercise", "squats"), "no data set here"),
        ((video, "--exercise", "sqats"), "squats"),
        ((video,), "no exercise is known for this video"),
    ):
        code, out, err = check(*words, "--workspace", work)
        assert code == 2 and out == "" and message in err
    assert not (work / "kinematics").exists()
