"""`qevd-bio export`: the kinematics of one video in a file of another program."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from qevd_bio.anatomy.dofs import DOF_NAMES
from qevd_bio.anatomy.skeleton import SEGMENTS, Skeleton
from qevd_bio.pose.formats.writers.npz import npz
from qevd_bio.pose.formats.writers.text import bvh, csv, mot, sto, trc
from qevd_bio.store.atomic import write_bytes
from qevd_bio.store.errors import UserError
from qevd_bio.tables.kinematics import Kinematics

Target = Literal["mot", "sto", "trc", "csv", "bvh", "npz"]
TARGETS: tuple[Target, ...] = ("mot", "sto", "trc", "csv", "bvh", "npz")
MEAN_STATURE = 1.69


def export(kinematics: Kinematics, to: Target, out: Path, *, raw: bool = False, overwrite: bool = False) -> Path:
    """Write the smoothed angles (`raw`: those before smoothing) to the file `out`; returns it.

    Raises UserError where the file is there already and is not to be overwritten.
    """
    if out.exists() and not overwrite:
        raise UserError("is there already", where=out, fix="--overwrite, or another --out")
    write_bytes(out, content(kinematics, to, raw=raw))
    return out


def content(kinematics: Kinematics, to: Target, *, raw: bool = False) -> bytes:
    """The bytes of the file."""
    if to == "npz":
        return npz(kinematics, raw)
    angles = (kinematics.raw if raw else kinematics.angles).astype(np.float64)
    root, time_s = kinematics.root.astype(np.float64), kinematics.time_s
    seen = np.asarray(kinematics.observed.any(axis=0))
    observed = [name for name, own in zip(DOF_NAMES, seen, strict=True) if own]
    hidden = [name for name in DOF_NAMES if name not in observed]
    if to == "mot":
        return mot(kinematics.video, time_s, angles, root, hidden).encode()
    if to == "sto":
        return sto(kinematics.video, time_s, angles, root, hidden).encode()
    if to == "csv":
        confidence = kinematics.confidence.astype(np.float64)
        return csv(time_s, kinematics.frame, angles, root, confidence, observed or DOF_NAMES).encode()
    skeleton = skeleton_of(kinematics)
    if to == "trc":
        return trc(kinematics.video, time_s, angles, root, skeleton, kinematics.fps).encode()
    return bvh(angles, root, skeleton, kinematics.fps).encode()


def skeleton_of(kinematics: Kinematics) -> Skeleton:
    """The skeleton of the person: stature where it is known, lengths where they were measured."""
    height = kinematics.body.get("height", {}).get("value")
    skeleton = Skeleton.from_stature(float(height) if height else MEAN_STATURE)
    lengths = {name: value for name, value in kinematics.skeleton_lengths.items() if name in SEGMENTS}
    return skeleton.with_lengths(lengths) if lengths else skeleton
