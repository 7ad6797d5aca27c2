"""The user's own reference: which cycle of which recording, and where the result goes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from qevd_bio.anatomy.dofs import FloatArray
from qevd_bio.exercise.recording import Recorded, cycle_from
from qevd_bio.exercise.reference import has_reference, load_reference, write
from qevd_bio.exercise.rules import Exercise
from qevd_bio.exercise.trajectory import FPS
from qevd_bio.store.errors import UserError

_COLUMNS = ("video", "exercise", "start_s", "end_s", "score")


def cycle_span(cycles: Path, split: str, video: str, exercise: str, number: int | None = None) -> tuple[float, float]:
    """Start and end in seconds of a cycle in the table that `analyze` wrote: the `number`-th, or the best scored.

    UserError where the table is missing or holds no such cycle.
    """
    advice = f"qevd-bio analyze --only '*{video}', or give --start and --end"
    if not cycles.is_file():
        raise UserError("no cycles found yet", where=cycles, fix=advice)
    try:
        table = pq.read_table(cycles)
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(
            f"cannot be read as Parquet ({str(error).splitlines()[0]})", where=cycles, fix=advice
        ) from error
    missing = [name for name in _COLUMNS if name not in table.column_names]
    if missing:
        raise UserError(f"has no column {missing[0]!r}", where=cycles, expected="the table of `qevd-bio analyze`")
    rows = [
        row
        for row in table.to_pylist()
        if row["video"] == video and row["exercise"] == exercise and row.get("split", split) == split
    ]
    if not rows:
        raise UserError(f"no cycle of {exercise!r} in video {video!r}", where=cycles, fix=advice)
    rows.sort(key=lambda row: float(row["start_s"]))
    if number is None:
        best = max(rows, key=lambda row: -1.0 if row["score"] is None else float(row["score"]))
        return float(best["start_s"]), float(best["end_s"])
    if not 1 <= number <= len(rows):
        raise UserError(f"no cycle {number} in video {video!r}", where=cycles, expected=f"1 .. {len(rows)}")
    return float(rows[number - 1]["start_s"]), float(rows[number - 1]["end_s"])


def reference_from(
    exercise: Exercise,
    angles: NDArray[np.float32],
    observed: NDArray[np.bool_],
    time_s: FloatArray,
    span: tuple[float, float],
    user_refs: Path,
    name: str,
) -> tuple[Path, Recorded]:
    """Write the cycle `span` of a recording as the user's reference; returns the file and what it was made of.

    Degrees of freedom the recording does not show come from the reference that applied before; without one from the
    other side, and what neither shows is named as unobserved. The sidecar's `origin` says all of it.
    """
    fallback = load_reference(exercise, user_refs).angles if has_reference(exercise, user_refs) else None
    in_turn = exercise.category == "alternating"
    recorded = cycle_from(np.asarray(angles, dtype=np.float64), observed, time_s, span, fallback, in_turn)
    origin = f"recording {name}, {span[0]:.3f}..{span[1]:.3f} s"
    for what, dofs in (
        ("not observed", recorded.filled),
        ("mirrored from the other side", recorded.mirrored),
        ("unobserved, at zero", recorded.unobserved),
    ):
        origin += f"; {what}: {' '.join(dofs)}" if dofs else ""
    path = write(user_refs / "trajectories", exercise, recorded.angles, FPS, origin)
    return path, recorded
