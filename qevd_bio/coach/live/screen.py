"""Where the pictures of a live session go: a window, or a video file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qevd_bio.coach.live.source import need_cv2
from qevd_bio.simulation.drawing.mp4 import write_mp4
from qevd_bio.store.errors import UserError

Pictures = Iterable[tuple[float, NDArray[np.uint8]]]
_TITLE = "qevd-bio coach live"
_QUIT = (ord("q"), 27)


def need_window() -> None:
    """UserError where no window can be opened."""
    fix = "--out FILE.mp4 writes the annotated video instead"
    named = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    if sys.platform.startswith("linux") and not named:
        raise UserError("there is no display to open a window on", expected="DISPLAY or WAYLAND_DISPLAY", fix=fix)
    cv2 = need_cv2()
    try:
        cv2.namedWindow(_TITLE, cv2.WINDOW_NORMAL)
    except cv2.error as error:
        raise UserError(
            "this OpenCV opens no windows", expected="opencv-contrib-python, not a headless build", fix=fix
        ) from error


def show(pictures: Pictures) -> None:
    """Show the pictures in a window until they end, q or Esc is pressed, or the window is closed."""
    cv2 = need_cv2()
    try:
        for _, picture in pictures:
            cv2.imshow(_TITLE, np.ascontiguousarray(picture[..., ::-1]))
            if cv2.waitKey(1) & 0xFF in _QUIT or cv2.getWindowProperty(_TITLE, cv2.WND_PROP_VISIBLE) < 1:
                break
    finally:
        cv2.destroyAllWindows()


def write(pictures: Pictures, path: Path, hz: float) -> None:
    """Write the pictures to an mp4 of `hz` pictures a second; it appears whole or not at all."""
    coming = iter(pictures)
    first = next(coming, None)
    if first is None:
        raise UserError("the session ended before its first frame", where=path)
    write_mp4(path, steady(chain([first], coming), hz), hz)


def steady(pictures: Pictures, hz: float) -> Iterator[NDArray[np.uint8]]:
    """`hz` pictures a second of pictures that come when they come: some shown again, some left out."""
    written = 0
    last: NDArray[np.uint8] | None = None
    for time_s, picture in pictures:
        while last is not None and written <= time_s * hz - 0.5:
            yield last
            written += 1
        last = picture
    if last is not None:
        yield last
