"""The salient joints J* of a segment, and from when on they are known: annotated, selected, the exercise's, or all."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from qevd_bio.anatomy.dofs import JOINT_NAMES
from qevd_bio.exercise.rules import Exercise
from qevd_bio.exercise.vocabulary import joint_names
from qevd_bio.motion.options import Evidence, Salient
from qevd_bio.store.errors import UserError
from qevd_bio.tables.annotations import SALIENT
from qevd_bio.tables.workspace import Workspace

Key = tuple[str, str, int]
Joints = tuple[str, ...]
BY_SELECTOR = "selector"
"""What the column `method` says of joints that the trained selector chose."""


@dataclass(frozen=True)
class JointsOverTime:
    """J* of one segment. phases: (from which second of the video on, joints), the first from minus infinity on."""

    phases: tuple[tuple[float, Joints], ...]
    source: Salient

    @property
    def last(self) -> Joints:
        """The joints at the segment's end."""
        return self.phases[-1][1]

    def at(self, time_s: float) -> Joints:
        """The joints that are known at a time."""
        return next(joints for start, joints in reversed(self.phases) if start <= time_s)


@dataclass(frozen=True)
class Chosen:
    """One row of a table of salient joints. since: seconds from the video's first frame at which a joint was seen to
    matter; a joint without such a time belongs to the segment as a whole."""

    joints: Joints
    since: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class SalientJoints:
    """J* by (split, video, segment) from one source; `files` were read."""

    source: Salient = "exercise"
    evidence: Evidence = "causal"
    rows: Mapping[Key, Chosen] = field(default_factory=dict)
    files: tuple[Path, ...] = ()

    def of(self, key: Key, exercise: Exercise) -> JointsOverTime:
        """J* of a segment, joints in the canonical order. Where the source has nothing, the exercise's own list."""
        if self.source == "all":
            return JointsOverTime(((-math.inf, JOINT_NAMES),), "all")
        own = joint_names(exercise.salient)
        row = self.rows.get(key)
        if row is None:
            return JointsOverTime(((-math.inf, own),), "exercise")
        if self.evidence == "whole" or not row.since:
            return JointsOverTime(((-math.inf, row.joints),), self.source)
        phases = [(-math.inf, _known(row, -math.inf) or own)]
        for time in sorted(set(row.since.values())):
            joints = _known(row, time)
            if joints and joints != phases[-1][1]:
                phases.append((time, joints))
        return JointsOverTime(tuple(phases), self.source)


def _known(row: Chosen, time: float) -> Joints:
    return tuple(joint for joint in row.joints if row.since.get(joint, -math.inf) <= time)


def salient_joints(workspace: Workspace, source: Salient, evidence: Evidence = "causal") -> SalientJoints:
    """J* from `source`, as the workspace has it.

    Rows that failed or that a reviewer rejected are not used, nor in `annotated` what the selector chose: it must not
    learn from itself. UserError where the selector's choice is asked for and was never made, for an unknown joint,
    and for two rows of a segment that contradict each other.
    """
    if source not in ("annotated", "selector"):
        return SalientJoints(source, evidence)
    path = workspace.selected_joints if source == "selector" else workspace.annotation("salient")
    if not path.is_file():
        if source == "selector":
            raise UserError(
                "no joints were selected",
                where=path,
                expected="J* of each segment, by a trained selector",
                fix="name the model with --model, or --salient annotated or exercise",
            )
        return SalientJoints(source, evidence)
    return SalientJoints(source, evidence, _read(path, source == "selector"), (path,))


def _read(path: Path, selected: bool) -> dict[Key, Chosen]:
    found: dict[Key, Chosen] = {}
    for row in SALIENT.load(path):
        if row.status != "ok" or row.review_state == "rejected" or not row.joints:
            continue
        if (row.method == BY_SELECTOR) != selected:
            continue
        unknown = sorted(set(row.joints) - set(JOINT_NAMES))
        if unknown:
            raise UserError(f"unknown joint {unknown[0]!r}", where=path, expected="one of the 24 joints")
        key = (row.split, row.video, row.segment)
        joints = tuple(joint for joint in JOINT_NAMES if joint in row.joints)
        since = json.loads(row.since or "{}")
        chosen = Chosen(joints, {joint: float(since[joint]) for joint in joints if joint in since})
        if found.setdefault(key, chosen).joints != joints:
            raise UserError(
                f"two annotations of segment {'/'.join(map(str, key))} name different joints",
                where=path,
                expected="one annotation a segment",
                fix="reject one with qevd-bio review, or make the table again with qevd-bio annotate --redo",
            )
    return found
