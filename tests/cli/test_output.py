"""Standard output that is closed, full or read in part; messages; hostile names."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from qevd_bio.cli.app import app
from typer.testing import CliRunner

PROGRAM = f"{shlex.quote(sys.executable)} -m qevd_bio"
HOSTILE = "a\x1b[2Jb\u202ec"


def shell(line: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`line` in bash, with `qevd-bio` for the command; the exit code is that of the command, not of its reader."""
    return subprocess.run(
        ["bash", "-c", "set -o pipefail; " + line.replace("qevd-bio", PROGRAM)],
        cwd=cwd, env={**os.environ, "NO_COLOR": "1", **environment}, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", ["refs show", "--help", "--version", "segments --data . --exercise squats"])
def test_a_full_disk_is_named(words: str, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"")
    done = shell(f"qevd-bio {words} > /dev/full", tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
    assert "standard output cannot be written: No space left on device" in done.stderr


@pytest.mark.parametrize("words", ["refs show", "--help"])
def test_a_reader_that_leaves_is_no_crash(words: str, tmp_path: Path) -> None:
    done = shell(f"qevd-bio {words} | true", tmp_path)
    assert done.returncode in (0, 1) and done.stderr == ""


@pytest.mark.parametrize("streams", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_are_no_crash(streams: str, tmp_path: Path) -> None:
    done = shell(f"qevd-bio refs show {streams}", tmp_path)
    assert done.returncode == 0 and "Traceback" not in done.stderr


def test_names_of_videos_cannot_steer_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / f"{HOSTILE}.mp4").write_bytes(b"no video")
    preds = tmp_path / "p.jsonl"
    preds.write_text(json.dumps({"video": HOSTILE}) + "\n" + HOSTILE + "\n")
    for words in (
        ("segments", "--data", str(tmp_path / "data")),
        ("extract", str(tmp_path / "data")),
        ("validate", str(preds)),
        ("refs", "show", HOSTILE),
        ("doctor", "--data", HOSTILE),
        ("run", "--model", HOSTILE, "--out", "x.jsonl", "--data", str(tmp_path / "data")),
        ("report", "--scores", HOSTILE),
    ):
        done = CliRunner().invoke(app, [*words])
        assert done.exit_code != 0, words
        assert "\x1b[2J" not in done.output and "\u202e" not in done.output, words
        assert "Traceback" not in done.output, words


def test_messages_of_every_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "a-long-secret-value")
    log = tmp_path / "run.log"
    words = [
        "simulate",
        str(tmp_path / "sim"),
        "--workouts",
        "1",
        "--minutes",
        "0.4",
        "--no-video",
        "--log-file",
        str(log),
    ]
    shown = CliRunner().invoke(app, [*words, "-v"])
    assert shown.exit_code == 0 and "simulate-test finished: 1 done, 0 kept, 0 failed" in shown.stderr
    again = CliRunner().invoke(app, [*words, "-q"])
    assert again.exit_code == 0 and again.stderr == "" and "1 kept" in again.stdout
    wrong = CliRunner().invoke(app, ["segments", "--data", "a-long-secret-value", "--log-file", str(log)])
    assert wrong.exit_code == 2
    text = log.read_text()
    assert text.count("simulate-test finished") == 2 and "no such folder" in text
    assert "a-long-secret-value" not in text


def test_a_log_file_that_cannot_be_written(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["refs", "check", "--log-file", str(tmp_path / "a" / "\0")])
    assert done.exit_code == 2 and "Traceback" not in done.output
