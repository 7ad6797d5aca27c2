"""Write pictures with their times to an H.264 file, with the sound of the video that they were made from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.store.atomic import atomic_path
from qevd_bio.video.container import open_container

TIME_BASE = Fraction(1, 90_000)
# Sound that an mp4 holds as it is; any other is encoded again.
_COPIED = frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"})
_SOUND = "aac"


def write_film(
    path: Path,
    pictures: Iterable[tuple[float, NDArray[np.uint8]]],
    rate: float,
    sound: Path | None = None,
    quality: int = 22,
    threads: int = 2,
) -> int:
    """Encode pictures (seconds from the first, RGB (H, W, 3) with even sides), each shown until the next; their number.

    `rate` is about how many a second there are. The sound of the video `sound` is kept, shifted as its pictures were.
    `quality` is the CRF, lower is better. The file appears whole or not at all. ValueError without a picture.
    """
    import av

    count = 0
    with atomic_path(path) as temporary, av.open(str(temporary), "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=Fraction(rate).limit_denominator(1001))
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": str(quality), "preset": "superfast", "threads": str(threads)}
        stream.time_base = stream.codec_context.time_base = TIME_BASE
        with _Sound(sound, out) as heard:
            for time_s, picture in pictures:
                if not count:
                    stream.height, stream.width = picture.shape[:2]
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = round(time_s / TIME_BASE), TIME_BASE
                out.mux(stream.encode(frame))
                heard.until(time_s)
                count += 1
            if not count:
                raise ValueError("no pictures to write")
            out.mux(stream.encode())
            heard.until(float("inf"))
    return count


class _Sound:
    """The sound track of a video, handed on packet by packet."""

    def __init__(self, source: Path | None, out: Any) -> None:
        self._container: Any = None
        self._out, self._packets = out, iter(())  # type: Any, Iterator[Any]
        self._waiting: Any = None
        if source is None:
            return
        self._container, pictures = open_container(source)
        track = self._container.streams.best("audio")
        if track is None or track.codec_context is None:
            return
        shift = float((pictures.start_time or 0) * pictures.time_base)
        if track.codec_context.name in _COPIED:
            self._packets = self._copied(track, out.add_stream_from_template(track), shift)
        else:
            self._packets = self._encoded(track, out.add_stream(_SOUND, rate=track.codec_context.rate), shift)

    def __enter__(self) -> _Sound:
        return self

    def __exit__(self, *_: object) -> None:
        if self._container is not None:
            self._container.close()

    def until(self, time_s: float) -> None:
        """Write the packets up to a time of the pictures."""
        while True:
            packet, self._waiting = self._waiting or next(self._packets, None), None
            if packet is None:
                return
            if packet.pts is not None and float(packet.pts * packet.time_base) > time_s:
                self._waiting = packet
                return
            self._out.mux(packet)

    def _copied(self, track: Any, to: Any, shift: float) -> Iterator[Any]:
        late = round(shift / track.time_base)
        for packet in self._container.demux(track):
            if packet.dts is None:
                continue
            packet.pts, packet.dts = packet.pts - late, packet.dts - late
            if packet.dts >= 0:
                packet.stream = to
                yield packet

    def _encoded(self, track: Any, to: Any, shift: float) -> Iterator[Any]:
        late = round(shift / track.time_base)
        for frame in self._container.decode(track):
            if frame.pts is None or frame.pts < late:
                continue
            frame.pts -= late
            yield from to.encode(frame)
        yield from to.encode(None)
