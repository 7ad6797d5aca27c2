"""The person in the picture: skeleton, judged joints in colour, and the key angle as an arc."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevd_bio.drawing.letters import width_of, written
from qevd_bio.drawing.scene import Dial, Mark
from qevd_bio.drawing.strokes import DARK, Colour, Image, Point, Ring, disc, letters, rings, shade, stroke, strokes
from qevd_bio.pose.backends.landmarks import EDGES, JOINT_LANDMARKS, LANDMARK_INDEX, PRESENCE, VISIBILITY

Landmarks = NDArray[np.float32]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""

WHITE: Colour = (245, 246, 248)
MARK_COLOURS: Mapping[Mark, Colour] = {"kept": (0, 190, 140), "broken": (240, 96, 20), "unsure": (250, 205, 70)}
FAINT = 0.5
"""Share of a colour where what it shows is not sure."""
_BAND: Colour = (0, 190, 140)
_SEEN = 0.5
_FACE = frozenset(
    i for name, i in LANDMARK_INDEX.items() if name.split("_")[-1] in ("inner", "outer", "eye", "ear", "nose")
)
_BONES = tuple((a, b) for a, b in EDGES if not {a, b} <= _FACE)
_LEAST_DIAL = 4.0

# Vertex of each key angle and its two limbs: the value is zero where the second prolongs the first.
ANGLES: Mapping[str, tuple[str, str, str]] = {
    "knee_angle": ("hip", "knee", "ankle"),
    "elbow_flexion": ("shoulder", "elbow", "wrist"),
    "hip_flexion": ("shoulder", "hip", "knee"),
    "shoulder_elevation": ("shoulder", "shoulder", "elbow"),
}


def seen_box(landmarks: Landmarks) -> Box | None:
    """The smallest box around the landmarks that are in sight; None where there are none."""
    points = landmarks[_visible(landmarks), :2]
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return None
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return left, top, right, bottom


def _visible(landmarks: Landmarks) -> NDArray[np.bool_]:
    shown = np.minimum(landmarks[:, VISIBILITY], landmarks[:, PRESENCE]) >= _SEEN
    return np.asarray(shown & np.isfinite(landmarks[:, :2]).all(axis=1))


def draw_body(image: Image, landmarks: Landmarks, marks: Mapping[str, Mark], sure: bool, unit: float) -> None:
    """Draw the bones in white and the judged joints in colour. `unit` is the size of letters in pixels."""
    seen = _visible(landmarks)
    points = landmarks[:, :2].astype(np.float64)
    width, edge = max(0.2 * unit, 2.0), max(0.09 * unit, 1.6)
    ends = np.array(_BONES)
    clear = seen[ends].all(axis=1) & sure
    trunk = np.array([[_middle(points, "hip"), _middle(points, "shoulder")]])
    bones = points[ends]
    strokes(image, bones[~clear], width, WHITE, FAINT, edge)
    strokes(image, np.concatenate([bones[clear], trunk[: int(sure)]]), width, WHITE, 0.9, edge)
    for joint, mark in marks.items():
        place = joint_place(landmarks, joint)
        if place is None:
            continue
        index = LANDMARK_INDEX.get(JOINT_LANDMARKS.get(joint, ""), None)
        certain = sure and mark != "unsure" and (index is None or bool(seen[index]))
        size = (0.42 if mark == "broken" else 0.32) * unit
        disc(image, place, size, MARK_COLOURS[mark], 1.0 if certain else FAINT, 1.4 * edge)


def joint_place(landmarks: Landmarks, joint: str) -> Point | None:
    """Where a joint of the skeleton lies in the picture, also where it has no landmark of its own; None if unknown."""
    points = landmarks[:, :2].astype(np.float64)
    if joint in JOINT_LANDMARKS:
        return _finite(points[LANDMARK_INDEX[JOINT_LANDMARKS[joint]]])
    twin = {"scapula": "shoulder", "subtalar": "ankle", "radioulnar": "wrist"}.get(joint[:-2])
    if twin is not None:
        return joint_place(landmarks, f"{twin}_{joint[-1]}")
    hips, shoulders = np.array(_middle(points, "hip")), np.array(_middle(points, "shoulder"))
    share = {"pelvis": 0.0, "lumbar": 0.3, "thorax": 0.7}.get(joint)
    if share is not None:
        return _finite(hips + share * (shoulders - hips))
    return _finite(points[LANDMARK_INDEX["nose"]]) if joint == "head" else None


@dataclass
class DialPen:
    """Draws the key angle; remembers to which side it opens and where the body has been, so that nothing flickers."""

    opens: float = 1.0
    around: Box | None = None

    def draw(self, image: Image, landmarks: Landmarks, dial: Dial, sure: bool, unit: float) -> Box | None:
        """The arc at its joint and the value beside the body. Returns the label's box, None where it had no room."""
        body = seen_box(landmarks)
        quantity, side = dial.joint[:-2], dial.joint[-1]
        limbs = ANGLES.get(quantity)
        if body is None or limbs is None:
            return None
        self.around = body if self.around is None else _slowly(self.around, body)
        first, vertex, second = (joint_place(landmarks, f"{name}_{side}") for name in limbs)
        if vertex is None or second is None or first is None:
            return None
        clear = sure and dial.sure
        alpha = 1.0 if clear else FAINT
        zero = _direction(first, vertex)
        if quantity == "shoulder_elevation":
            hip = joint_place(landmarks, f"hip_{side}")
            zero = _direction(vertex, hip) if hip is not None else math.pi / 2
        bend = _wrap(_direction(vertex, second) - zero)
        if abs(bend) > math.radians(12) and abs(bend) < math.radians(170):
            self.opens = math.copysign(1.0, bend)
        radius = 1.9 * unit
        sweep = self.opens * math.radians(dial.value) if dial.value > _LEAST_DIAL else 0.0
        pieces = [
            Ring(0.0, radius, zero, sweep, WHITE, 0.3 * alpha),
            Ring(radius - 0.22 * unit, radius, zero, sweep, WHITE, 0.95 * alpha),
        ]
        if dial.band is not None:
            low, high = (math.radians(min(max(limit, 0.0), 180.0)) for limit in dial.band)
            start, width = zero + self.opens * low, self.opens * (high - low)
            pieces.append(Ring(radius + 0.03 * unit, radius + 0.47 * unit, start, width, DARK, alpha))
            pieces.append(Ring(radius + 0.08 * unit, radius + 0.42 * unit, start, width, _BAND, alpha))
        rings(image, vertex, pieces)
        return _label(image, dial, vertex, self.around, clear, unit)


def label_text(dial: Dial) -> tuple[str, str]:
    """The value, and the band below it: "94°", "knee flexion 90 to 120°"."""
    band = "" if dial.band is None else f"{dial.band[0]:.0f} to {dial.band[1]:.0f}°"
    return f"{'' if dial.sure else '~'}{dial.value:.0f}°", f"{dial.name} {band}".strip()


def _label(image: Image, dial: Dial, vertex: Point, around: Box, clear: bool, unit: float) -> Box | None:
    """A plate beside the body with the value; to the side where the joint is nearer to the body's edge."""
    value, below = label_text(dial)
    large, small = round(1.25 * unit), max(round(0.62 * unit), 10)
    width = max(width_of("188°", large), width_of(below, small)) + round(0.7 * unit)
    height = round(1.25 * large + 1.3 * small)
    left, _, right, _ = around
    gap, frame = 0.5 * unit, image.shape[1]
    places = [(right + gap, frame - right), (left - gap - width, left)]
    if vertex[0] - left < right - vertex[0]:
        places.reverse()
    x = next((x for x, room in places if x >= 0 and x + width <= frame), None)
    if x is None:
        return None
    y = min(max(vertex[1] - height / 2, 0.0), image.shape[0] - height)
    box = (round(x), round(y), round(x) + width, round(y) + height)
    near = (box[0] if x > vertex[0] else box[2], vertex[1])
    away = 2.5 * unit if x > vertex[0] else -2.5 * unit
    if abs(near[0] - vertex[0]) > abs(away):
        stroke(image, (vertex[0] + away, vertex[1]), near, 1.5, WHITE, 0.6, 1.0)
    shade(image, box, DARK, 0.72)
    tint = WHITE
    if dial.band is not None and clear and dial.band[0] <= dial.value <= dial.band[1]:
        tint = _BAND
    letters(image, written(value, large), box[0] + round(0.35 * unit), box[1], tint, 1.0 if clear else 0.65)
    letters(image, written(below, small), box[0] + round(0.35 * unit), box[1] + round(1.25 * large), WHITE, 0.85)
    return float(box[0]), float(box[1]), float(box[2]), float(box[3])


def _slowly(before: Box, now: Box) -> Box:
    """The box grows at once and shrinks slowly."""
    keep = 0.985
    return (
        min(now[0], keep * before[0] + (1 - keep) * now[0]),
        min(now[1], keep * before[1] + (1 - keep) * now[1]),
        max(now[2], keep * before[2] + (1 - keep) * now[2]),
        max(now[3], keep * before[3] + (1 - keep) * now[3]),
    )


def _middle(points: NDArray[np.float64], name: str) -> Point:
    return _point((points[LANDMARK_INDEX[f"left_{name}"]] + points[LANDMARK_INDEX[f"right_{name}"]]) / 2)


def _point(values: NDArray[np.float64]) -> Point:
    return float(values[0]), float(values[1])


def _finite(values: NDArray[np.float64]) -> Point | None:
    return _point(values) if np.isfinite(values).all() else None


def _direction(start: Point, end: Point) -> float:
    return math.atan2(end[1] - start[1], end[0] - start[0])


def _wrap(angle: float) -> float:
    return (angle + math.pi) % (2 * math.pi) - math.pi
