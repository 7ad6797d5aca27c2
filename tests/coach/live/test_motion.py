"""Live analysis on poses that are known: the repetitions of the whole clip, contexts, joints chosen on the way."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.coach.baselines.rules import RulesCoach
from qevd_bio.coach.live.model import LiveModel, ModelWatcher
from qevd_bio.coach.live.motion import ContextRoom, LiveMotion
from qevd_bio.coach.live.pose import LivePose, LivePoses, LiveRow
from qevd_bio.coach.live.session import RulesWatcher
from qevd_bio.coach.live.source import LiveFrame
from qevd_bio.coach.options import GenerateOptions
from qevd_bio.coach.segments.contexts import NOTHING
from qevd_bio.exercise.catalogue import get
from qevd_bio.exercise.reference import load_reference
from qevd_bio.exercise.vocabulary import joint_names
from qevd_bio.motion.frames import Frames
from qevd_bio.motion.judging.evaluate import Setup
from qevd_bio.motion.judging.occasion import CameraView
from qevd_bio.motion.segment import analyse
from qevd_bio.simulation.performance.exact_motion import ExactMotion, Plan, make_motion
from qevd_bio.store.errors import UserError
from qevd_bio.tables.kinematics import MISSING, OK
from qevd_bio.tables.workspace import Workspace
from tests.coach.conftest import MakeCoach

SKELETON = Skeleton.from_stature(1.75)
HZ, NOBODY_S = 16.0, 2.0
IMAGE = np.zeros((4, 4, 3), np.uint8)


class KnownPose(LivePose):
    """The poses of a made movement in the place of estimated ones; nobody is there for the first two seconds."""

    def __init__(self, motion: ExactMotion) -> None:
        self._motion, self._times = motion, list[tuple[int, float]]()

    def see(self, index: int, time_s: float, image: np.ndarray) -> None:
        self._times.append((index, time_s))

    def poses(self) -> LivePoses:
        rows, self._times = [row_of(self._motion, *at) for at in self._times], []
        if rows[-1][5] == MISSING:
            return LivePoses(rows)
        return LivePoses(rows, dict(SKELETON.lengths()), 0.0)


def row_of(motion: ExactMotion, index: int, time_s: float) -> LiveRow:
    place, gone = round((time_s - NOBODY_S) * 30), np.full(46, np.nan)
    if not 0 <= place < len(motion.angles):
        return index, time_s, gone, np.zeros(46, bool), 0.0, MISSING, np.full(3, np.nan), gone, gone
    angles = motion.angles[place]
    return index, time_s, angles, np.ones(46, bool), 0.9, OK, motion.root[place], angles, np.full(46, 1e-4)


@pytest.fixture(scope="module")
def shallow() -> ExactMotion:
    return make_motion("squats", SKELETON, Plan(seconds=10.0, depth=0.5, cycle_s=2.5))


def live_motion(motion: ExactMotion, tmp_path: Path, room: ContextRoom | None = None) -> LiveMotion:
    return LiveMotion(KnownPose(motion), get("squats"), Workspace(tmp_path), room=room)


def test_the_repetitions_are_those_of_the_whole_clip(shallow: ExactMotion, tmp_path: Path) -> None:
    live, found, motions = live_motion(shallow, tmp_path), set[int](), []
    times = np.arange(12 * HZ) / HZ
    for index, time_s in enumerate(times):
        step = live.see(index, float(time_s), IMAGE)
        assert (step is not None) == (index % 4 == 3)
        if step is not None:
            motions.append(step.motion)
            found |= {row.cycle for row in step.verdicts}
            assert step.morph.startswith("User body")
    rows = [row_of(shallow, index, float(time_s)) for index, time_s in enumerate(times)]
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    exercise = get("squats")
    reference = load_reference(exercise)
    setup = Setup(exercise, reference.angles, joint_names(exercise.salient), reference.fps, skeleton=SKELETON,
                  camera=CameraView(0.0))  # fmt: skip
    *seen, slow, sigma = columns
    whole = analyse(Frames(*seen, sigma=sigma, slow=slow), setup)
    settled = [cycle.number for cycle in whole.cycles if np.isfinite(cycle.reported_s)]
    assert found == set(settled) and len(found) >= 3
    assert motions[:7] == [NOTHING] * 7 and [row.motion for row in whole.contexts][8:] == motions[8:]


def test_chosen_joints_replace_the_exercises_own(shallow: ExactMotion, tmp_path: Path) -> None:
    live, motions = live_motion(shallow, tmp_path), []
    for index in range(160):
        step = live.see(index, index / HZ, IMAGE)
        motions += [step.motion] if step else []
        if index == 79:
            live.focus(("elbow_r", "elbow_l"))
    assert "knee" in motions[15].splitlines()[0] and "elbow" not in motions[15].splitlines()[0]
    assert "elbow" in motions[-1].splitlines()[0] and "knee" not in motions[-1].splitlines()[0]
    assert "Cycle: none" not in motions[-1]  # what was seen before still counts


def test_contexts_fit_the_place_that_a_model_keeps_for_them(shallow: ExactMotion, tmp_path: Path) -> None:
    plain, short = live_motion(shallow, tmp_path), live_motion(shallow, tmp_path, ContextRoom(200, len))
    for index in range(160):
        one, two = plain.see(index, index / HZ, IMAGE), short.see(index, index / HZ, IMAGE)
    assert one is not None and two is not None and len(two.motion) <= 200 < len(one.motion)
    assert one.motion.startswith(two.motion.splitlines()[0].rstrip("."))  # the last joints went first


def test_a_context_without_room_is_one_message(make_coach: MakeCoach) -> None:
    model = LiveModel(make_coach("biocoach", seed=1), "Squats.", GenerateOptions(max_tokens=4))
    tokens = np.zeros((6, 32), np.float32)
    model.step(tokens, 0.25, NOTHING, "")
    with pytest.raises(UserError, match="the model keeps 160 for it"):
        model.step(tokens, 0.5, "Current pose: " + "knee 85°, " * 200, "")


def test_rules_speak_when_a_repetition_is_over(shallow: ExactMotion, tmp_path: Path) -> None:
    watcher, said = RulesWatcher(live_motion(shallow, tmp_path), RulesCoach(get("squats"))), []
    for index in range(192):
        said += watcher.see(LiveFrame(index, index / HZ, IMAGE, 0.0))
    assert "nee flexion 54° (target: 90°). Bend the knees" in said[0][1]
    assert NOBODY_S + 0.8 + 2.5 < said[0][0] < NOBODY_S + 0.8 + 2 * 2.5  # before the second one is over
    assert all(later - sooner >= 4 for (sooner, _), (later, _) in pairwise(said))


def test_a_trained_selector_chooses_after_three_seconds(
    shallow: ExactMotion, tmp_path: Path, make_coach: MakeCoach
) -> None:
    class Features:
        seen = 0

        def push(self, frame: torch.Tensor) -> torch.Tensor | None:
            self.seen += 1
            return None if self.seen % 4 else torch.full((1, 32, 3, 2), 0.01 * self.seen)

        def finish(self) -> None:
            return None

    coach, chosen = make_coach("biocoach", seed=1), list[tuple[str, ...]]()
    model = LiveModel(coach, "Squats.", GenerateOptions(max_tokens=4))
    live = live_motion(shallow, tmp_path, model.room)
    focus = live.focus
    live.focus = lambda joints: (chosen.append(tuple(joints)), focus(joints))  # type: ignore[assignment, func-returns-value]
    watcher = ModelWatcher(model, Features(), live, coach.model.selector, 12)
    for index in range(80):
        watcher.see(LiveFrame(index, index / HZ, IMAGE, 0.0))
        assert watcher.stepped == (index % 4 == 3) and len(chosen) == (index >= 47)
    features = torch.stack([torch.full((6, 32), 0.01 * 4 * (step + 1)) for step in range(12)])
    assert chosen == [tuple(coach.model.selector.choose(features))] and len(chosen[0]) == 12  # type: ignore[union-attr]
