"""Letters as coverage, and how a text is broken into lines."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Single = NDArray[np.float32]
_LINE = 1.25
"""Height of a line in sizes of its letters."""


def wrapped(text: str, length: Callable[[str], float], room: float, most: int) -> list[str]:
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


@lru_cache(maxsize=256)
def written(text: str, size: int) -> Single:
    """One line as (h, w) coverage in 0..1."""
    return _canvas([plain(text)], size)


@lru_cache(maxsize=64)
def block(text: str, size: int, width: int, height: int) -> Single:
    """A text in as many lines as it needs, as large as the room of `width` by `height` pixels allows.

    `size` is the largest size of its letters in pixels; from half of it on what is too much is cut.
    """
    words = plain(text)
    for smaller in range(size, max(size // 2, 8) - 1, -1):
        font = _font(smaller)
        most = max(int(height // (smaller * _LINE)), 1)
        lines = wrapped(words, font.getlength, width, most + 1)
        if len(lines) <= most:
            return _canvas(lines, smaller)
    return _canvas(wrapped(words, font.getlength, width, most), smaller)


def width_of(text: str, size: int) -> int:
    """Pixels from left to right."""
    return round(float(_font(size).getlength(plain(text))))


def _canvas(lines: list[str], size: int) -> Single:
    from PIL import Image, ImageDraw

    font, step = _font(size), round(size * _LINE)
    width = max(round(max(font.getlength(line) for line in lines)) + 2, 1)
    canvas = Image.new("L", (width, step * len(lines)))
    pen = ImageDraw.Draw(canvas)
    for number, line in enumerate(lines):
        pen.text((1, number * step), line, fill=255, font=font)
    return np.asarray(canvas, dtype=np.float32) / np.float32(255)


@lru_cache(maxsize=64)
def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)
