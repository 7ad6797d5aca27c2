"""Where work items run: in this process, in a pool of processes, or on a Ray cluster.

An executor takes a picklable function and items and yields outcomes as they finish. Stages never see
which one it was.
"""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from qevd_bio.store import extras, meter
from qevd_bio.store.errors import ItemError, StopRun, UserError
from qevd_bio.store.filestate import FileState
from qevd_bio.store.hashing import hash_file
from qevd_bio.store.orphans import end_with_parent
from qevd_bio.store.shortage import memory_ran_out

P = TypeVar("P")
"""What the work of a stage needs besides files: the payload of its items."""


@dataclass(frozen=True)
class Item(Generic[P]):
    """One piece of work: a stable key, the files it reads and writes, and what the function needs.

    `key` is a relative path of plain names such as "QEVD-FIT-COACH/0007". `hashes` are the SHA-256 of the inputs, in
    their order and None for one that is missing; they are computed when its turn comes. `source` is the input that
    the result is of (a video): a finished result is not overwritten by that of another file of the same name.
    """

    key: str
    inputs: tuple[Path, ...]
    outputs: tuple[Path, ...]
    payload: P
    hashes: tuple[str | None, ...] = ()
    source: Path | None = None

    def hash_of(self, path: Path) -> str:
        """SHA-256 of a file: that of the stage for an input, else computed now. UserError where it cannot be read."""
        known = dict(zip(self.inputs, self.hashes, strict=False)).get(path)
        return hash_file(path) if known is None else known


@dataclass(frozen=True)
class ItemOutcome:
    """What became of an item: its small JSON-able result, or the reason why there is none."""

    item: Item[Any]
    ok: bool
    result: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    detail: str = ""
    stop: StopRun | None = None
    seconds: float = 0.0
    inputs: tuple[FileState, ...] = ()
    outputs: tuple[FileState, ...] = ()


Work = Callable[[Item[P]], dict[str, Any]]
"""Works on one item; its small JSON-able result."""


@runtime_checkable
class WorkAhead(Protocol[P]):
    """Work that wants to know what it will be asked for, for example to do several items at once."""

    def expect(self, items: Sequence[Item[P]]) -> None:
        """The items that will be asked for, in this order."""

    def __call__(self, item: Item[P]) -> dict[str, Any]:
        """The result of one item."""


class Executor(Protocol):
    """Runs `work` on every item and yields outcomes in any order."""

    def run(self, work: Work[P], items: Sequence[Item[P]]) -> Iterator[ItemOutcome]: ...


TRANSIENT = frozenset({"out_of_memory", "process_died", "unreadable", "io_error"})
"""Reasons that say nothing about the item itself: the next run tries it again."""


def attempt(work: Work[P], item: Item[P]) -> ItemOutcome:
    """Read the inputs and run `work` on one item; every failure becomes an outcome that names its reason."""
    start = time.monotonic()
    try:
        inputs = tuple(FileState.read(path) for path in item.inputs)
    except UserError as error:
        return _unread(item, reason="unreadable", detail=str(error))
    except MemoryError:
        return _unread(item, reason="out_of_memory", detail=_MEMORY)
    known = replace(item, hashes=tuple(state.sha256 for state in inputs))
    try:
        with meter.item():
            result = work(known)
        outputs = tuple(FileState.read(path) for path in item.outputs)
    except Exception as error:  # noqa: BLE001  one odd item must not cost the hours spent on the others
        reason, detail, stop = _explained(error)
        return replace(
            ItemOutcome(item, False, reason=reason, detail=detail, stop=stop, inputs=inputs),
            seconds=time.monotonic() - start,
        )
    return ItemOutcome(item, True, result=result, seconds=time.monotonic() - start, inputs=inputs, outputs=outputs)


def _unread(item: Item[P], reason: str, detail: str) -> ItemOutcome:
    """A failure of an item whose inputs were not read, or by a process that cannot say."""
    return ItemOutcome(item, False, reason=reason, detail=detail, inputs=tuple(map(FileState.seen, item.inputs)))


_MEMORY = "memory ran out; try fewer --jobs"


def _explained(error: Exception) -> tuple[str, str, StopRun | None]:
    """Reason and detail of a failure row, and the error that stops the run where it holds for all items."""
    if isinstance(error, StopRun):
        return "stopped", str(error), error
    if isinstance(error, ItemError):
        return error.reason, error.detail, None
    if isinstance(error, UserError):
        return "bad_input", str(error), None
    if memory_ran_out(error):
        return "out_of_memory", _MEMORY, None
    if isinstance(error, ImportError) and (missing := extras.explained(error)) is not None:
        # What is not installed for one item is not installed for the others.
        return "stopped", str(missing), StopRun(missing.problem, fix=missing.fix)
    if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
        return "io_error", str(error), None
    return "unexpected_error", "".join(traceback.format_exception(error, limit=-4)), None


_OF_THE_MACHINE = {
    errno.EACCES,
    errno.EPERM,
    errno.EIO,
    errno.ESTALE,
    errno.EMFILE,
    errno.ENFILE,
    errno.ETIMEDOUT,
    errno.ENOTCONN,
    errno.EBUSY,
}


class InProcess:
    """One item after the other, in this process; `WorkAhead` is told before what will come."""

    def __init__(self, counter: meter.Meter | None = None) -> None:
        self._counter = counter

    def run(self, work: Work[P], items: Sequence[Item[P]]) -> Iterator[ItemOutcome]:
        meter.use(self._counter)
        try:
            if isinstance(work, WorkAhead):
                work.expect(items)
            for item in items:
                yield attempt(work, item)
        finally:
            meter.use(None)


class ProcessPool:
    """`jobs` processes side by side; a process that dies costs only the item it worked on."""

    def __init__(self, jobs: int, counter: meter.Meter | None = None) -> None:
        self._jobs = jobs
        self._counter = counter

    def run(self, work: Work[P], items: Sequence[Item[P]]) -> Iterator[ItemOutcome]:
        waiting = deque(items)
        while waiting:
            suspects: list[Item[P]] = []
            yield from self._until_broken(work, waiting, suspects)
            # Any of the items in flight may have killed the pool: each is tried once more, alone.
            for item in suspects:
                yield from self._alone(work, item)

    def _until_broken(self, work: Work[P], waiting: deque[Item[P]], suspects: list[Item[P]]) -> Iterator[ItemOutcome]:
        pool = self._pool(self._jobs)
        running: dict[Future[ItemOutcome], Item[P]] = {}
        try:
            while waiting or running:
                while waiting and len(running) < 2 * self._jobs:
                    running[pool.submit(attempt, work, waiting[0])] = waiting[0]
                    waiting.popleft()
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    item = running.pop(future)
                    try:
                        yield future.result()
                    except BrokenProcessPool:
                        suspects.append(item)
                if suspects:
                    suspects.extend(running.values())
                    return
        except BrokenProcessPool:
            suspects.extend(running.values())
        finally:
            _stop(pool)

    def _alone(self, work: Work[P], item: Item[P]) -> Iterator[ItemOutcome]:
        pool = self._pool(1)
        try:
            yield pool.submit(attempt, work, item).result()
        except BrokenProcessPool:
            detail = "its process was killed; often memory ran out: try fewer --jobs"
            yield _unread(item, reason="process_died", detail=detail)
        finally:
            _stop(pool)

    def _pool(self, jobs: int) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        threads = max(1, (os.cpu_count() or 1) // self._jobs)
        given = (threads, self._counter)
        return ProcessPoolExecutor(jobs, mp_context=context, initializer=_prepare_worker, initargs=given)


def _prepare_worker(threads: int, counter: meter.Meter | None) -> None:
    end_with_parent()
    meter.use(counter)
    # Ctrl-C reaches the whole process group; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, str(threads))


def _stop(pool: ProcessPoolExecutor) -> None:
    processes = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(5)


class RayCluster:
    """Items as Ray tasks; `ray.init` finds the cluster (RAY_ADDRESS) or starts a local one.

    The workspace must lie on storage that every node sees.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs

    def run(self, work: Work[P], items: Sequence[Item[P]]) -> Iterator[ItemOutcome]:
        extras.need("ray", what="--executor ray")
        import ray

        if not ray.is_initialized():
            ray.init(log_to_driver=False)
        remote = ray.remote(attempt)
        waiting = deque(items)
        running: dict[Any, Item[P]] = {}
        while waiting or running:
            while waiting and len(running) < 2 * self._jobs:
                item = waiting.popleft()
                running[remote.remote(work, item)] = item
            finished, _ = ray.wait(list(running), num_returns=1)
            for reference in finished:
                item = running.pop(reference)
                try:
                    yield ray.get(reference)
                except ray.exceptions.WorkerCrashedError:
                    yield _unread(item, reason="process_died", detail="its Ray worker crashed")


def executor(name: str, jobs: int, counter: meter.Meter | None = None) -> Executor:
    """The executor called `name` ("local" or "ray") with `jobs` items side by side; local ones count on `counter`."""
    if name == "ray":
        return RayCluster(jobs)
    if name != "local":
        raise UserError(f"no executor {name!r}", expected="local or ray", fix="--executor local")
    return InProcess(counter) if jobs == 1 else ProcessPool(jobs, counter)
