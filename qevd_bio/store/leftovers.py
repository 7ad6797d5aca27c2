"""Half-written files: where they lie while they are written, and how those of a killed process go.

A temporary file lies in a folder of its own, whose name says which process made it. What a killed process left is
known by that name, and removed by the next process that writes beside it.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from zlib import crc32

from qevd_bio.store.errors import StopRun

_NAME = re.compile(r"\..*\.(?P<host>[0-9a-f]{8})-(?P<process>\d+)-[0-9a-f]{8}\.part", re.DOTALL)
_UNKNOWN = re.compile(r"\..+\.part", re.DOTALL)
# What another machine, or an earlier version of the package, is writing was touched within this time.
_UNTOUCHED_S = 86400.0
_HOST = f"{crc32(socket.gethostname().encode()):08x}"
_own: set[str] = set()
_swept: set[tuple[int, Path]] = set()
_aside: ContextVar[Path | None] = ContextVar("aside", default=None)

_ADVICE = {
    errno.ENOSPC: (
        "the disk is full",
        "free space on it, then run the same command again; finished items are kept",
    ),
    errno.EDQUOT: ("the disk quota is used up", "free space, then run the same command again"),
    errno.EFBIG: ("the file grew past the allowed file size", "raise the limit (ulimit -f) and run again"),
    errno.EACCES: (
        "no permission to write here",
        "choose another folder with --workspace, or change its permissions",
    ),
    errno.EPERM: (
        "no permission to write here",
        "choose another folder with --workspace, or change its permissions",
    ),
    errno.EROFS: ("this file system is read-only", "choose another folder with --workspace"),
    errno.ENOTDIR: ("a part of this path is a file, not a folder", "choose another folder with --workspace"),
    errno.EEXIST: (
        "a file stands where a folder is needed",
        "move it away, or choose another folder with --workspace",
    ),
    errno.EISDIR: (
        "a folder stands where a file is to be written",
        "move it away, or choose another --workspace",
    ),
}


def explain_os_error(error: OSError, path: Path) -> StopRun:
    """Turn a failed write to `path` into an error that says what to do."""
    problem, fix = _ADVICE.get(
        error.errno or 0, (error.strerror or str(error), "mend this and run the same command again")
    )
    return StopRun(problem, where=path, expected="a place that can be written", fix=fix)


def make_folder(path: Path) -> Path:
    """Create `path` and its parents; raise StopRun where that is not possible."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain_os_error(error, path) from error
    return path


@contextmanager
def temporaries_in(folder: Path) -> Iterator[None]:
    """Within the block, temporary files lie in `folder`, so that none is ever seen among published files.

    `folder` must be on the same file system as what is written; where it is not, they lie beside their target.
    """
    before = _aside.set(make_folder(folder))
    try:
        yield
    finally:
        _aside.reset(before)


@contextmanager
def scratch_folder(target: Path) -> Iterator[Path]:
    """A new folder on the file system of `target` that goes with the block; raises StopRun where there can be none.

    What killed processes left in the same place is removed first.
    """
    place = _place_for(make_folder(target.parent))
    _sweep_once(place)
    name = f".{target.name.encode()[:60].decode(errors='ignore')}.{_HOST}-{os.getpid()}-{secrets.token_hex(4)}.part"
    _own.add(name)
    try:
        try:
            (place / name).mkdir(mode=0o700)
        except OSError as error:
            raise explain_os_error(error, target) from error
        yield place / name
    finally:
        shutil.rmtree(place / name, ignore_errors=True)
        _own.discard(name)


def _place_for(folder: Path) -> Path:
    aside = _aside.get()
    try:
        same = aside is not None and aside.stat().st_dev == folder.stat().st_dev
    except OSError:
        same = False
    return aside if same and aside is not None else folder


def _sweep_once(folder: Path) -> None:
    """Each process looks once into a folder: listing it for every file would take the square of their number."""
    if (os.getpid(), folder) not in _swept:
        _swept.add((os.getpid(), folder))
        sweep(folder)


def sweep(folder: Path) -> None:
    """Remove the temporary files in `folder` that nobody writes any more; does nothing where there is no folder."""
    try:
        with os.scandir(folder) as entries:
            found = [entry.name for entry in entries if _UNKNOWN.fullmatch(entry.name)]
    except OSError:
        return
    for name in found:
        if _is_abandoned(folder / name):
            _remove(folder / name)


def remove_leftovers(path: Path) -> None:
    """Remove all temporary files beside `path` that bear its name; nobody may be writing it now."""
    start = f".{path.name.encode()[:60].decode(errors='ignore')}."
    try:
        with os.scandir(path.parent) as entries:
            found = [e.name for e in entries if e.name.startswith(start) and e.name.endswith(".part")]
    except OSError:
        return
    for name in found:
        _remove(path.parent / name)


def _is_abandoned(path: Path) -> bool:
    match = _NAME.fullmatch(path.name)
    if match is not None and match["host"] == _HOST and os.name != "nt":
        process = int(match["process"])
        # A process in a container may have the number of the one before it.
        return path.name not in _own if process == os.getpid() else not _is_running(process)
    try:
        inner = [entry.stat().st_mtime for entry in path.iterdir()] if path.is_dir() else []
        return time.time() - max([path.stat().st_mtime, *inner]) > _UNTOUCHED_S
    except OSError:
        return False


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
