"""The kinematics as one `.npz`: angles, root, times, what was observed, and the metadata. Written and read exactly."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from qevd_bio.anatomy.dofs import DOF_NAMES
from qevd_bio.pose.formats.numpy_file import read_npz
from qevd_bio.pose.formats.recording import N_DOFS, About, Recording, full_recording
from qevd_bio.pose.formats.skel_file import numbers
from qevd_bio.store.errors import UserError
from qevd_bio.tables.kinematics import MISSING, Kinematics

_EXPECTED = "an archive written by qevd-bio export --to npz"
_DATE = (1980, 1, 1, 0, 0, 0)


def npz(kinematics: Kinematics, raw: bool = False) -> bytes:
    """`poses` (T, 46) radians in SKEL's order, `trans` (T, 3), `time_s`, `frame`, `confidence`, `observed`, `status`,
    `fps`, `dof_names`, and the metadata as JSON text in `qevd_bio`. The same kinematics give the same bytes."""
    arrays: dict[str, Any] = {
        "poses": kinematics.raw if raw else kinematics.angles,
        "trans": kinematics.root,
        "time_s": kinematics.time_s,
        "frame": kinematics.frame,
        "confidence": kinematics.confidence,
        "observed": kinematics.observed,
        "status": kinematics.status,
        "fps": np.float64(kinematics.fps),
        "dof_names": np.array(DOF_NAMES),
        "qevd_bio": np.array(json.dumps(dict(kinematics.meta), sort_keys=True, default=str)),
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in arrays.items():
            member = io.BytesIO()
            np.save(member, np.asarray(value), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _DATE), member.getvalue(), zipfile.ZIP_DEFLATED)
    return content.getvalue()


def read_export(path: Path) -> Recording:
    """What `npz` wrote. Raises UserError for other archives."""
    arrays = read_npz(path)
    wanted = ("poses", "trans", "time_s", "confidence", "observed", "status")
    if not set(wanted) <= set(arrays):
        raise UserError(f"holds {', '.join(sorted(arrays)[:6])}, …", where=path, expected=_EXPECTED)
    found = {name: numbers(arrays[name], path, name) for name in wanted}
    frames = len(found["poses"]) if found["poses"].ndim == 2 else -1
    shapes = {"poses": (frames, N_DOFS), "trans": (frames, 3), "observed": (frames, N_DOFS)}
    for name in wanted:
        if found[name].shape != shapes.get(name, (frames,)) or frames < 1:
            raise UserError(f"{name} has shape {found[name].shape}", where=path, expected=_EXPECTED)
    raw = np.where((found["status"] == MISSING)[:, None], np.nan, found["poses"])
    about = About("qevd_bio_npz", "radians", "the format", "level, y up, heading 0 faces the camera")
    columns = {name: raw[:, k] for k, name in enumerate(DOF_NAMES)}
    recording = full_recording(
        columns, frames, where=path, root=found["trans"], time_s=found["time_s"], confidence=found["confidence"],
        details=about.details(),
    )  # fmt: skip
    recording.observed[...] &= found["observed"] > 0
    return recording
