"""Whole segments: the stream gives what the batch gives, and knows nothing of the future."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from qevd_bio.motion.frames import Frames, feature_frames
from qevd_bio.motion.judging.evaluate import JudgedCycle, Setup
from qevd_bio.motion.options import ConstraintOptions, CycleOptions, MotionOptions
from qevd_bio.motion.segment import analyse
from qevd_bio.motion.stream import MotionStream
from qevd_bio.store.errors import UserError
from qevd_bio.tables.motion import ContextRow
from tests.motion.conftest import MakeFrames, MakeSetup, lose


def stream(frames: Frames, setup: Setup) -> tuple[list[JudgedCycle], list[ContextRow]]:
    machine = MotionStream(setup)
    cycles: list[JudgedCycle] = []
    contexts: list[ContextRow] = []
    for i in range(len(frames)):
        update = machine.push(
            int(frames.frame[i]),
            float(frames.time_s[i]),
            frames.angles[i],
            frames.observed[i],
            float(frames.confidence[i]),
            int(frames.status[i]),
            frames.root[i],
        )
        cycles += update.cycles
        contexts += [update.context] if update.context else []
    return [*cycles, *machine.finish().cycles], contexts


def same(a: JudgedCycle, b: JudgedCycle) -> bool:
    assert repr(a.cycle) == repr(b.cycle)
    assert a.similarity.score == pytest.approx(b.similarity.score, abs=1e-9, nan_ok=True)
    assert (a.number, a.own, a.frames.tolist()) == (b.number, b.own, b.frames.tolist())
    for one, two in zip(a.verdicts, b.verdicts, strict=True):
        assert (one.rule, one.side, one.verdict, one.reason, one.persistence) == (
            two.rule, two.side, two.verdict, two.reason, two.persistence,
        )  # fmt: skip
        assert one.value == pytest.approx(two.value, abs=1e-6, nan_ok=True)
    return True


@pytest.mark.parametrize(
    "name", ["squats", "high_knees", "walking_lunges", "squat_kicks", "jumping_jacks", "quad_stretch"]
)
def test_the_stream_equals_the_batch(name: str, make_frames: MakeFrames, make_setup: MakeSetup) -> None:
    frames = make_frames(name, reps=6, noise=0.02, lost=(100, 106))
    setup = make_setup(name)
    result = analyse(frames, setup)
    cycles, contexts = stream(frames, setup)
    assert len(cycles) == len(result.cycles) >= 1
    assert all(same(a, b) for a, b in zip(cycles, result.cycles, strict=True))
    assert contexts == list(result.contexts)


@pytest.mark.parametrize("name", ["squats", "high_knees", "squat_kicks"])
def test_the_paper_s_constraints_are_streamed_too(name: str, make_frames: MakeFrames, make_setup: MakeSetup) -> None:
    frames = make_frames(name, reps=6, noise=0.02, change={"knee_angle_r": 0.7, "hip_flexion_r": 0.7})
    setup = make_setup(name, options=MotionOptions(constraints=ConstraintOptions(method="paper")))
    result = analyse(frames, setup)
    cycles, contexts = stream(frames, setup)
    assert all(same(a, b) for a, b in zip(cycles, result.cycles, strict=True))
    assert contexts == list(result.contexts)
    assert any("insufficient" in context.motion or "excessive" in context.motion for context in contexts)


def test_contexts_know_only_the_past(make_frames: MakeFrames, make_setup: MakeSetup) -> None:
    frames, setup = make_frames("squats", reps=6), make_setup("squats")
    whole = analyse(frames, setup).contexts
    for cut in (31, 200, 333):
        part = analyse(frames.part(0, cut), setup).contexts
        assert part == whole[: len(part)]
        assert len(part) == pytest.approx(cut / 30 * 4, abs=2)


def test_contexts_come_at_four_hertz_whatever_the_rate() -> None:
    for fps in (16.0, 24.0, 29.97, 30.0, 60.0):
        times = np.arange(int(20 * fps)) / fps
        steps = times[feature_frames(times)]
        assert len(steps) == pytest.approx(80, abs=1)
        assert np.diff(steps) == pytest.approx(np.full(len(steps) - 1, 0.25), abs=1.5 / fps)


@pytest.mark.parametrize(
    "name", ["squats", "push_ups", "good_mornings", "toe_touchers", "shoulder_gators", "squat_kicks"]
)
def test_repetitions_of_the_reference_are_counted_and_look_like_it(
    name: str, make_frames: MakeFrames, make_setup: MakeSetup
) -> None:
    result = analyse(make_frames(name, reps=6), make_setup(name))
    whole = [c for c in result.cycles if not c.cycle.partial]
    assert len(whole) == pytest.approx(6, abs=1)
    assert np.median([c.similarity.score for c in whole]) > 0.9
    assert result.best is not None
    assert {v.verdict for c in whole[1:-1] for v in c.verdicts if v.kind == "error"} <= {"pass", "not_judged"}


def test_a_fault_reaches_the_context_after_its_cycle_and_goes_with_it(
    make_frames: MakeFrames, make_setup: MakeSetup
) -> None:
    good, bad = (
        make_frames("squats", reps=2),
        make_frames("squats", reps=3, change={"knee_angle_r": 0.7, "knee_angle_l": 0.7}),
    )
    angles = np.concatenate([good.angles, bad.angles, good.angles])
    count = len(angles)
    frames = Frames(
        np.arange(count, dtype=np.int32), np.arange(count) / 30.0, angles, np.ones(angles.shape, bool),
        np.full(count, 0.9), np.zeros(count, np.uint8), np.full((count, 3), np.nan),
    )  # fmt: skip
    result = analyse(frames, make_setup("squats"))
    issues = {row.cycle: "Right knee flexion insufficient" in row.motion for row in result.contexts}
    assert [issues[number] for number in (0, 1, 2, 3, 4)] == [False, False, True, True, True]
    assert issues[max(issues)] is False


def test_a_lost_pose_warns_for_half_a_second_then_is_not_known(make_frames: MakeFrames, make_setup: MakeSetup) -> None:
    frames = lose(make_frames("squats", reps=3), 120, 179)
    rows = analyse(frames, make_setup("squats")).contexts
    at = {round(row.time_s, 2): row for row in rows}
    early = next(row for time, row in at.items() if 4.05 < time < 4.4)
    late = next(row for time, row in at.items() if 4.6 < time < 5.9)
    assert early.pose_known and early.morph.startswith("Warning")
    assert not late.pose_known and "Current pose: not known." in late.motion
    assert not rows[0].morph.startswith("Warning")


def test_nothing_and_next_to_nothing(make_frames: MakeFrames, make_setup: MakeSetup) -> None:
    frames, setup = make_frames("squats", reps=1), make_setup("squats")
    for last in (-1, 0, 9):
        part = frames.part(0, last)
        assert analyse(part, setup).cycles == ()
        assert stream(part, setup)[0] == []
    unseen = lose(frames, 0, len(frames) - 1)
    result = analyse(unseen, setup)
    assert result.cycles == () and not any(row.pose_known for row in result.contexts)


def test_an_exercise_without_reference_is_still_judged(make_frames: MakeFrames, make_setup: MakeSetup) -> None:
    result = analyse(make_frames("squats"), make_setup("squats", reference=None))
    assert len(result.cycles) == 5 and result.best is None
    assert all(math.isnan(c.similarity.score) for c in result.cycles)
    assert {v.verdict for c in result.cycles for v in c.verdicts} >= {"pass"}


def test_the_second_signal_is_used_where_a_recording_lacks_the_first(
    make_frames: MakeFrames, make_setup: MakeSetup
) -> None:
    from qevd_bio.anatomy.dofs import DOF_INDEX

    frames = make_frames("squats")
    lacking = [DOF_INDEX["knee_angle_r"], DOF_INDEX["knee_angle_l"]]
    frames.angles[:, lacking] = 0.0
    frames.observed[:, lacking] = False
    result = analyse(frames, make_setup("squats"))
    assert "hip_flexion" in result.signal and len(result.cycles) == 5
    knees = [v for c in result.cycles for v in c.verdicts if v.quantity == "knee_angle"]
    assert {v.verdict for v in knees} == {"not_judged"}


def test_the_papers_rule_runs_in_batch_and_refuses_to_stream(make_frames: MakeFrames, make_setup: MakeSetup) -> None:
    options = MotionOptions(cycles=replace(CycleOptions(), method="paper"))
    setup = make_setup("squats", options=options)
    assert len(analyse(make_frames("squats"), setup).cycles) >= 3
    with pytest.raises(UserError, match="needs the whole clip"):
        MotionStream(setup)


def test_an_hour_costs_no_more_memory_than_a_minute(make_frames: MakeFrames, make_setup: MakeSetup) -> None:
    machine = MotionStream(make_setup("squats"))
    frames = make_frames("squats", reps=20)
    sizes = []
    for round_ in range(3):
        for i in range(len(frames)):
            time = float(frames.time_s[i]) + round_ * (float(frames.time_s[-1]) + 1 / 30)
            machine.push(i, time, frames.angles[i], frames.observed[i])
        sizes.append(sum(len(block.frames) for block in machine._kept))
    assert sizes[1] == pytest.approx(sizes[2], abs=10) and sizes[2] <= 31 * 30
