"""FreeMoCap's body: `*_body_3d_xyz.npy` (frames, points, 3) in millimetres, or its table by frame (Parquet)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qevd_bio.pose.formats.markers.sets import set_by_name
from qevd_bio.pose.formats.markers.space import level, metres
from qevd_bio.pose.formats.numpy_file import read_npy
from qevd_bio.pose.formats.recording import About, Markers
from qevd_bio.store.errors import UserError

EXPECTED = "FreeMoCap's *_body_3d_xyz.npy (frames, 33, 3), or freemocap_data_by_frame.parquet"

Float = NDArray[np.float64]


def read_freemocap(path: Path) -> Markers:
    """The body's 33 points, level (z up in FreeMoCap) and in metres. Raises UserError for other arrays."""
    chosen = set_by_name("mediapipe")
    names = chosen.order
    if path.suffix.lower() == ".parquet":
        points, time_s = _table(path, names)
    else:
        array = read_npy(path)
        if array.dtype.kind != "f" or array.ndim != 3 or array.shape[2] != 3 or array.shape[1] < len(names):
            raise UserError(f"holds {array.dtype} {array.shape}", where=path, expected=EXPECTED)
        points, time_s = array[:, : len(names)].astype(np.float64), None
    if not len(points):
        raise UserError("has no frames", where=path, expected=EXPECTED)
    values, unit, by = metres(points, "mm", "FreeMoCap", chosen, names, path)
    values, frame, flags = level(values, "z", chosen, names)
    about = About("freemocap", unit, by, frame)
    trust = np.asarray(np.isfinite(values).all(axis=2), dtype=np.float64)
    if not trust.any():
        raise UserError("shows no marker in any frame", where=path, expected=EXPECTED)
    return Markers(names, values, trust, chosen.name, time_s, about.details(), flags)


def _table(path: Path, names: tuple[str, ...]) -> tuple[Float, Float | None]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, memory_map=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise UserError(f"cannot be read as Parquet: {str(error)[:120]}", where=path, expected=EXPECTED) from error
    columns = [[f"body_{name}_{axis}" for axis in "xyz"] for name in names]
    wanted = [name for three in columns for name in three]
    if not set(wanted) <= set(table.column_names):
        raise UserError(
            f"has no columns such as {wanted[0]}", where=path, expected=EXPECTED, fix="name kinematics with `show`"
        )
    found = np.column_stack([table.column(name).to_numpy(zero_copy_only=False).astype(np.float64) for name in wanted])
    times = next((name for name in ("timestamp", "timestamp_by_camera") if name in table.column_names), None)
    time_s = None
    if times is not None and table.column(times).type in (pa.float64(), pa.float32()):
        time_s = table.column(times).to_numpy().astype(np.float64)
    return found.reshape(len(found), len(names), 3), time_s
