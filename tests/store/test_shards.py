"""Shares of a stage, and joining them: as on several machines, each with a workspace of its own."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from qevd_bio.store.atomic import write_text
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.store.merging import merge
from qevd_bio.store.shards import Shard
from qevd_bio.store.standing import standing_of
from qevd_bio.store.work import Item, RunOptions, Summary, run_stage
from qevd_bio.tables.workspace import Workspace

ITEMS = 11


def work(item: Item[None], fail: tuple[str, ...] = ()) -> dict[str, object]:
    if item.key in fail:
        raise ItemError("refused", "on the list")
    write_text(item.outputs[0], item.inputs[0].read_text() * 2)
    return {"length": 2}


def run(place: Workspace, source: Path, shard: str | None, fail: tuple[str, ...] = (), **settings: int) -> Summary:
    source.mkdir(exist_ok=True)
    items = []
    for n in range(ITEMS):
        file = source / f"in{n}"
        if not file.exists():
            file.write_text(f"content {n}\n")
        items.append(Item(f"videos/{n}", (file,), (place.path("results", f"{n}.txt"),), None))
    options = RunOptions(shard=Shard.parse(shard) if shard else None)
    return run_stage("copy", place, items, partial(work, fail=fail), settings=settings, options=options)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "source"


@pytest.fixture
def shares(tmp_path: Path, source: Path) -> list[Workspace]:
    found = [Workspace(tmp_path / f"share{n}") for n in (1, 2, 3)]
    for n, place in enumerate(found, 1):
        run(place, source, f"{n}/3")
    return found


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "1/0", "-1/3", "1/3/3", ""])
def test_a_wrong_share_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="names no share"):
        Shard.parse(text)


def test_shares_are_disjoint_and_whole() -> None:
    for of in (1, 2, 5, 11, 20):
        parts = [Shard(number, of).part(range(ITEMS)) for number in range(1, of + 1)]
        assert sorted(item for part in parts for item in part) == list(range(ITEMS))
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_joined_shares_equal_one_run(shares: list[Workspace], source: Path, tmp_path: Path) -> None:
    whole, joined = Workspace(tmp_path / "whole"), Workspace(tmp_path / "joined")
    run(whole, source, None)
    (stage,) = merge(shares, joined)
    assert (stage.items, stage.failed, stage.missing) == (ITEMS, 0, [])
    summary = run(joined, source, None)
    assert (summary.done, summary.kept) == (0, ITEMS)
    assert files_of(joined.root / "results") == files_of(whole.root / "results")
    again = merge(shares, joined)
    assert again[0].kept == ITEMS


def test_a_workspace_that_was_moved_is_joined(shares: list[Workspace], tmp_path: Path) -> None:
    moved = [Workspace(tmp_path / "elsewhere" / place.root.name) for place in shares]
    for place, there in zip(shares, moved, strict=True):
        shutil.copytree(place.root, there.root)
        shutil.rmtree(place.root)
    assert merge(moved, Workspace(tmp_path / "joined"))[0].items == ITEMS


def test_what_is_missing_is_told(shares: list[Workspace], source: Path, tmp_path: Path) -> None:
    joined = Workspace(tmp_path / "joined")
    refused(shares[:2], joined, "share 3/3 is missing")
    assert not (joined.root / "results").exists()
    (stage,) = merge(shares[:2], joined, partial=True)
    assert (stage.items, stage.missing) == (8, ["share 3/3 is missing"])
    assert run(joined, source, None).done == 3


def test_an_unfinished_share_is_told(shares: list[Workspace], tmp_path: Path) -> None:
    path = shares[0].manifests / "copy.json"
    path.write_text(path.read_text().replace('"status": "finished"', '"status": "interrupted"'))
    next((shares[0].manifests / "copy").rglob("*.json")).unlink()
    refused(shares, Workspace(tmp_path / "joined"), "is interrupted; 1 of 11 items were not worked on")


def test_overlaps_are_refused(shares: list[Workspace], source: Path, tmp_path: Path) -> None:
    other = Workspace(tmp_path / "other")
    run(other, source, "1/2")
    joined = Workspace(tmp_path / "joined")
    refused([shares[0], other], joined, "not shares of one whole")
    again = Workspace(tmp_path / "again")
    run(again, source, "1/3")
    refused([*shares, again], joined, "the same share")
    whole = Workspace(tmp_path / "whole")
    run(whole, source, None)
    lone = Workspace(tmp_path / "lone")
    run(lone, source, None)
    refused([whole, lone], joined, "in two workspaces")
    refused([whole, whole], joined, "named twice")
    assert not (joined.root / "results").exists()


def test_other_settings_are_refused(shares: list[Workspace], source: Path, tmp_path: Path) -> None:
    other = Workspace(tmp_path / "other")
    run(other, source, "3/3", scale=2)
    refused([*shares[:2], other], Workspace(tmp_path / "joined"), r"different settings.*scale: None and 2")


def test_damage_on_the_way_is_noticed(shares: list[Workspace], tmp_path: Path) -> None:
    result = next(iter((shares[1].root / "results").iterdir()))
    result.write_text("something else")
    refused(shares, Workspace(tmp_path / "joined"), "missing, or is not what was written")


def test_nothing_finished_is_overwritten(shares: list[Workspace], source: Path, tmp_path: Path) -> None:
    joined = Workspace(tmp_path / "joined")
    run(joined, source, None, scale=3)
    before = files_of(joined.root)
    refused(shares, joined, "made videos/0 here before, with other settings")
    assert {path: data for path, data in files_of(joined.root).items() if ".lock" not in path} == {
        path: data for path, data in before.items() if ".lock" not in path
    }


def test_folders_without_a_run_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty" / "manifests").mkdir(parents=True)
    refused([Workspace(tmp_path / "nowhere")], Workspace(tmp_path / "joined"), "no stage has run here")
    refused([Workspace(tmp_path / "empty")], Workspace(tmp_path / "joined"), "no stage has run in these")
    (tmp_path / "empty" / "manifests" / "copy.json").write_text("{")
    refused([Workspace(tmp_path / "empty")], Workspace(tmp_path / "joined"), "no manifest")


def test_status_of_a_finished_share(tmp_path: Path, source: Path) -> None:
    place = Workspace(tmp_path / "share")
    run(place, source, "2/3", fail=("videos/4",))
    (stage,) = standing_of(place)
    assert (stage.state, stage.items, stage.done, stage.failed, stage.pending) == (
        "finished", 4, 3, {"refused": 1}, 0,
    )  # fmt: skip
    assert stage.describe() == "copy (share 2/3): finished, 3 of 4 done, 1 failed (1 × refused)"


def test_status_of_a_run_under_way_and_of_one_that_was_killed(tmp_path: Path, source: Path) -> None:
    """The manifest of the beginning, with the markers that came since."""
    place = Workspace(tmp_path / "share")
    run(place, source, None, fail=("videos/4",))
    path = place.manifests / "copy.json"
    manifest = json.loads(path.read_bytes())
    for n in range(5, ITEMS):
        (place.manifests / "copy" / "videos" / f"{n}.json").unlink()
    begun = min(p.stat().st_mtime for p in (place.manifests / "copy").rglob("*.json")) - 10.0
    manifest |= {
        "status": "running",
        "counts": {"items": ITEMS, "done": 0, "kept": 0, "failed": 0},
        "failures_by_reason": {},
        "finished_unix": begun,
        "process": {"host": platform.node(), "pid": os.getpid()},
    }
    path.write_text(json.dumps(manifest))
    (stage,) = standing_of(place)
    assert (stage.state, stage.done, stage.failed, stage.pending) == ("running", 4, {"refused": 1}, 6)
    assert stage.rate_per_s is not None and stage.left_s == pytest.approx(6 / stage.rate_per_s)
    assert stage.describe().endswith("left")
    manifest["process"]["pid"] = 2**22 + 1
    path.write_text(json.dumps(manifest))
    (stage,) = standing_of(place)
    assert (stage.state, stage.pending, stage.left_s) == ("interrupted", 6, None)


def test_status_of_no_workspace(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no stage has run here"):
        standing_of(Workspace(tmp_path))


def refused(parts: Sequence[Workspace], target: Workspace, match: str) -> None:
    with pytest.raises(UserError, match=match):
        merge(parts, target)


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
