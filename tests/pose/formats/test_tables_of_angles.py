"""SKEL sequences and CSV files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qevd_bio.anatomy.dofs import DOF_INDEX, DOF_NAMES
from qevd_bio.pose.formats.skel_file import read_csv, read_skel
from qevd_bio.store.errors import UserError


def test_skel_sequence(tmp_path: Path) -> None:
    poses = np.random.default_rng(0).uniform(-1, 1, (5, 46))
    np.savez(tmp_path / "a.npz", poses=poses, trans=np.ones((5, 3)), betas=np.arange(10.0), fps=25.0)
    found = read_skel(tmp_path / "a.npz")
    assert np.array_equal(found.raw, poses) and found.observed.all()
    assert found.time_s == pytest.approx(np.arange(5) / 25) and found.details["betas"] == list(range(10))
    assert (found.root == 1).all()


def test_skel_frames_without_pose(tmp_path: Path) -> None:
    poses = np.zeros((3, 46))
    poses[1, 7] = np.nan
    np.savez(tmp_path / "a.npz", poses=poses)
    found = read_skel(tmp_path / "a.npz")
    assert np.isnan(found.raw[1]).all() and found.confidence.tolist() == [1, 0, 1] and found.time_s is None


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pose_body": np.zeros((2, 46))}, "holds pose_body"),
        ({"poses": np.zeros((2, 72))}, r"shape \(2, 72\)"),
        ({"poses": np.zeros((0, 46))}, r"shape \(0, 46\)"),
        ({"poses": np.full((2, 46), 90.0)}, "cannot be radians"),
        ({"poses": np.array([["a"] * 46])}, "does not hold numbers"),
    ],
)
def test_other_npz(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(UserError, match=message):
        read_skel(tmp_path / "a.npz")


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "a.csv"
    path.write_text(text)
    return path


def test_csv_units(tmp_path: Path) -> None:
    path = write(tmp_path, "time_s,knee_angle_r,hip_flexion_l_rad\n0,90,0.5\n0.1,45,0.25\n")
    found = read_csv(path)
    assert found.raw[:, DOF_INDEX["knee_angle_r"]] == pytest.approx(np.deg2rad([90, 45]))
    assert found.raw[:, DOF_INDEX["hip_flexion_l"]].tolist() == [0.5, 0.25]
    assert found.observed.sum(axis=1).tolist() == [2, 2] and len(found.details["missing_dofs"]) == 44
    assert found.time_s is not None and found.time_s.tolist() == [0, 0.1]
    small = write(tmp_path, "knee_angle_r\n1.5\n")
    assert read_csv(small).raw[0, DOF_INDEX["knee_angle_r"]] == 1.5
    assert read_csv(small, "degrees").raw[0, DOF_INDEX["knee_angle_r"]] == pytest.approx(np.deg2rad(1.5))


def test_csv_of_all_46_with_an_empty_cell(tmp_path: Path) -> None:
    row = ",".join("0.1" for _ in DOF_NAMES)
    path = write(tmp_path, ",".join(DOF_NAMES) + f",fps\n{row},20\n,{row[4:]},20\n{row},20\n")
    found = read_csv(path)
    assert found.time_s == pytest.approx([0, 0.05, 0.1]) and np.isnan(found.raw[1]).all()
    assert found.confidence.tolist() == [1, 0, 1] and not found.observed[1].any()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no rows"),
        ("knee_angle_r\n", "has no rows"),
        ("knee,time_s\n1,2\n", "column 'knee' is not known"),
        ("time_s\n1\n", "no column is a degree of freedom"),
        ("knee_angle_r,time_s\n1,2\n1\n", r"line 3: 1 values under 2 names"),
        ("knee_angle_r\n1\nmany\n", r"line 3, column knee_angle_r: 'many' is not a number"),
    ],
)
def test_bad_csv(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_csv(write(tmp_path, text))


def test_degrees_are_not_taken_for_radians(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be radians"):
        read_csv(write(tmp_path, "knee_angle_r\n90\n"), "radians")
