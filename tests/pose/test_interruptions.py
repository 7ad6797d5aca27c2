"""Killed, interrupted, disk full, nowhere to write: what is finished stays, and a second run completes it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from qevd_bio.simulation.drawing.mp4 import write_mp4
from qevd_bio.video.reader import VideoReader

pytestmark = pytest.mark.usefixtures("pose_model")


def start(
    data: Path, workspace: Path, *more: str, limit: Callable[[], None] | None = None, **options: object
) -> subprocess.Popen[str]:
    program = "from qevd_bio.cli.app import main; main()"
    line = [sys.executable, "-c", program, "extract", "--data", str(data), "--workspace", str(workspace), *more]

    def before() -> None:
        # A test run started in the background ignores Ctrl-C, and so would its children.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if limit is not None:
            limit()

    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(line, text=True, preexec_fn=before, **pipes, **options)  # type: ignore[call-overload, no-any-return]


def results(workspace: Path) -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in sorted(workspace.glob("kinematics/*/*.parquet"))}


@pytest.fixture(scope="module")
def three(jack_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three short videos."""
    with VideoReader(jack_clip) as video:
        frames = [frame.image for frame in video]
    folder = tmp_path_factory.mktemp("three")
    for name, part in (("a", frames[:6]), ("b", frames[:24] * 5), ("c", frames[6:12])):
        write_mp4(folder / f"{name}.mp4", part)
    return folder


@pytest.fixture(scope="module")
def uninterrupted(three: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    workspace = tmp_path_factory.mktemp("whole")
    _, error = (process := start(three, workspace)).communicate(timeout=120)
    assert process.returncode == 0, error
    return results(workspace)


@pytest.mark.parametrize(
    ("sent", "jobs", "code"),
    [(signal.SIGKILL, "2", -signal.SIGKILL), (signal.SIGINT, "1", 130)],
    ids=["kill", "ctrl-c"],
)
def test_resume_gives_the_bytes_of_an_uninterrupted_run(
    sent: signal.Signals, jobs: str, code: int, three: Path, uninterrupted: dict[str, bytes], tmp_path: Path
) -> None:
    process = start(three, tmp_path, "--jobs", jobs, start_new_session=True)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("manifests/extract/videos/*.json")) and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    os.killpg(process.pid, sent)
    _, error = process.communicate(timeout=60)
    assert process.returncode == code, error
    assert "Traceback" not in error
    out, error = (again := start(three, tmp_path)).communicate(timeout=120)
    assert again.returncode == 0, error
    assert "0 kept from before" not in out, "what was finished is kept"
    assert results(tmp_path) == uninterrupted and set(uninterrupted) == {"a", "b", "c"}


def test_a_full_disk_stops_the_run_with_one_clear_line(three: Path, tmp_path: Path) -> None:
    """A file-size limit stands in for the disk: the tables are larger than it."""

    def small_files() -> None:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    process = start(three, tmp_path / "full", "--only", "b", limit=small_files)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 2 and "Traceback" not in error
    assert "file size" in error and "next:" in error
    assert not results(tmp_path / "full") and not list((tmp_path / "full").rglob("*.part"))


def test_nowhere_to_write(three: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    process = start(three, tmp_path / "file" / "outputs")
    _, error = process.communicate(timeout=120)
    assert process.returncode == 2 and "Traceback" not in error
    assert str(tmp_path / "file") in error and "--workspace" in error
