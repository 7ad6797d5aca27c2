"""Colours of a simulated person and room, and the light."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qevd_bio.anatomy.dofs import FloatArray
from qevd_bio.simulation.drawing.figure import MATERIALS

Colour = tuple[int, int, int]

_SKIN: tuple[Colour, ...] = ((236, 188, 160), (222, 170, 138), (198, 140, 106), (160, 106, 76), (112, 74, 54))
_HAIR: tuple[Colour, ...] = ((38, 28, 24), (72, 48, 32), (120, 84, 50), (176, 140, 90), (90, 90, 94))
_CLOTHES: tuple[Colour, ...] = (
    (38, 82, 148),
    (172, 46, 52),
    (56, 126, 84),
    (52, 54, 62),
    (206, 206, 208),
    (116, 72, 140),
    (214, 140, 54),
)
_WALL: tuple[Colour, ...] = ((206, 204, 198), (188, 200, 208), (214, 204, 186), (176, 184, 176), (222, 222, 224))
_FLOOR: tuple[Colour, ...] = ((150, 116, 84), (122, 92, 66), (140, 140, 144), (172, 146, 112))


@dataclass(frozen=True)
class Style:
    """What a clip looks like; colours are RGB 0..255.

    light     direction towards the light, world axes;  ambient  share of light that comes from everywhere
    girth     thickness of trunk and limbs, 1 is average;  exposure  brightness of the picture
    sleeves, trousers   colours of long ones, None for bare skin;  gloves  likewise
    wide      how wide clothes are, 1 is close to the body;  long_hair  down to the shoulders
    """

    skin: Colour = _SKIN[1]
    hair: Colour = _HAIR[1]
    shirt: Colour = _CLOTHES[0]
    shorts: Colour = _CLOTHES[3]
    shoe: Colour = (228, 228, 230)
    wall: Colour = _WALL[0]
    floor: Colour = _FLOOR[0]
    light: tuple[float, float, float] = (0.45, 0.8, 0.6)
    ambient: float = 0.5
    girth: float = 1.0
    exposure: float = 1.0
    seed: int = 0
    sleeves: Colour | None = None
    trousers: Colour | None = None
    gloves: Colour | None = None
    wide: float = 1.0
    long_hair: bool = False

    @classmethod
    def random(cls, seed: int) -> Style:
        """A style drawn from `seed`; the shirt differs from wall and shorts so that the person stands out."""
        draw = np.random.default_rng(seed)
        shirt, shorts = draw.choice(len(_CLOTHES), size=2, replace=False)
        return cls(
            skin=_SKIN[draw.integers(len(_SKIN))],
            hair=_HAIR[draw.integers(len(_HAIR))],
            shirt=_CLOTHES[shirt],
            shorts=_CLOTHES[shorts],
            wall=_WALL[draw.integers(len(_WALL))],
            floor=_FLOOR[draw.integers(len(_FLOOR))],
            light=(float(draw.uniform(-0.7, 0.7)), 0.8, float(draw.uniform(0.3, 0.8))),
            ambient=float(draw.uniform(0.42, 0.58)),
            girth=float(draw.uniform(0.9, 1.12)),
            exposure=float(draw.uniform(0.88, 1.08)),
            seed=seed,
        )

    @classmethod
    def real(cls, seed: int) -> Style:
        """As people film themselves: loose and long clothes, hair, gloves, dim or harsh light, any colours."""
        plain = cls.random(seed)
        draw = np.random.default_rng([seed, 7])
        shirt, shorts = (_CLOTHES[int(draw.integers(len(_CLOTHES)))] for _ in range(2))
        return replace(
            plain,
            shirt=shirt,
            shorts=shorts,
            sleeves=shirt if draw.random() < 0.35 else None,
            trousers=shorts if draw.random() < 0.55 else None,
            gloves=(40, 40, 44) if draw.random() < 0.12 else None,
            wide=float(draw.uniform(1.0, 1.4)),
            long_hair=bool(draw.random() < 0.4),
            light=(float(draw.uniform(-1.0, 1.0)), float(draw.uniform(0.2, 1.0)), float(draw.uniform(-0.4, 0.9))),
            ambient=float(draw.uniform(0.25, 0.7)),
            exposure=float(draw.uniform(0.55, 1.25)),
            girth=float(draw.uniform(0.82, 1.25)),
        )

    def loose(self) -> dict[str, float]:
        """How much thicker than the body its clothes are, by material; 0 for what is not there."""
        wide = {"shirt": 0.5 + 0.5 * self.wide, "shorts": 0.5 + 0.5 * self.wide}
        if self.sleeves:
            wide["sleeve"] = self.wide
        if self.trousers:
            wide["trouser"] = self.wide
        return {**wide, "long_hair": float(self.long_hair)}

    def palette(self) -> FloatArray:
        """(materials, 3) colours in the order of MATERIALS, 0..1."""
        dark = tuple(int(0.7 * value) for value in self.hair)
        lips = tuple(int(a * b) for a, b in zip(self.skin, (0.80, 0.55, 0.55), strict=True))
        colours = {
            "skin": self.skin,
            "hair": self.hair,
            "shirt": self.shirt,
            "shorts": self.shorts,
            "shoe": self.shoe,
            "sole": (70, 70, 74),
            "sock": (238, 238, 238),
            "eye": (244, 244, 244),
            "pupil": (36, 26, 20),
            "lips": lips,
            "brow": dark,
            "sleeve": self.sleeves or self.skin,
            "trouser": self.trousers or self.skin,
            "glove": self.gloves or self.skin,
            "long_hair": self.hair,
        }
        return np.array([colours[name] for name in MATERIALS]) / 255.0
