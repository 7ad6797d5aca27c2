"""What HSMR saves, as a recording: subject over time, level root, continuous angles, a stand-in for confidence.

`HSMR-<stem>.npy` is one dict a frame: poses (n, 46), betas (n, 10), full_cam_t (n, 3), bbx_cs (n boxes or None),
n people in the detector's order, which is not the same person from frame to frame. `.npz` is one image, or, without
boxes, a video by an earlier HSMR that says nothing about frames: one person in each frame is assumed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.continuity import continuous_angles
from qevd_bio.anatomy.dofs import LIMITS
from qevd_bio.anatomy.rotations import about_axis, triple_of
from qevd_bio.pose.formats.numpy_file import read_npy, read_npz
from qevd_bio.pose.formats.recording import N_DOFS, About, Recording, take_out_impossible
from qevd_bio.pose.formats.skel_file import mean_betas, window_betas
from qevd_bio.pose.people import Sighting, Subject, choose_subject
from qevd_bio.store.errors import UserError

_EXPECTED = "HSMR's output: for each frame a dict with poses (people, 46) and bbx_cs"
# HSMR shrinks frames larger than this before it looks at them; its boxes are in the smaller picture.
MAX_WIDTH, MAX_HEIGHT = 1920, 1080
BORDER = 0.02
SIZE_JUMP = 0.30
LIMIT_EXCESS = np.deg2rad(10.0)
STEP = np.deg2rad(25.0)
DOUBT = 0.5

Float = NDArray[np.float64]
Frame = Mapping[str, Any]


def read_hsmr(path: Path, size: tuple[int, int] | None = None, camera_pitch_deg: float = 0.0) -> Recording:
    """HSMR's file for one video. `size` (width, height) of the video lets boxes at the border be seen.

    Raises UserError for files that are not HSMR's, or in which nobody is found.
    """
    frames = _frames(path)
    poses = [_poses(frame, number, path) for number, frame in enumerate(frames)]
    rows, subject = choose_rows(frames, poses)
    if not any(row is not None and np.isfinite(poses[t][row]).all() for t, row in enumerate(rows)):
        raise UserError("nobody is found in any frame", where=path, expected="at least one frame with a person")
    camera = np.full((len(frames), N_DOFS), np.nan)
    root = np.full((len(frames), 3), np.nan)
    betas = np.full((len(frames), 10), np.nan)
    for t, row in enumerate(rows):
        if row is None:
            continue
        camera[t] = poses[t][row]
        betas[t] = _row(frames[t], "betas", row, 10)
        root[t, :2] = _row(frames[t], "full_cam_t", row, 3)[:2] * (1.0, -1.0)
    impossible = take_out_impossible(camera, path)
    camera[~np.isfinite(camera).all(axis=1)] = np.nan
    raw = continuous_angles(level(camera, np.deg2rad(camera_pitch_deg)))
    boxes = [None if row is None else _box(frame, row) for frame, row in zip(frames, rows, strict=True)]
    confidence, doubts = stand_in_confidence(raw, boxes, _seen_size(size))
    details = {
        **About("hsmr", "radians", "the format", "level, from camera axes").details(),
        "betas": mean_betas(betas),
        "betas_by_window": window_betas(betas, None),
        "betas_frames": int(np.isfinite(betas).all(axis=1).sum()),
        "root": "x and y from HSMR's camera translation; its depth rests on a fixed focal length and is left out",
        "confidence": "HSMR states none; doubts counted: " + ", ".join(f"{k} {v}" for k, v in doubts.items()),
        "camera_pitch_deg": camera_pitch_deg,
    }
    observed = np.broadcast_to(np.isfinite(raw[:, :1]), raw.shape).copy()
    flags = (*impossible, *(("several_people",) if subject.several else ()))
    return Recording(raw, observed, confidence, root, None, subject.record(), details, flags)


def level(camera: Float, pitch_rad: float = 0.0) -> Float:
    """(T, 46) angles with the pelvis turned from HSMR's camera axes (x right, y down, z away) to the level frame.

    For a level camera this is exactly tilt - 180°, -list, -rotation; `pitch_rad` > 0 is a camera that looks down.
    """
    out = camera.copy()
    ok = np.isfinite(camera[:, 0])
    tilt, lean, turn = camera[ok, :3].T
    x, y, z = np.eye(3)
    # body axes: x forward, y up, z right; camera axes in them: right = z, down = -y, away = -x
    half = about_axis(z, np.full(tilt.shape, np.pi))
    matrix = about_axis(y, -turn) @ about_axis(x, -lean) @ about_axis(z, tilt) @ half
    if pitch_rad:
        # axis z points to the picture's left: a turn by +pitch takes the way up, as the camera sees it, to straight up
        triples = triple_of(about_axis(z, np.array(pitch_rad)) @ matrix, "YXZ")[:, ::-1]
    else:
        triples = np.column_stack([(tilt + 2 * np.pi) % (2 * np.pi) - np.pi, -lean, -turn])
    out[ok, :3] = triples
    return out


def choose_rows(frames: Sequence[Frame], poses: Sequence[Float]) -> tuple[list[int | None], Subject]:
    """Which row of each frame is the subject (None where it is not seen), by area × presence over the clip.

    Where a frame states no boxes a single person is the subject; of several, the one posed most like before.
    """
    steps = [
        [Sighting(t / 30.0, t, _corners(box), 1.0, row) for row, box in enumerate(_boxes(frame, len(found)))]
        for t, (frame, found) in enumerate(zip(frames, poses, strict=True))
    ]
    subject = choose_subject(steps)
    own = {} if subject.track is None else {s.step: s.row for s in subject.track.sightings}
    rows: list[int | None] = []
    last: Float | None = None
    for t, found in enumerate(poses):
        row = own.get(t)
        if row is None and len(found) and not steps[t]:
            row = 0 if last is None or len(found) == 1 else int(np.argmin(np.abs(found - last).sum(axis=1)))
        if row is not None:
            last = found[row]
        rows.append(row)
    return rows, subject


def stand_in_confidence(
    raw: Float, boxes: Sequence[Float | None], size: tuple[float, float] | None
) -> tuple[Float, dict[str, int]]:
    """(T,) 0..1: 0 without a person; halved for each doubt. Also how many frames each doubt met.

    Doubts: box at the picture's border, box size jumps by more than 30 %, an angle more than 10° past its limits,
    an angle that moves more than 25° in one frame.
    """
    frames = len(raw)
    present = np.isfinite(raw[:, 0])
    doubts = {name: np.zeros(frames, dtype=bool) for name in ("border", "size_jump", "past_limits", "fast_step")}
    before: int | None = None
    with np.errstate(invalid="ignore"):
        excess = np.maximum(LIMITS[:, 0] - raw, raw - LIMITS[:, 1])[:, 3:]
    for t in np.flatnonzero(present).tolist():
        doubts["past_limits"][t] = bool((excess[t] > LIMIT_EXCESS).any())
        box = boxes[t]
        if box is not None and size is not None:
            x, y, half = box[0], box[1], box[2] / 2
            margin = BORDER * np.array(size)
            touches = x - half < -margin[0] or y - half < -margin[1]
            doubts["border"][t] = touches or x + half > size[0] + margin[0] or y + half > size[1] + margin[1]
        if before is not None and before == t - 1:
            doubts["fast_step"][t] = bool((np.abs(raw[t] - raw[before]) > STEP).any())
            last = boxes[before]
            if box is not None and last is not None:
                doubts["size_jump"][t] = abs(box[2] / last[2] - 1.0) > SIZE_JUMP
        before = int(t)
    confidence = present * DOUBT ** np.sum(list(doubts.values()), axis=0)
    return confidence, {name: int(mask.sum()) for name, mask in doubts.items()}


def _frames(path: Path) -> list[Frame]:
    if path.suffix == ".npz":
        return _rows_of(read_npz(path))
    array = read_npy(path)
    if array.dtype != object or array.ndim != 1 or not all(isinstance(item, dict) for item in array):
        raise UserError(f"holds {array.dtype} {array.shape}, not a dict a frame", where=path, expected=_EXPECTED)
    return list(array)


def _rows_of(arrays: Frame) -> list[Frame]:
    """One image's people, or (earlier HSMR, without boxes) one person a frame: then each row is a frame."""
    if "bbx_cs" in arrays or "poses" not in arrays:
        return [arrays]
    names = [name for name in ("poses", "betas", "full_cam_t") if name in arrays]
    return [{name: arrays[name][t : t + 1] for name in names} for t in range(len(arrays["poses"]))]


def _poses(frame: Frame, number: int, path: Path) -> Float:
    if "poses" not in frame:
        raise UserError(f"frame {number} has no poses", where=path, expected=_EXPECTED)
    try:
        poses = np.asarray(frame["poses"])
    except ValueError as error:
        raise UserError(f"frame {number}: poses are ragged", where=path, expected=_EXPECTED) from error
    if poses.dtype.kind != "f" or poses.ndim != 2 or poses.shape[1] != N_DOFS:
        raise UserError(f"frame {number}: poses is {poses.dtype} {poses.shape}", where=path, expected=_EXPECTED)
    return poses.astype(np.float64)


def _boxes(frame: Frame, people: int) -> list[Float]:
    """Boxes (3,) of the frame's people; none where they are not one row of three numbers a person."""
    boxes = frame.get("bbx_cs")
    try:
        rows = [] if boxes is None else [np.asarray(box, dtype=np.float64).reshape(-1) for box in boxes]
    except (TypeError, ValueError):
        return []
    whole = all(len(row) == 3 and np.isfinite(row).all() and row[2] > 0 for row in rows)
    return rows if len(rows) == people and whole else []


def _box(frame: Frame, row: int) -> Float | None:
    boxes = _boxes(frame, len(np.asarray(frame["poses"])))
    return boxes[row] if row < len(boxes) else None


def _corners(box: Float) -> Float:
    half = box[2] / 2
    return np.array([box[0] - half, box[1] - half, box[0] + half, box[1] + half])


def _row(frame: Frame, name: str, row: int, width: int) -> Float:
    try:
        values = np.asarray(frame.get(name, []))
    except ValueError:
        return np.full(width, np.nan)
    if values.ndim != 2 or values.shape[1] != width or row >= len(values) or values.dtype.kind != "f":
        return np.full(width, np.nan)
    return np.asarray(values[row], dtype=np.float64)


def _seen_size(size: tuple[int, int] | None) -> tuple[float, float] | None:
    if size is None:
        return None
    scale = min(1.0, MAX_WIDTH / size[0], MAX_HEIGHT / size[1])
    return size[0] * scale, size[1] * scale
