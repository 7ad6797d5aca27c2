"""The kinematics table: what is written is read, and anybody's reader can open it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from qevd_bio.anatomy.dofs import DOF_INDEX, DOF_NAMES
from qevd_bio.store.errors import UserError
from qevd_bio.tables.kinematics import MISSING, Kinematics

T = 6


@pytest.fixture
def kinematics() -> Kinematics:
    rng = np.random.default_rng(0)
    angles = rng.normal(size=(T, 46)).astype(np.float32)
    angles[2] = np.nan
    status = np.zeros(T, np.uint8)
    status[2] = MISSING
    landmarks = rng.normal(size=(T, 33, 7)).astype(np.float32)
    return Kinematics(
        "QEVD-FIT-COACH", "0001", 30.0, np.arange(T, dtype=np.int32), np.arange(T) / 30, angles, angles.copy(),
        rng.random((T, 46)) > 0.5, rng.random(T).astype(np.float32), status, np.full((T, 3), np.nan, np.float32),
        landmarks, {"thigh_r": 0.42}, {"height": {"value": 1.7, "unit": "m"}}, {"backend": "test"},
    )  # fmt: skip


def test_round_trip(kinematics: Kinematics, tmp_path: Path) -> None:
    kinematics.write(tmp_path / "a.parquet", history=[{"operation": "test"}])
    found = Kinematics.read(tmp_path / "a.parquet")
    for name in ("frame", "time_s", "angles", "raw", "observed", "confidence", "status", "root", "landmarks"):
        one, two = getattr(kinematics, name), getattr(found, name)
        assert one.dtype == two.dtype and np.array_equal(one, two, equal_nan=one.dtype.kind == "f"), name
    assert found.skeleton_lengths == {"thigh_r": 0.42} and found.body["height"]["value"] == 1.7
    assert found.meta["backend"] == "test" and found.meta["dof_order"] == list(DOF_NAMES)
    found.write(tmp_path / "b.parquet", history=[{"operation": "test"}])
    assert (tmp_path / "b.parquet").read_bytes() == (tmp_path / "a.parquet").read_bytes()


def test_sigma_is_null_where_it_is_not_known(kinematics: Kinematics, tmp_path: Path) -> None:
    assert kinematics.sigma is None
    sigma = np.full((T, 46), 0.1, np.float32)
    sigma[2], sigma[4, 7] = np.nan, np.nan
    replace(kinematics, sigma=sigma, slow=2 * sigma).write(tmp_path / "a.parquet")
    found = Kinematics.read(tmp_path / "a.parquet")
    np.testing.assert_array_equal(found.sigma, sigma)
    np.testing.assert_array_equal(found.slow, 2 * sigma)
    column = pq.read_table(tmp_path / "a.parquet", columns=["sigma"]).column("sigma").to_pylist()
    assert column[4][7] is None and column[4][6] == pytest.approx(0.1)
    kinematics.write(tmp_path / "b.parquet")
    assert Kinematics.read(tmp_path / "b.parquet").sigma is None
    assert found.between(0.0, 0.1).sigma.shape == (4, 46)


def test_plain_readers(kinematics: Kinematics, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    kinematics.write(path)
    frame = pd.read_parquet(path)
    assert frame["knee_angle_r"].isna().tolist() == [False, False, True, False, False, False]
    assert frame["knee_angle_r"].iloc[0] == kinematics.angles[0, DOF_INDEX["knee_angle_r"]]
    assert pq.read_schema(path).field("knee_angle_r").metadata[b"unit"] == b"rad"
    polars, duckdb = pytest.importorskip("polars"), pytest.importorskip("duckdb")
    assert polars.read_parquet(path, columns=["time_s"]).height == T
    ((largest,),) = duckdb.sql(f"select max(knee_angle_r) from '{path}'").fetchall()
    assert largest == pytest.approx(np.nanmax(kinematics.angles[:, DOF_INDEX["knee_angle_r"]]))


def test_shapes_and_times_are_checked(kinematics: Kinematics) -> None:
    with pytest.raises(ValueError, match=r"angles has shape \(6, 45\)"):
        replace(kinematics, angles=kinematics.angles[:, :45])
    with pytest.raises(ValueError, match="time_s must rise"):
        replace(kinematics, time_s=np.zeros(T))


def test_part_of_a_clip(kinematics: Kinematics) -> None:
    part = kinematics.between(1 / 30, 3 / 30)
    assert part.frame.tolist() == [1, 2, 3] and part.landmarks is not None and len(part.landmarks) == 3
    assert part.valid.tolist() == [True, False, True]


def test_other_files(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        Kinematics.read(tmp_path / "none.parquet")
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(UserError, match="this is table 'unknown'"):
        Kinematics.read(tmp_path / "other.parquet")
    (tmp_path / "cut.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match="cannot be read as Parquet"):
        Kinematics.read(tmp_path / "cut.parquet")
