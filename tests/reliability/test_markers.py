"""Markers of any shape, results that are not whole, failures of the machine, other data in the same workspace."""

from __future__ import annotations

import errno
import json
import os
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.store.ledger import marker_path, read_marker
from qevd_bio.store.work import Item, RunOptions, run_stage
from qevd_bio.tables.workspace import Workspace

GOOD: dict[str, Any] = {"status": "ok", "settings": {"version": 1}, "inputs": [], "outputs": [], "result": {}}
FILE = {"path": "/a", "size": 1, "mtime_ns": 1, "sha256": "0"}
ODD: list[Any] = [
    None,
    7,
    1.5,
    "ok",
    True,
    [],
    [[]],
    {},
    {"status": "ok"},
    GOOD | {"status": "fine"},
    GOOD | {"status": ["ok"]},
    GOOD | {"settings": None},
    GOOD | {"settings": []},
    GOOD | {"inputs": 7},
    GOOD | {"inputs": [{}]},
    GOOD | {"inputs": [7]},
    GOOD | {"inputs": {"path": "x"}},
    GOOD | {"inputs": [FILE | {"size": "1"}]},
    GOOD | {"inputs": [FILE | {"sha256": 5}]},
    GOOD | {"inputs": [FILE | {"mtime_ns": True}]},
    GOOD | {"outputs": None},
    GOOD | {"outputs": [None]},
    GOOD | {"result": None},
    GOOD | {"result": "done"},
    {key: value for key, value in GOOD.items() if key != "result"},
    {key: value for key, value in GOOD.items() if key != "inputs"},
    GOOD | {"status": "failed", "reason": 5},
    GOOD | {"status": "failed", "detail": ["x"]},
]


def copy(item: Item[Any], calls: list[str], fail: Exception | None = None) -> dict[str, Any]:
    """Write the input to a Parquet file."""
    calls.append(item.key)
    if fail is not None:
        raise fail
    pq.write_table(pa.table({"a": [item.inputs[0].read_text()] * 50}), item.outputs[0])
    return {"ok": True}


def one(folder: Path, text: str = "x") -> Item[None]:
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "a.mp4"
    if not source.exists():
        source.write_text(text)
    return Item("videos/a", (source,), (folder.parent / "a.parquet",), None, source=source)


def run(workspace: Workspace, item: Item[None], calls: list[str], **more: Any) -> tuple[int, int, dict[str, Any]]:
    summary = run_stage("copy", workspace, [item], partial(copy, calls=calls, **more), settings={})
    return summary.done, summary.kept, summary.failed


@pytest.mark.parametrize("content", ODD, ids=lambda value: json.dumps(value)[:40])
def test_a_marker_of_another_shape_counts_as_absent(tmp_path: Path, workspace: Workspace, content: Any) -> None:
    calls: list[str] = []
    item = one(tmp_path / "in")
    run(workspace, item, calls)
    marker_path(workspace.manifests, "copy", item.key).write_text(json.dumps(content))
    assert run(workspace, item, calls)[:2] == (1, 0) and len(calls) == 2


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"status": "ok"', b"[" * 5000, b"NaN", b'"\\ud800"'])
def test_a_marker_that_is_no_json_counts_as_absent(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.json").write_bytes(content)
    assert read_marker(tmp_path / "m.json") is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*GOOD, *FILE]), inner, max_size=5),
    max_leaves=8,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(st.sampled_from([*GOOD, "reason", "detail"]), json_values, max_size=3))
def test_no_marker_whatever_it_holds_ends_in_an_error(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = tmp_path / "m.json"
    path.write_text(json.dumps({**GOOD, **changes}))
    marker = read_marker(path)
    assert marker is None or (isinstance(marker.result, dict) and isinstance(marker.settings, dict))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("damage", [_cut, _empty, _flip, Path.unlink])
def test_a_result_that_is_not_what_was_written_is_made_again(tmp_path: Path, workspace: Workspace, damage: Any) -> None:
    calls: list[str] = []
    item = one(tmp_path / "in")
    run(workspace, item, calls)
    whole = item.outputs[0].read_bytes()
    damage(item.outputs[0])
    assert run(workspace, item, calls)[:2] == (1, 0)
    assert item.outputs[0].read_bytes() == whole


def test_a_copied_workspace_is_kept_and_an_earlier_marker_is_checked_by_the_footer(
    tmp_path: Path, workspace: Workspace
) -> None:
    calls: list[str] = []
    item = one(tmp_path / "in")
    run(workspace, item, calls)
    os.utime(item.outputs[0])
    assert run(workspace, item, calls)[:2] == (0, 1)
    path = marker_path(workspace.manifests, "copy", item.key)
    earlier = json.loads(path.read_text())
    del earlier["outputs"]
    path.write_text(json.dumps(earlier))
    assert run(workspace, item, calls)[:2] == (0, 1)
    _cut(item.outputs[0])
    assert run(workspace, item, calls)[:2] == (1, 0)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "out_of_memory"),
        (ItemError("out_of_memory", "while decoding"), "out_of_memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "out_of_memory"),
        (RuntimeError("can't start new thread"), "out_of_memory"),
        (type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory"), "out_of_memory"),
        (RuntimeError("Exception from src/inference/src/cpp/core.cpp:110: std::bad_alloc"), "out_of_memory"),
        (ImportError("libx265-f5385bb8.so.216: failed to map segment from shared object"), "out_of_memory"),
        (OSError(errno.EIO, "Input/output error"), "io_error"),
        (OSError(errno.ESTALE, "Stale file handle"), "io_error"),
        (OSError(errno.EMFILE, "Too many open files"), "io_error"),
        (PermissionError(errno.EACCES, "Permission denied"), "io_error"),
    ],
)
def test_what_the_machine_lacked_is_tried_again(
    tmp_path: Path, workspace: Workspace, error: Exception, reason: str
) -> None:
    calls: list[str] = []
    item = one(tmp_path / "in")
    assert run(workspace, item, calls, fail=error)[2]["videos/a"][0] == reason
    assert run(workspace, item, calls) == (1, 0, {})


def test_what_is_wrong_with_the_file_is_not_tried_again(tmp_path: Path, workspace: Workspace) -> None:
    calls: list[str] = []
    item = one(tmp_path / "in")
    run(workspace, item, calls, fail=ItemError("no_frames", "none"))
    assert list(run(workspace, item, calls)[2]) == ["videos/a"] and len(calls) == 1


def test_another_data_set_never_replaces_finished_results(tmp_path: Path, workspace: Workspace) -> None:
    calls: list[str] = []
    first, other = one(tmp_path / "a", "one"), one(tmp_path / "b", "two")
    run(workspace, first, calls)
    whole = first.outputs[0].read_bytes()
    with pytest.raises(UserError, match="1 of 1 items of 'copy' were made from other files") as error:
        run(workspace, other, calls)
    assert str(tmp_path / "a" / "a.mp4") in str(error.value) and str(tmp_path / "b" / "a.mp4") in str(error.value)
    assert "--workspace" in str(error.value) and first.outputs[0].read_bytes() == whole and len(calls) == 1
    redone = run_stage(
        "copy", workspace, [other], partial(copy, calls=calls), settings={}, options=RunOptions(redo=True)
    )
    assert redone.done == 1


def test_a_data_set_that_was_moved_is_still_the_same(tmp_path: Path, workspace: Workspace) -> None:
    calls: list[str] = []
    run(workspace, one(tmp_path / "a", "one"), calls)
    assert run(workspace, one(tmp_path / "b", "one"), calls)[:2] == (0, 1)


def test_a_video_exchanged_in_its_place_is_made_again(tmp_path: Path, workspace: Workspace) -> None:
    calls: list[str] = []
    item = one(tmp_path / "a", "one")
    run(workspace, item, calls)
    item.inputs[0].write_text("another")
    assert run(workspace, item, calls)[:2] == (1, 0)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_an_unreadable_input_is_a_row(tmp_path: Path, workspace: Workspace) -> None:
    calls: list[str] = []
    item = one(tmp_path / "in")
    item.inputs[0].chmod(0)
    assert run(workspace, item, calls)[2]["videos/a"][0] == "unreadable" and not calls
    item.inputs[0].chmod(0o600)
    assert run(workspace, item, calls)[:2] == (1, 0)


def test_an_input_that_fails_to_be_read_costs_only_its_item(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may read anything, so the refusal is that of the system call."""
    real = Path.open

    def refuse(path: Path, *given: Any, **named: Any) -> Any:
        if path.name == "b.mp4":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, *given, **named)

    calls: list[str] = []
    good = one(tmp_path / "in")
    (tmp_path / "in" / "b.mp4").write_text("y")
    bad = Item("videos/b", (tmp_path / "in" / "b.mp4",), (tmp_path / "b.parquet",), None)
    monkeypatch.setattr(Path, "open", refuse)
    summary = run_stage("copy", workspace, [bad, good], partial(copy, calls=calls), settings={})
    assert (summary.done, summary.failed["videos/b"][0], calls) == (1, "unreadable", ["videos/a"])
    monkeypatch.undo()
    assert run_stage("copy", workspace, [bad, good], partial(copy, calls=calls), settings={}).done == 1
