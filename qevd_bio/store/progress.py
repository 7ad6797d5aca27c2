"""Progress of a run: a live bar on a terminal, plain lines in a log; items, units a second, time left."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import Any, TextIO

from qevd_bio.store import terminal
from qevd_bio.store.meter import Meter, Reading

_LINE_SECONDS = 15.0
_shown = True


def show(shown: bool) -> None:
    """Whether runs of this process show their progress; failed items are always named."""
    global _shown
    _shown = shown


def is_shown() -> bool:
    """Whether progress and notes are shown."""
    return _shown


class ProgressLine:
    """Counts finished items; use as a context manager and call `step` once an item.

    `meter` counts smaller units (`unit`) within the items; where a stage reports some, their rate is shown and the
    time left follows from them, so that it is known before the first item is done.
    """

    def __init__(
        self, title: str, total: int, stream: TextIO | None = None, meter: Meter | None = None, unit: str = "frames"
    ) -> None:
        self._title = title
        self._total = total
        self._stream = stream or sys.stderr
        self._meter = meter
        self._unit = unit
        self._done = 0
        self._failed = 0
        self._start = self._last = time.monotonic()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._bar = self._terminal_bar() if total and _shown else None

    def __enter__(self) -> ProgressLine:
        if self._bar is not None:
            self._bar.start()
        elif _shown and self._total and self._meter is not None:
            threading.Thread(target=self._lines, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._bar is not None:
            self._bar.stop()

    def step(self, failed: bool = False, note: str = "") -> None:
        """Count one finished item; `note` is printed on a line of its own in a log and above the bar."""
        self._done += 1
        self._failed += failed
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], advance=1)
            if note:
                self._bar.console.print(terminal.printable(note), markup=False, highlight=False)
        elif note or self._done == self._total or time.monotonic() - self._last >= _LINE_SECONDS:
            self._line(note)

    def _lines(self) -> None:
        """Within a long item, too, a log gets a line every now and then."""
        while not self._ended.wait(_LINE_SECONDS / 3):
            if self._reading().done and time.monotonic() - self._last >= _LINE_SECONDS:
                self._line("")

    def _line(self, note: str) -> None:
        with self._lock:
            self._last = time.monotonic()
            parts = [f"{self._title}: {self._done}/{self._total}", f"{self._failed} failed", *self._speed()]
            text = ", ".join(parts) if _shown else self._title
            if (_shown or note) and self._stream is not None:
                try:
                    text = f"{text}; {note}" if note else text
                    print(terminal.printable(text), file=self._stream, flush=True)
                except OSError:
                    pass  # Nobody reads it any more; the run itself goes on.

    def _speed(self) -> list[str]:
        """Units a second and time left, as far as they are known."""
        rate, left = speed(self._reading(), self._done, self._total, time.monotonic() - self._start)
        found = [] if rate is None else [f"{rate:.{0 if rate >= 10 else 1}f} {self._unit}/s"]
        return found if left is None else [*found, f"{clock(left)} left"]

    def _reading(self) -> Reading:
        return self._meter.read() if self._meter is not None else Reading(0, 0, 0)

    def _terminal_bar(self) -> Any:
        if self._stream is None or not self._stream.isatty():
            return None
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress
        from rich.text import Text

        owner = self

        class Speed(ProgressColumn):
            """Asked anew at each refresh, so it moves within an item."""

            def render(self, task: Any) -> Text:
                failed = [f"{owner._failed} failed"] if owner._failed else []
                return Text(", ".join([*owner._speed(), *failed]))

        counted = (TextColumn("{task.description}"), BarColumn(bar_width=16), MofNCompleteColumn())
        bar = RichProgress(*counted, TimeElapsedColumn(), Speed(), console=Console(file=self._stream))
        bar.add_task(self._title, total=self._total)
        return bar


def speed(reading: Reading, done: int, total: int, elapsed_s: float) -> tuple[float | None, float | None]:
    """Units a second and seconds left; None where nothing tells.

    Items that have not begun are taken to be as long as those that have.
    """
    if total <= done:
        return (reading.done / elapsed_s if reading.done and elapsed_s > 0 else None), 0.0
    if reading.done and elapsed_s > 0:
        rate = reading.done / elapsed_s
        waiting = max(total - reading.started, 0) * reading.expected / max(reading.started, 1)
        return rate, (max(reading.expected - reading.done, 0) + waiting) / rate
    return None, (elapsed_s / done * (total - done) if done else None)


def clock(seconds: float) -> str:
    """`95 s` under two minutes, then `12 min`, then `3 h 05 min`."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"
