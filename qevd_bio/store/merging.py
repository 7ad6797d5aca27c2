"""Join workspaces in which several machines did their shares of a stage.

Only what belongs to single items is joined: their results and the markers that say from what they were made. The
tables of all items are then written by the stage itself, which finds every item finished.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qevd_bio.store.atomic import atomic_path, only_one, write_bytes
from qevd_bio.store.errors import UserError
from qevd_bio.store.filestate import FileState
from qevd_bio.store.ledger import HasManifests, Marker, read_marker
from qevd_bio.store.names import safe_name
from qevd_bio.store.progress import ProgressLine
from qevd_bio.store.shards import Shard


@dataclass
class MergedStage:
    """What was joined of one stage. `missing` is empty where nothing shows that a share or an item is not there."""

    stage: str
    items: int = 0
    failed: int = 0
    kept: int = 0
    missing: list[str] = field(default_factory=list)

    def describe(self) -> str:
        """One line."""
        text = f"{self.stage}: {self.items} items"
        text += f", {self.failed} of them failed" if self.failed else ""
        text += f", {self.kept} there before" if self.kept else ""
        return f"{text}; not complete: {'; '.join(self.missing)}" if self.missing else text


@dataclass
class _Part:
    """One stage of one workspace."""

    root: Path
    manifests: Path
    stage: str
    manifest: Mapping[str, Any]
    markers: dict[str, Marker]

    @property
    def share(self) -> Mapping[str, Any] | None:
        found = self.manifest.get("share")
        return found if isinstance(found, dict) else None


def merge(parts: Sequence[HasManifests], target: HasManifests, *, partial: bool = False) -> list[MergedStage]:
    """Copy the finished items of `parts` into `target`; returns what was joined, by stage.

    The root of a workspace is the folder that its manifests lie in. Everything is checked before anything is copied.
    Raises UserError where two parts worked on the same item, had other settings or are not numbered as shares of one
    whole, where a result is missing or damaged, and, unless `partial`, where shares or items are missing.
    """
    _refuse_same_folder(parts, target)
    stages: dict[str, list[_Part]] = {}
    for workspace in parts:
        for part in _parts_of(workspace.manifests):
            stages.setdefault(part.stage, []).append(part)
    if not stages:
        raise UserError(
            "no stage has run in these workspaces", where=parts[0].manifests, expected="manifests of finished stages"
        )
    with only_one(target.manifests / ".merge.lock", "merge"):
        plans = [_plan(name, found, target.manifests) for name, found in sorted(stages.items())]
        incomplete = [stage.describe() for stage, _ in plans if stage.missing]
        if incomplete and not partial:
            raise UserError(
                "; ".join(incomplete),
                where=target.manifests.parent,
                expected="every share, finished",
                fix="run what is missing, or --partial to join what is there",
            )
        copies = [copy for _, found in plans for copy in found]
        with ProgressLine("merge", len(copies)) as progress:
            for copy in copies:
                copy.carry_out(target.manifests.parent)
                progress.step()
    return [stage for stage, _ in plans]


@dataclass(frozen=True)
class _Copy:
    """A finished item on its way: its files, with their places below the new root, and its marker."""

    files: tuple[tuple[Path, Path], ...]
    marker: Path
    marker_place: Path

    def carry_out(self, root: Path) -> None:
        for source, place in self.files:
            with atomic_path(root / place) as temporary:
                shutil.copyfile(source, temporary)
                shutil.copystat(source, temporary)  # the marker knows the time of the file
        write_bytes(root / self.marker_place, self.marker.read_bytes())


def _refuse_same_folder(parts: Sequence[HasManifests], target: HasManifests) -> None:
    seen: set[Path] = {target.manifests.resolve()}
    for part in parts:
        if not part.manifests.is_dir():
            raise UserError(
                "no stage has run here", where=part.manifests.parent, expected="a workspace with the folder manifests"
            )
        if part.manifests.resolve() in seen:
            raise UserError(
                "this workspace is named twice", where=part.manifests.parent, expected="different workspaces"
            )
        seen.add(part.manifests.resolve())


def _parts_of(manifests: Path) -> list[_Part]:
    found = []
    for path in sorted(manifests.glob("*.json")):
        try:
            manifest = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            raise UserError("is no manifest", where=path, expected="JSON that a stage wrote") from error
        folder = path.with_suffix("")
        if not isinstance(manifest, dict) or not isinstance(manifest.get("stage"), str) or not folder.is_dir():
            continue
        markers = {
            file.relative_to(folder).as_posix(): marker
            for file in sorted(folder.rglob("*.json"))
            if (marker := read_marker(file)) is not None
        }
        found.append(_Part(manifests.parent, manifests, manifest["stage"], manifest, markers))
    return found


def _plan(name: str, parts: Sequence[_Part], target: Path) -> tuple[MergedStage, list[_Copy]]:
    """What is to be copied of one stage, after every check."""
    _same_settings(name, parts)
    result = MergedStage(name, missing=_missing(name, parts))
    copies: list[_Copy] = []
    owner: dict[str, _Part] = {}
    for part in parts:
        folder = part.manifests / safe_name(name)
        for key, marker in part.markers.items():
            if key in owner:
                raise UserError(
                    f"{name} worked on {key.removesuffix('.json')} in two workspaces: "
                    f"{owner[key].root} and {part.root}",
                    where=folder / key,
                    expected="shares that do not overlap",
                    fix="leave one of them out, or run each with its own --shard",
                )
            owner[key] = part
            result.items += 1
            result.failed += not marker.ok
            place = Path(target.name) / folder.name / key
            before = read_marker(target.parent / place)
            if before is not None:
                _refuse_other(name, key, before, marker, target.parent / place)
                result.kept += 1
                continue
            copies.append(_Copy(_files(part, marker), folder / key, place))
    return result, copies


def _refuse_other(name: str, key: str, before: Marker, marker: Marker, where: Path) -> None:
    same = before.settings == marker.settings and _hashes(before.inputs) == _hashes(marker.inputs)
    if not same:
        raise UserError(
            f"{name} made {key.removesuffix('.json')} here before, with other settings or from another file",
            where=where,
            expected="a workspace in which this item is not finished, or is finished with the same settings",
            fix="another --workspace",
        )


def _hashes(states: Sequence[FileState]) -> list[str | None]:
    return [state.sha256 for state in states]


def _same_settings(name: str, parts: Sequence[_Part]) -> None:
    first = parts[0]
    for part in parts:
        for settings in (part.manifest.get("settings"), *(marker.settings for marker in part.markers.values())):
            before = first.manifest.get("settings")
            if settings == before:
                continue
            if not isinstance(settings, dict) or not isinstance(before, dict):
                raise UserError("the manifest has no settings", where=part.manifests / f"{name}.json")
            names = sorted(key for key in {*settings, *before} if settings.get(key) != before.get(key))
            change = "; ".join(f"{key}: {before.get(key)!r} and {settings.get(key)!r}" for key in names[:4])
            raise UserError(
                f"{name} ran with different settings in {first.root} and {part.root} ({change})",
                where=part.manifests / f"{name}.json",
                expected="the same settings in every share",
                fix="run one of them again with --redo, or merge into different workspaces",
            )


def _missing(name: str, parts: Sequence[_Part]) -> list[str]:
    """What shows that not all is there: shares that are absent, runs that did not end, items that were left out."""
    found = [
        f"{part.root} is {part.manifest.get('status')}" for part in parts if part.manifest.get("status") != "finished"
    ]
    shares = [(part, part.share) for part in parts]
    numbered = {str(share["shard"]): part for part, share in shares if share is not None}
    if not numbered:
        return found
    if len(numbered) < len(parts):
        raise UserError(
            f"{name}: two workspaces did the same share, or one was no share at all ({', '.join(sorted(numbered))})",
            where=parts[0].manifests.parent,
            expected="each share once",
        )
    shards = sorted(Shard.parse(text) for text in numbered)
    totals = {(shard.of, numbered[str(shard)].share["of_items"]) for shard in shards}  # type: ignore[index]
    if len(totals) > 1:
        said = ", ".join(f"{of} shares of {items} items" for of, items in sorted(totals))
        raise UserError(
            f"{name}: these are not shares of one whole: {said}",
            where=parts[0].manifests.parent,
            expected="the same N in every --shard I/N, and the same videos on every machine",
        )
    of, total = totals.pop()
    absent = [str(Shard(number, of)) for number in range(1, of + 1) if Shard(number, of) not in shards]
    if absent:
        found.append(
            f"share {', '.join(absent[:6])} is missing" + (f" and {len(absent) - 6} more" if absent[6:] else "")
        )
    items = sum(len(part.markers) for part in parts)
    if not absent and items < total:
        found.append(f"{total - items} of {total} items were not worked on")
    return found


def _files(part: _Part, marker: Marker) -> tuple[tuple[Path, Path], ...]:
    """The results of an item and their places below the root; the workspace may have been moved since."""
    found = []
    for state in marker.outputs or ():
        place = _below(part.root, state)
        if place is None:
            raise UserError(
                "a result that was finished is missing, or is not what was written",
                where=state.path,
                expected=f"the file below {part.root}, {state.size} bytes",
                fix="copy the workspace again, or run its share again",
            )
        found.append((part.root / place, place))
    return tuple(found)


def _below(root: Path, state: FileState) -> Path | None:
    parts = Path(state.path).parts
    for start in range(1, len(parts)):
        place = Path(*parts[start:])
        if (root / place).is_file():
            now = FileState.read(root / place)
            return place if (now.size, now.sha256) == (state.size, state.sha256) else None
    return None
