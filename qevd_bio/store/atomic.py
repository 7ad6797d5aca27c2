"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import glob
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from qevd_bio.store.errors import StopRun, UserError

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
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is flushed to disk and renamed to `path`.

    On any error, Ctrl-C included, `path` keeps its earlier content and the temporary file is removed.
    Raises StopRun (a UserError) where the folder cannot be written or the disk is full.
    """
    target = Path(path)
    make_folder(target.parent)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
        os.close(handle)
    except OSError as error:
        raise explain_os_error(error, target) from error
    temporary = Path(name)
    try:
        yield temporary
        _flush(temporary)
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
        if os.name != "nt":  # Windows opens no folder, and keeps a rename without this
            _flush(target.parent)
    except OSError as error:
        raise explain_os_error(error, target) from error
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(path: Path) -> None:
    """Remove temporary files that a killed process left beside `path`; nobody may be writing it now."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        leftover.unlink(missing_ok=True)


@contextmanager
def only_one(path: Path, what: str) -> Iterator[None]:
    """Hold a lock file while the block runs; raise UserError if another process holds it.

    The lock falls with the process, however it ends.
    """
    make_folder(path.parent)
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise UserError(
            f"another process is running {what} here",
            where=path,
            expected="one run at a time in a workspace",
            fix="wait for it, or use another --workspace",
        ) from error
    except OSError as error:
        raise explain_os_error(error, path) from error
    try:
        yield
    finally:
        lock.release()


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write `data` to `path` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` to `path` atomically, as UTF-8 with Unix line ends."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: str | Path, value: Any, *, indent: int | None = 1) -> None:
    """Write `value` as UTF-8 JSON to `path` atomically; NaN and infinities are refused."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False) + "\n")


def _flush(path: Path) -> None:
    # Windows flushes only what is open for writing; no system opens a folder so.
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    # There is no way to read it without setting it; the temporary file's 0600 must not survive the rename.
    mask = os.umask(0)
    os.umask(mask)
    return mask
