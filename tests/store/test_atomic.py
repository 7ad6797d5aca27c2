"""Files appear whole or not at all."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from qevd_bio.store.atomic import atomic_path, explain_os_error, write_json, write_text
from qevd_bio.store.errors import StopRun, UserError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_writes_whole_file_with_usual_permissions(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b.txt", "hälló\n")
    assert (tmp_path / "a" / "b.txt").read_text(encoding="utf-8") == "hälló\n"
    mask = os.umask(0)
    os.umask(mask)
    assert (tmp_path / "a" / "b.txt").stat().st_mode & 0o777 == 0o666 & ~mask


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_error_in_the_middle_keeps_the_old_content(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "x.txt"
    write_text(target, "old")
    with pytest.raises(error), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise error
    assert target.read_text() == "old"
    assert names(tmp_path) == ["x.txt"]


def test_nan_is_refused_in_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "x.json", {"a": float("nan")})
    assert names(tmp_path) == []


def test_a_file_in_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="--workspace"):
        write_text(tmp_path / "file" / "x.txt", "")


def test_full_disk_names_the_file_and_the_next_step(tmp_path: Path) -> None:
    error = explain_os_error(OSError(errno.ENOSPC, "no space"), tmp_path / "x")
    assert isinstance(error, StopRun)
    assert str(error).splitlines() == [
        f"{tmp_path / 'x'}: the disk is full",
        "expected: a place that can be written",
        "next: free space on it, then run the same command again; finished items are kept",
    ]


def test_a_file_size_limit_leaves_nothing_behind(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom qevd_bio.store.atomic import write_text\nfrom qevd_bio.store.errors import StopRun\n"
        "try:\n    write_text(sys.argv[1], 'x' * 100_000)\nexcept StopRun as error:\n    print(error)\n"
    )

    def limit() -> None:
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

    run = subprocess.run(
        [sys.executable, "-B", "-c", code, str(tmp_path / "big.txt")],
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "file size" in run.stdout
    assert names(tmp_path) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(UserError, match="no permission"):
        write_text(tmp_path / "locked" / "x.txt", "")
