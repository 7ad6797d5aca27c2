"""`.npy` and `.npz` files read without executing pickled code."""

from __future__ import annotations

import io
import math
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.lib import format as npy

from qevd_bio.pose.formats.plain_pickle import RefusedPickle, loads
from qevd_bio.store.errors import UserError

MAX_MEMBER_BYTES = 4 << 30
# numpy parses a header as Python literals, and sizes in it can be anything.
_DAMAGED = (
    OSError, ValueError, EOFError, SyntaxError, TypeError, KeyError, IndexError, OverflowError, MemoryError,
    RecursionError, NotImplementedError, struct.error, tokenize.TokenError,
)  # fmt: skip


def read_npy(path: str | Path) -> Any:
    """The array in an `.npy` file; object arrays become arrays of plain values (see plain_pickle).

    Raises UserError where the file is missing, damaged, or holds anything but numbers and plain containers.
    """
    try:
        with Path(path).open("rb") as stream:
            return _read(stream)
    except _DAMAGED as error:
        raise _unreadable(path, error) from error


def read_npz(path: str | Path) -> dict[str, Any]:
    """Every array of an `.npz` file by name. Raises as `read_npy` does."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = {}
            for member in archive.infolist():
                if member.file_size > MAX_MEMBER_BYTES:
                    raise ValueError(f"{member.filename} would unpack to {member.file_size >> 20} MiB")
                with archive.open(member) as stream:
                    found[member.filename.removesuffix(".npy")] = _read(io.BytesIO(stream.read()))
            return found
    except (*_DAMAGED, zipfile.BadZipFile, zlib.error, RuntimeError) as error:  # RuntimeError: encrypted
        raise _unreadable(path, error) from error


def npz_names(path: str | Path) -> set[str]:
    """Names of the arrays in an `.npz` file. Raises as `read_npy` does."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {name.removesuffix(".npy") for name in archive.namelist()}
    except (*_DAMAGED, zipfile.BadZipFile) as error:
        raise _unreadable(path, error) from error


def _read(stream: BinaryIO | io.BytesIO) -> Any:
    version = npy.read_magic(stream)
    header: Any = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if header is None:
        raise ValueError(f"npy format {version} is not known")
    shape, fortran, dtype = header(stream)
    order: Literal["F", "C"] = "F" if fortran else "C"
    content = stream.read()
    if dtype.hasobject:
        if dtype != np.dtype(object):
            raise ValueError("records with Python objects")
        value = loads(content)
        if not isinstance(value, np.ndarray) or value.shape != shape:
            raise RefusedPickle("the content does not match its header")
        return value
    count = math.prod(shape)
    if count < 0 or len(content) < count * dtype.itemsize:
        raise ValueError(f"{len(content)} bytes where {count * dtype.itemsize} are announced")
    return np.frombuffer(content, dtype, count).reshape(shape, order=order)


def _unreadable(path: str | Path, error: Exception) -> UserError:
    if isinstance(error, RefusedPickle):
        return UserError(
            f"refused, nothing in it was run: {error}",
            where=path,
            expected="numpy arrays, numbers, text, lists and dicts, as HSMR saves them",
            fix="convert the file to plain arrays where you trust it, or ask its author for that",
        )
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return UserError(f"cannot be read as numpy data: {text}", where=path, expected="a whole .npy or .npz file")
