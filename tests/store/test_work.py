"""Work items: resume, failures, other settings, killed processes; counted by files that the work leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from qevd_bio.store.atomic import write_text
from qevd_bio.store.errors import ItemError, StopRun, UserError
from qevd_bio.store.work import Item, RunOptions, run_stage
from qevd_bio.tables.workspace import Workspace


def work(item: Item, log: Path, fail: tuple[str, ...] = (), scale: int = 1) -> dict[str, Any]:
    """Copy the input `scale` times to the output; leave one line in `log`."""
    with log.open("a") as stream:
        stream.write(f"{item.key}\n")
    if item.key in fail:
        raise ItemError("refused", f"{item.key} is on the list")
    if item.payload == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if item.payload == "bug":
        raise RuntimeError("odd")
    if item.payload == "full":
        raise StopRun("the disk is full", where=item.outputs[0])
    if item.payload == "slow":
        time.sleep(0.15)
    text = item.inputs[0].read_text() * scale
    write_text(item.outputs[0], text)
    return {"length": len(text)}


def make_items(folder: Path, count: int = 4, payloads: dict[int, str] | None = None) -> list[Item]:
    folder.mkdir(exist_ok=True)
    items = []
    for n in range(count):
        source = folder / f"in{n}"
        if not source.exists():
            source.write_text(f"content {n}\n")
        items.append(Item(f"s/{n}", (source,), (folder / f"out{n}",), (payloads or {}).get(n)))
    return items


def lines(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def test_finished_items_are_kept(workspace: Workspace, tmp_path: Path, log: Path) -> None:
    items = make_items(tmp_path / "io")
    first = run_stage("copy", workspace, items, partial(work, log=log), settings={"scale": 1})
    again = run_stage("copy", workspace, items, partial(work, log=log), settings={"scale": 1})
    assert (first.done, first.kept, again.done, again.kept) == (4, 0, 0, 4)
    assert again.results == first.results == {f"s/{n}": {"length": 10} for n in range(4)}
    assert len(lines(log)) == 4


def test_changed_input_or_lost_output_is_made_again(workspace: Workspace, tmp_path: Path, log: Path) -> None:
    items = make_items(tmp_path / "io")
    run_stage("copy", workspace, items, partial(work, log=log), settings={})
    items[1].inputs[0].write_text("new content\n")
    items[2].outputs[0].unlink()
    os.utime(items[3].inputs[0])
    summary = run_stage("copy", workspace, items, partial(work, log=log), settings={})
    assert (summary.done, summary.kept) == (2, 2)
    assert sorted(lines(log)[4:]) == ["s/1", "s/2"]


def test_other_settings_are_refused_then_redone(workspace: Workspace, tmp_path: Path, log: Path) -> None:
    items = make_items(tmp_path / "io")
    run_stage("copy", workspace, items, partial(work, log=log), settings={"scale": 1})
    with pytest.raises(UserError, match=r"4 of 4 items of 'copy' .*scale: 1 then, 2 now") as error:
        run_stage("copy", workspace, items, partial(work, log=log, scale=2), settings={"scale": 2})
    assert "--redo" in str(error.value)
    summary = run_stage(
        "copy",
        workspace,
        items,
        partial(work, log=log, scale=2),
        settings={"scale": 2},
        options=RunOptions(redo=True),
    )
    assert summary.done == 4
    assert items[0].outputs[0].read_text() == "content 0\n" * 2


def test_failures_are_rows_and_retried_on_request(workspace: Workspace, tmp_path: Path, log: Path) -> None:
    items = make_items(tmp_path / "io")
    summary = run_stage("copy", workspace, items, partial(work, log=log, fail=("s/2",)), settings={})
    assert summary.failed == {"s/2": ("refused", "s/2 is on the list")}
    assert summary.exit_code == 2
    rows = (workspace.manifests / "copy-failures.csv").read_text().splitlines()
    assert rows[1:] == ['"copy","s/2","refused","s/2 is on the list"']
    kept = run_stage("copy", workspace, items, partial(work, log=log), settings={})
    assert (kept.done, list(kept.failed)) == (0, ["s/2"])
    again = run_stage(
        "copy", workspace, items, partial(work, log=log), settings={}, options=RunOptions(retry_failed=True)
    )
    assert (again.done, again.failed) == (1, {})
    assert (workspace.manifests / "copy-failures.csv").read_text().splitlines()[1:] == []


def test_a_bug_in_one_item_becomes_a_row_with_its_trace(workspace: Workspace, tmp_path: Path, log: Path) -> None:
    items = make_items(tmp_path / "io", payloads={1: "bug"})
    summary = run_stage("copy", workspace, items, partial(work, log=log), settings={})
    assert summary.done == 3
    assert summary.failed["s/1"][0] == "unexpected_error"
    assert "RuntimeError: odd" in summary.failed["s/1"][1]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_full_disk_stops_the_run_and_keeps_what_is_finished(
    workspace: Workspace, tmp_path: Path, log: Path, jobs: int
) -> None:
    items = make_items(tmp_path / "io", 3, {2: "full"})
    with pytest.raises(StopRun, match="the disk is full"):
        run_stage("copy", workspace, items, partial(work, log=log), settings={}, options=RunOptions(jobs=jobs))
    assert json.loads((workspace.manifests / "copy.json").read_text())["status"] == "stopped"
    rest = make_items(tmp_path / "io", 3)
    summary = run_stage("copy", workspace, rest, partial(work, log=log), settings={})
    assert summary.done + summary.kept == 3
    assert summary.kept >= (2 if jobs == 1 else 0)


def test_a_killed_process_costs_only_its_item(workspace: Workspace, tmp_path: Path, log: Path) -> None:
    items = make_items(tmp_path / "io", 5, {1: "die"})
    summary = run_stage("copy", workspace, items, partial(work, log=log), settings={}, options=RunOptions(jobs=2))
    assert summary.done == 4
    assert summary.failed["s/1"][0] == "process_died"


def test_only_and_limit(workspace: Workspace, tmp_path: Path, log: Path) -> None:
    items = make_items(tmp_path / "io", 12)
    run_stage("copy", workspace, items, partial(work, log=log), settings={}, options=RunOptions(limit=3))
    assert lines(log) == ["s/0", "s/1", "s/2"]
    run_stage("copy", workspace, items, partial(work, log=log), settings={}, options=RunOptions(only=("1?", "s/5")))
    assert lines(log)[3:] == ["s/5", "s/10", "s/11"]
    with pytest.raises(UserError, match="--only nothing matches none of 12 items"):
        run_stage(
            "copy",
            workspace,
            items,
            partial(work, log=log),
            settings={},
            options=RunOptions(only=("nothing",)),
        )


def test_the_manifest_says_how_and_holds_no_secret(workspace: Workspace, tmp_path: Path, log: Path) -> None:
    settings = {"scale": 1, "api_key": "sk-planted", "nested": {"token": "sk-planted", "max_tokens": 5}}
    run_stage("copy", workspace, make_items(tmp_path / "io"), partial(work, log=log), settings=settings)
    for path in workspace.manifests.rglob("*"):
        assert path.is_dir() or "sk-planted" not in path.read_text()
    manifest = json.loads((workspace.manifests / "copy.json").read_text())
    assert manifest["status"] == "finished"
    assert manifest["settings"] == {"version": 1, "scale": 1, "nested": {"max_tokens": 5}}
    assert manifest["counts"] == {"items": 4, "done": 4, "kept": 0, "failed": 0}
    assert len(manifest["inputs"]["s/0"][0]) == 64
    assert manifest["versions"]["python"]


def test_two_runs_of_a_stage_do_not_mix(workspace: Workspace, tmp_path: Path, log: Path) -> None:
    items = make_items(tmp_path / "io", 1)

    def meddle(item: Item) -> dict[str, Any]:
        with pytest.raises(UserError, match="another process is running copy here"):
            run_stage("copy", workspace, items, partial(work, log=log), settings={})
        return work(item, log)

    assert run_stage("copy", workspace, items, meddle, settings={}).done == 1


def test_leftovers_of_a_killed_process_go(workspace: Workspace, tmp_path: Path, log: Path) -> None:
    items = make_items(tmp_path / "io", 1)
    leftover = tmp_path / "io" / ".out0.abc.part"
    leftover.write_text("half")
    run_stage("copy", workspace, items, partial(work, log=log), settings={})
    assert not leftover.exists()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_killed_in_the_middle_then_the_same_command(tmp_path: Path, log: Path, how: signal.Signals) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom functools import partial\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_work import make_items, work\n"
        "from qevd_bio.store.work import run_stage\nfrom qevd_bio.tables.workspace import Workspace\n"
        "base = Path(sys.argv[1])\n"
        "items = make_items(base / 'io', 8, {n: 'slow' for n in range(8)})\n"
        "s = run_stage('copy', Workspace(base / 'ws'), items, partial(work, log=base / 'log'), settings={})\n"
        "print(s.done, s.kept)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    deadline = time.monotonic() + 30
    while len(lines(log)) < 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(how)
    process.wait(30)
    before = len(lines(log))
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    done, kept = map(int, run.stdout.split())
    assert done + kept == 8
    assert kept >= 3
    # Only the item in flight may have been worked on twice.
    assert len(lines(log)) == before + done
    assert 8 <= len(lines(log)) <= 9
    assert [(tmp_path / "io" / f"out{n}").read_text() for n in range(8)] == [f"content {n}\n" for n in range(8)]
    assert not list((tmp_path / "io").glob(".*"))  # no half-written file is left beside the results


def test_of_a_group_of_settings_only_what_differs_is_named(workspace: Workspace, tmp_path: Path, log: Path) -> None:
    items = make_items(tmp_path, 1)
    run_stage("copy", workspace, items, partial(work, log=log), settings={"rules": {"scale": 1, "other": 5}})
    with pytest.raises(UserError, match=r"\(rules.scale: 1 then, 2 now\)"):
        run_stage("copy", workspace, items, partial(work, log=log), settings={"rules": {"scale": 2, "other": 5}})
