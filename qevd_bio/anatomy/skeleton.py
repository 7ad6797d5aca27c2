"""A licence-free skeleton: joint offsets at the T-pose from stature, or from measured segment lengths.

Fractions of stature and their sources stand in refs/anatomy/ (joints.csv, points.csv, segments.csv).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from qevd_bio.anatomy.dofs import JOINT_INDEX, JOINTS, PARENTS, FloatArray, read_rows, triple
from qevd_bio.store.errors import UserError
from qevd_bio.store.resources import refs_path


@dataclass(frozen=True)
class BodySegment:
    """A length of the body: between two named places, and the offsets that it scales.

    moves            joints and points whose offsets grow with it, along `axes` (letters of "xyz")
    stature_fraction, sd_fraction   mean and spread between people, in statures
    """

    name: str
    start: str
    end: str
    moves: tuple[str, ...]
    axes: str
    stature_fraction: float
    sd_fraction: float
    source: str


def _segment(row: dict[str, str]) -> BodySegment:
    return BodySegment(
        name=row["name"],
        start=row["start"],
        end=row["end"],
        moves=tuple(row["moves"].split()),
        axes=row["axes"],
        stature_fraction=float(row["stature_fraction"]),
        sd_fraction=float(row["sd_fraction"]),
        source=row["source"],
    )


SEGMENTS: dict[str, BodySegment] = {
    row["name"]: _segment(row) for row in read_rows(refs_path("anatomy", "segments.csv"))
}

_POINT_ROWS = read_rows(refs_path("anatomy", "points.csv"))
POINT_NAMES: tuple[str, ...] = tuple(row["name"] for row in _POINT_ROWS)
POINT_INDEX: dict[str, int] = {name: i for i, name in enumerate(POINT_NAMES)}
POINT_JOINT: tuple[int, ...] = tuple(JOINT_INDEX[row["joint"]] for row in _POINT_ROWS)
"""The joint whose bone carries each extra point (head top, face, hands, feet)."""

_MIDDLES = {"mid_hip": ("hip_r", "hip_l"), "mid_shoulder": ("shoulder_r", "shoulder_l")}


@dataclass(frozen=True)
class Skeleton:
    """Bone offsets in metres at the T-pose (x to the subject's left, y up, z forward).

    offsets        (24, 3) from the parent joint; the pelvis row is its place above the floor when standing
    point_offsets  (P, 3) of the extra points from their joint, in the order of POINT_NAMES
    stature        standing height
    """

    offsets: FloatArray
    point_offsets: FloatArray
    stature: float

    @classmethod
    def from_stature(cls, stature: float = 1.70) -> Skeleton:
        """The generic skeleton of a person `stature` metres tall."""
        if not 0.3 < stature < 3.0:
            raise UserError(f"stature {stature:g} m", expected="a height in metres between 0.3 and 3.0")
        offsets = np.array([joint.offset for joint in JOINTS]) * stature
        points = np.array([triple(row, "offset") for row in _POINT_ROWS]) * stature
        return cls(offsets, points, stature)

    def with_lengths(self, lengths: Mapping[str, float]) -> Skeleton:
        """The same skeleton with some segments set to measured `lengths` in metres (names: SEGMENTS).

        The stature is read off again: the head top's height with the soles on the floor.
        """
        for name, length in lengths.items():
            if name not in SEGMENTS:
                raise UserError(f"unknown segment {name!r}", expected="one of " + ", ".join(SEGMENTS))
            if not (np.isfinite(length) and length > 0):
                raise UserError(f"length {length} m of segment {name!r}", expected="a length above 0 m")
        offsets, points = self.offsets.copy(), self.point_offsets.copy()
        now = self.lengths()
        for name, length in lengths.items():
            segment = SEGMENTS[name]
            columns = ["xyz".index(axis) for axis in segment.axes]
            for moved in segment.moves:
                rows, row = (offsets, JOINT_INDEX[moved]) if moved in JOINT_INDEX else (points, POINT_INDEX[moved])
                rows[row, columns] *= length / now[name]
        return _standing(replace(self, offsets=offsets, point_offsets=points))

    def zero_positions(self) -> FloatArray:
        """(24, 3) joints of the standing T-pose, floor at y = 0."""
        positions = self.offsets.copy()
        for i, parent in enumerate(PARENTS):
            if parent >= 0:
                positions[i] += positions[parent]
        return positions

    def zero_points(self) -> FloatArray:
        """(P, 3) extra points of the standing T-pose."""
        return self.zero_positions()[list(POINT_JOINT)] + self.point_offsets

    def place(self, name: str) -> FloatArray:
        """(3,) of a joint, an extra point, "mid_hip" or "mid_shoulder" at the standing T-pose."""
        if name in _MIDDLES:
            right, left = _MIDDLES[name]
            return (self.place(right) + self.place(left)) / 2
        if name in JOINT_INDEX:
            return np.asarray(self.zero_positions()[JOINT_INDEX[name]])
        return np.asarray(self.zero_points()[POINT_INDEX[name]])

    def lengths(self) -> dict[str, float]:
        """Every segment's length in metres; `trunk` is the height of the shoulders above the hips."""
        found = {}
        for name, segment in SEGMENTS.items():
            span = self.place(segment.end) - self.place(segment.start)
            columns = ["xyz".index(axis) for axis in segment.axes]
            found[name] = float(np.linalg.norm(span[columns]))
        return found

    def build(self) -> dict[str, float]:
        """Proportions that need no scale: legs (hip to ankle), arms (shoulder to wrist), shoulders, in statures."""
        lengths = self.lengths()
        arms = sum(lengths[f"{part}_{side}"] for part in ("upper_arm", "forearm") for side in "rl") / 2
        shares = {"legs": self.leg_length, "arms": arms, "shoulders": lengths["shoulder_width"]}
        return {name: length / self.stature for name, length in shares.items()}

    @property
    def leg_length(self) -> float:
        """Mean of both sides' thigh and shank together, in metres."""
        lengths = self.lengths()
        return sum(lengths[f"{part}_{side}"] for part in ("thigh", "shank") for side in "rl") / 2


def _standing(skeleton: Skeleton) -> Skeleton:
    """Put the lowest sole point on the floor and read the stature off the head top."""
    lowest = float(skeleton.zero_points()[:, 1].min())
    offsets = skeleton.offsets.copy()
    offsets[0, 1] -= lowest
    standing = replace(skeleton, offsets=offsets)
    return replace(standing, stature=float(standing.place("head_top")[1]))
