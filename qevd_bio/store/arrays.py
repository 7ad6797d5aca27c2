"""One plain NumPy array from a file, whatever the file really holds."""

from __future__ import annotations

import tokenize
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.store.errors import UserError

# What numpy raises for a file that is no array: its header is text that numpy parses as Python literals.
UNREADABLE = (
    OSError,
    ValueError,
    EOFError,
    MemoryError,
    OverflowError,
    SyntaxError,
    TypeError,
    tokenize.TokenError,
    zipfile.BadZipFile,
)


def load_array(path: Path, what: str, expected: str) -> NDArray[Any]:
    """The array in an `.npy` file, unpickling nothing; UserError "cannot be read as `what`" for any other file."""
    try:
        loaded = np.load(path, allow_pickle=False)
    except UNREADABLE as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise UserError(f"cannot be read as {what} ({reason})", where=path, expected=expected) from error
    if not isinstance(loaded, np.ndarray):
        loaded.close()
        raise UserError("holds several arrays", where=path, expected=expected)
    return loaded
