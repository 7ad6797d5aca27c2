"""Rows of the ablation table: what each gives the model differs from the full model in what the row names alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from qevd_bio.coach.model.checkpoint import Coach
from qevd_bio.coach.options import AS_TRAINED, BESIDE_TABLE_3, TABLE_3, VARIANTS
from qevd_bio.coach.segments.coach_views import coach_view
from qevd_bio.coach.segments.contexts import NOBODY, NOTHING
from qevd_bio.coach.segments.data import SegmentInput, sources
from qevd_bio.coach.training.coach import parts_to_train
from qevd_bio.coach.training.collate import Batch, collate
from qevd_bio.coach.training.examples import features_of, make_example, targets_of
from qevd_bio.coach.training.options import CoachData
from qevd_bio.dataset.opening import open_dataset
from qevd_bio.exercise.catalogue import get
from qevd_bio.exercise.vocabulary import joint_names
from qevd_bio.motion.context import parse_motion
from qevd_bio.motion.pose_state import PoseState
from qevd_bio.tables.workspace import Workspace

from .data_set import SPLIT, write_kinematics, write_training_split

SQUATS, HIGH_KNEES = 0, 1
"""The segments of each video."""


@dataclass
class Given:
    """What a row gives: the segment as it is read, the batch made of it, the parts and number of values trained."""

    segment: SegmentInput
    batch: Batch
    parts: tuple[str, ...]
    trained: int

    def pose_joints(self, step: int = -1) -> set[tuple[str, str]]:
        """The joints whose pose is told at a step."""
        return {(v.side, v.joint) for v in parse_motion(self.segment.motion[step]).pose}

    def cycles(self) -> list[tuple[int, str]]:
        """How many repetitions each step knows, and how long the last one took."""
        return [(found.cycles, f"{found.last_s}") for found in map(parse_motion, self.segment.motion)]


@pytest.fixture
def give(tmp_path: Path, workspace: Workspace, make_coach: Callable[..., Coach]) -> Callable[..., Given]:
    """`give(row, segment)` of the first video's squats or high knees, by a coach whose language model is frozen and whose selector was trained."""
    root = write_training_split(tmp_path / "data", workspace)
    write_kinematics(root, workspace)

    def of(row: str, segment: int = SQUATS) -> Given:
        coach = make_coach(**vars(VARIANTS[row]))
        coach.about = {"selector": "trained"}
        chosen = sources(open_dataset(root), workspace, coach.sees, reads=coach.reads, split=SPLIT)
        if coach.reads.measured:
            view = coach_view(coach, row, coach.wish(AS_TRAINED), chosen, workspace)
            assert view.salient == VARIANTS[row].salient
            chosen = sources(open_dataset(root), view.workspace, coach.sees, reads=coach.reads, split=SPLIT)
        source = chosen[segment]
        example = make_example(source.load(), targets_of(source.segment), coach, CoachData(), features_of(source))
        vision = coach.config.vision
        parts = parts_to_train(coach, "long")
        batch = collate([example], coach.tokens.pad, (vision.tokens, vision.dim))
        return Given(source.load(), batch, parts, coach.model.train_only(parts))

    return of


def differ(one: Given, other: Given) -> set[str]:
    """Names of what differs: features, prompt, motion, morph, targets, trained."""
    first, second = one.segment, other.segment
    found = {name for name in ("prompt", "motion", "morph") if getattr(first, name) != getattr(second, name)}
    found |= {"features"} if not np.array_equal(first.features, second.features) else set()
    if not np.array_equal(one.batch.features.numpy(), other.batch.features.numpy()):
        found.add("features")
    learnt = [given.batch.targets[given.batch.targets >= 0].tolist() for given in (one, other)]
    found |= {"targets"} if learnt[0] != learnt[1] else set()
    return found | ({"trained"} if (one.parts, one.trained) != (other.parts, other.trained) else set())


def shown(joints: tuple[str, ...]) -> set[tuple[str, str]]:
    return set(PoseState(joints).joints)


def test_every_row_of_the_papers_table_is_there() -> None:
    assert list(TABLE_3) == ["full", "no-selector", "no-motion-context", "no-morphology", "tau-2s"]
    assert {"no-motion-context-matched", "no-morphology-matched", "tau-3s"} <= set(BESIDE_TABLE_3)


def test_each_row_takes_away_what_it_names_and_nothing_else(give: Callable[..., Given]) -> None:
    full = give("full")
    own = shown(joint_names(get("squats").salient))
    # Until the selector has seen three seconds, the exercise's list holds.
    assert len(full.pose_joints()) == 12 and full.pose_joints(5) == own and len(set(full.segment.motion)) > 1
    # Joints: all 24, or the exercise's own list. What is known of repetitions stays.
    everything, listed = give("no-selector"), give("no-selector-exercise")
    for row in (everything, listed):
        assert differ(row, full) == {"motion"} and row.cycles() == full.cycles()
    assert len(everything.pose_joints()) > len(full.pose_joints())
    assert listed.pose_joints() == own
    # C_motion: gone, or a sentence that says nothing in its place.
    without, blank = give("no-motion-context"), give("no-motion-context-matched")
    assert differ(without, full) == {"motion"} == differ(blank, full)
    assert without.segment.motion == [] and set(blank.segment.motion) == {NOTHING}
    assert without.batch.ids.shape < blank.batch.ids.shape
    ends = [given.batch.positions.max() for given in (blank, full, without)]
    assert ends[0] == ends[1] > ends[2]
    # C_morph: gone with the weights that read it, or a sentence that says nothing and the same weights.
    without, blank = give("no-morphology"), give("no-morphology-matched")
    assert differ(without, full) == {"morph", "trained"} and without.segment.morph == []
    assert differ(blank, full) == {"morph"} and set(blank.segment.morph) == {NOBODY}
    assert without.batch.morph.shape[1] == 0 < blank.batch.morph.shape[1]


def test_the_window_changes_what_is_known_of_repetitions_and_nothing_else(give: Callable[..., Given]) -> None:
    full, three, two = (give(row, HIGH_KNEES) for row in ("full", "tau-3s", "tau-2s"))
    assert differ(three, full) == {"motion"} == differ(two, three)
    most = [max(count for count, _ in given.cycles()) for given in (full, three, two)]
    assert most[0] > most[1] > most[2]
    assert three.pose_joints() == full.pose_joints()
