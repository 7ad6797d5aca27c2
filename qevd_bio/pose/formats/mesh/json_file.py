"""SMPL, SMPL-H and SMPL-X parameters in JSON, as Fit3D and its sister data sets publish them: one file a video."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from qevd_bio.pose.formats.mesh.archives import parameters
from qevd_bio.pose.formats.mesh.smpl import Rotations, smpl_recording
from qevd_bio.pose.formats.probe import read_json
from qevd_bio.pose.formats.recording import Recording
from qevd_bio.pose.formats.skel_file import frame_rate
from qevd_bio.store.errors import UserError

EXPECTED = "global_orient and body_pose, one entry a frame"


def read_smpl_json(path: Path, pitch_deg: float = 0.0) -> Recording:
    """A dictionary of SMPL parameters as lists: global_orient, body_pose (axis-angle or matrices), transl, betas.

    Which axis is up is read from the pelvis, whose own up lies nearest to it over the file: y, z, or −y (a camera's
    axes); it is flagged, since pelvis and lean are wrong where the body lies throughout. Joint angles do not depend
    on it. Without a frame rate in the file the frames are the video's. Raises UserError for other content.
    """
    try:
        content = read_json(path)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot be read: {error}", where=path, expected=EXPECTED) from error
    if not isinstance(content, dict):
        raise UserError("holds no dictionary", where=path, expected=EXPECTED)
    rate = frame_rate({key: np.asarray(content[key]) for key in ("fps", "frame_rate") if key in content}, path)
    found = parameters(content, path, "smpl_json", camera=False, rate=rate)
    up = _up(found)
    if up == "x":
        raise UserError("the pelvis points along x in most frames", where=path, expected="y or z up, or camera axes")
    if up != "y":
        found = parameters(content, path, "smpl_json", camera=up == "-y", rate=rate, z_up=up == "z")
    flag = {"kind": "up_axis", "detail": f"{up} is taken as up, by the pelvis"}
    return smpl_recording(replace(found, flags=(*found.flags, flag)), path, pitch_deg)


def _up(found: Rotations) -> str:
    """The axis of the file's world that the pelvis's own up is nearest to: y, -y, z or x."""
    up = found.local[:, 0, :, 1]
    whole = np.isfinite(up).all(axis=1)
    mean = np.median(up[whole], axis=0) if whole.any() else np.array([0.0, 1.0, 0.0])
    axis = "xyz"[int(np.argmax(np.abs(mean)))]
    return "-y" if axis == "y" and mean[1] < 0 else axis
