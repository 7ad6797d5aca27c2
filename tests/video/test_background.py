from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from qevd_bio.video.background import Background


class Source:
    """Counts what is taken from it and whether it was closed."""

    def __init__(self, n: int, fail_at: int = -1) -> None:
        self.given, self.closed, self.n, self.fail_at = 0, False, n, fail_at

    def items(self) -> Iterator[int]:
        try:
            for index in range(self.n):
                if index == self.fail_at:
                    raise ValueError("broken here")
                self.given += 1
                yield index
        finally:
            self.closed = True


def wait_until_idle(source: Source) -> int:
    before = -1
    while source.given != before:
        before = source.given
        time.sleep(0.15)
    return before


def test_order_is_kept_and_the_source_closed() -> None:
    source = Source(100)
    with Background(source.items(), 3) as items:
        assert list(items) == list(range(100))
        assert list(items) == []
    assert source.closed


def test_it_runs_only_a_few_items_ahead() -> None:
    source = Source(10**9)
    with Background(source.items(), 4) as items:
        assert [next(items) for _ in range(10)] == list(range(10))
        assert wait_until_idle(source) <= 10 + 4 + 1
    assert source.closed


def test_errors_reach_the_reader_after_what_came_before() -> None:
    source = Source(100, fail_at=5)
    seen = []
    with pytest.raises(ValueError, match="broken here"):
        for item in Background(source.items(), 2):
            seen.append(item)
    assert seen == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("taken", [0, 1, 7])
def test_closing_early_leaves_no_thread(taken: int) -> None:
    before = set(threading.enumerate())
    source = Source(10**9)
    items = Background(source.items(), 2)
    for _ in range(taken):
        next(items)
    items.close()
    items.close()
    assert list(items) == []
    assert source.closed
    assert not any(thread.name == "decode" for thread in set(threading.enumerate()) - before)
