"""2D keypoints in JSON: OpenPose and rtmlib (one file a frame), MMPose and AlphaPose (one file a video)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.pose.formats.markers.sets import marker_sets, set_by_count
from qevd_bio.pose.formats.probe import frame_files, read_json
from qevd_bio.pose.formats.recording import About, Keypoints
from qevd_bio.pose.people import Sighting, choose_subject
from qevd_bio.store.errors import UserError

EXPECTED = "keypoints of OpenPose, rtmlib, MMPose or AlphaPose as JSON"
LARGEST_PX = 1e5
SECONDS = 1.0 / 30.0

Float = NDArray[np.float64]


@dataclass(frozen=True)
class _Body:
    """One person in one frame: points (K, 3) x, y, score; the person's number where the file has one."""

    points: Float
    person: str = ""


def read_folder(path: Path, size: tuple[int, int] | None, person: str = "") -> Keypoints:
    """A folder with one JSON file a frame, numbered in their names; numbers may be missing.

    Raises UserError with the file that cannot be read, and where the frames are of several videos.
    """
    groups = frame_files(path)
    if not groups:
        raise UserError("holds no numbered keypoint files", where=path, expected=EXPECTED)
    if len(groups) > 1:
        names = ", ".join(sorted(groups)[:4])
        raise UserError(
            f"holds frames of several videos ({names})", where=path, expected="one folder a video",
            fix="put each video's files into a folder of its own",
        )  # fmt: skip
    files = next(iter(groups.values()))
    numbers = [number for number, _ in files]
    if len(set(numbers)) < len(numbers):
        raise UserError("two files have the same number", where=path, expected="one file a frame")
    frames = [_openpose(_load(file), file) for _, file in files]
    return _keypoints(frames, np.array(numbers), "openpose_json", path, size, person)


def read_json_file(path: Path, size: tuple[int, int] | None, person: str = "") -> Keypoints:
    """One JSON file of a video (MMPose, AlphaPose), or of a single frame (OpenPose). Raises UserError for others."""
    data = _load(path)
    if isinstance(data, dict) and "people" in data:
        return _keypoints([_openpose(data, path)], np.array([0]), "openpose_json", path, size, person)
    if isinstance(data, dict) and "instance_info" in data:
        data = data["instance_info"]
    if not isinstance(data, list) or not data or not all(isinstance(entry, dict) for entry in data):
        raise UserError("holds no keypoints", where=path, expected=EXPECTED)
    if "instances" in data[0]:
        frames = [_instances(entry.get("instances"), path, k) for k, entry in enumerate(data)]
        numbers = [_whole(entry.get("frame_id", k), path, k) for k, entry in enumerate(data)]
        return _keypoints(frames, np.array(numbers), "mmpose_json", path, size, person)
    if "image_id" in data[0]:
        return _alphapose(data, path, size, person)
    return _keypoints([_instances(data, path, 0)], np.array([0]), "mmpose_json", path, size, person)


def _load(path: Path) -> Any:
    try:
        return read_json(path)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot be read as JSON: {str(error)[:160]}", where=path, expected=EXPECTED) from error


def _openpose(data: Any, path: Path) -> list[_Body]:
    people = data.get("people") if isinstance(data, dict) else None
    if not isinstance(people, list):
        raise UserError("has no list of people", where=path, expected=EXPECTED)
    found = []
    for entry in people:
        entry = entry if isinstance(entry, dict) else {}
        flat = _numbers(entry.get("pose_keypoints_2d", entry.get("pose_keypoints", [])), path)
        if flat.ndim != 1 or len(flat) % 3:
            raise UserError(f"a person has {flat.size} numbers, not three a point", where=path, expected=EXPECTED)
        number = np.ravel(_numbers(entry.get("person_id", -1), path))
        name = str(int(number[0])) if len(number) and np.isfinite(number[0]) and number[0] >= 0 else ""
        if flat.size:
            found.append(_Body(flat.reshape(-1, 3), name))
    return found


def _instances(entries: Any, path: Path, frame: int) -> list[_Body]:
    found = []
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict) or "keypoints" not in entry:
            raise UserError(f"frame {frame} has an instance without keypoints", where=path, expected=EXPECTED)
        points = _numbers(entry["keypoints"], path)
        if points.ndim == 1 and len(points) % 3 == 0:
            points = points.reshape(-1, 3)
        if points.ndim != 2 or points.shape[1] not in (2, 3):
            raise UserError(f"frame {frame} has keypoints {points.shape}", where=path, expected=EXPECTED)
        scores = points[:, 2] if points.shape[1] == 3 else np.ones(len(points))
        if "keypoint_scores" in entry:
            scores = np.ravel(_numbers(entry["keypoint_scores"], path))
        if len(scores) != len(points):
            raise UserError(f"frame {frame} has {len(scores)} scores of {len(points)} points", where=path)
        track = entry.get("track_id", "")
        found.append(_Body(np.column_stack([points[:, :2], scores]), str(track) if track not in (None, -1) else ""))
    return found


def _alphapose(data: Sequence[Mapping[str, Any]], path: Path, size: tuple[int, int] | None, person: str) -> Keypoints:
    frames: dict[int, list[_Body]] = {}
    for k, entry in enumerate(data):
        digits = "".join(c for c in Path(str(entry.get("image_id", ""))).stem if c.isdigit())
        number = _whole(digits or k, path, k)
        flat = _numbers(entry.get("keypoints", []), path)
        if flat.ndim != 1 or not flat.size or flat.size % 3:
            raise UserError(f"entry {k} has {flat.size} numbers, not three a point", where=path, expected=EXPECTED)
        index = entry.get("idx", "")
        frames.setdefault(number, []).append(_Body(flat.reshape(-1, 3), str(index) if index != "" else ""))
    numbers = sorted(frames)
    return _keypoints([frames[n] for n in numbers], np.array(numbers), "alphapose_json", path, size, person)


def _keypoints(
    frames: list[list[_Body]], numbers: NDArray[np.int64], name: str, path: Path, size: Any, person: str
) -> Keypoints:
    counts = {len(body.points) for bodies in frames for body in bodies}
    if not counts:
        raise UserError("nobody is in any frame", where=path, expected="keypoints of at least one person")
    if len(counts) > 1:
        text = " and ".join(map(str, sorted(counts)))
        raise UserError(f"people have {text} points", where=path, expected="one layout in all frames")
    count = counts.pop()
    chosen = set_by_count(count)
    if chosen is None:
        known = ", ".join(f"{s.name} ({s.count})" for s in marker_sets() if s.count or s.order)
        raise UserError(f"people have {count} points", where=path, expected=f"one of {known}")
    if (np.diff(numbers) <= 0).any():
        raise UserError("frame numbers do not rise", where=path, expected="each frame once, in order")
    names = chosen.order
    rows, several, record = _choose(frames, person, path)
    values = np.full((len(frames), len(names), 3), np.nan)
    for t, row in enumerate(rows):
        if row is not None:
            values[t] = frames[t][row].points[: len(names)]
    with np.errstate(invalid="ignore"):
        absent = ~np.isfinite(values).all(axis=2) | (values[..., 2] <= 0) | (values[..., :2] == 0).all(axis=2)
        far = (np.abs(values[..., :2]) > LARGEST_PX).any(axis=2)
    values[absent | far] = np.nan
    if not np.isfinite(values).any():
        raise UserError("no point has a score above 0", where=path, expected=EXPECTED)
    top = float(np.nanmax(values[..., 2]))
    if top > 1.0:  # rtmlib's scores can pass 1 a little; percentages do not
        if top > 20.0:
            raise UserError(f"scores reach {top:.3g}", where=path, expected="scores from 0 to 1")
        values[..., 2] = np.minimum(values[..., 2], 1.0)
    about = About(name, "pixels", "the format", "image, x right, y down", person=person)
    flags = ("several_people",) if several else ()
    frame = None if len(numbers) == 1 else numbers.astype(np.int32)
    return Keypoints(names, values, chosen.name, size, None, frame, record, about.details(), flags)


def _choose(frames: list[list[_Body]], person: str, path: Path) -> tuple[list[int | None], bool, Mapping[str, Any]]:
    """The row of the subject in each frame, whether there are several people, and what the metadata says of it."""
    if person:
        rows = [next((k for k, b in enumerate(bodies) if b.person == person), None) for bodies in frames]
        if not any(row is not None for row in rows):
            known = sorted({b.person for bodies in frames for b in bodies if b.person}) or ["none that is numbered"]
            raise UserError(f"person {person!r} is in no frame", where=path, expected=f"one of {', '.join(known[:8])}")
        return rows, False, {"rule": "named by the user", "person": person}
    steps = [
        [Sighting(t * SECONDS, t, _box(body.points), _presence(body.points), k) for k, body in enumerate(bodies)]
        for t, bodies in enumerate(frames)
    ]
    subject = choose_subject(steps)
    own = {} if subject.track is None else {s.step: s.row for s in subject.track.sightings}
    return [own.get(t) for t in range(len(frames))], subject.several, subject.record()


def _box(points: Float) -> Float:
    good = points[(points[:, 2] > 0) & np.isfinite(points).all(axis=1), :2]
    return np.concatenate([good.min(axis=0), good.max(axis=0)]) if len(good) else np.zeros(4)


def _presence(points: Float) -> float:
    return float(np.clip(np.nanmean(np.nan_to_num(points[:, 2])), 0.0, 1.0))


def _numbers(value: Any, path: Path) -> Float:
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError("holds keypoints that are no numbers", where=path, expected=EXPECTED) from error


def _whole(value: Any, path: Path, entry: int) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f"entry {entry} has no frame number", where=path, expected=EXPECTED) from error
    if not 0 <= number < 1 << 31:
        raise UserError(f"entry {entry} has frame number {number}", where=path, expected="numbers from 0")
    return number
