"""Is an error that memory ran out? Each library says it in its own way, and none of them is about the file at hand."""

from __future__ import annotations

import errno

_WORDS = (
    "bad_alloc",  # C++: OpenVINO, LiteRT, PyTorch
    "can't alloc",
    "cannot allocate memory",
    "failed to map segment",  # the loader, of a shared library
    "can't start new thread",
    "out of memory",
    "insufficient memory",
)


def memory_ran_out(error: BaseException) -> bool:
    """Whether `error` says that no memory (or no thread's stack) was to be had."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    if type(error).__name__ == "OutOfMemoryError":  # PyTorch's own, of a full GPU
        return True
    said = str(error).lower()
    return isinstance(error, RuntimeError | ImportError | OSError) and any(word in said for word in _WORDS)
