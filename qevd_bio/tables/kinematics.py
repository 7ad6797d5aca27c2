"""The kinematics table: one Parquet file a video, 46 joint angles a frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from qevd_bio.anatomy.dofs import DOF_NAMES
from qevd_bio.store.columns import Column, Table
from qevd_bio.store.errors import UserError

OK, HELD, MISSING = 0, 1, 2
STATUS_NAMES = ("ok", "held", "missing")
N_DOFS = 46

_FRAME_OF_REFERENCE = (
    "x to the subject's left, y up, z forward at zero pose; gravity along -y; heading 0 faces the camera"
)

KINEMATICS = Table(
    "kinematics",
    2,
    (
        Column("frame", "int32", "frame", "index of the decoded frame in the video", nullable=False),
        Column("time_s", "float64", "s", "time from the video's first frame", nullable=False),
        Column("status", "string", "", "ok; held: last valid pose kept; missing: no pose known", nullable=False),
        Column("confidence", "float32", "0..1", "how far the estimator trusts the frame"),
        *(Column(name, "float32", "rad", "smoothed joint angle, unwrapped") for name in DOF_NAMES),
        Column("raw", f"list<float32>[{N_DOFS}]", "rad", "angles before smoothing, order of the DoF columns"),
        Column(
            "sigma",
            f"list<float32>[{N_DOFS}]",
            "rad",
            "standard deviation of each angle's error, order of the DoF columns; null where the source states none",
        ),
        Column(
            "slow",
            f"list<float32>[{N_DOFS}]",
            "rad",
            "angles smoothed more, for finding cycles; null where they are the DoF columns themselves",
        ),
        Column("observed", f"list<bool>[{N_DOFS}]", "", "whether the estimator observes the DoF in this frame"),
        Column("root", "list<float32>[3]", "m", "pelvis position in the level frame"),
        Column(
            "landmarks",
            "list<float32>",
            "px, m",
            "33 × (image x, image y, world x, y, z, visibility, presence); null where the backend has none",
        ),
    ),
)

Float = NDArray[np.float32]


@dataclass(frozen=True)
class Kinematics:
    """Kinematics of one video, T frames.

    angles, raw (T, 46) radians; observed (T, 46) bool; time_s (T,) seconds from the first frame; status
    (T,) codes OK, HELD, MISSING; confidence (T,) in 0..1; root (T, 3) metres, NaN where unknown; landmarks
    (T, 33, 7) or None: image x, y in pixels, world x, y, z in metres as the estimator gives them, visibility,
    presence. sigma (T, 46) radians: the standard deviation of each angle's error, NaN or None where it is not known.
    slow (T, 46): the angles that cycles are found on, None where these are `angles`.
    `meta` holds what is constant for the video (backend, hashes, view, flags, frame of reference).
    """

    split: str
    video: str
    fps: float
    frame: NDArray[np.int32]
    time_s: NDArray[np.float64]
    angles: Float
    raw: Float
    observed: NDArray[np.bool_]
    confidence: Float
    status: NDArray[np.uint8]
    root: Float
    landmarks: Float | None = None
    skeleton_lengths: Mapping[str, float] = field(default_factory=dict)
    body: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)
    sigma: Float | None = None
    slow: Float | None = None

    def __post_init__(self) -> None:
        frames = len(self.time_s)
        shapes: dict[str, tuple[int, ...]] = {
            "frame": (frames,),
            "angles": (frames, N_DOFS),
            "raw": (frames, N_DOFS),
            "observed": (frames, N_DOFS),
            "confidence": (frames,),
            "status": (frames,),
            "root": (frames, 3),
        }
        optional = {"landmarks": (frames, 33, 7), "sigma": (frames, N_DOFS), "slow": (frames, N_DOFS)}
        shapes |= {name: shape for name, shape in optional.items() if getattr(self, name) is not None}
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, expected {shape}")
        if frames > 1 and not bool(np.all(np.diff(self.time_s) > 0)):
            raise ValueError("time_s must rise from frame to frame")

    def __len__(self) -> int:
        return len(self.time_s)

    @property
    def valid(self) -> NDArray[np.bool_]:
        """(T,) whether the frame has a pose of its own (neither held nor missing)."""
        return np.asarray(self.status == OK)

    def between(self, start_s: float, end_s: float) -> Kinematics:
        """The frames with start_s <= time <= end_s, times unchanged."""
        keep = (self.time_s >= start_s) & (self.time_s <= end_s)
        arrays = {
            f.name: getattr(self, f.name)[keep] for f in fields(self) if isinstance(getattr(self, f.name), np.ndarray)
        }
        return replace(self, **arrays)

    def write(self, path: str | Path, history: Sequence[Any] = ()) -> None:
        """Write atomically; equal kinematics give equal bytes."""
        columns: dict[str, Any] = {
            "frame": self.frame,
            "time_s": self.time_s,
            "status": np.asarray(STATUS_NAMES, dtype=object)[self.status],
            "confidence": self.confidence,
            "raw": np.ascontiguousarray(self.raw, dtype=np.float32),
            "observed": np.ascontiguousarray(self.observed),
            "root": np.ascontiguousarray(self.root, dtype=np.float32),
        }
        # Null, not NaN, where no pose is known: SQL would take NaN for the largest of all numbers.
        angles = (pa.array(self.angles[:, index], pa.float32(), from_pandas=True) for index in range(N_DOFS))
        columns.update(zip(DOF_NAMES, angles, strict=True))
        columns |= {name: _list_column(getattr(self, name), len(self)) for name in ("sigma", "slow")}
        if self.landmarks is None:
            columns["landmarks"] = pa.nulls(len(self), pa.list_(pa.float32()))
        else:
            columns["landmarks"] = np.ascontiguousarray(self.landmarks, dtype=np.float32).reshape(len(self), 231)
        metadata = {
            "split": self.split,
            "video": self.video,
            "fps": self.fps,
            "angle_unit": "radian",
            "frame_of_reference": _FRAME_OF_REFERENCE,
            "dof_order": list(DOF_NAMES),
            "skeleton_lengths_m": dict(self.skeleton_lengths),
            "body": {name: dict(value) for name, value in self.body.items()},
            **self.meta,
        }
        KINEMATICS.write(path, columns, metadata=metadata, history=history)

    @classmethod
    def read(cls, path: str | Path) -> Kinematics:
        """Read one file; raises UserError if it is missing, damaged or of another schema."""
        table = KINEMATICS.read(path)
        meta = dict(KINEMATICS.read_metadata(path)["metadata"])
        try:
            split, video, fps = str(meta.pop("split")), str(meta.pop("video")), float(meta.pop("fps"))
            lengths, body = meta.pop("skeleton_lengths_m"), meta.pop("body")
        except KeyError as error:
            raise UserError(
                f"metadata lacks {error}", where=path, expected="a file written by qevd-bio extract"
            ) from error
        frames = table.num_rows
        codes = {name: code for code, name in enumerate(STATUS_NAMES)}
        landmarks = table.column("landmarks")
        try:
            return cls(
                split=split,
                video=video,
                fps=fps,
                frame=_numpy(table, "frame"),
                time_s=_numpy(table, "time_s"),
                angles=np.column_stack([_numpy(table, name) for name in DOF_NAMES]).reshape(frames, N_DOFS),
                raw=_wide(table, "raw", N_DOFS),
                observed=_wide(table, "observed", N_DOFS).astype(bool),
                confidence=_numpy(table, "confidence"),
                status=np.array([codes[s] for s in table.column("status").to_pylist()], dtype=np.uint8),
                root=_wide(table, "root", 3),
                landmarks=None
                if landmarks.null_count == frames
                else _wide(table, "landmarks", 231).reshape(frames, 33, 7),
                sigma=_wide_or_none(table, "sigma", N_DOFS),
                slow=_wide_or_none(table, "slow", N_DOFS),
                skeleton_lengths=lengths,
                body=body,
                meta=meta,
            )
        except (ValueError, KeyError) as error:
            raise UserError(
                f"not valid kinematics: {error}", where=path, fix="make it again with qevd-bio extract --redo"
            ) from error


def pose_times(path: str | Path) -> NDArray[np.float64]:
    """Seconds of the frames of one file that have a pose of their own; reads no angles. Raises as `read` does."""
    table = KINEMATICS.read(path, ["time_s", "status"])
    own = np.array(table.column("status").to_pylist(), dtype=object) == STATUS_NAMES[OK]
    times: NDArray[np.float64] = _numpy(table, "time_s")[own]
    return times


def backend_of(path: str | Path) -> str:
    """Name of the backend that a file was made with; reads no frames. Raises as `read` does."""
    return str(KINEMATICS.read_metadata(path)["metadata"].get("backend", "unknown"))


def _list_column(values: Float | None, frames: int) -> pa.Array:
    """Rows of 46 values, null (not NaN) where unknown; the values are null, since lists of a fixed size cannot be."""
    if values is None:
        values = np.full((frames, N_DOFS), np.nan, dtype=np.float32)
    flat = pa.array(np.ascontiguousarray(values, dtype=np.float32).ravel(), pa.float32(), from_pandas=True)
    return pa.FixedSizeListArray.from_arrays(flat, N_DOFS)


def _numpy(table: pa.Table, name: str) -> NDArray[Any]:
    array: NDArray[Any] = table.column(name).to_numpy()
    return array


def _wide(table: pa.Table, name: str, width: int) -> NDArray[Any]:
    column = table.column(name).combine_chunks()
    values: NDArray[Any] = column.flatten().to_numpy(zero_copy_only=False)
    return values.reshape(len(column), width)


def _wide_or_none(table: pa.Table, name: str, width: int) -> NDArray[Any] | None:
    values = _wide(table, name, width)
    return None if np.isnan(values).all() else values
