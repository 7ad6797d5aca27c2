"""Worker processes end with the process that started them, however it ends."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import wait

_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Have this worker process end as soon as its parent does, in the middle of its work if need be.

    A thread waits for the pipe that only the parent holds open. It needs its turn from Python, which a library may
    keep for long; so Linux is asked to end the process as well.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_watch, args=(parent.sentinel,), daemon=True, name="parent").start()


def tied_to_parent() -> Callable[[], object] | None:
    """What a program started from here calls first, so that Linux ends it with this process; None elsewhere."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    return lambda: library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _watch(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)  # the results of this process have no taker any more; what is whole on disk stays
