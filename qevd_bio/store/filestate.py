"""What a file was like when a result was made from it, or when it was written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from qevd_bio.store.hashing import hash_file

_known: dict[tuple[str, int, int], str] = {}
_PARQUET = b"PAR1"


class FileState(NamedTuple):
    """A file's absolute path, size in bytes, time of change, and SHA-256 where its content was read.

    Size and time are None where there is no such file, or where it cannot be looked at.
    """

    path: str
    size: int | None = None
    mtime_ns: int | None = None
    sha256: str | None = None

    @classmethod
    def seen(cls, path: Path) -> FileState:
        """The file as its folder lists it, without reading it."""
        written = os.fsencode(os.path.normpath(path.absolute())).decode("utf-8", "backslashreplace")
        try:
            status = path.stat()
        except OSError:
            return cls(written)
        return cls(written, status.st_size, status.st_mtime_ns) if path.is_file() else cls(written)

    @classmethod
    def read(cls, path: Path) -> FileState:
        """The file with the hash of its content; this process reads a file that stays as it is only once.

        Raises UserError where it is there but cannot be read.
        """
        seen = cls.seen(path)
        if seen.size is None or seen.mtime_ns is None:
            return seen
        key = (seen.path, seen.size, seen.mtime_ns)
        if key not in _known:
            _known[key] = hash_file(path)
        return seen._replace(sha256=_known[key])

    @classmethod
    def parse(cls, value: Any) -> FileState | None:
        """The state in a marker; None for anything else."""
        if not isinstance(value, dict) or not isinstance(value.get("path"), str):
            return None
        size, time, digest = (value.get(name) for name in ("size", "mtime_ns", "sha256"))
        if not all(number is None or type(number) is int for number in (size, time)):
            return None
        return cls(value["path"], size, time, digest) if digest is None or isinstance(digest, str) else None

    def looks_like(self, other: FileState) -> bool | None:
        """Whether two states are of the same content: True or False where size and time tell, else None."""
        if self.size != other.size:
            return False
        return True if self.mtime_ns == other.mtime_ns else None


def looks_whole(path: Path) -> bool:
    """Whether a result is there and, if it is a Parquet file, has both its ends."""
    try:
        if path.suffix != ".parquet":
            return path.exists()
        with path.open("rb") as stream:
            first = stream.read(4)
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(size - 8, 0))
            last = stream.read(8)
    except OSError:
        return False
    footer = int.from_bytes(last[:4], "little")
    return first == _PARQUET and last[4:] == _PARQUET and footer + 12 <= size
