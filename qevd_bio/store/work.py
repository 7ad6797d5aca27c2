"""Work items with resume, failure rows and a manifest: the one mechanism that all stages use.

Each finished item leaves a marker under `<workspace>/manifests/<stage>/`, written last, that holds the
fingerprint of what the item was made from: the stage's version and settings and the content of its inputs.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from typing import Any

from qevd_bio.store.atomic import only_one
from qevd_bio.store.errors import StopRun, UserError
from qevd_bio.store.execution import Item, P, Work, executor
from qevd_bio.store.ledger import FAILURES, HasManifests, Ledger, Marker, Share, Standing
from qevd_bio.store.leftovers import remove_leftovers, sweep
from qevd_bio.store.manifest import without_secrets
from qevd_bio.store.meter import Meter
from qevd_bio.store.names import safe_name
from qevd_bio.store.progress import ProgressLine
from qevd_bio.store.shards import Shard

__all__ = ["FAILURES", "Item", "RunOptions", "Summary", "run_stage"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunOptions:
    """Which items run and how; none of these changes a result."""

    limit: int | None = None
    only: tuple[str, ...] = ()
    retry_failed: bool = False
    redo: bool = False
    jobs: int = 1
    executor: str = "local"
    shard: Shard | None = None


@dataclass
class Summary:
    """What a run did: items newly done, kept from before, failed (with reason), and every result by key."""

    stage: str
    done: int = 0
    kept: int = 0
    failed: dict[str, tuple[str, str]] = field(default_factory=dict)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """0, or 2 where at least one selected item failed."""
        return 2 if self.failed else 0

    def describe(self) -> str:
        """One line: how many items were done, kept, failed, and how long it took."""
        text = f"{self.stage}: {self.done} done, {self.kept} kept from before, {len(self.failed)} failed"
        return f"{text} ({self.seconds:.1f} s)"

    def failures(self) -> str:
        """Why items failed, counted by reason."""
        counts: dict[str, int] = {}
        for reason, _ in self.failed.values():
            counts[reason] = counts.get(reason, 0) + 1
        return ", ".join(f"{count} × {reason}" for reason, count in sorted(counts.items()))


def select(items: Sequence[Item[P]], options: RunOptions) -> list[Item[P]]:
    """Items named by `only` (patterns over the key or its last part), of these the shard's, of these `limit`."""
    chosen = list(items)
    if options.only:
        chosen = [item for item in items if any(_matches(item.key, pattern) for pattern in options.only)]
        if not chosen:
            some = ", ".join(item.key for item in items[:3]) or "none"
            raise UserError(
                f"--only {' '.join(options.only)} matches none of {len(items)} items",
                expected=f"a name or pattern of an item, such as {some}",
            )
    if options.shard is not None:
        chosen = options.shard.part(chosen)
    return chosen if options.limit is None else chosen[: max(options.limit, 0)]


def _matches(key: str, pattern: str) -> bool:
    names = (key, key.rsplit("/", 1)[-1])
    return pattern in names or any(fnmatch(name, pattern) for name in names)


def run_stage(
    stage: str,
    workspace: HasManifests,
    items: Sequence[Item[P]],
    work: Work[P],
    *,
    settings: Mapping[str, Any],
    options: RunOptions | None = None,
    version: int = 1,
    ready: Callable[[], object] | None = None,
) -> Summary:
    """Run `work` on the selected items that are not finished yet; returns what was done.

    `settings` are the options that change a result; `version` is that of the stage's results. Finished items
    are kept. An item made with other settings, or from another file than its `source`, is refused (UserError) unless
    `redo`; one whose inputs changed is made again. Failed items are kept as failures until `retry_failed`, or until
    settings or inputs change; those of `TRANSIENT` reasons are tried again. `ready` is called once nothing is refused,
    before the first item. Raises StopRun for a condition that holds for all items, after what is finished has been
    recorded.
    """
    options = options or RunOptions()
    chosen = select(items, options)
    plain = {"version": version, **without_secrets(json.loads(json.dumps(dict(settings), default=str)))}
    ledger = Ledger(stage, workspace, plain, share=_share(items, options))
    with only_one(workspace.manifests / f".{safe_name(stage)}.lock", stage):
        summary = Summary(stage)
        pending = _unfinished(ledger, chosen, options, summary)
        ledger.refuse_mixing(len(chosen))
        for folder in ledger.folders(chosen):
            sweep(folder)
        for item in pending:
            for path in item.outputs:
                remove_leftovers(path)
        if ready is not None:
            ready()
        return _run(ledger, len(chosen), pending, work, options, summary)


def _share(items: Sequence[Item[P]], options: RunOptions) -> Share | None:
    if options.shard is None:
        return None
    return Share(str(options.shard), len(select(items, replace(options, shard=None, limit=None))), options.limit)


def _unfinished(ledger: Ledger, chosen: Sequence[Item[P]], options: RunOptions, summary: Summary) -> list[Item[P]]:
    """The items that need work; the others are noted in `summary`. Only files whose time changed are read."""
    if options.redo:
        return list(chosen)
    todo: dict[str, Item[P]] = {}
    unread: list[Item[P]] = []
    for item in chosen:
        standing, marker = ledger.standing(item, read=False)
        if standing == "unread":
            unread.append(item)
        elif not _is_settled(item, standing, marker, options, summary):
            todo[item.key] = item
    with ProgressLine(f"{ledger.stage}: reading files that changed their time", len(unread)) as progress:
        for item in unread:
            if not _is_settled(item, *ledger.standing(item, read=True), options, summary):
                todo[item.key] = item
            progress.step()
    return [item for item in chosen if item.key in todo]


def _is_settled(
    item: Item[P], standing: Standing, marker: Marker | None, options: RunOptions, summary: Summary
) -> bool:
    if marker is not None and standing == "kept":
        summary.kept += 1
        summary.results[item.key] = marker.result
        return True
    if marker is not None and standing == "failed before" and not options.retry_failed:
        summary.failed[item.key] = (marker.reason, marker.detail)
        return True
    return False


def _run(
    ledger: Ledger, total: int, pending: Sequence[Item[P]], work: Work[P], options: RunOptions, summary: Summary
) -> Summary:
    stage = ledger.stage
    _LOG.info("%s: %d of %d items to do, the others are settled", stage, len(pending), total)
    start = time.monotonic()
    ledger.write_manifest("running", summary, total, start)
    status = "interrupted"
    try:
        counter = Meter() if pending else None
        with ProgressLine(stage, len(pending), meter=counter) as progress:
            for outcome in executor(options.executor, options.jobs, counter).run(work, pending):
                if outcome.stop is not None:
                    raise outcome.stop
                ledger.record(outcome)
                said = "done" if outcome.ok else f"failed: {outcome.reason}: {outcome.detail}"
                _LOG.debug("%s: %s: %s in %.1f s", stage, outcome.item.key, said, outcome.seconds)
                if outcome.ok:
                    summary.done += 1
                    summary.results[outcome.item.key] = outcome.result
                    progress.step()
                else:
                    summary.failed[outcome.item.key] = (outcome.reason, outcome.detail)
                    progress.step(failed=True, note=f"{outcome.item.key}: {outcome.reason}: {outcome.detail}")
        status = "finished"
    except StopRun:
        status = "stopped"
        raise
    finally:
        summary.seconds = time.monotonic() - start
        counted = (summary.done, summary.kept, len(summary.failed))
        _LOG.info("%s %s: %d done, %d kept, %d failed, %.1f s", stage, status, *counted, summary.seconds)
        ledger.write_manifest(status, summary, total, start)
        ledger.write_failures(summary.failed)
    return summary
