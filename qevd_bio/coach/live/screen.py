"""What is seen of a live session: frames with words in them, in a window or in a video file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.coach.live.source import need_cv2
from qevd_bio.simulation.drawing.mp4 import write_mp4
from qevd_bio.store.errors import UserError

Image = NDArray[np.uint8]
_LINE, _STATUS_LINE = 1 / 26, 1 / 48  # height of a line as a share of the picture's diagonal
_MOST_LINES = 4
_DARK = 0.35


def annotated(image: Image, said: str, status: str) -> Image:
    """A copy of an RGB frame (H, W, 3), its sides made even, with both texts on darkened bands."""
    height, width = (side - side % 2 for side in image.shape[:2])
    picture = np.array(image[:height, :width])
    diagonal = (height**2 + width**2) ** 0.5
    if status:
        _lay(picture, _band(status, width, max(round(_STATUS_LINE * diagonal), 9)), top=True)
    if said:
        _lay(picture, _band(said, width, max(round(_LINE * diagonal), 11)), top=False)
    return picture


def _lay(picture: Image, band: NDArray[np.float32], top: bool) -> None:
    """Darken a band of the picture and put white letters, `band` (h, W) in 0..1, on it."""
    rows = min(len(band), len(picture))
    place = slice(0, rows) if top else slice(len(picture) - rows, None)
    letters = band[:rows, :, None]
    mixed = picture[place] * (_DARK * (1 - letters)) + 255 * letters
    picture[place] = mixed.astype(np.uint8)


@lru_cache(maxsize=64)
def _band(text: str, width: int, size: int) -> NDArray[np.float32]:
    """Letters of `text`, wrapped to `width` pixels, as (h, width) coverage in 0..1; what does not fit is cut."""
    from PIL import Image as Picture
    from PIL import ImageDraw

    font = _font(size)
    margin = size // 2
    lines = wrapped(plain(text), lambda part: font.getlength(part), width - 2 * margin)
    step = round(size * 1.3)
    canvas = Picture.new("L", (width, step * len(lines) + margin))
    pen = ImageDraw.Draw(canvas)
    for number, line in enumerate(lines):
        pen.text((margin, margin // 2 + number * step), line, fill=255, font=font)
    return np.asarray(canvas, dtype=np.float32) / np.float32(255)


def wrapped(text: str, length: Any, room: float, most: int = _MOST_LINES) -> list[str]:
    """Lines of whole words no longer than `room` by `length(text)`; a longer word is cut, and what comes after
    `most` lines is left out with "…".
    """
    lines: list[str] = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if length(longer) <= room:
            lines[-1] = longer
            continue
        while length(word) > room and len(word) > 1:
            word = word[:-1]
        lines += [word] if lines[-1] else []
        lines[-1] = word
    if len(lines) > most:
        lines = [*lines[: most - 1], f"{lines[most - 1]} …"]
    return lines


def plain(text: str) -> str:
    """Text as it can be drawn: one line, without characters that steer a terminal or the direction of writing."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


@lru_cache(maxsize=8)
def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)


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
    try:
        write_mp4(path, steady(pictures, hz), hz)
    except ValueError as error:
        raise UserError("the session ended before its first frame", where=path) from error


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
