"""Reference trajectories on disk: shipped ones made from the rules, and the user's own that replace them.

`refs/trajectories/<id>.npy` holds (N, 46) float32 radians in the order of `DOF_NAMES`, one cycle from rest to rest,
the last frame closing on the first; `<id>.json` beside it the rate, the key frames and where it comes from.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from qevd_bio.anatomy.dofs import DOF_NAMES, FloatArray
from qevd_bio.exercise.curves import Curves
from qevd_bio.exercise.measure import Moment, key_frames
from qevd_bio.exercise.poses import base_poses
from qevd_bio.exercise.rules import Exercise
from qevd_bio.exercise.trajectory import FPS, build_angles
from qevd_bio.store.arrays import load_array
from qevd_bio.store.atomic import write_bytes, write_json
from qevd_bio.store.errors import UserError
from qevd_bio.store.hashing import hash_json
from qevd_bio.store.plain_data import read_json
from qevd_bio.store.resources import refs_path

N_MIN, N_MAX = 8, 3600
_SHAPE = f"a float array of shape (N, {len(DOF_NAMES)}), {N_MIN} <= N <= {N_MAX}, finite, in radians"


@dataclass(frozen=True)
class Trajectory:
    """One reference cycle: angles (N, 46) radians at `fps`, key frames by name, the file it came from, its origin."""

    exercise: str
    angles: FloatArray
    fps: float
    keys: Mapping[str, Moment]
    path: Path
    origin: str

    @property
    def duration_s(self) -> float:
        """Seconds from the first frame to the last."""
        return (len(self.angles) - 1) / self.fps


def trajectories(user_refs: Path | None = None) -> list[Path]:
    """Folders in which references are looked for, the user's first."""
    shipped = [refs_path("trajectories")]
    return shipped if user_refs is None else [user_refs / "trajectories", *shipped]


def has_reference(exercise: Exercise, user_refs: Path | None = None) -> bool:
    """Whether there is a reference of the exercise."""
    return any((folder / f"{exercise.id}.npy").is_file() for folder in trajectories(user_refs))


def load_reference(exercise: Exercise, user_refs: Path | None = None) -> Trajectory:
    """The reference of an exercise; one in `user_refs` (`<workspace>/refs`) replaces the shipped one.

    UserError for an exercise without a reference, and for a file of another shape, unit or with NaN.
    """
    for folder in trajectories(user_refs):
        path = folder / f"{exercise.id}.npy"
        if path.is_file():
            return _read(exercise, path)
    raise UserError(
        f"exercise {exercise.id!r} has no reference trajectory",
        where=trajectories(user_refs)[0] / f"{exercise.id}.npy",
        expected=_SHAPE,
        fix="qevd-bio refs build, or qevd-bio refs from-kinematics FILE --exercise " + exercise.id,
    )


def _read(exercise: Exercise, path: Path) -> Trajectory:
    angles = read_angles(path)
    sidecar = _sidecar(path.with_suffix(".json"))
    keys = key_frames(exercise, Curves(angles), len(angles))
    rate = sidecar.get("fps", FPS)
    if not isinstance(rate, int | float) or not 0 < rate <= 1000:
        raise UserError(f"fps is {rate!r}", where=path.with_suffix(".json"), expected="frames a second")
    return Trajectory(exercise.id, angles, float(rate), keys, path, str(sidecar.get("origin", "unknown")))


def read_angles(path: Path) -> FloatArray:
    """(N, 46) radians from a .npy file; UserError says what does not fit and what was expected."""
    data = load_array(path, "a plain NumPy array", _SHAPE)
    if not np.issubdtype(data.dtype, np.floating):
        raise UserError(f"holds {data.dtype}", where=path, expected=_SHAPE)
    if data.ndim != 2 or data.shape[1] != len(DOF_NAMES) or not N_MIN <= len(data) <= N_MAX:
        raise UserError(f"has shape {data.shape}", where=path, expected=_SHAPE)
    angles = data.astype(np.float64)
    bad = ~np.isfinite(angles)
    if bad.any():
        frame, dof = (int(i) for i in np.argwhere(bad)[0])
        raise UserError(
            f"{int(bad.sum())} values are not finite, first {DOF_NAMES[dof]} in frame {frame}",
            where=path,
            expected=_SHAPE,
        )
    if np.abs(angles).max() > 4 * np.pi:
        raise UserError(
            f"angles up to {np.abs(angles).max():.0f}: these look like degrees", where=path, expected=_SHAPE
        )
    return angles


def _sidecar(path: Path) -> dict[str, object]:
    """The sidecar's content; empty where there is none (the array alone is enough)."""
    if not path.is_file():
        return {}
    data = read_json(path)
    if not isinstance(data, dict):
        raise UserError("is not a JSON object", where=path)
    return data


def build(exercises: Iterable[Exercise], folder: Path) -> list[Path]:
    """Make the reference of each exercise from its rules and write array and sidecar; returns the array files."""
    return [write(folder, exercise, build_angles(exercise), FPS, rules_origin(exercise)) for exercise in exercises]


def rules_origin(exercise: Exercise) -> str:
    """Names the poses that a reference was made from: changes with them."""
    rules = None if exercise.reference is None else asdict(exercise.reference)
    return f"rules {hash_json([rules, base_poses()])[:12]}"


def write(folder: Path, exercise: Exercise, angles: FloatArray, fps: float, origin: str) -> Path:
    """Write `<id>.npy` (float32) and `<id>.json`; the array appears last."""
    stored = angles.astype(np.float32)
    moments = key_frames(exercise, Curves(stored.astype(np.float64)), len(stored))
    path = folder / f"{exercise.id}.npy"
    folder.mkdir(parents=True, exist_ok=True)
    sidecar = {
        "exercise": exercise.id,
        "fps": fps,
        "frames": len(stored),
        "keys": {name: {"frame": moment.frame, "side": moment.side} for name, moment in moments.items()},
        "origin": origin,
        "units": "radians, order of the 46 degrees of freedom",
    }
    write_json(path.with_suffix(".json"), sidecar)
    buffer = io.BytesIO()
    np.save(buffer, stored, allow_pickle=False)
    write_bytes(path, buffer.getvalue())
    return path
