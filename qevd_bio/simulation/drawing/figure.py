"""The body of the simulated person: capsules hung on the bones, with skin, hair, clothes and a face.

Lengths here are fractions of stature. Every part is a capsule with one radius at each end; ends sit on the
way from one place of the body to another, shifted in the axes of the first one's bone (left, up, forward).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from qevd_bio.anatomy.dofs import FloatArray
from qevd_bio.anatomy.forward import Pose, carrier

MATERIALS = (
    "skin", "hair", "shirt", "shorts", "shoe", "sole", "sock", "eye", "pupil", "lips", "brow",
    "sleeve", "trouser", "glove", "long_hair",
)  # fmt: skip
"""What parts are made of. Sleeves and trousers are skin, gloves are skin, and long hair is not there, unless worn."""


@dataclass(frozen=True)
class End:
    """One end of a part: `share` of the way from place `base` to place `toward`, then `shift` on base's bone."""

    base: str
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    toward: str = ""
    share: float = 0.0

    def on(self, side: str) -> End:
        """The same end for one side: "*" in names stands for r or l, shifts are those of the left side."""
        sign = 1.0 if side == "l" else -1.0
        shift = (sign * self.shift[0], *self.shift[1:])
        return End(self.base.replace("*", side), shift, self.toward.replace("*", side), self.share)

    def place(self, pose: Pose) -> FloatArray:
        """(..., 3) in metres."""
        at = pose.place(self.base)
        if self.toward:
            at = at + self.share * (pose.place(self.toward) - at)
        bone = pose.rotations[..., carrier(self.base, pose.skeleton)[0], :, :]
        return np.asarray(at + bone @ (np.array(self.shift) * pose.skeleton.stature))


@dataclass(frozen=True)
class Part:
    """A capsule between two ends, with a radius at each; `girth` parts grow with the person's build."""

    material: str
    start: End
    end: End
    radius: tuple[float, float]
    girth: bool = True


def _between(base: str, toward: str, share: float, *shift: float) -> End:
    return End(base, (shift[0], shift[1], shift[2]) if shift else (0.0, 0.0, 0.0), toward, share)


def _both(*parts: Part) -> list[Part]:
    return [Part(p.material, p.start.on(side), p.end.on(side), p.radius, p.girth) for side in "rl" for p in parts]


def _trunk() -> list[Part]:
    middle = [
        Part("shirt", End("thorax", (0, 0.080, 0.022)), End("thorax", (0, 0.0, 0.026)), (0.056, 0.054)),
        Part("shirt", End("thorax", (0, 0.0, 0.026)), End("pelvis", (0, 0.055, -0.024)), (0.053, 0.051)),
        Part("shorts", End("pelvis", (0, 0.022, -0.026)), End("pelvis", (0, -0.035, -0.028)), (0.054, 0.050)),
        Part("skin", End("thorax", (0, 0.125, 0.010)), End("head", (0, 0.030, 0.006)), (0.034, 0.031)),
    ]
    sides = _both(
        Part("shirt", End("thorax", (0.036, 0.075, 0.020)), End("thorax", (0.034, 0.0, 0.024)), (0.053, 0.050)),
        Part("shirt", End("thorax", (0.034, 0.0, 0.024)), End("pelvis", (0.036, 0.045, -0.026)), (0.049, 0.049)),
        Part("shorts", End("pelvis", (0.042, 0.020, -0.028)), End("hip_*", (0.004, -0.01, 0)), (0.051, 0.053)),
        Part("shirt", End("thorax", (0.020, 0.118, 0.008)), End("shoulder_*", (0, 0.012, 0)), (0.030, 0.028)),
        Part("shirt", End("thorax", (0.050, 0.080, 0.018)), End("shoulder_*", (-0.008, 0, 0)), (0.046, 0.037)),
    )
    return middle + sides


def _limbs() -> list[Part]:
    shoulder, elbow, wrist, knee, ankle = "shoulder_*", "elbow_*", "wrist_*", "knee_*", "ankle_*"
    return _both(
        Part("shirt", End(shoulder), _between(shoulder, elbow, 0.46), (0.037, 0.034)),
        Part("sleeve", _between(shoulder, elbow, 0.40), End(elbow), (0.029, 0.023)),
        Part("sleeve", End(elbow), _between(elbow, wrist, 0.35), (0.0235, 0.025)),
        Part("sleeve", _between(elbow, wrist, 0.35), End(wrist), (0.025, 0.0155)),
        Part("glove", End(wrist), _between("index_*", "pinky_*", 0.35), (0.0150, 0.0155), False),
        Part("glove", End(wrist), _between("index_*", "pinky_*", 0.75), (0.0150, 0.0145), False),
        Part("glove", End("index_*"), End("hand_tip_*", (0, 0, 0.010)), (0.0085, 0.0065), False),
        Part("glove", _between("index_*", "pinky_*", 0.5), End("hand_tip_*"), (0.0085, 0.0065), False),
        Part("glove", End("pinky_*"), End("hand_tip_*", (-0.012, 0, -0.012)), (0.0080, 0.0060), False),
        Part("glove", End(wrist, (0.010, 0, 0.008)), End("thumb_*"), (0.0110, 0.0085), False),
        Part("glove", End("thumb_*"), End("thumb_*", (0.016, 0, 0.006)), (0.0085, 0.0065), False),
        Part("shorts", End("hip_*"), _between("hip_*", knee, 0.60), (0.055, 0.047)),
        Part("trouser", _between("hip_*", knee, 0.50), _between("hip_*", knee, 0.95), (0.043, 0.033)),
        Part("trouser", _between("hip_*", knee, 0.95, 0, 0, 0.002), _between(knee, ankle, 0.06), (0.034, 0.031)),
        Part("trouser", End(knee, (0, -0.01, 0)), _between(knee, ankle, 0.32, 0, 0, -0.010), (0.030, 0.032)),
        Part("trouser", _between(knee, ankle, 0.32, 0, 0, -0.010), _between(knee, ankle, 0.9), (0.032, 0.020)),
        Part("sock", _between(knee, ankle, 0.86), End(ankle, (0, -0.005, 0)), (0.0215, 0.022), False),
    )


def _shoes() -> list[Part]:
    return _both(
        Part("shoe", End("heel_*", (0, 0.021, 0.016)), End("ball_*", (0, 0.020, 0)), (0.0205, 0.021), False),
        Part("shoe", End("ankle_*", (0, -0.006, 0.002)), End("ball_*", (0, 0.022, -0.02)), (0.024, 0.020), False),
        Part("shoe", End("ball_*", (0, 0.019, 0)), End("toe_tip_*", (0, 0.014, -0.010)), (0.0205, 0.0145), False),
        Part("sole", End("heel_*", (0, 0.007, 0.012)), End("ball_*", (0, 0.006, 0)), (0.0115, 0.0120), False),
    )


def _head() -> list[Part]:
    whole = [
        Part("skin", End("head", (0, 0.078, -0.004)), End("head", (0, 0.078, 0.014)), (0.046, 0.045), False),
        Part("skin", End("head", (0, 0.060, 0.016)), End("head", (0, 0.020, 0.030)), (0.042, 0.0265), False),
        Part("hair", End("head", (0, 0.087, -0.012)), End("head", (0, 0.090, 0.006)), (0.0485, 0.0465), False),
        Part("hair", End("head", (0, 0.070, -0.020)), End("head", (0, 0.048, -0.022)), (0.043, 0.034), False),
        Part("long_hair", End("head", (0, 0.060, -0.030)), End("head", (0, -0.050, -0.040)), (0.040, 0.026), False),
        Part("skin", End("head", (0, 0.062, 0.058)), End("head", (0, 0.042, 0.067)), (0.0065, 0.0090), False),
        Part(
            "lips", End("head", (-0.011, 0.0225, 0.0535)), End("head", (0.011, 0.0225, 0.0535)), (0.0042, 0.0042), False
        ),
    ]
    sides = _both(
        Part("skin", End("ear_*", (0, 0.008, 0)), End("ear_*", (0, -0.008, 0.002)), (0.010, 0.008), False),
        Part("eye", End("eye_*", (-0.003, 0, -0.007)), End("eye_*", (0.003, 0, -0.008)), (0.0085, 0.0085), False),
        Part("pupil", End("eye_*", (0, 0, -0.001)), End("eye_*", (0, 0, -0.001)), (0.0050, 0.0050), False),
        Part("brow", End("eye_*", (-0.008, 0.0155, 0)), End("eye_*", (0.009, 0.0150, -0.006)), (0.0040, 0.0034), False),
    )
    return whole + sides


PARTS: tuple[Part, ...] = (*_trunk(), *_limbs(), *_shoes(), *_head())


@dataclass(frozen=True)
class Capsules:
    """Capsules of every frame: ends (T, P, 2, 3) metres, radii (P, 2) metres, material (P,) indices."""

    ends: FloatArray
    radii: FloatArray
    material: tuple[int, ...]


def body_capsules(pose: Pose, girth: float = 1.0, loose: Mapping[str, float] | None = None) -> Capsules:
    """The body in the poses (T, ...) given.

    `girth` scales the thickness of trunk and limbs, `loose` that of single materials; parts of a material scaled to 0
    are left out.
    """
    loose = {"long_hair": 0.0, **(loose or {})}
    parts = [part for part in PARTS if loose.get(part.material, 1.0) > 0.0]
    ends = np.stack([np.stack([part.start.place(pose), part.end.place(pose)], axis=-2) for part in parts], axis=-3)
    build = np.array([(girth if part.girth else 1.0) * loose.get(part.material, 1.0) for part in parts])
    radii = np.array([part.radius for part in parts]) * build[:, None] * pose.skeleton.stature
    return Capsules(ends, radii, tuple(MATERIALS.index(part.material) for part in parts))
