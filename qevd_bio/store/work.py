"""Work items with resume, failure rows and a manifest: the one mechanism that all stages use.

Each finished item leaves a marker under `<workspace>/manifests/<stage>/`, written last, that holds the
fingerprint of what the item was made from: the stage's version and settings and the content of its inputs.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Protocol

from qevd_bio.store.atomic import only_one, remove_leftovers, write_json
from qevd_bio.store.columns import Column, Table
from qevd_bio.store.errors import StopRun, UserError
from qevd_bio.store.execution import Item, ItemOutcome, P, Work, executor
from qevd_bio.store.hashing import hash_file, hash_json
from qevd_bio.store.manifest import manifest, without_secrets
from qevd_bio.store.meter import Meter
from qevd_bio.store.names import safe_name
from qevd_bio.store.progress import ProgressLine

__all__ = ["FAILURES", "Item", "RunOptions", "Summary", "run_stage"]

_LOG = logging.getLogger(__name__)

FAILURES = Table(
    "failures",
    1,
    (
        Column("stage", "string", nullable=False),
        Column("key", "string", meaning="the item, for example split/video", nullable=False),
        Column("reason", "string", meaning="short name of the reason, for counting", nullable=False),
        Column("detail", "string", meaning="the reason in words"),
    ),
)


class HasManifests(Protocol):
    """A workspace: it has a folder for markers and manifests."""

    @property
    def manifests(self) -> Path:
        """The folder; it need not exist yet."""
        ...


@dataclass(frozen=True)
class RunOptions:
    """Which items run and how; none of these changes a result."""

    limit: int | None = None
    only: tuple[str, ...] = ()
    retry_failed: bool = False
    redo: bool = False
    jobs: int = 1
    executor: str = "local"


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
    """Items named by `only` (patterns over the key or its last part), then the first `limit` of them."""
    chosen = list(items)
    if options.only:
        chosen = [item for item in items if any(_matches(item.key, pattern) for pattern in options.only)]
        if not chosen:
            some = ", ".join(item.key for item in items[:3]) or "none"
            raise UserError(
                f"--only {' '.join(options.only)} matches none of {len(items)} items",
                expected=f"a name or pattern of an item, such as {some}",
            )
    return chosen if options.limit is None else chosen[: max(options.limit, 0)]


def _matches(key: str, pattern: str) -> bool:
    return fnmatch(key, pattern) or fnmatch(key.rsplit("/", 1)[-1], pattern)


def run_stage(
    stage: str,
    workspace: HasManifests,
    items: Sequence[Item[P]],
    work: Work[P],
    *,
    settings: Mapping[str, Any],
    options: RunOptions | None = None,
    version: int = 1,
) -> Summary:
    """Run `work` on the selected items that are not finished yet; returns what was done.

    `settings` are the options that change a result; `version` is that of the stage's results. Finished items
    are kept. An item made with other settings is refused (UserError) unless `redo`; one whose inputs changed
    is made again. Failed items are kept as failures until `retry_failed`, or until settings or inputs change.
    Raises StopRun for a condition that holds for all items, after what is finished has been recorded.
    """
    options = options or RunOptions()
    chosen = select(items, options)
    plain = {"version": version, **without_secrets(json.loads(json.dumps(dict(settings), default=str)))}
    ledger = _Ledger(stage, workspace, plain)
    with only_one(workspace.manifests / f".{safe_name(stage)}.lock", stage):
        return _run(ledger, chosen, work, options)


def _run(ledger: _Ledger, chosen: Sequence[Item[P]], work: Work[P], options: RunOptions) -> Summary:
    stage = ledger.stage
    summary = Summary(stage)
    pending = [ledger.hashed(item) for item in chosen if not ledger.settled(item, options, summary)]
    ledger.refuse_other_settings(options, len(chosen))
    for item in pending:
        for path in item.outputs:
            remove_leftovers(path)
    _LOG.info("%s: %d of %d items to do, the others are settled", stage, len(pending), len(chosen))
    start = time.monotonic()
    ledger.write_manifest("running", summary, len(chosen), start)
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
        ledger.write_manifest(status, summary, len(chosen), start)
        ledger.write_failures(summary)
    return summary


class _Ledger:
    """Markers, manifest and failure rows of one stage."""

    def __init__(self, stage: str, workspace: HasManifests, settings: dict[str, Any]) -> None:
        self.stage = stage
        self.folder = workspace.manifests / safe_name(stage)
        self.manifest_path = workspace.manifests / f"{safe_name(stage)}.json"
        self.failures_path = workspace.manifests / f"{safe_name(stage)}-failures.csv"
        self.settings = settings
        self.inputs: dict[str, list[dict[str, Any]]] = {}
        self.other: list[tuple[str, dict[str, Any]]] = []
        self._known: dict[tuple[str, int, int], str] = {}

    def _marker(self, item: Item[Any]) -> Path:
        parts = [safe_name(part) for part in item.key.split("/")]
        return self.folder.joinpath(*parts[:-1], f"{parts[-1]}.json")

    def settled(self, item: Item[Any], options: RunOptions, summary: Summary) -> bool:
        """Whether `item` needs no work; notes it in `summary` if so."""
        marker = _read_marker(self._marker(item))
        self.inputs[item.key] = self._input_hashes(item, marker)
        if not marker or options.redo:
            return False
        same_settings = marker["settings"] == self.settings
        same_inputs = [i["sha256"] for i in marker["inputs"]] == [i["sha256"] for i in self.inputs[item.key]]
        if marker["status"] == "failed":
            if options.retry_failed or not same_settings or not same_inputs:
                return False
            summary.failed[item.key] = (marker["reason"], marker["detail"])
            return True
        if not same_inputs or not all(path.exists() for path in item.outputs):
            return False
        if not same_settings:
            self.other.append((item.key, marker["settings"]))
            return False
        summary.kept += 1
        summary.results[item.key] = marker["result"]
        return True

    def hashed(self, item: Item[P]) -> Item[P]:
        """The item with the hashes of its inputs, so that its work need not read them for that again."""
        return replace(item, hashes=tuple(entry["sha256"] for entry in self.inputs[item.key]))

    def _input_hashes(self, item: Item[Any], marker: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Hash the inputs; a file is not read again whose size and time are those of the marker or of another item."""
        for entry in marker.get("inputs", []):
            if entry["sha256"] is not None:
                self._known.setdefault((entry["path"], entry["size"], entry["mtime_ns"]), entry["sha256"])
        hashes: list[dict[str, Any]] = []
        for path in item.inputs:
            if not path.is_file():
                hashes.append({"path": str(path), "size": None, "mtime_ns": None, "sha256": None})
                continue
            status = path.stat()
            state = (str(path), status.st_size, status.st_mtime_ns)
            if state not in self._known:
                self._known[state] = hash_file(path)
            entry = {"path": state[0], "size": state[1], "mtime_ns": state[2], "sha256": self._known[state]}
            hashes.append(entry)
        return hashes

    def refuse_other_settings(self, options: RunOptions, total: int) -> None:
        if not self.other or options.redo:
            return
        before = self.other[0][1]
        names = sorted(k for k in {*before, *self.settings} if before.get(k) != self.settings.get(k))
        change = "; ".join(f"{n}: {before.get(n)!r} then, {self.settings.get(n)!r} now" for n in names[:4])
        raise UserError(
            f"{len(self.other)} of {total} items of {self.stage!r} were made with other settings ({change})",
            where=self.folder,
            expected="the same settings, so that one folder holds one kind of result",
            fix="--redo to make them again, or another --workspace to keep both",
        )

    def record(self, outcome: ItemOutcome) -> None:
        marker = {
            "status": "ok" if outcome.ok else "failed",
            "key": outcome.item.key,
            "settings": self.settings,
            "inputs": self.inputs[outcome.item.key],
            "fingerprint": hash_json([self.stage, self.settings, [i["sha256"] for i in self.inputs[outcome.item.key]]]),
            "result": outcome.result,
            "reason": outcome.reason,
            "detail": outcome.detail,
            "seconds": round(outcome.seconds, 3),
        }
        write_json(self._marker(outcome.item), marker)

    def write_manifest(self, status: str, summary: Summary, total: int, start: float) -> None:
        counts = {"items": total, "done": summary.done, "kept": summary.kept, "failed": len(summary.failed)}
        reasons: dict[str, int] = {}
        for reason, _ in summary.failed.values():
            reasons[reason] = reasons.get(reason, 0) + 1
        hashes = {key: [i["sha256"] for i in inputs] for key, inputs in sorted(self.inputs.items())}
        more = {
            "status": status,
            "counts": counts,
            "failures_by_reason": reasons,
            "finished_unix": time.time(),
            "seconds": round(time.monotonic() - start, 3),
            "inputs": hashes,
        }
        write_json(self.manifest_path, manifest(self.stage, self.settings, **more))

    def write_failures(self, summary: Summary) -> None:
        rows = [
            {"stage": self.stage, "key": key, "reason": reason, "detail": detail}
            for key, (reason, detail) in sorted(summary.failed.items())
        ]
        FAILURES.write_csv(self.failures_path, rows)


def _read_marker(path: Path) -> dict[str, Any]:
    try:
        marker: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return marker if {"status", "settings", "inputs"} <= set(marker) else {}
