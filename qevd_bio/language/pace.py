"""How many questions are under way: full speed until the server complains, then half, then slowly more again."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager


class Pace:
    """Additive increase, multiplicative decrease of the number of parallel calls; one clock for all pauses.

    A pause never exceeds `max_wait_s`, whatever the server asks for.
    """

    def __init__(self, most: int, max_wait_s: float, rest: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self.limit = float(most)
        self._most = most
        self._max_wait_s = max_wait_s
        self._rest = rest
        self._running = 0
        self._not_before = 0.0
        self._last_cut = 0.0
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a free place and for the end of a pause, then hold the place."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._running < max(1, int(self.limit)))
            self._running += 1
        try:
            if (wait := self._not_before - time.monotonic()) > 0:
                await self._rest(min(wait, self._max_wait_s))
            yield
        finally:
            async with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def went_well(self) -> None:
        """A call succeeded: one more place for each full round of successes."""
        self.limit = min(self._most, self.limit + 1.0 / max(1.0, self.limit))

    def slow_down(self, retry_after_s: float | None) -> None:
        """The server is overrun: halve the places (once for each burst of complaints) and pause as it asks."""
        now = time.monotonic()
        if now - self._last_cut > 1.0:
            self.limit = max(1.0, self.limit / 2)
            self._last_cut = now
        if retry_after_s is not None:
            self._not_before = max(self._not_before, now + min(retry_after_s, self._max_wait_s))

    def backoff_s(self, attempt: int) -> float:
        """Pause before attempt number `attempt` + 1: doubling from half a second, with jitter, bounded."""
        return float(min(self._max_wait_s, 0.5 * 2.0**attempt)) * random.uniform(0.5, 1.0)
