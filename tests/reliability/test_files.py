"""Files that hold something else than their name says end in one sentence that names them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qevd_bio.coach.vision.feature_files import FeaturePaths, read_features
from qevd_bio.dataset.timestamps import OFFSET_S, read_timestamps
from qevd_bio.exercise.reference import read_angles
from qevd_bio.exercise.user_reference import cycle_span
from qevd_bio.pose.body.measures import read_people
from qevd_bio.pose.body.mesh import measure, read_mesh
from qevd_bio.store.errors import UserError


def npy(value: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, value)
    return buffer.getvalue()


def zipped(name: str = "a.npy", content: bytes = b"x", flag: int = 0) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    data = bytearray(buffer.getvalue())
    for start in (data.find(b"PK\x03\x04") + 6, data.find(b"PK\x01\x02") + 8):
        data[start] |= flag
    return bytes(data)


HEADER = b"\x93NUMPY\x01\x00v\x00"
NO_ARRAYS: dict[str, bytes] = {
    "empty": b"",
    "text": b"frame,time\n0,0\n",
    "magic only": b"\x93NUMPY",
    "later format": b"\x93NUMPY\x09\x00" + b"v\x00" + b" " * 118,
    "header is code": HEADER + b"__import__('os')".ljust(118),
    "header is a list": HEADER + b"[1, 2]".ljust(118),
    "header is open": HEADER + b"{'descr': '<f8'".ljust(118),
    "header of null bytes": HEADER + b"\0" * 118,
    "negative shape": HEADER + b"{'descr': '<f8', 'fortran_order': False, 'shape': (-3,)}".ljust(118),
    "huge shape": HEADER + b"{'descr': '<f8', 'fortran_order': False, 'shape': (10**5,)}".ljust(118),
    "more than memory": HEADER + b"{'descr': '<f8', 'fortran_order': False, 'shape': (999999999999999,)}".ljust(118),
    "more than a machine word": HEADER
    + b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999999,)}".ljust(118),
    "unknown type": HEADER + b"{'descr': 'zz', 'fortran_order': False, 'shape': (3,)}".ljust(118),
    "cut": npy(np.zeros(100))[:-50],
    "objects": npy(np.array([{"a": 1}, None], dtype=object)),
    "zip": zipped(),
    "zip with a password": zipped(flag=1),
    "zip cut": zipped()[:20],
    "texts": npy(np.array(["a", "b"])),
    "times of day": npy(np.array(["2024-01-01"], dtype="datetime64[ns]")),
    "records": npy(np.zeros(3, dtype=[("a", "f8"), ("b", "i4")])),
    "complex": npy(np.zeros(3, dtype=complex)),
    "a single number": npy(np.float64(1.0)),
    "four dimensions": npy(np.zeros((2, 2, 0, 2))),
    "nothing": npy(np.zeros(0)),
    "NaN alone": npy(np.full(10, np.nan)),
    "infinite": npy(np.full(10, np.inf)),
}


def features(path: Path) -> object:
    np.save(path.with_name("times.npy"), np.arange(3.0))
    return read_features(FeaturePaths(path, path.with_name("times.npy")))


@pytest.mark.parametrize("read", [read_timestamps, read_angles, features])
@pytest.mark.parametrize("kind", NO_ARRAYS)
def test_what_is_no_such_array(tmp_path: Path, read: Callable[[Path], object], kind: str) -> None:
    path = tmp_path / "0146_timestamps.npy"
    path.write_bytes(NO_ARRAYS[kind])
    with pytest.raises(UserError) as error:
        read(path)
    assert str(tmp_path) in str(error.value) and "expected:" in str(error.value)


@pytest.mark.parametrize(
    ("per_second", "unit"), [(1000, "milliseconds"), (1_000_000, "microseconds"), (1_000_000_000, "")]
)
@pytest.mark.parametrize("kind", [np.int64, np.uint64, np.float64])
@pytest.mark.parametrize("fps", [5, 30, 240])
def test_the_unit_of_frame_times(tmp_path: Path, per_second: int, unit: str, kind: type, fps: int) -> None:
    start = int(1.68e9)
    stamps = (start + np.arange(90) / fps) * per_second
    path = tmp_path / "0146_timestamps.npy"
    np.save(path, np.round(stamps).astype(kind))
    if kind is np.float64 and per_second < 1e6:
        pytest.skip("floats of this size are seconds")
    if unit:
        with pytest.raises(UserError, match=f"look like {unit}") as error:
            read_timestamps(path)
        assert "multiply" in str(error.value)
    else:
        times = read_timestamps(path)
        assert times[0] == pytest.approx(start + OFFSET_S) and times[-1] - times[0] == pytest.approx(89 / fps, abs=1e-5)


BOX = np.array([[x, y, z] for x in (0.0, 0.4) for y in (0.0, 1.7) for z in (0.0, 0.3)])
SIDES = np.array(
    [0, 1, 3, 0, 3, 2, 4, 6, 7, 4, 7, 5, 0, 4, 5, 0, 5, 1, 2, 3, 7, 2, 7, 6, 0, 2, 6, 0, 6, 4, 1, 5, 7, 1, 7, 3]
).reshape(-1, 3)


@pytest.mark.parametrize(
    "change",
    [
        {"vertices": np.zeros((0, 3))},
        {"vertices": BOX[:, :2]},
        {"vertices": BOX[None]},
        {"vertices": np.full_like(BOX, np.nan)},
        {"vertices": BOX * 100},
        {"vertices": BOX.astype("U8")},
        {"faces": SIDES[:, :2]},
        {"faces": SIDES + 99},
        {"faces": SIDES - 1},
        {"faces": SIDES.astype(float)},
        {"faces": SIDES[:-1]},
        {"faces": np.zeros((0, 3), int)},
        {"chest_y": np.array([1.0, 1.1])},
        {"chest_y": np.array("high")},
        {"waist_y": np.array(np.nan)},
        {"hips_y": np.zeros(0)},
    ],
)
def test_a_body_mesh_that_is_none(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "body.npz"
    np.savez(path, **{"vertices": BOX, "faces": SIDES, **change})
    with pytest.raises(UserError, match=r"body\.npz"):
        read_mesh(path)


def test_a_box_is_measured(tmp_path: Path) -> None:
    np.savez(tmp_path / "body.npz", vertices=BOX, faces=SIDES)
    found = measure(read_mesh(tmp_path / "body.npz"))
    assert found["height"] == pytest.approx(1.7) and found["waist"] == pytest.approx(1.4)


@pytest.mark.parametrize(
    "text",
    ["v 1 2\n", "v a b c\n", "v 1 2 3\nf 1 2 9\n", "v 1 2 3\nf\n", "f 1 2 3\n", "v 0 0 0\nf 1 1 9" + "9" * 30, ""],
)
def test_an_obj_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "body.obj").write_text(text)
    with pytest.raises(UserError, match=r"body\.obj"):
        read_mesh(tmp_path / "body.obj")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"name,stature_m\na,1.7\n",
        b"video,stature_m\na,178\n",
        b"video,stature_m\na,nan\n",
        b"video,stature_m\na,tall\n",
        b"video,sex\na,7\n",
        b"video,stature_m\na,1e400\n",
        b"video,shoe\na,43\n",
    ],
)
def test_a_table_of_people_that_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "people.csv").write_bytes(content)
    with pytest.raises(UserError, match=r"people\.csv"):
        read_people(tmp_path / "people.csv")


def test_blanks_in_the_header_of_people(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("video , stature_m\na,1.7\n")
    assert dict(read_people(tmp_path / "people.csv")["a"].entered) == {"height": 1.7}


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not a table", b"PAR1" + b"\0" * 100 + b"PAR1"])
def test_a_damaged_table_of_cycles(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "cycles.parquet").write_bytes(content)
    with pytest.raises(UserError, match=r"cycles\.parquet"):
        cycle_span(tmp_path / "cycles.parquet", "videos", "a", "squats")
