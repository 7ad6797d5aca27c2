"""SMPL-X parameters in JSON: the same angles whichever axis is up, and other content refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.pose.formats.recording import Recording
from qevd_bio.pose.formats.registry import Asked, recognise
from qevd_bio.store.errors import UserError
from tests.pose.formats.mesh.test_mesh_models import pose, smpl_locals

FROM_Y_UP = {
    "y": np.eye(3),
    "z": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]),
    "-y": np.diag([1.0, -1.0, -1.0]),
    "x": np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
}


def write(path: Path, up: str, **more: object) -> np.ndarray:
    """A squat as Fit3D has it: matrices by frame and joint."""
    angles = pose(5, pelvis_tilt=-20, pelvis_rotation=30, knee_angle_r=80, hip_flexion_r=70, elbow_flexion_l=50)
    local = smpl_locals(angles)
    local[:, 0] = FROM_Y_UP[up] @ local[:, 0]
    content = {"transl": np.zeros((5, 3)), "global_orient": local[:, :1], "body_pose": local[:, 1:]}
    path.write_text(json.dumps({key: value.tolist() for key, value in content.items()} | more))
    return angles


def read(path: Path) -> Recording:
    form = recognise(path)
    assert form.name == "smpl_json"
    found = form.read(path, Asked())
    assert isinstance(found, Recording)
    return found


@pytest.mark.parametrize("up", ["y", "z", "-y"])
def test_the_same_angles_whichever_axis_is_up(up: str, tmp_path: Path) -> None:
    angles = write(tmp_path / "squat.json", up)
    found = read(tmp_path / "squat.json")
    for name in ("pelvis_tilt", "pelvis_rotation", "knee_angle_r", "hip_flexion_r", "elbow_flexion_l"):
        k = DOF_INDEX[name]
        assert np.rad2deg(found.raw[:, k]) == pytest.approx(np.rad2deg(angles[:, k]), abs=0.01), name
    assert {"kind": "up_axis", "detail": f"{up} is taken as up, by the pelvis"} in found.flags
    assert found.time_s is None


def test_a_frame_rate_gives_times(tmp_path: Path) -> None:
    write(tmp_path / "squat.json", "z", fps=50)
    assert read(tmp_path / "squat.json").time_s == pytest.approx(np.arange(5) / 50)


def test_other_content_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "squat.json"
    write(path, "x")
    with pytest.raises(UserError, match="points along x"):
        read(path)
    path.write_text('{"transl": [[0, 0, 0]], "betas": [[0]]}')
    with pytest.raises(UserError, match="has betas, transl"):
        read(path)
    path.write_text('{"transl": [[0, 0, 0]]')
    with pytest.raises(UserError, match="cannot be read"):
        read(path)
