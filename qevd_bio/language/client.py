"""Asking a language model many questions: lazily, in parallel, from the cache first, in constant memory.

`complete_many` is what the stages use; everything asynchronous stays inside one background thread.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Iterable, Iterator

from qevd_bio.language.asker import Asker
from qevd_bio.language.budget import Totals
from qevd_bio.language.options import ClientOptions
from qevd_bio.language.request import Reply, Request
from qevd_bio.store.errors import StopRun


def complete_many(requests: Iterable[Request], options: ClientOptions) -> Completions:
    """Ask every request; an iterator of replies in the order of completion, with `.totals`.

    `requests` is consumed lazily from another thread, at most a few hundred ahead of the replies taken, so memory
    does not grow with their number. A question that failed comes back as a Reply that is not ok. Raises StopRun where
    the endpoint refuses the key, the model or the account, cannot be reached at all, or a budget is used up; replies
    that had arrived are yielded first and are in the cache.
    """
    return Completions(requests, options)


class Completions(Iterator[Reply]):
    """Replies of one run; `totals` is complete when the iterator is exhausted. Closing it stops the run."""

    def __init__(self, requests: Iterable[Request], options: ClientOptions) -> None:
        self.totals = Totals()
        self._requests = iter(requests)
        self._options = options
        self._ready: queue.SimpleQueue[Reply | BaseException | None] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._window: asyncio.Semaphore | None = None
        self._task: asyncio.Task[None] | None = None
        self._asker: Asker | None = None
        self._done = False
        self._thread = threading.Thread(target=self._work, name="language-client", daemon=True)
        self._thread.start()

    def __next__(self) -> Reply:
        if self._done:
            raise StopIteration
        item = self._ready.get()
        if isinstance(item, Reply):
            if self._loop is not None and self._window is not None and not self._loop.is_closed():
                _soon(self._loop, self._window.release)
            return item
        self._done = True
        self._thread.join()
        if item is not None:
            raise item
        raise StopIteration

    def close(self) -> None:
        """Ask nothing more and wait for the calls under way, which are paid for; their replies are kept.

        A second Ctrl-C meanwhile drops them.
        """
        self._done = True
        if self._loop is not None:
            _soon(self._loop, self._wind_down)
        try:
            self._thread.join()
        except KeyboardInterrupt:
            if self._loop is not None and self._task is not None:
                _soon(self._loop, self._task.cancel)
            self._thread.join(timeout=10)
            raise

    def _wind_down(self) -> None:
        if self._asker is not None and self._window is not None:
            self._asker.stop = self._asker.stop or StopRun("interrupted")
            for _ in range(self._options.concurrency):
                self._window.release()

    def __enter__(self) -> Completions:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _work(self) -> None:
        try:
            asyncio.run(self._serve())
        except asyncio.CancelledError:
            self._ready.put(None)
        except BaseException as error:  # noqa: BLE001  carried to the caller's thread and raised there
            self._ready.put(_first(error))
        else:
            self._ready.put(None)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._window = asyncio.Semaphore(4 * self._options.concurrency)
        self._task = asyncio.current_task()
        asker = self._asker = Asker(self._options, self.totals)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._options.concurrency):
                    group.create_task(self._worker(asker, self._window))
        finally:
            await asker.close()
        if asker.stop is not None:
            raise asker.stop

    async def _worker(self, asker: Asker, window: asyncio.Semaphore) -> None:
        while asker.stop is None:
            await window.acquire()
            request = next(self._requests, None)
            if request is None or asker.stop is not None:
                return
            try:
                self._ready.put(await asker.ask(request))
            except StopRun as stop:
                # Calls under way may finish: what they bring is paid for.
                asker.stop = asker.stop or stop


def _soon(loop: asyncio.AbstractEventLoop, call: object) -> None:
    # The loop may close between the check and the call when the last reply has just been taken.
    try:
        loop.call_soon_threadsafe(call)  # type: ignore[arg-type]
    except RuntimeError:
        return


def _first(error: BaseException) -> BaseException:
    """The first plain exception in a group of them."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
