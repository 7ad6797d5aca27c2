"""Files that appear whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from qevd_bio.store.errors import UserError
from qevd_bio.store.leftovers import explain_os_error, make_folder, scratch_folder

__all__ = [
    "atomic_link",
    "atomic_path",
    "explain_os_error",
    "make_folder",
    "only_one",
    "write_bytes",
    "write_json",
    "write_text",
]


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path; on success it is flushed to disk and renamed to `path`.

    On any error, Ctrl-C included, `path` keeps its earlier content and the temporary file is removed, with everything
    that the writing library laid beside it. Raises StopRun (a UserError) where the folder cannot be written or the
    disk is full.
    """
    target = Path(path)
    with scratch_folder(target) as folder:
        temporary = folder / target.name
        try:
            temporary.touch()
            yield temporary
            _flush(temporary)
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(target)
            if os.name != "nt":  # Windows opens no folder, and keeps a rename without this
                _flush(target.parent)
        except OSError as error:
            raise explain_os_error(error, target) from error


def atomic_link(path: Path, source: Path) -> None:
    """Make `path` a symbolic link to `source`, in one step. Raises StopRun as `atomic_path` does."""
    with scratch_folder(path) as folder:
        try:
            (folder / path.name).symlink_to(source)
            (folder / path.name).replace(path)
        except OSError as error:
            raise explain_os_error(error, path) from error


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
