"""How far the stages of a workspace are, from their manifests and markers alone."""

from __future__ import annotations

import json
import os
import platform
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from qevd_bio.store.errors import UserError
from qevd_bio.store.ledger import HasManifests, read_marker
from qevd_bio.store.progress import clock

State = Literal["running", "finished", "interrupted", "stopped"]


@dataclass(frozen=True)
class StageStanding:
    """One stage. `items` are those of its latest run; rate and time left are known while it runs.

    rate_per_s counts items; left_s is None where nothing tells. `failed` counts by reason. `shard` is `2/8`, or "".
    """

    stage: str
    state: State
    items: int
    done: int
    failed: dict[str, int]
    pending: int
    rate_per_s: float | None
    left_s: float | None
    shard: str

    def describe(self) -> str:
        """One line of words and numbers."""
        failed = ", ".join(f"{count} × {reason}" for reason, count in sorted(self.failed.items()))
        parts = [f"{self.done} of {self.items} done"]
        parts += [f"{sum(self.failed.values())} failed ({failed})"] if failed else []
        parts += [f"{self.pending} pending"] if self.pending else []
        if self.rate_per_s:
            parts.append(f"{60 * self.rate_per_s:.3g} a minute")
        if self.left_s is not None and self.state == "running":
            parts.append(f"{clock(self.left_s)} left")
        share = f" (share {self.shard})" if self.shard else ""
        return f"{self.stage}{share}: {self.state}, {', '.join(parts)}"

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON-able data."""
        return asdict(self)


def standing_of(workspace: HasManifests) -> list[StageStanding]:
    """Every stage that ran in the workspace, by name. Raises UserError where none did, or a manifest is damaged."""
    found = []
    for path in sorted(workspace.manifests.glob("*.json")):
        try:
            manifest = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            raise UserError("cannot be read as a manifest", where=path, expected="JSON that a stage wrote") from error
        if isinstance(manifest, dict) and isinstance(manifest.get("counts"), dict) and path.with_suffix("").is_dir():
            found.append(_standing(manifest, path.with_suffix("")))
    if not found:
        raise UserError(
            "no stage has run here",
            where=workspace.manifests.parent,
            expected="a workspace",
            fix="qevd-bio extract --data FOLDER, or name another --workspace",
        )
    return found


def _standing(manifest: Mapping[str, Any], markers: Path) -> StageStanding:
    counts: Mapping[str, Any] = manifest["counts"]
    items, done = int(counts.get("items", 0)), int(counts.get("done", 0)) + int(counts.get("kept", 0))
    failed = {str(reason): int(n) for reason, n in dict(manifest.get("failures_by_reason") or {}).items()}
    share = manifest.get("share")
    state = _state(manifest)
    rate = left = None
    if manifest.get("status") == "running":  # its counts are those of the beginning
        begun = float(manifest.get("finished_unix", 0.0))
        since = _since(markers, begun)
        done += since.pop("", 0)
        failed = dict(Counter(failed) + since)
        pending = max(items - done - sum(failed.values()), 0)
        worked = done + sum(failed.values()) - int(counts.get("kept", 0)) - int(counts.get("failed", 0))
        elapsed = max((time.time() if state == "running" else _latest(markers, begun)) - begun, 1e-9)
        rate = worked / elapsed if worked > 0 else None
        left = pending / rate if rate and state == "running" else None
    else:
        pending = max(items - done - sum(failed.values()), 0)
    shard = str(share.get("shard", "")) if isinstance(share, dict) else ""
    return StageStanding(str(manifest["stage"]), state, items, done, failed, pending, rate, left, shard)


def _state(manifest: Mapping[str, Any]) -> State:
    status = manifest.get("status")
    if status != "running":
        return status if status in ("finished", "stopped") else "interrupted"
    process = manifest.get("process")
    if isinstance(process, dict) and process.get("host") == platform.node():
        return "running" if _is_alive(process.get("pid")) else "interrupted"
    return "running"  # on another machine: only that one knows better


def _is_alive(pid: object) -> bool:
    if type(pid) is not int or pid <= 0:
        return False
    if Path("/proc/self").exists():
        return Path(f"/proc/{pid}").exists()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _since(markers: Path, begun: float) -> Counter[str]:
    """Markers written since: how many by reason of failure, "" for those that are done."""
    found: Counter[str] = Counter()
    for path in markers.rglob("*.json"):
        if path.stat().st_mtime >= begun and (marker := read_marker(path)) is not None:
            found["" if marker.ok else marker.reason] += 1
    return found


def _latest(markers: Path, begun: float) -> float:
    return max((path.stat().st_mtime for path in markers.rglob("*.json")), default=begun)
