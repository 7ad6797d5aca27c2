"""Words drawn into a frame: what the coach says at the bottom, how the session goes at the top."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    return np.asarray(canvas, dtype=np.float32) / 255


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
