"""OpenSim motions through their rotation matrices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from qevd_bio.anatomy.dofs import DOF_INDEX, DOF_NAMES
from qevd_bio.anatomy.forward import forward_kinematics
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.pose.formats.opensim import map_coordinates, read_mot
from qevd_bio.store.errors import UserError

Shared = Callable[..., Path]


def mot(path: Path, header: str, *rows: str) -> Path:
    path.write_text(f"Coordinates\nversion=1\n{header}\nendheader\n" + "\n".join(rows) + "\n")
    return path


def degrees(path: Path, **columns: float) -> Path:
    names, values = list(columns), list(columns.values())
    return mot(path, "inDegrees=yes", "\t".join(["time", *names]), "\t".join(map(str, [0.5, *values])))


def test_single_angles_carry_over(tmp_path: Path) -> None:
    path = degrees(
        tmp_path / "a.mot",
        pelvis_tilt=-20, pelvis_list=0, pelvis_rotation=0,
        hip_flexion_r=60, hip_adduction_r=0, hip_rotation_r=0,
        hip_flexion_l=0, hip_adduction_l=-15, hip_rotation_l=0,
        knee_angle_r=90, knee_angle_r_beta=1.57, ankle_angle_l=12, elbow_flex_r=45, pro_sup_l=78,
        pelvis_tx=1.0, pelvis_ty=2.0, pelvis_tz=3.0,
    )  # fmt: skip
    found = read_mot(path)
    values = dict(zip(DOF_NAMES, np.rad2deg(found.raw[0]), strict=True))
    expected = {
        "pelvis_tilt": -20, "hip_flexion_r": 60, "hip_adduction_l": -15, "knee_angle_r": 90, "ankle_angle_l": 12,
        "elbow_flexion_r": 45, "pro_sup_l": -12,
    }  # fmt: skip
    for name, value in values.items():
        assert value == pytest.approx(expected.get(name, 0.0), abs=1e-9), name
    assert found.root.tolist() == [[-3.0, 2.0, 1.0]] and found.time_s is not None
    observed = {name for name, seen in zip(DOF_NAMES, found.observed[0], strict=True) if seen}
    assert "elbow_flexion_l" not in observed and "head_twist" not in observed and "hip_rotation_l" in observed


@pytest.mark.parametrize(
    ("flex", "add", "right_x"),
    [(0, 0, 90), (0, -90, 0), (0, -150, -60), (0, -45, 45)],
)
def test_arms_in_known_positions(flex: float, add: float, right_x: float) -> None:
    """Anatomical pose: 90; abduction by 90: T-pose, 0; by 150: -60; mirrored on the left."""
    q = {f"arm_{m}_{s}": np.array([np.deg2rad(v)]) for m, v in (("flex", flex), ("add", add), ("rot", 0)) for s in "rl"}
    found = map_coordinates(q, "split")
    assert np.rad2deg(found["shoulder_r_x"][0]) == pytest.approx(right_x, abs=1e-6)
    assert np.rad2deg(found["shoulder_l_x"][0]) == pytest.approx(-right_x, abs=1e-6)


def test_arm_forward_points_forward() -> None:
    q = {f"arm_{m}_{s}": np.array([np.deg2rad(v)]) for m, v in (("flex", 90), ("add", 0), ("rot", 0)) for s in "rl"}
    angles = np.zeros((1, 46))
    for name, values in map_coordinates(q, "split").items():
        angles[:, DOF_INDEX[name]] = values
    pose = forward_kinematics(angles, Skeleton.from_stature(1.7))
    for side in "rl":
        arm = pose.place(f"elbow_{side}")[0] - pose.place(f"shoulder_{side}")[0]
        assert arm / np.linalg.norm(arm) == pytest.approx([0, 0, 1], abs=1e-6)


def test_spine_split_keeps_the_whole_turn() -> None:
    q = {f"lumbar_{m}": np.array([np.deg2rad(v)]) for m, v in (("extension", -40), ("bending", 10), ("rotation", 15))}
    ends = []
    for spine in ("split", "lumbar"):
        angles = np.zeros((1, 46))
        for name, values in map_coordinates(q, spine).items():
            angles[:, DOF_INDEX[name]] = values
        ends.append(forward_kinematics(angles, Skeleton.from_stature(1.7)).rotations[0, 12])
    assert ends[0] == pytest.approx(ends[1], abs=1e-9)


def test_measured_squat_degrees(shared: Shared) -> None:
    """The bottom of a measured squat: OpenSim (105.4, -12.4, 1.0) is SKEL (105.1, 2.3, -12.2)."""
    found = read_mot(shared("data", "kinematics", "opencap_squats1.mot"))
    angles = np.rad2deg(found.raw)
    bottom = int(angles[:, DOF_INDEX["knee_angle_r"]].argmax())
    hip = [angles[bottom, DOF_INDEX[f"hip_{m}_r"]] for m in ("flexion", "adduction", "rotation")]
    assert hip == pytest.approx([105.1, 2.3, -12.2], abs=0.1)
    assert angles.shape == (801, 46) and found.details["source_unit"] == "degrees"


def test_measured_squat_radians(shared: Shared) -> None:
    found = read_mot(shared("data", "kinematics", "subject4_squats1_ik.mot"))
    assert found.details["source_unit"] == "radians"
    assert 90 < np.rad2deg(found.raw[:, DOF_INDEX["knee_angle_r"]]).max() < 130


def test_other_shoulder_is_refused_by_name(tmp_path: Path) -> None:
    path = degrees(tmp_path / "a.mot", knee_angle_r=10, sh_elev_r=30, sh_plane_elev_r=0)
    with pytest.raises(UserError, match="LaiUhlrich2022_shoulder"):
        read_mot(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time knee_angle_r\n0 1\n", "no endheader"),
        ("version=1\nendheader\ntime knee_angle_r\n0 1\n", "inDegrees"),
        ("inDegrees=yes\nendheader\ntime knee_angle_r\n0 1 2\n", "line 4 has 3 values"),
        ("inDegrees=yes\nendheader\ntime knee_angle_r\n0 x\n", "not a number"),
        ("inDegrees=yes\nendheader\nknee_angle_r\n1\n", "no column named time"),
        ("inDegrees=yes\nendheader\ntime something\n0 1\n", "none of its columns"),
    ],
)
def test_bad_files(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.mot"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        read_mot(path)
