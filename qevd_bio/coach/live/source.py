"""Where a live session's frames come from: a video file at its own pace, or a camera."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from qevd_bio.coach.live.options import LiveOptions
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.video.reader import VideoReader

_SILENT_S = 5.0
_LOOK_S = 0.002


@dataclass(frozen=True)
class LiveFrame:
    """One frame: number, seconds from the first, upright RGB (H, W, 3) uint8, and the clock when it was there."""

    index: int
    time_s: float
    image: NDArray[np.uint8]
    arrived: float


class FrameSource(Protocol):
    """Gives frames in order; `hz` is how often, `dropped` counts those that nobody took in time."""

    hz: float
    dropped: int

    def __iter__(self) -> Iterator[LiveFrame]: ...

    def close(self) -> None: ...


class FileSource:
    """A video file. Unless `fast`, each frame comes when it would in a live session, and never waits for anybody."""

    dropped = 0

    def __init__(self, path: Path, fast: bool) -> None:
        if not path.is_file():
            raise UserError("no such file", where=path, expected="a video file, or the number of a camera (0, 1, …)")
        try:
            self._reader = VideoReader(path)
        except ItemError as error:
            raise UserError(error.detail, where=path, expected="a video file that can be decoded") from error
        self._fast, self._path = fast, path
        self.hz = float(self._reader.info.fps)

    def __iter__(self) -> Iterator[LiveFrame]:
        start: float | None = None
        try:
            for frame in self._reader:
                now = time.monotonic()
                start = now - frame.time_s if start is None else start
                due = now if self._fast else start + frame.time_s
                if due > now:
                    time.sleep(due - now)
                yield LiveFrame(frame.index, frame.time_s, frame.image, due)
        except ItemError as error:
            raise UserError(error.detail, where=self._path, expected="a video file that can be decoded") from error

    def close(self) -> None:
        """Stop decoding."""
        self._reader.close()


class CameraSource:
    """A camera through OpenCV. A thread takes its frames; one that is not asked for before the next is dropped."""

    def __init__(self, number: int, options: LiveOptions) -> None:
        self._camera = _open_camera(number)
        self.hz, self.dropped = options.camera_hz, 0
        self._number = number
        self._newest: LiveFrame | None = None
        self._lock, self._ended = threading.Lock(), False
        self._thread = threading.Thread(target=self._take, name="camera", daemon=True)
        self._thread.start()

    def _take(self) -> None:
        start, index = time.monotonic(), 0
        while not self._ended:
            fine, image = self._camera.read()
            now = time.monotonic()
            if not fine:
                self._ended = True
                return
            frame = LiveFrame(index, now - start, np.ascontiguousarray(image[..., ::-1]), now)
            with self._lock:
                self.dropped += self._newest is not None
                self._newest = frame
            index += 1

    def __iter__(self) -> Iterator[LiveFrame]:
        heard = time.monotonic()
        while True:
            with self._lock:
                frame, self._newest = self._newest, None
            if frame is not None:
                heard = time.monotonic()
                yield frame
            elif self._ended or time.monotonic() - heard > _SILENT_S:
                raise UserError(f"camera {self._number} gives no more frames", fix="check that it is plugged in")
            else:
                time.sleep(_LOOK_S)

    def close(self) -> None:
        """Let go of the camera."""
        self._ended = True
        self._thread.join(timeout=2.0)
        self._camera.release()


def _open_camera(number: int) -> Any:
    cv2 = need_cv2()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # it would tell of every driver that it tried
    camera = cv2.VideoCapture(number)
    if not camera.isOpened():
        camera.release()
        raise UserError(
            f"no camera {number}",
            expected="the number of a camera that is plugged in and free, or a video file",
            fix="try 0, 1, …; on Linux `ls /dev/video*` lists them",
        )
    return camera


def need_cv2() -> Any:
    """OpenCV. UserError where it is not installed."""
    try:
        import cv2
    except ImportError as error:
        raise UserError(
            f"OpenCV cannot be loaded ({error})",
            expected="opencv, for cameras and windows",
            fix="pip install 'qevd-bio[live]', or a video file with --out FILE.mp4, which needs none",
        ) from error
    return cv2


def open_source(name: str, options: LiveOptions) -> FrameSource:
    """A camera for a number, else a video file. UserError for what is not there."""
    if name.isascii() and name.isdigit() and not Path(name).exists():
        return CameraSource(int(name), options)
    return FileSource(Path(name).expanduser(), options.fast)
