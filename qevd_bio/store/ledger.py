"""What a stage has finished: a marker for each item, the manifest of the run, the table of failures."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from qevd_bio.store.atomic import write_json
from qevd_bio.store.columns import Column, Table
from qevd_bio.store.errors import UserError
from qevd_bio.store.execution import TRANSIENT, Item, ItemOutcome
from qevd_bio.store.filestate import FileState, looks_whole
from qevd_bio.store.hashing import hash_json
from qevd_bio.store.manifest import manifest
from qevd_bio.store.names import safe_name

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

Standing = Literal["to do", "kept", "failed before", "other settings", "other source", "unread"]


class HasManifests(Protocol):
    """A workspace: it has a folder for markers and manifests."""

    @property
    def manifests(self) -> Path:
        """The folder; it need not exist yet."""
        ...


class Counts(Protocol):
    """How many items were done and kept, and why others failed."""

    done: int
    kept: int
    failed: dict[str, tuple[str, str]]


class Share(NamedTuple):
    """Which share of a stage's items a run is for (`2/8`), how many items all shares have, and its own limit."""

    shard: str
    of_items: int
    limit: int | None


@dataclass(frozen=True)
class Marker:
    """What is written once an item is finished; `outputs` is None in markers of earlier versions."""

    ok: bool
    settings: dict[str, Any]
    inputs: tuple[FileState, ...]
    outputs: tuple[FileState, ...] | None
    result: dict[str, Any]
    reason: str
    detail: str


def marker_path(manifests: Path, stage: str, key: str) -> Path:
    """Where the marker of an item lies."""
    parts = [safe_name(part) for part in key.split("/")]
    return manifests.joinpath(safe_name(stage), *parts[:-1], f"{parts[-1]}.json")


def read_marker(path: Path) -> Marker | None:
    """The marker at `path`; None where there is none, or one that no version of this package wrote."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or found.get("status") not in ("ok", "failed"):
        return None
    inputs, outputs = _states(found.get("inputs")), _states(found.get("outputs"))
    settings, result = found.get("settings"), found.get("result")
    texts = [found.get("reason", ""), found.get("detail", "")]
    if inputs is None or (outputs is None and "outputs" in found):
        return None
    if not isinstance(settings, dict) or not isinstance(result, dict) or not all(isinstance(t, str) for t in texts):
        return None
    return Marker(found["status"] == "ok", settings, inputs, outputs, result, texts[0], texts[1])


def _states(values: Any) -> tuple[FileState, ...] | None:
    if not isinstance(values, list):
        return None
    found = [FileState.parse(value) for value in values]
    return tuple(state for state in found if state is not None) if None not in found else None


class Ledger:
    """Markers, manifest and failure rows of one stage, whose `settings` are those of this run."""

    def __init__(
        self, stage: str, workspace: HasManifests, settings: dict[str, Any], share: Share | None = None
    ) -> None:
        self.stage = stage
        self.settings = settings
        self.share = share
        self.folder = workspace.manifests / safe_name(stage)
        self._manifests = workspace.manifests
        self._inputs: dict[str, Sequence[FileState]] = {}
        self._settings_before: list[dict[str, Any]] = []
        self._exchanged: list[tuple[str, str, str]] = []

    def standing(self, item: Item[Any], *, read: bool) -> tuple[Standing, Marker | None]:
        """Whether an item is finished, and its marker.

        Files are looked at, and read only if `read`: without it the answer is "unread" where they must be.
        """
        marker = read_marker(marker_path(self._manifests, self.stage, item.key))
        if marker is None or len(marker.inputs) != len(item.inputs):
            return "to do", None
        differs = self._differences(item.inputs, marker.inputs, read)
        if differs is None:
            return "unread", marker
        self._inputs[item.key] = marker.inputs
        if not marker.ok:
            settled = not differs and marker.settings == self.settings and marker.reason not in TRANSIENT
            return ("failed before" if settled else "to do"), marker
        whole = self._outputs_stand(item, marker, read)
        if whole is None:
            return "unread", marker
        if whole and self._is_exchanged(item, marker, differs):
            return "other source", marker
        if differs or not whole:
            return "to do", marker
        if marker.settings != self.settings:
            self._settings_before.append(marker.settings)
            return "other settings", marker
        return "kept", marker

    def _differences(self, paths: Sequence[Path], before: Sequence[FileState], read: bool) -> set[int] | None:
        """Which of the files have other content than before; None where one would have to be read."""
        found = set()
        for index, (path, then) in enumerate(zip(paths, before, strict=True)):
            same = FileState.seen(path).looks_like(then)
            if same is None and not read:
                return None
            if same is None:
                same = _same_content(path, then)
            if not same:
                found.add(index)
        return found

    def _outputs_stand(self, item: Item[Any], marker: Marker, read: bool) -> bool | None:
        if marker.outputs is None or len(marker.outputs) != len(item.outputs):
            return all(looks_whole(path) for path in item.outputs)
        differs = self._differences(item.outputs, marker.outputs, read)
        return None if differs is None else not differs

    def _is_exchanged(self, item: Item[Any], marker: Marker, differs: set[int]) -> bool:
        """Whether another file stands in place of the one that the result is of."""
        for index in differs:
            now, then = FileState.seen(item.inputs[index]), marker.inputs[index]
            if item.inputs[index] == item.source and now.size is not None and then.path != now.path:
                self._exchanged.append((item.key, then.path, now.path))
                return True
        return False

    def refuse_mixing(self, total: int) -> None:
        """Raise UserError where finished results were made with other settings, or from other files."""
        if self._exchanged:
            key, then, now = self._exchanged[0]
            raise UserError(
                f"{len(self._exchanged)} of {total} items of {self.stage!r} were made from other files "
                f"({key}: {then} then, {now} now)",
                where=self.folder,
                expected="one data set in a workspace, so that its results are not overwritten",
                fix="another --workspace for these files, or --redo to replace those results",
            )
        if not self._settings_before:
            return
        before, asked = _leaves(self._settings_before[0]), _leaves(self.settings)
        names = sorted(name for name in {*before, *asked} if before.get(name) != asked.get(name))
        change = "; ".join(f"{n}: {before.get(n)!r} then, {asked.get(n)!r} now" for n in names[:4])
        raise UserError(
            f"{len(self._settings_before)} of {total} items of {self.stage!r} were made with other settings ({change})",
            where=self.folder,
            expected="the same settings, so that one folder holds one kind of result",
            fix="--redo to make them again, or another --workspace to keep both",
        )

    def record(self, outcome: ItemOutcome) -> None:
        """Write the marker of an item that was worked on."""
        self._inputs[outcome.item.key] = outcome.inputs
        hashes = [state.sha256 for state in outcome.inputs]
        marker = {
            "status": "ok" if outcome.ok else "failed",
            "key": outcome.item.key,
            "settings": self.settings,
            "inputs": [state._asdict() for state in outcome.inputs],
            "outputs": [state._asdict() for state in outcome.outputs],
            "fingerprint": hash_json([self.stage, self.settings, hashes]),
            "result": outcome.result,
            "reason": outcome.reason,
            "detail": outcome.detail,
            "seconds": round(outcome.seconds, 3),
        }
        write_json(marker_path(self._manifests, self.stage, outcome.item.key), marker)

    def write_manifest(self, status: str, counted: Counts, total: int, start: float) -> None:
        """Write how the run stands; `start` is its beginning on the monotonic clock."""
        reasons: dict[str, int] = {}
        for reason, _ in counted.failed.values():
            reasons[reason] = reasons.get(reason, 0) + 1
        more = {
            "status": status,
            "counts": {"items": total, "done": counted.done, "kept": counted.kept, "failed": len(counted.failed)},
            "failures_by_reason": reasons,
            "share": None if self.share is None else self.share._asdict(),
            "process": {"host": platform.node(), "pid": os.getpid()} if status == "running" else None,
            "finished_unix": time.time(),
            "seconds": round(time.monotonic() - start, 3),
            "inputs": {key: [state.sha256 for state in states] for key, states in sorted(self._inputs.items())},
        }
        write_json(self.folder.with_name(f"{self.folder.name}.json"), manifest(self.stage, self.settings, **more))

    def write_failures(self, failed: Mapping[str, tuple[str, str]]) -> None:
        """Write the table of failures."""
        rows = [
            {"stage": self.stage, "key": key, "reason": reason, "detail": detail}
            for key, (reason, detail) in sorted(failed.items())
        ]
        FAILURES.write_csv(self.folder.with_name(f"{self.folder.name}-failures.csv"), rows)

    def folders(self, items: Iterable[Item[Any]]) -> set[Path]:
        """Folders in which the stage writes."""
        outputs = {path.parent for item in items for path in item.outputs}
        markers = {marker_path(self._manifests, self.stage, item.key).parent for item in items}
        return {self._manifests, *outputs, *markers}


def _leaves(settings: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Settings one by one: a group's own under the group's name and a dot."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        found |= _leaves(value, f"{above}{name}.") if isinstance(value, Mapping) else {f"{above}{name}": value}
    return found


def _same_content(path: Path, then: FileState) -> bool:
    try:
        return then.sha256 is not None and FileState.read(path).sha256 == then.sha256
    except UserError:
        return False
