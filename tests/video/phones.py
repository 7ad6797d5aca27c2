"""Videos as phones and programs write them, made with PyAV: each frame tells its number and which way is up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

WIDTH, HEIGHT = 96, 64
Picture = Callable[[int], np.ndarray]


def numbered(index: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """(height, width, 3): red top left, blue bottom right, grey level 2·index elsewhere."""
    image = np.full((height, width, 3), min(2 * index, 255), dtype=np.uint8)
    h, w = 3 * height // 8, width // 4
    image[:h, :w] = (255, 0, 0)
    image[-h:, -w:] = (0, 0, 255)
    return image


def read_number(image: np.ndarray) -> int:
    """A frame's number, from the grey level in its middle."""
    y, x = image.shape[0] // 2, image.shape[1] // 2
    return round(float(image[y - 3 : y + 3, x - 3 : x + 3].mean()) / 2)


def encode(
    path: Path,
    frames: int = 30,
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    size: tuple[int, int] = (WIDTH, HEIGHT),
    rate: int = 30,
    times_ms: Sequence[int] | None = None,
    rotation: float = 0,
    aspect: Fraction | None = None,
    options: dict[str, str] | None = None,
    setting: Callable[[Any], None] | None = None,
    container_format: str | None = None,
    container_options: dict[str, str] | None = None,
    interlaced: bool = False,
) -> Path:
    """A video of numbered pictures at the given times (milliseconds; default `rate` a second)."""
    with av.open(str(path), "w", format=container_format, options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        stream.codec_context.time_base = Fraction(1, rate if times_ms is None else 1000)
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if rotation:
            stream.set_display_rotation(rotation)
        if setting is not None:
            setting(stream.codec_context)
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(numbered(index, *size), format="rgb24").reformat(format=pixels)
            frame.pts = index if times_ms is None else times_ms[index]
            frame.time_base = stream.codec_context.time_base
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def with_edit_list(source: Path, path: Path, cut_s: float) -> Path:
    """`source` without its first `cut_s` seconds, copied: all packets are there, an edit list hides the first."""
    with av.open(str(source)) as there, av.open(str(path), "w", options={"avoid_negative_ts": "disabled"}) as container:
        stream = there.streams.video[0]
        copy = container.add_stream_from_template(stream)
        shift = round(cut_s / stream.time_base)
        for packet in there.demux(stream):
            if packet.size:
                packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, copy
                container.mux(packet)
    return path


def restamped(source: Path, path: Path, stamp: Callable[[int, int], int]) -> Path:
    """`source` copied with other presentation times: stamp(index, pts) in the stream's unit."""
    with av.open(str(source)) as there, av.open(str(path), "w", options={"avoid_negative_ts": "disabled"}) as container:
        stream = there.streams.video[0]
        copy = container.add_stream_from_template(stream)
        index = 0
        for packet in there.demux(stream):
            if packet.size:
                packet.pts = packet.dts = stamp(index, packet.pts)
                packet.stream = copy
                container.mux(packet)
                index += 1
    return path


def sound_only(path: Path) -> Path:
    """A second of silence in a video's container."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        for k in range(10):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 4410), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 44100, 4410 * k
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path
