"""Pickled numpy files are read, and nothing in them is run."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qevd_bio.pose.formats.numpy_file import read_npy, read_npz
from qevd_bio.pose.formats.plain_pickle import RefusedPickle, loads
from qevd_bio.store.errors import UserError


def frame(people: int) -> dict[str, Any]:
    rng = np.random.default_rng(people)
    return {
        "poses": rng.normal(size=(people, 46)).astype(np.float32),
        "bbx_cs": [rng.random(3) for _ in range(people)] or None,
        "column_major": np.asfortranarray(np.arange(6, dtype=np.int16).reshape(2, 3)),
        "int": np.arange(3, dtype="int64"),
        "scalar": np.float32(2.5),
        "plain": [1, -7, 2**40, 0.5, True, False, "text", b"\x00\xff", (1, 2), {"a": []}],
    }


def same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and all(map(same, a.ravel(), b.ravel()))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return bool(a == b) and type(a) is type(b)


def test_object_array_as_numpy_itself_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "HSMR-0001.npy"
    np.save(path, np.array([frame(1), frame(0), frame(2)], dtype=object))
    assert same(read_npy(path), np.load(path, allow_pickle=True))


def test_foreign_byte_order_becomes_the_machines_own() -> None:
    found = loads(pickle.dumps(np.arange(3, dtype=">f8"), 3))
    assert found.dtype == np.float64 and found.tolist() == [0, 1, 2]


@pytest.mark.parametrize("protocol", [3, 4])
def test_protocols_that_numpy_writes(protocol: int) -> None:
    value = [frame(1), frame(2)]
    assert same(loads(pickle.dumps(value, protocol)), value)


class Runs:
    """Unpickled the usual way, it would create a file."""

    def __init__(self, mark: Path, function: Any = os.system) -> None:
        self.mark, self.function = mark, function

    def __reduce__(self) -> Any:
        return self.function, (f"touch {self.mark}",)


def test_code_in_a_pickle_is_refused_and_does_not_run(tmp_path: Path) -> None:
    mark, path = tmp_path / "it-ran", tmp_path / "evil.npy"
    np.save(path, np.array([Runs(mark)], dtype=object))
    with pytest.raises(UserError) as caught:
        read_npy(path)
    assert "nothing in it was run" in str(caught.value) and "system" in str(caught.value)
    assert not mark.exists()
    np.load(path, allow_pickle=True)  # the trap is real: the usual reader springs it
    assert mark.exists()


@pytest.mark.parametrize("function", [eval, exec, __import__, getattr])
def test_builtins_are_refused(function: Any, tmp_path: Path) -> None:
    with pytest.raises(RefusedPickle, match="neither an array nor a dtype"):
        loads(pickle.dumps(Runs(tmp_path / "x", function)))


def _array_of(text: str) -> bytes:
    """`_reconstruct` called on something that is no array."""
    return b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\ndtype\n(K\x00tc_codecs\nencode\n(X\x01\x00\x00\x00bX\x06\x00\x00\x00latin1tRtR."


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "damaged"),
        (b"garbage", "damaged"),
        (pickle.dumps([1, 2, 3])[:-1], "before seeing STOP"),
        (b"\x80\x03cnumpy\nndarray\n.", "stands where a value"),
        (_array_of("dtype"), "unknown way"),
        (pickle.dumps({1, 2}), "not needed"),
        (pickle.dumps(np.array(["a"])), "not a number"),
        (pickle.dumps(np.zeros(2, dtype="datetime64[s]")), "not a number"),
    ],
)
def test_other_content_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(RefusedPickle, match=reason):
        loads(data)


def test_lists_that_hold_themselves_or_unfold_into_billions() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(RefusedPickle, match="deeply"):
        loads(pickle.dumps(loop))
    laugh: Any = ["ha"]
    for _ in range(15):
        laugh = [laugh] * 10
    assert len(loads(pickle.dumps(laugh))) == 10


def test_npz_of_numbers_and_of_boxes(tmp_path: Path) -> None:
    path = tmp_path / "HSMR-a.png.npz"
    boxes = np.empty(2, dtype=object)
    boxes[:] = [np.ones(3), np.zeros(3)]
    np.savez(path, poses=np.ones((2, 46), np.float32), bbx_cs=boxes)
    found = read_npz(path)
    assert found["poses"].shape == (2, 46) and found["bbx_cs"][0].tolist() == [1, 1, 1]


def test_damaged_files_say_so(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.zeros(100))
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(UserError, match="bytes where 800 are announced"):
        read_npy(path)
    path.write_bytes(b"no numpy")
    with pytest.raises(UserError, match="cannot be read as numpy data"):
        read_npy(path)
    with pytest.raises(UserError, match="No such file"):
        read_npy(tmp_path / "missing.npy")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("poses.npy", b"cut")
    with pytest.raises(UserError, match="cannot be read as numpy data"):
        read_npz(tmp_path / "a.npz")
