"""An iterator that runs in its own thread, a few steps ahead of whoever reads it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
_END = object()


class Background(Generic[T]):
    """Runs `source` in a thread, at most `ahead` items ahead of the reader, who gets its errors, too.

    `close` stops the thread and closes the source, at any time and more than once; leaving a `with` block
    does the same.
    """

    def __init__(self, source: Iterator[T], ahead: int) -> None:
        self._source = source
        self._items: queue.Queue[object] = queue.Queue(max(ahead, 1))
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._done = False
        self._thread = threading.Thread(target=self._run, name="decode", daemon=True)
        self._thread.start()

    def __enter__(self) -> Background[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Background[T]:
        return self

    def __next__(self) -> T:
        if self._done:
            raise StopIteration
        item = self._items.get()
        if item is not _END:
            return item  # type: ignore[return-value]
        self._done = True
        self._thread.join()
        if self._error is not None:
            raise self._error
        raise StopIteration

    def close(self) -> None:
        """Stop the thread and wait for it; what it has read and nobody took is dropped."""
        self._done = True
        self._stop.set()
        while self._thread.is_alive():
            # The thread may wait for room; taking what is there lets it see the stop.
            try:
                self._items.get_nowait()
            except queue.Empty:
                self._thread.join(0.01)

    def _run(self) -> None:
        try:
            for item in self._source:
                if not self._put(item):
                    break
        except BaseException as error:  # noqa: BLE001 - whatever it is, the reader must get it
            self._error = error
        finally:
            close = getattr(self._source, "close", None)
            if close is not None:
                close()
            self._put(_END)

    def _put(self, item: object) -> bool:
        while not self._stop.is_set():
            try:
                self._items.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False
