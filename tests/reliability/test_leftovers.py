"""What a killed process left half-written goes with the next run, and never lies among published files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from qevd_bio.store.atomic import atomic_link, atomic_path, write_text
from qevd_bio.store.leftovers import scratch_folder, sweep, temporaries_in
from qevd_bio.store.work import Item, run_stage
from qevd_bio.tables.workspace import Workspace

KILLED = """
import os, signal, sys
from pathlib import Path
from qevd_bio.store.atomic import atomic_path
with atomic_path(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    (temporary.parent / ".tmpAbC123").write_text("what a library writes beside it")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def left_by_a_killed_process(target: Path) -> list[Path]:
    subprocess.run([sys.executable, "-c", KILLED, str(target)], check=False)
    return hidden(target.parent)


def hidden(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name.startswith(".") and not path.name.endswith(".lock")]


@pytest.mark.parametrize("name", ["cycles.parquet", "audit.html", "state.safetensors", "a[1].npy", "x" * 240])
def test_the_next_write_into_the_folder_removes_them(tmp_path: Path, name: str) -> None:
    assert left_by_a_killed_process(tmp_path / name)
    code = "import sys; from qevd_bio.store.atomic import write_text; write_text(sys.argv[1], 'whole')"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "other.txt")], check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["other.txt"]


def test_a_run_that_keeps_everything_removes_them(tmp_path: Path, workspace: Workspace) -> None:
    item = Item("videos/a", (), (tmp_path / "out" / "a.txt",), None)

    def work(item: Item[None]) -> dict[str, str]:
        write_text(item.outputs[0], "whole")
        return {}

    run_stage("s", workspace, [item], work, settings={})
    assert left_by_a_killed_process(tmp_path / "out" / "other.txt")
    assert left_by_a_killed_process(workspace.manifests / "s" / "videos" / "b.json")
    assert run_stage("s", workspace, [item], work, settings={}).kept == 1
    assert hidden(tmp_path / "out") == [] and hidden(workspace.manifests) == []


def test_a_file_that_a_living_process_writes_stays(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "a.txt") as temporary:
        sweep(tmp_path)
        temporary.write_text("whole")
    assert (tmp_path / "a.txt").read_text() == "whole"


def test_a_container_that_gets_the_same_process_number_again(tmp_path: Path) -> None:
    with scratch_folder(tmp_path / "a.txt") as folder:
        name = folder.name
    (tmp_path / name).mkdir()
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_an_unknown_process_left_goes_after_a_day(tmp_path: Path) -> None:
    for name in (".a.txt.12345678.part", ".b.deadbeef-1-00000000.part"):
        (tmp_path / name).write_text("half")
    sweep(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    for path in tmp_path.iterdir():
        os.utime(path, (0, 0))
    (tmp_path / ".gitignore").write_text("kept")
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".gitignore"]


def test_temporaries_of_published_files_lie_elsewhere(tmp_path: Path) -> None:
    published, aside = tmp_path / "data", tmp_path / "aside"
    with temporaries_in(aside), atomic_path(published / "a.json") as temporary:
        assert aside in temporary.parents and list(published.iterdir()) == []
        temporary.write_text("{}")
    with temporaries_in(aside):
        atomic_link(published / "b.mp4", tmp_path / "source.mp4")
    assert sorted(path.name for path in published.iterdir()) == ["a.json", "b.mp4"] and list(aside.iterdir()) == []
