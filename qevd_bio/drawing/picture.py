"""One annotated picture: the frame with the person drawn on it, a reference beside it, and a band for words below.

Words stand in a band of their own outside the frame, so they never cover the body, and are read on any video.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevd_bio.drawing.body import FAINT, MARK_COLOURS, WHITE, Box, DialPen, draw_body, label_text
from qevd_bio.drawing.letters import block, width_of, written
from qevd_bio.drawing.scene import Scene
from qevd_bio.drawing.strokes import Colour, Image, disc, letters, shade

_GROUND: Colour = (22, 24, 28)
_QUIET: Colour = (150, 156, 166)
_STATE_COLOURS: dict[str, Colour] = {"waiting": (250, 205, 70), "counting": (0, 190, 140), "resting": (110, 170, 250)}
_MARK_WORDS = (("kept", "fine"), ("broken", "to fix"), ("unsure", "not sure"))


@dataclass(frozen=True)
class Layout:
    """Where things are in a picture, all sides even.

    width, height  of the frame;  beside: width of the reference's panel, 0 without one
    unit  size of letters in pixels;  band: height of the band below
    """

    width: int
    height: int
    beside: int
    unit: int
    band: int

    @classmethod
    def of(cls, width: int, height: int, reference: bool = False) -> Layout:
        """The layout for frames of this size."""
        width, height = max(width - width % 2, 2), max(height - height % 2, 2)
        beside = _even(min(0.62 * height, width)) if reference else 0
        unit = max(round((width * height) ** 0.5 / 34), 11)
        lines = 3.3 if width + beside >= 1.2 * height else 5.2
        return cls(width, height, beside, unit, _even(lines * 1.25 * unit))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the whole picture."""
        return self.width + self.beside, self.height + self.band


def _even(value: float) -> int:
    return 2 * round(value / 2)


class Painter:
    """Draws the pictures of one video, in order.

    `dial_box` is where the last picture's key angle was written; None where it stands in the band.
    """

    def __init__(self, width: int, height: int, reference: bool = False) -> None:
        self.layout = Layout.of(width, height, reference)
        self._pen = DialPen()
        self.dial_box: Box | None = None
        self._kept: tuple[object, Image] | None = None

    def paint(self, image: Image, scene: Scene, reference: Image | None = None) -> Image:
        """A new picture (H + band, W + beside, 3). image (H, W, 3) RGB; reference (H, beside, 3)."""
        at = self.layout
        picture = np.empty((at.size[1], at.size[0], 3), np.uint8)
        frame = picture[: at.height, : at.width]
        frame[:] = image[: at.height, : at.width]
        if at.beside:
            self._beside(picture[: at.height, at.width :], reference)
        self._person(frame, scene)
        if scene.notice:
            self._notice(frame, scene.notice)
        if scene.footnote:
            self._footnote(frame, scene.footnote)
        picture[at.height :] = self._band(scene)
        return picture

    def _band(self, scene: Scene) -> Image:
        """The band below, drawn only when what it says changes."""
        loose = scene.dial if scene.landmarks is not None and self.dial_box is None else None
        words = () if loose is None else label_text(loose)
        key = (scene.sentence, scene.count, scene.unit, scene.state, bool(scene.marks), words)
        if self._kept is None or self._kept[0] != key:
            band = np.empty((self.layout.band, self.layout.size[0], 3), np.uint8)
            band[:] = _GROUND
            self._words(band, scene, " ".join(words))
            self._kept = (key, band)
        return self._kept[1]

    def _person(self, frame: Image, scene: Scene) -> None:
        self.dial_box = None
        if scene.landmarks is None or not np.isfinite(scene.landmarks[:, :2]).any():
            return
        unit = float(self.layout.unit)
        draw_body(frame, scene.landmarks, scene.marks, scene.sure, unit)
        if scene.dial is not None and np.isfinite(scene.dial.value):
            self.dial_box = self._pen.draw(frame, scene.landmarks, scene.dial, scene.sure, unit)

    def _beside(self, panel: Image, reference: Image | None) -> None:
        panel[:] = _GROUND if reference is None else reference
        size = max(round(0.8 * self.layout.unit), 10)
        shade(panel, (0, 0, width_of("reference", size) + size, round(1.6 * size)), _GROUND, 0.8)
        letters(panel, written("reference", size), size // 2, size // 6, WHITE)

    def _notice(self, frame: Image, text: str) -> None:
        size = round(self.layout.height / (4 if len(text) < 3 else 10))
        ink = written(text, size)
        left, top = (frame.shape[1] - ink.shape[1]) // 2, (frame.shape[0] - ink.shape[0]) // 2
        shade(frame, (left - size // 3, top, left + ink.shape[1] + size // 3, top + ink.shape[0]), _GROUND, 0.6)
        letters(frame, ink, left, top, WHITE)

    def _footnote(self, frame: Image, text: str) -> None:
        size = max(round(0.6 * self.layout.unit), 9)
        shade(frame, (0, 0, width_of(text, size) + size, round(1.5 * size)), _GROUND, 0.75)
        letters(frame, written(text, size), size // 2, size // 8, WHITE)

    def _words(self, band: Image, scene: Scene, dial: str) -> None:
        unit, (height, width) = self.layout.unit, band.shape[:2]
        pad, small = unit // 2, max(round(0.62 * unit), 10)
        tall = height >= 5 * unit
        left = self._counter(band, scene, pad, small)
        row = height - round(1.35 * small) - pad // 2
        if tall:
            band[row - pad // 2 : row - pad // 2 + 1] = (52, 56, 62)
        if scene.sentence:
            room = width - left - 2 * pad
            ink = block(scene.sentence, round(0.95 * unit), room, row - pad)
            letters(band, ink, left + pad, max((row - ink.shape[0]) // 2, pad // 2), WHITE)
        self._legend(band, bool(scene.marks), dial, width - pad, row, small)

    def _counter(self, band: Image, scene: Scene, pad: int, small: int) -> int:
        """Number, name and state at the left; returns where they end."""
        unit, height = self.layout.unit, band.shape[0]
        if not scene.unit and not scene.state:
            return 0
        row = height - round(1.35 * small) - pad // 2
        number = f"{scene.count:g}" if scene.unit else ""
        large = min(round(2.0 * unit), round(0.72 * row))
        ink = written(number, large) if number else np.zeros((1, 1), np.float32)
        width: int = max(width_of("88", large), width_of(scene.unit, small), int(ink.shape[1])) + 2 * pad
        letters(band, ink, pad, max((row - ink.shape[0]) // 2, 0), WHITE)
        letters(band, written(scene.unit, small), pad, row, _QUIET)
        if scene.state:
            x = pad + width_of(scene.unit, small) + pad
            disc(band, (x + small / 2, row + 0.68 * small), 0.32 * small, _STATE_COLOURS[scene.state])
            letters(band, written(scene.state, small), x + small, row, _QUIET)
        band[pad : row - pad // 2, width : width + 2] = (52, 56, 62)
        return width

    def _legend(self, band: Image, marked: bool, dial: str, right: int, row: int, small: int) -> None:
        """What the colours mean; the key angle, too, where it found no room beside the body."""
        if dial:
            right -= width_of(dial, small)
            letters(band, written(dial, small), right, row, WHITE)
            right -= small
        if not marked:
            return
        for mark, words in reversed(_MARK_WORDS):
            right -= width_of(words, small)
            letters(band, written(words, small), right, row, _QUIET)
            right -= small
            alpha = FAINT if mark == "unsure" else 1.0
            disc(band, (right + small / 3, row + 0.68 * small), 0.32 * small, MARK_COLOURS[mark], alpha)  # type: ignore[index]
            right -= small


def fitted(image: Image, layout: Layout) -> NDArray[np.uint8]:
    """A picture of a reference (h, w, 3) as large as its panel."""
    from PIL import Image as Picture

    return np.asarray(Picture.fromarray(image).resize((layout.beside, layout.height)))
