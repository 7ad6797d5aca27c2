"""Takes of Ego-Exo4D and their cameras, as `takes.json` lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qevd_bio.egoexo.files import field, read_large_json
from qevd_bio.store.errors import UserError

FPS = 30.0
"""Frames a second of the frame-aligned videos; frame i is the same instant in every camera."""

# Entries beside the cameras in `frame_aligned_videos`.
_NO_CAMERAS = frozenset({"best_exo", "collage"})
_EXPECTED = "the list of takes of Ego-Exo4D"


@dataclass(frozen=True)
class Camera:
    """One camera of a take: `streams` maps a stream ("rgb" of an ego camera, "0" of an exo one) to its video.

    Paths are relative to the take's folder. `is_ego` is what the metadata says; names do not tell.
    """

    id: str
    is_ego: bool
    device: str
    streams: Mapping[str, str]

    @property
    def video(self) -> str | None:
        """The camera's colour video, None where the list names none."""
        return self.streams.get("rgb") if self.is_ego else self.streams.get("0")


@dataclass(frozen=True)
class Take:
    """One take. `best_exo` is None for about one in ten; task times (seconds) may be missing, too."""

    uid: str
    name: str
    task: str
    task_id: int | None
    scenario: str
    participant: str
    duration_s: float
    best_exo: str | None
    task_start_s: float | None
    task_end_s: float | None
    narrated: bool
    cameras: tuple[Camera, ...]
    capture: str = ""

    @property
    def ego(self) -> Camera | None:
        """The egocentric camera; of several an Aria before the others."""
        found = [camera for camera in self.cameras if camera.is_ego]
        return min(found, key=lambda c: (c.device != "aria", c.id), default=None)

    @property
    def exos(self) -> tuple[Camera, ...]:
        """The exocentric cameras, by name."""
        return tuple(sorted((c for c in self.cameras if not c.is_ego), key=lambda c: c.id))

    def exo(self, fallback: str | None = "cam01") -> tuple[Camera | None, bool]:
        """The best exocentric camera and whether it is labelled so.

        Without a label the camera called `fallback`, else the first one; None for `fallback` takes none.
        """
        named = next((camera for camera in self.exos if camera.id == self.best_exo), None)
        if named is not None:
            return named, True
        if fallback is None or not self.exos:
            return None, False
        return next((camera for camera in self.exos if camera.id == fallback), self.exos[0]), False

    @property
    def start_s(self) -> float:
        """When the task begins, 0 where that is not labelled."""
        return self.task_start_s or 0.0

    @property
    def end_s(self) -> float:
        """When the task ends, the take's end where that is not labelled."""
        return self.task_end_s if self.task_end_s is not None else self.duration_s


def read_takes(path: Path) -> list[Take]:
    """All takes of `takes.json`. UserError for a file of another form, and for a take that is listed twice."""
    value = read_large_json(path, _EXPECTED)
    if not isinstance(value, list):
        raise UserError(f"holds a {type(value).__name__}", where=path, expected=_EXPECTED)
    takes = [_take(entry, path, f"take {number}") for number, entry in enumerate(value)]
    seen: set[str] = set()
    for take in takes:
        if take.uid in seen:
            raise UserError(f"take {take.uid} is listed twice", where=path, expected="each take once")
        seen.add(take.uid)
    return takes


def _take(entry: Any, path: Path, place: str) -> Take:
    name = field(entry, "take_name", str, path, place)
    place = f"{place} ({name})"
    capture = entry.get("capture") or {}
    return Take(
        uid=field(entry, "take_uid", str, path, place),
        name=name,
        task=str(entry.get("task_name") or ""),
        task_id=entry.get("task_id"),
        scenario=str(entry.get("parent_task_name") or ""),
        participant=str(entry.get("participant_uid") if entry.get("participant_uid") is not None else ""),
        duration_s=float(field(entry, "duration_sec", (int, float), path, place)),
        best_exo=entry.get("best_exo") or None,
        task_start_s=_seconds(entry.get("task_start_sec")),
        task_end_s=_seconds(entry.get("task_end_sec")),
        narrated=bool(entry.get("is_narrated")),
        cameras=tuple(_cameras(entry, capture)),
        capture=str(capture.get("capture_uid") or ""),
    )


def _cameras(entry: Mapping[str, Any], capture: Mapping[str, Any]) -> Sequence[Camera]:
    known = {str(camera.get("cam_id")): camera for camera in capture.get("cameras") or ()}
    videos = {name: v for name, v in (entry.get("frame_aligned_videos") or {}).items() if name not in _NO_CAMERAS}
    found = []
    for name in sorted({*known, *videos}):
        about = known.get(name, {})
        is_ego = about.get("is_ego")
        streams = {
            str(stream): str(one["relative_path"])
            for stream, one in (videos.get(name) or {}).items()
            if isinstance(one, Mapping) and one.get("relative_path")
        }
        # Only a take without the capture's list of cameras is told by its streams.
        ego = bool(is_ego) if is_ego is not None else "rgb" in streams
        found.append(Camera(name, ego, str(about.get("device_type") or ""), streams))
    return found


def _seconds(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
