"""Units within items, across processes, and what progress makes of them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from qevd_bio.store import meter, progress
from qevd_bio.store.errors import ItemError
from qevd_bio.store.execution import Item, executor
from qevd_bio.store.meter import Meter, Reading
from qevd_bio.store.progress import ProgressLine, clock, speed


def counts_ten(item: Item[None]) -> dict[str, object]:
    """Ten units are promised; item "short" has six of them, item "broken" fails after two."""
    meter.expect(10)
    for number in range(10):
        if item.key == "broken" and number == 2:
            raise ItemError("broken")
        if item.key == "short" and number == 6:
            break
        meter.advance()
    return {}


@pytest.mark.parametrize("jobs", [1, 2])
def test_units_are_counted_in_this_process_and_in_others(jobs: int) -> None:
    counter = Meter()
    items = [Item(key, (), (), None) for key in ("whole", "short", "broken", "other")]
    assert len(list(executor("local", jobs, counter).run(counts_ten, items))) == 4
    # What was promised and did not come is settled at the end of each item.
    assert counter.read() == Reading(done=28, expected=28, started=4)


def test_without_a_meter_nothing_is_counted_and_nothing_fails() -> None:
    meter.use(None)
    meter.expect(3)
    meter.advance()


@pytest.mark.parametrize(
    ("reading", "done", "total", "elapsed", "rate", "left"),
    [
        (Reading(0, 0, 0), 0, 4, 10.0, None, None),
        (Reading(0, 0, 0), 2, 4, 10.0, None, 10.0),
        # 100 of 200 frames of the first of two items in 10 s: 100 more, and 200 of the second, at 10 a second.
        (Reading(100, 200, 1), 0, 2, 10.0, 10.0, 30.0),
        (Reading(400, 400, 2), 2, 2, 10.0, 40.0, 0.0),
    ],
)
def test_rate_and_time_left(
    reading: Reading, done: int, total: int, elapsed: float, rate: float | None, left: float | None
) -> None:
    assert speed(reading, done, total, elapsed) == (rate, left)


def test_durations_in_words() -> None:
    assert [clock(s) for s in (5.4, 95, 700, 11_100)] == ["5 s", "95 s", "12 min", "3 h 05 min"]


def test_a_log_gets_lines_within_an_item(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_LINE_SECONDS", 0.03)
    stream, counter = io.StringIO(), Meter()
    counter.add(expected=100, started=1)
    with ProgressLine("extract", 1, stream, counter) as shown:
        while "frames/s" not in stream.getvalue():
            counter.add(done=1)
        shown.step()
    first, last = stream.getvalue().splitlines()[0], stream.getvalue().splitlines()[-1]
    assert first.startswith("extract: 0/1, 0 failed, ") and " frames/s, " in first and first.endswith(" left")
    assert last.startswith("extract: 1/1, 0 failed, ")


def test_quiet_names_failed_items_alone() -> None:
    stream = io.StringIO()
    progress.show(False)
    try:
        with ProgressLine("extract", 2, stream) as shown:
            shown.step()
            shown.step(failed=True, note="videos/a\x1b[2J: broken")
    finally:
        progress.show(True)
    assert stream.getvalue() == "extract; videos/a�[2J: broken\n"


def test_a_reader_that_went_away_does_not_end_the_run() -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    with ProgressLine("extract", 1, Closed()) as shown:
        shown.step(note="videos/a: broken")


def test_a_bar_shows_rate_and_time_left(tmp_path: Path) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream, counter = Terminal(), Meter()
    counter.add(done=50, expected=100, started=1)
    with ProgressLine("extract", 1, stream, counter) as shown:
        shown.step(failed=True, note="videos/a\u202e: broken")
    text = stream.getvalue()
    assert "frames/s" in text and "1 failed" in text and "videos/a�: broken" in text
