"""Progress of a run: a live bar with the remaining time on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TextIO

_LINE_SECONDS = 15.0


class ProgressLine:
    """Counts finished items; use as a context manager and call `step` once an item."""

    def __init__(self, title: str, total: int, stream: TextIO | None = None) -> None:
        self._title = title
        self._total = total
        self._stream = stream or sys.stderr
        self._done = 0
        self._failed = 0
        self._start = self._last = time.monotonic()
        self._bar = _terminal_bar(self._stream) if total else None
        self._task = self._bar.add_task(title, total=total, failed="") if self._bar is not None else None

    def __enter__(self) -> ProgressLine:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def step(self, failed: bool = False, note: str = "") -> None:
        """Count one finished item; `note` is printed on a line of its own in a log and above the bar."""
        self._done += 1
        self._failed += failed
        if self._bar is not None and self._task is not None:
            text = f"{self._failed} failed" if self._failed else ""
            self._bar.update(self._task, advance=1, failed=text)
            if note:
                self._bar.console.print(note, markup=False, highlight=False)
            return
        now = time.monotonic()
        if note or now - self._last >= _LINE_SECONDS or self._done == self._total:
            self._last = now
            left = (now - self._start) / self._done * (self._total - self._done)
            text = f"{self._title}: {self._done}/{self._total}, {self._failed} failed, {left:.0f} s left"
            print(f"{text}; {note}" if note else text, file=self._stream, flush=True)


def _terminal_bar(stream: TextIO):  # type: ignore[no-untyped-def]
    if not stream.isatty():
        return None
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import ProgressLine as RichProgress

    return RichProgress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[failed]}"),
        console=Console(file=stream),
    )
