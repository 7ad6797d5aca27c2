"""Small videos made for tests: each frame tells its number and which way is up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.video.phones import encode, read_number


@pytest.fixture
def number() -> Callable[[np.ndarray], int]:
    """A frame's number, from the grey level in its middle."""
    return read_number


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
        whole = {"movflags": "faststart"} if faststart else {}
        return encode(
            tmp_path / name, frames, times_ms=times_ms, rotation=rotation, codec=codec, container_options=whole
        )

    return make
