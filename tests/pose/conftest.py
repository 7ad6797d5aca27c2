"""Clips of a drawn figure with known angles, and other small videos, for the tests of the pose room."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from qevd_bio.simulation.drawing.mp4 import write_mp4
from qevd_bio.simulation.truth_clip import write_truth_clip
from qevd_bio.video.reader import VideoReader


@pytest.fixture(scope="session")
def squat_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2.5 s of a drawn figure that squats, seen from the side; its true angles lie beside it as .npz."""
    path = tmp_path_factory.mktemp("figure") / "squat.mp4"
    write_truth_clip(path, "squats", "side", seed=3, seconds=2.5)
    return path


@pytest.fixture(scope="session")
def jack_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1.2 s of a drawn figure doing jumping jacks, seen from the front."""
    path = tmp_path_factory.mktemp("figure") / "jack.mp4"
    write_truth_clip(path, "jumping_jacks", "front", seed=5, seconds=1.2)
    return path


@pytest.fixture
def frames_of() -> Callable[[Path], list[np.ndarray]]:
    """All frames of a video as RGB arrays."""

    def read(path: Path) -> list[np.ndarray]:
        with VideoReader(path) as video:
            return [frame.image for frame in video]

    return read


@pytest.fixture
def videos(tmp_path: Path) -> Callable[..., Path]:
    """A folder of videos: name -> a file to copy, bytes, or frames to encode."""

    def make(**content: Path | bytes | Iterable[np.ndarray]) -> Path:
        folder = tmp_path / "data"
        folder.mkdir(exist_ok=True)
        for name, what in content.items():
            path = folder / f"{name}.mp4"
            if isinstance(what, Path):
                path.write_bytes(what.read_bytes())
            elif isinstance(what, bytes):
                path.write_bytes(what)
            else:
                write_mp4(path, what)
        return folder

    return make


def grey_frames(count: int) -> list[np.ndarray]:
    return [np.full((120, 160, 3), 90 + k % 8, dtype=np.uint8) for k in range(count)]


@pytest.fixture
def empty_room() -> Callable[[int], list[np.ndarray]]:
    """So many frames of a picture without anybody."""
    return grey_frames
