"""Short films of single moments, small enough to be embedded in the page."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from qevd_bio.dataset.items import VideoItem
from qevd_bio.reporting.content.views import Clip
from qevd_bio.simulation.drawing.mp4 import write_mp4
from qevd_bio.store.atomic import write_bytes
from qevd_bio.store.hashing import hash_json
from qevd_bio.video.reader import VideoReader

BEFORE_S, AFTER_S, RATE, LONGEST_SIDE = 1.2, 1.0, 12.0, 192
_QUALITIES = (30, 36, 42)
_VERSION = 1
Images = list[NDArray[np.uint8]]


@dataclass(frozen=True)
class Moment:
    """What a clip is about: its segment, the second in the video, and words."""

    segment: int
    at_s: float
    about: str

    def seconds(self) -> list[float]:
        """When the clip's frames are, in the video."""
        first = max(self.at_s - BEFORE_S, 0.0)
        return [first + k / RATE for k in range(round((BEFORE_S + AFTER_S) * RATE))]


def clips(item: VideoItem, moments: Sequence[Moment], limit: int, cache: Path) -> Mapping[int, Clip]:
    """A clip of each segment's moment of at most `limit` bytes, read in one pass, or from `cache`.

    One that cannot be made so small, or whose moment the video does not reach, is left out. Raises ItemError for a
    video that cannot be read.
    """
    item.check()
    stat = item.path.stat()
    found: dict[int, Clip] = {}
    wanted: list[Moment] = []
    files: dict[int, Path] = {}
    for moment in moments:
        about = [_VERSION, str(item.path.resolve()), stat.st_size, stat.st_mtime_ns, item.lies_on_side, moment.at_s]
        files[moment.segment] = cache / f"{hash_json(about)[:24]}.mp4"
        kept = _kept(files[moment.segment], moment)
        if kept is None:
            wanted.append(moment)
        elif len(kept.mp4) <= limit:
            found[moment.segment] = kept
    for moment, images in _read(item, wanted) if wanted else ():
        clip = _encoded(images, moment, limit)
        write_bytes(files[moment.segment], clip.mp4)
        if len(clip.mp4) <= limit:
            found[moment.segment] = clip
    return found


def _read(item: VideoItem, moments: Sequence[Moment]) -> list[tuple[Moment, Images]]:
    pending = sorted({second for moment in moments for second in moment.seconds()})
    last = pending[-1]

    def select(index: int, time_s: float) -> bool:
        due = bool(pending) and time_s >= pending[0] - 1e-6
        while pending and time_s >= pending[0] - 1e-6:
            pending.pop(0)
        return due

    taken: list[tuple[float, NDArray[np.uint8]]] = []
    with VideoReader(item.path, lying=item.lies_on_side, select=select) as video:
        for frame in video:
            small = Image.fromarray(frame.image)
            small.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            even = np.asarray(small)[: small.height // 2 * 2, : small.width // 2 * 2]
            taken.append((frame.time_s, even))
            if frame.time_s >= last:
                break
    found = []
    for moment in moments:
        first, end = moment.seconds()[0], moment.seconds()[-1]
        images = [image for time_s, image in taken if first - 1e-6 <= time_s <= end + 1.0 / RATE]
        if len(images) > 1 and min(images[0].shape[:2]) >= 2:
            found.append((moment, images))
    return found


def _encoded(images: Images, moment: Moment, limit: int) -> Clip:
    data = b""
    with tempfile.TemporaryDirectory(prefix="qevd-bio-clip-") as folder:
        for quality in _QUALITIES:
            path = Path(folder) / "clip.mp4"
            write_mp4(path, images, RATE, quality)
            data = path.read_bytes()
            if len(data) <= limit:
                break
    height, width = images[0].shape[:2]
    return Clip(data, width, height, moment.at_s, moment.about)


def _kept(path: Path, moment: Moment) -> Clip | None:
    """The clip of the cache; None where there is none, or it is damaged."""
    if not path.is_file():
        return None
    import av

    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            return Clip(path.read_bytes(), stream.width, stream.height, moment.at_s, moment.about)
    except (OSError, av.error.FFmpegError, IndexError):
        return None
