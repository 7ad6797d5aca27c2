"""How far the running work items are, in units smaller than an item (frames of a video), also across processes.

A stage's function calls `expect` once it knows how many units its item has, and `advance` as they pass. Where nobody
measures (a call from Python, a Ray worker) both do nothing.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

_DONE, _EXPECTED, _STARTED = range(3)


class Reading(NamedTuple):
    """Units done, units of all items begun so far, and the number of these items."""

    done: int
    expected: int
    started: int


class Meter:
    """Three counters in memory that processes share."""

    def __init__(self) -> None:
        self._counts = multiprocessing.get_context("spawn").Array("q", 3)

    def add(self, done: int = 0, expected: int = 0, started: int = 0) -> None:
        with self._counts.get_lock():
            for place, count in ((_DONE, done), (_EXPECTED, expected), (_STARTED, started)):
                self._counts[place] += count

    def read(self) -> Reading:
        with self._counts.get_lock():
            return Reading(*self._counts[:])


@dataclass
class _Current:
    """Where this process counts, and what the running item has said so far."""

    meter: Any = None
    expected: int = 0
    done: int = 0


_current = _Current()


def use(meter: Meter | None) -> None:
    """Count on `meter` in this process from now on; None ends it."""
    _current.meter = meter


@contextmanager
def item() -> Iterator[None]:
    """Around the work on one item: at its end its units are settled, whatever was promised."""
    _current.expected = _current.done = 0
    try:
        yield
    finally:
        if _current.meter is not None and _current.expected != _current.done:
            _current.meter.add(expected=_current.done - _current.expected)


def expect(units: int) -> None:
    """The running item has so many units more than was said before."""
    if _current.meter is not None and units:
        _current.meter.add(expected=units, started=int(_current.expected == 0))
        _current.expected += units


def advance(units: int = 1) -> None:
    """So many more units of the running item are done."""
    if _current.meter is not None:
        _current.meter.add(done=units)
        _current.done += units
