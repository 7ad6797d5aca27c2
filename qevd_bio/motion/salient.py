"""The salient joints J* of a segment: as annotated, as the selector chose, or the exercise's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from qevd_bio.anatomy.dofs import JOINT_NAMES
from qevd_bio.exercise.rules import Exercise
from qevd_bio.exercise.vocabulary import joint_names
from qevd_bio.store.errors import UserError
from qevd_bio.tables.annotations import SALIENT
from qevd_bio.tables.workspace import Workspace

Key = tuple[str, str, int]


@dataclass(frozen=True)
class SalientJoints:
    """Joints by (split, video, segment), from the best source that has them; `files` were read."""

    annotated: Mapping[Key, tuple[str, ...]] = field(default_factory=dict)
    selected: Mapping[Key, tuple[str, ...]] = field(default_factory=dict)
    files: tuple[Path, ...] = ()

    def of(self, key: Key, exercise: Exercise) -> tuple[tuple[str, ...], str]:
        """Joints in the canonical order and their source: annotation, selector or exercise."""
        if key in self.annotated:
            return self.annotated[key], "annotation"
        if key in self.selected:
            return self.selected[key], "selector"
        return joint_names(exercise.salient), "exercise"


def read_salient(workspace: Workspace) -> SalientJoints:
    """Salient joints of the workspace: those that were annotated, then those that the selector chose.

    Rows that failed or that a reviewer rejected are not used. UserError for an unknown joint, and for two that
    contradict each other.
    """
    annotated = workspace.annotation("salient")
    selected = workspace.selected_joints
    files = tuple(path for path in (annotated, selected) if path.is_file())
    return SalientJoints(_read(annotated), _read(selected), files)


def _read(path: Path) -> dict[Key, tuple[str, ...]]:
    if not path.is_file():
        return {}
    found: dict[Key, tuple[str, ...]] = {}
    for row in SALIENT.load(path):
        if row.status != "ok" or row.review_state == "rejected" or not row.joints:
            continue
        unknown = sorted(set(row.joints) - set(JOINT_NAMES))
        if unknown:
            raise UserError(f"unknown joint {unknown[0]!r}", where=path, expected="one of the 24 joints")
        key = (row.split, row.video, row.segment)
        joints = tuple(joint for joint in JOINT_NAMES if joint in row.joints)
        if found.setdefault(key, joints) != joints:
            raise UserError(
                f"two annotations of segment {'/'.join(map(str, key))} name different joints",
                where=path,
                expected="one annotation a segment",
                fix="reject one with qevd-bio review, or make the table again with qevd-bio annotate --redo",
            )
    return found
