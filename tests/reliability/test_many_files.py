"""A folder of ten thousand videos: work begins before they have been read."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from qevd_bio.dataset.opening import open_dataset
from qevd_bio.dataset.stage import write_segments
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.pose.stage import make_items
from qevd_bio.store import filestate
from qevd_bio.store.errors import StopRun
from qevd_bio.store.work import Item, RunOptions, run_stage
from qevd_bio.tables.workspace import Workspace

COUNT = 10_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("many")
    for number in range(COUNT):
        (made / f"v{number:05}.mp4").write_bytes(b"%d" % number)
    return made


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Files whose content was read."""
    found: list[Path] = []
    real = filestate.hash_file

    def count(path: Path) -> str:
        found.append(Path(path))
        return real(path)

    monkeypatch.setattr(filestate, "hash_file", count)
    filestate._known.clear()
    return found


def first(folder: Path, workspace: Workspace, work: Any, **options: Any) -> None:
    dataset = open_dataset(folder, exercise="squats")
    items = make_items(dataset, workspace, ExtractOptions())
    run = RunOptions(**options)
    run_stage(
        "extract", workspace, items, work, settings={}, options=run, ready=lambda: write_segments(dataset, workspace)
    )


def test_the_first_item_runs_before_the_others_are_read(folder: Path, workspace: Workspace, read: list[Path]) -> None:
    start = time.process_time()

    def work(item: Item[Any]) -> dict[str, Any]:
        raise StopRun(f"begun after {time.process_time() - start:.1f} s")

    with pytest.raises(StopRun, match="begun after") as stopped:
        first(folder, workspace, work)
    assert [path.name for path in read if path.suffix == ".mp4"] == ["v00000.mp4"]
    # Three seconds on an idle machine; the processor's time does not grow with the load of others.
    assert float(stopped.value.problem.split()[2]) < 6


def test_a_limit_reads_no_more_than_it_takes(folder: Path, workspace: Workspace, read: list[Path]) -> None:
    first(folder, workspace, lambda item: {}, limit=2)
    assert [path.name for path in read if path.suffix == ".mp4"] == ["v00000.mp4", "v00001.mp4"]


def test_kept_items_are_not_read_again_unless_their_time_changed(
    tmp_path: Path, workspace: Workspace, read: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    sources = [tmp_path / f"{number}" for number in range(4)]
    for path in sources:
        path.write_text(path.name)
    items = [Item(f"s/{path.name}", (path,), (), None) for path in sources]
    run_stage("s", workspace, items, lambda item: {}, settings={})
    del read[:]
    assert run_stage("s", workspace, items, lambda item: {}, settings={}).kept == 4 and read == []
    sources[1].write_text("1")  # the same content, later
    filestate._known.clear()
    assert run_stage("s", workspace, items, lambda item: {}, settings={}).kept == 4 and read == [sources[1]]
    assert "reading files that changed their time" in capsys.readouterr().err
