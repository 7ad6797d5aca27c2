"""Body poses of Ego-Exo4D: 17 joints in metres of the take's world frame, sparse in time, joints unseen left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.egoexo.files import read_large_json
from qevd_bio.store.errors import UserError

JOINTS = (
    "nose", "left-eye", "right-eye", "left-ear", "right-ear", "left-shoulder", "right-shoulder", "left-elbow",
    "right-elbow", "left-wrist", "right-wrist", "left-hip", "right-hip", "left-knee", "right-knee", "left-ankle",
    "right-ankle",
)  # fmt: skip
"""Order of the joints: COCO's, spelt as the files spell them."""

_EXPECTED = 'body poses: {"<frame number>": [{"annotation3D": {joint: {x, y, z, num_views_for_3d}}, …}]}'


@dataclass(frozen=True)
class BodyPoses:
    """Poses of one take.

    frames     (n,) frame numbers at 30 a second, ascending; the file has none for the others
    positions  (n, 17, 3) metres, NaN where a joint is absent
    views      (n, 17) cameras that a joint was computed from, 0 where absent
    in_image   camera -> (n, 17, 2) pixels, NaN where absent
    by_hand    camera -> (n, 17) whether a person placed the joint
    """

    frames: NDArray[np.int64]
    positions: NDArray[np.float64]
    views: NDArray[np.int64]
    in_image: Mapping[str, NDArray[np.float64]]
    by_hand: Mapping[str, NDArray[np.bool_]]

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(n, 17) joints that have a position."""
        return np.asarray(~np.isnan(self.positions[..., 0]))

    def on_grid(self, count: int, longest_gap: int = 0) -> NDArray[np.float64]:
        """Positions (count, 17, 3) of frames 0 … count-1, NaN where a joint is missing.

        Gaps of at most `longest_gap` missing frames between two poses are filled by straight lines.
        """
        grid = np.full((count, len(JOINTS), 3), np.nan)
        inside = (self.frames >= 0) & (self.frames < count)
        grid[self.frames[inside]] = self.positions[inside]
        if longest_gap:
            for joint in range(len(JOINTS)):
                _fill(grid[:, joint], longest_gap)
        return grid


def read_body_poses(path: Path) -> BodyPoses:
    """The poses in a file of `ego_pose/<split>/body`. UserError for another form and for an unknown joint."""
    value = read_large_json(path, _EXPECTED)
    if not isinstance(value, Mapping):
        raise UserError(f"holds a {type(value).__name__}", where=path, expected=_EXPECTED)
    try:
        frames = sorted((int(number), annotations) for number, annotations in value.items())
    except ValueError as error:
        raise UserError(f"a frame number cannot be read ({error})", where=path, expected=_EXPECTED) from error
    # A frame without a person is an empty list.
    kept = [(number, found[0]) for number, found in frames if isinstance(found, list) and found]
    count = len(kept)
    positions = np.full((count, len(JOINTS), 3), np.nan)
    views = np.zeros((count, len(JOINTS)), np.int64)
    in_image: dict[str, NDArray[np.float64]] = {}
    by_hand: dict[str, NDArray[np.bool_]] = {}
    for row, (number, pose) in enumerate(kept):
        for joint, point in (pose.get("annotation3D") or {}).items():
            place = _joint(joint, path, number)
            positions[row, place] = _numbers(point, ("x", "y", "z"), path, f"frame {number}, {joint}")
            views[row, place] = int(point.get("num_views_for_3d") or 0)
        for camera, joints in (pose.get("annotation2D") or {}).items():
            pixels = in_image.setdefault(camera, np.full((count, len(JOINTS), 2), np.nan))
            placed = by_hand.setdefault(camera, np.zeros((count, len(JOINTS)), bool))
            for joint, point in joints.items():
                place = _joint(joint, path, number)
                pixels[row, place] = _numbers(point, ("x", "y"), path, f"frame {number}, {camera}, {joint}")
                placed[row, place] = point.get("placement") == "manual"
    return BodyPoses(np.array([number for number, _ in kept], np.int64), positions, views, in_image, by_hand)


_PLACES = {name: index for index, name in enumerate(JOINTS)}


def _joint(name: str, path: Path, frame: int) -> int:
    if name not in _PLACES:
        raise UserError(f"frame {frame}: joint {name!r}", where=path, expected=", ".join(JOINTS))
    return _PLACES[name]


def _numbers(point: Any, names: tuple[str, ...], path: Path, place: str) -> list[float]:
    try:
        return [float(point[name]) for name in names]
    except (TypeError, KeyError, ValueError) as error:
        raise UserError(f"{place}: no numbers {', '.join(names)}", where=path, expected=_EXPECTED) from error


def _fill(track: NDArray[np.float64], longest: int) -> None:
    """Fill gaps of one joint's track (T, 3) in place."""
    known = np.flatnonzero(~np.isnan(track[:, 0]))
    for first, last in pairwise(known):
        missing = last - first - 1
        if 0 < missing <= longest:
            share = (np.arange(1, missing + 1) / (missing + 1))[:, None]
            track[first + 1 : last] = (1 - share) * track[first] + share * track[last]
