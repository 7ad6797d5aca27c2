"""However the main process ends, its workers end with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

MAIN = """
import os, sys, time
from pathlib import Path
from qevd_bio.cli.ending import end_like_ctrl_c
from qevd_bio.store.work import Item, RunOptions, run_stage
from qevd_bio.tables.workspace import Workspace

def work(item):
    Path(item.payload, f"{os.getpid()}").touch()
    while True:  # busy, and in no mood to look up
        sum(range(10_000_000))

if __name__ == "__main__":
    end_like_ctrl_c()
    items = [Item(f"s/{n}", (), (), sys.argv[1]) for n in range(2)]
    run_stage("busy", Workspace(Path(sys.argv[2])), items, work, settings={}, options=RunOptions(jobs=2))
"""


def is_running(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="counts processes in /proc")
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL])
def test_workers_end_within_two_seconds_of_their_parent(tmp_path: Path, sent: signal.Signals) -> None:
    (tmp_path / "main.py").write_text(MAIN)
    seen = tmp_path / "seen"
    seen.mkdir()
    command = [sys.executable, str(tmp_path / "main.py"), str(seen), str(tmp_path / "ws")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    workers: list[int] = []
    try:
        deadline = time.monotonic() + 90
        while len(workers) < 2 and time.monotonic() < deadline:
            workers = [int(path.name) for path in seen.iterdir()]
            time.sleep(0.05)
        assert len(workers) == 2 and all(map(is_running, workers))
        process.send_signal(sent)
        process.wait(20)
        deadline = time.monotonic() + 2
        while any(map(is_running, workers)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(map(is_running, workers))
    finally:
        for number in [*workers, process.pid]:
            if is_running(number):
                os.kill(number, signal.SIGKILL)


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_the_command_line_ends_with_the_usual_codes(tmp_path: Path, sent: signal.Signals, code: int) -> None:
    program = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from qevd_bio.cli import app\n"
        f"app.LazyGroup.resolve_command = lambda *_: os.kill(os.getpid(), {int(sent)})\n"
        "sys.argv = ['qevd-bio', 'doctor']\n"
        "app.main()\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert (run.returncode, "what is finished is kept" in run.stderr) == (code, True), run.stderr
