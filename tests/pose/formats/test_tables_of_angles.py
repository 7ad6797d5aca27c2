"""SKEL sequences and CSV files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qevd_bio.anatomy.dofs import DOF_INDEX, DOF_NAMES
from qevd_bio.pose.formats.angle_csv import read_csv
from qevd_bio.pose.formats.skel_file import read_skel
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
    found = read_csv(path, "degrees")
    assert found.raw[:, DOF_INDEX["knee_angle_r"]] == pytest.approx(np.deg2rad([90, 45]))
    assert found.raw[:, DOF_INDEX["hip_flexion_l"]].tolist() == [0.5, 0.25]
    assert found.observed.sum(axis=1).tolist() == [2, 2] and len(found.details["missing_dofs"]) == 44
    assert found.time_s is not None and found.time_s.tolist() == [0, 0.1]
    small = write(tmp_path, "knee_angle_r\n1.5\n")
    assert read_csv(small, "radians").raw[0, DOF_INDEX["knee_angle_r"]] == 1.5
    assert read_csv(small, "degrees").raw[0, DOF_INDEX["knee_angle_r"]] == pytest.approx(np.deg2rad(1.5))


def test_csv_of_all_46_with_an_empty_cell(tmp_path: Path) -> None:
    row = ",".join("0.1" for _ in DOF_NAMES)
    path = write(tmp_path, ",".join(DOF_NAMES) + f",fps\n{row},20\n,{row[4:]},20\n{row},20\n")
    found = read_csv(path, "radians")
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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("knee_angle_r,hip_flexion_r\n3,2.5\n6,5\n", "does not say whether its angles are degrees or radians"),
        ("knee_angle_r_deg,knee_angle_r_deg\n3,2.5\n", "two columns are named 'knee_angle_r_deg'"),
        ("knee_angle_r_deg,knee_angle_r\n3,2.5\n", "are the same angle"),
        ("frame,knee_angle_r_deg\n0,3\n100,2.5\n", "frame numbers jump from 0 to 100"),
        ("frame,knee_angle_r_deg\n5,3\n4,2.5\n", "frame numbers do not rise"),
        ("confidence,knee_angle_r_deg\n90,3\n", "confidence reaches 90"),
        ("status,knee_angle_r_deg\nfine,3\n", "status 'fine' is not known"),
        ("time_s,timestamp,knee_angle_r_deg\n0,0,3\n", "has time_s and timestamp"),
        ("fps,knee_angle_r_deg\n0,3\n", "fps is 0"),
        ("knee_angle_r_rad\n45\n46\n", "cannot be radians"),
        ("knee_angle_r_deg\n1_0\n", "is not a number"),
    ],
)
def test_what_would_be_read_wrongly_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_csv(write(tmp_path, text))


def test_confidence_status_and_holes_count(tmp_path: Path) -> None:
    rows = "0,0.9,ok,10\n1,0,ok,20\n5,0.8,missing,30\n"
    found = read_csv(
        write(
            tmp_path,
            "frame,confidence,status,knee_angle_r_deg\n".replace("frame", "fps,frame", 1)
            + "".join(f"25,{r}\n" for r in rows.split()),
        )
    )
    assert found.time_s == pytest.approx([0, 1 / 25, 5 / 25])
    assert found.confidence.tolist() == [0.9, 0, 0] and np.isnan(found.raw[2]).all()
    assert found.details["source_unit"] == "degrees" and "columns" in found.details["source_unit_stated_by"]
    assert any(flag["kind"] == "marked_missing" for flag in found.flags)


def test_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    found = read_csv(write(tmp_path, "time_s;Knee_Angle_R_deg\n0,0;90,5\n0,1;45\n"))
    assert np.rad2deg(found.raw[:, DOF_INDEX["knee_angle_r"]]) == pytest.approx([90.5, 45])
