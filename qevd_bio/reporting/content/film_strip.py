"""Frames of a segment side by side in one small JPEG."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from qevd_bio.dataset.items import VideoItem
from qevd_bio.reporting.content.views import Strip
from qevd_bio.store.atomic import write_bytes
from qevd_bio.store.hashing import hash_json
from qevd_bio.video.reader import VideoReader

CELL_WIDTH, MIN_HEIGHT, MAX_HEIGHT = 96, 54, 140
_QUALITIES = (62, 48, 36, 26)
_BACK = (40, 42, 46)
_VERSION = 1


@dataclass(frozen=True)
class Stretch:
    """A segment in its video: number, seconds, and frames where they are known."""

    index: int
    start_s: float
    end_s: float
    start_frame: int | None
    end_frame: int | None

    def frames(self, count: int) -> list[int] | None:
        """Frames in the middle of `count` equal parts; None where frames are not known."""
        if self.start_frame is None or self.end_frame is None:
            return None
        middle = (np.arange(count) + 0.5) / count
        return [int(f) for f in np.round(self.start_frame + middle * (self.end_frame - self.start_frame))]

    def seconds(self, count: int) -> list[float]:
        """The same in seconds."""
        return [float(s) for s in self.start_s + (np.arange(count) + 0.5) / count * (self.end_s - self.start_s)]


def join_cells(images: Sequence[NDArray[np.uint8]], limit: int) -> Strip:
    """RGB frames (H, W, 3) as cells of one width, compressed until they take at most `limit` bytes (or least)."""
    height, width = images[0].shape[:2]
    cell = min(max(round(CELL_WIDTH * height / width), MIN_HEIGHT), MAX_HEIGHT)
    sheet = Image.new("RGB", (CELL_WIDTH * len(images), cell), _BACK)
    for place, image in enumerate(images):
        picture = Image.fromarray(image)
        picture.thumbnail((CELL_WIDTH, cell))
        left = place * CELL_WIDTH + (CELL_WIDTH - picture.width) // 2
        sheet.paste(picture, (left, (cell - picture.height) // 2))
    data = b""
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        sheet.save(buffer, "JPEG", quality=quality, optimize=True)
        data = buffer.getvalue()
        if len(data) <= limit:
            break
    return Strip(data, len(images), sheet.width, sheet.height)


def strips(item: VideoItem, stretches: Sequence[Stretch], count: int, limit: int, cache: Path) -> Mapping[int, Strip]:
    """The strip of each segment, read in one pass over the video, or from `cache` where nothing changed.

    Raises ItemError for a video that cannot be read; a segment beyond the video's end has no strip.
    """
    item.check()
    stat = item.path.stat()
    found: dict[int, Strip] = {}
    wanted: list[Stretch] = []
    files: dict[int, Path] = {}
    for stretch in stretches:
        about = [_VERSION, str(item.path.resolve()), stat.st_size, stat.st_mtime_ns, item.lies_on_side, count, limit]
        about += [stretch.start_s, stretch.end_s, stretch.start_frame, stretch.end_frame]
        files[stretch.index] = cache / f"{hash_json(about)[:24]}.jpg"
        kept = _kept(files[stretch.index], count)
        if kept is None:
            wanted.append(stretch)
        else:
            found[stretch.index] = kept
    if wanted:
        for index, images in _read(item, wanted, count).items():
            found[index] = join_cells(images, limit)
            write_bytes(files[index], found[index].jpeg)
    return found


def _kept(path: Path, count: int) -> Strip | None:
    if not path.is_file():
        return None
    data = path.read_bytes()
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return Strip(data, count, *picture.size) if picture.format == "JPEG" else None
    except OSError:
        return None  # a damaged cache file is made again


def _read(item: VideoItem, stretches: Sequence[Stretch], count: int) -> dict[int, list[NDArray[np.uint8]]]:
    """`count` frames of each stretch; the frame at or after each wanted moment."""
    by_frame = [s for s in stretches if s.frames(count) is not None]
    by_time = [s for s in stretches if s.frames(count) is None]
    frames = sorted({f for s in by_frame for f in s.frames(count) or ()})
    times = sorted({t for s in by_time for t in s.seconds(count)})
    pending = list(times)
    chosen = set(frames)

    def select(index: int, time_s: float) -> bool:
        due = bool(pending) and time_s >= pending[0] - 1e-6
        while pending and time_s >= pending[0] - 1e-6:
            pending.pop(0)
        return due or index in chosen

    taken: list[tuple[int, float, NDArray[np.uint8]]] = []
    with VideoReader(item.path, lying=item.lies_on_side, select=select) as video:
        for frame in video:
            small = Image.fromarray(frame.image)
            small.thumbnail((CELL_WIDTH, MAX_HEIGHT))
            taken.append((frame.index, frame.time_s, np.asarray(small)))
            if not pending and (not frames or frame.index >= frames[-1]):
                break
    found: dict[int, list[NDArray[np.uint8]]] = {}
    for s in stretches:
        own = s.frames(count)
        if own is not None:
            images = [next((im for i, _, im in taken if i >= f), None) for f in own]
        else:
            images = [next((im for _, t, im in taken if t >= moment - 1e-6), None) for moment in s.seconds(count)]
        there = [image for image in images if image is not None]
        if len(there) == count:
            found[s.index] = there
    return found
