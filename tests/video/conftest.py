"""Small videos made for tests: each frame tells its number and which way is up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

WIDTH, HEIGHT = 96, 64


def picture(index: int) -> np.ndarray:
    """(64, 96, 3): red top left corner, blue bottom right corner, grey level 2·index elsewhere."""
    image = np.full((HEIGHT, WIDTH, 3), min(2 * index, 255), dtype=np.uint8)
    image[:24, :24] = (255, 0, 0)
    image[-24:, -24:] = (0, 0, 255)
    return image


@pytest.fixture
def number() -> Callable[[np.ndarray], int]:
    """A frame's number, from the grey level in its middle."""

    def read(image: np.ndarray) -> int:
        y, x = image.shape[0] // 2, image.shape[1] // 2
        return round(float(image[y - 4 : y + 4, x - 4 : x + 4].mean()) / 2)

    return read


@pytest.fixture
def video(tmp_path: Path) -> Callable[..., Path]:
    """Write a video of `frames` pictures at the given times (milliseconds; default 30 a second)."""

    def make(
        frames: int = 30,
        name: str = "clip.mp4",
        times_ms: Sequence[int] | None = None,
        rotation: float = 0,
        faststart: bool = False,
        codec: str = "libx264",
    ) -> Path:
        path = tmp_path / name
        options = {"movflags": "faststart"} if faststart else {}
        with av.open(str(path), "w", options=options) as container:
            stream = container.add_stream(codec, rate=30)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            stream.codec_context.time_base = Fraction(1, 30 if times_ms is None else 1000)
            if rotation:
                stream.set_display_rotation(rotation)
            for index in range(frames):
                frame = av.VideoFrame.from_ndarray(picture(index), format="rgb24")
                frame.pts = index if times_ms is None else times_ms[index]
                frame.time_base = stream.codec_context.time_base
                for packet in stream.encode(frame):
                    container.mux(packet)
            for packet in stream.encode():
                container.mux(packet)
        return path

    return make
