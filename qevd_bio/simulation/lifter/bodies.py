"""Bodies that move, as the lifter learns from them: simulated exercises, mixed and bent.

Each is seen by a camera of the real views and sensed by a pose model whose faults are drawn anew each time.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qevd_bio.anatomy.continuity import wrap
from qevd_bio.anatomy.dofs import DOF_INDEX, DOF_NAMES, LIMITS, FloatArray
from qevd_bio.anatomy.forward import forward_kinematics
from qevd_bio.anatomy.heights import floor_height
from qevd_bio.anatomy.mirror import mirror_angles
from qevd_bio.exercise.catalogue import load
from qevd_bio.pose.backends.landmarks import MARKER_LANDMARKS, to_level
from qevd_bio.pose.fit.lifter import HZ, inputs_of
from qevd_bio.pose.fit.options import FitOptions
from qevd_bio.pose.fit.seen import SeenClip
from qevd_bio.pose.fit.world import BONES
from qevd_bio.simulation.drawing.camera import Camera
from qevd_bio.simulation.drawing.views import real_camera
from qevd_bio.simulation.options import SimulateOptions
from qevd_bio.simulation.performance.people import make_person
from qevd_bio.simulation.performance.perform import FPS
from qevd_bio.simulation.performance.workout import make_workout
from qevd_bio.simulation.sensing.errors import error_model, sense
from qevd_bio.simulation.sensing.exact import look

WINDOW = 64  # frames at HZ
SIZES = ((360, 504), (360, 640), (640, 360), (480, 480))
_ARMS = np.array([k for k, name in enumerate(DOF_NAMES) if name.startswith(("scapula", "shoulder", "elbow"))])
_HEADING, _TILT = DOF_INDEX["pelvis_rotation"], DOF_INDEX["pelvis_tilt"]
_BENT_DEG, _WANDER_DEG, _MEMORY_S = 7.0, 5.0, 1.0
_ROLL_DEG = 4.0  # of all world landmarks together


@dataclass(frozen=True)
class Motion:
    """Angles (T, 46) in radians, root (T, 3) and clearance of the floor (T,) in metres at HZ, and the stature."""

    angles: FloatArray
    root: FloatArray
    clear: FloatArray
    stature: float

    @property
    def lies(self) -> bool:
        return bool(np.abs(np.median(wrap(self.angles[:, _TILT]))) > np.deg2rad(50.0))


@dataclass(frozen=True)
class Lesson:
    """Inputs (WINDOW, N_INPUTS) of the network, and the truth: bones (WINDOW, 39) in statures, angles (WINDOW, 46)."""

    inputs: FloatArray
    bones: FloatArray
    angles: FloatArray


def motions(seed: int, each: int, exercises: Sequence[str] = ()) -> list[Motion]:
    """`each` short workouts of every exercise, by other people and with other mistakes."""
    names = exercises or [exercise.id for exercise in load().values() if exercise.reference]
    step = round(FPS / HZ)
    found = []
    for number, name in enumerate(name for name in names for _ in range(each)):
        workout = make_workout(SimulateOptions(1, seed + number, minutes=0.4, exercises=(name,), split="train"), 0)
        first = max(int((workout.scenes[0].reps[0].start_s - 1.0) * FPS), 0)
        angles, root = workout.angles[first::step], workout.root[first::step]
        clear = floor_height(forward_kinematics(angles, workout.skeleton, root))
        found.append(Motion(angles, root, clear, workout.skeleton.stature))
    return found


def lessons(made: Sequence[Motion], count: int, draw: np.random.Generator) -> Iterator[Lesson]:
    """`count` windows of these motions, each another body, camera and pose model."""
    while count:
        lesson = _lesson(made, draw)
        if lesson is not None:
            count -= 1
            yield lesson


def _lesson(made: Sequence[Motion], draw: np.random.Generator) -> Lesson | None:
    own = _window(made[int(draw.integers(len(made)))], draw)
    if not own.lies and draw.random() < 0.3:
        other = _window(made[int(draw.integers(len(made)))], draw)
        if not other.lies:
            own.angles[:, _ARMS] = other.angles[:, _ARMS]
    angles = _bent(own.angles, draw) if draw.random() < 0.7 else own.angles
    if draw.random() < 0.5:
        angles = mirror_angles(angles)
        own.root[:, 0] *= -1.0
    skeleton = make_person(int(draw.integers(1 << 30)), "train", 0, "real").skeleton
    width, height = SIZES[int(draw.choice(len(SIZES), p=(0.55, 0.15, 0.15, 0.15)))]
    camera = real_camera(draw, skeleton.stature, width, height)
    root = own.root * skeleton.stature / own.stature
    if draw.random() < 0.15:
        angles, root = _turned(angles, root, float(draw.uniform(-np.pi, np.pi)))
    root[:, 1] += own.clear - floor_height(forward_kinematics(angles, skeleton, root))
    return _seen(angles, root, skeleton, camera, draw)


def _seen(
    angles: FloatArray, root: FloatArray, skeleton: Any, camera: Camera, draw: np.random.Generator
) -> Lesson | None:
    """The lesson; None where the body is not before the camera."""
    time_s = np.arange(len(angles)) / HZ
    sight = look(angles, root, skeleton, camera)
    if not np.isfinite(sight.pixels).all() or sight.inside[..., 2].min() < 0.3:
        return None
    values = sense(sight, time_s, draw, _another_model(draw))
    values = _astray(values, draw)
    for k in np.flatnonzero(~np.isfinite(values[:, 0, 0])):
        values[k] = values[k - 1] if k else values[np.flatnonzero(np.isfinite(values[:, 0, 0]))[0]]
    size = (camera.width, camera.height)
    clip = SeenClip.of(values, time_s, size)
    markers = to_level(sight.inside)[:, MARKER_LANDMARKS].reshape(len(angles), 16, 3)
    truth = angles.copy()
    truth[:, _HEADING] -= np.deg2rad(camera.heading_deg)
    bones = (BONES @ markers / skeleton.stature).reshape(len(angles), -1)
    return Lesson(inputs_of(clip, max(size) * FitOptions().focal_ratio), bones, truth)


def _window(motion: Motion, draw: np.random.Generator) -> Motion:
    """WINDOW frames at up to 1.4 times or down to 0.7 times the tempo."""
    pace = min(float(draw.uniform(0.7, 1.4)), (len(motion.angles) - 1) / WINDOW)
    start = float(draw.uniform(0.0, len(motion.angles) - 1 - pace * (WINDOW - 1)))
    at = start + pace * np.arange(WINDOW)
    low = np.minimum(at.astype(int), len(motion.angles) - 2)
    share = (at - low)[:, None]
    whole = np.concatenate([motion.angles, motion.root, motion.clear[:, None]], axis=1)
    now = whole[low] * (1.0 - share) + whole[low + 1] * share
    return Motion(now[:, :46], now[:, 46:49], now[:, 49], motion.stature)


def _bent(angles: FloatArray, draw: np.random.Generator) -> FloatArray:
    """Every angle off by a constant and a slow course, within the joints' limits."""
    frames, dofs = angles.shape
    knots = max(2, round(frames / HZ / _MEMORY_S))
    course = draw.standard_normal((knots, dofs)) * np.deg2rad(_WANDER_DEG)
    at = np.linspace(0.0, knots - 1.0, frames)
    wander = np.stack([np.interp(at, np.arange(knots), column) for column in course.T], axis=1)
    off = draw.standard_normal(dofs) * np.deg2rad(_BENT_DEG) * draw.uniform(0.0, 1.5) + wander
    off[:, _HEADING] = 0.0
    low, high = np.minimum(LIMITS[:, 0], angles.min(0)), np.maximum(LIMITS[:, 1], angles.max(0))
    return np.asarray(np.clip(angles + off, low, high))


def _turned(angles: FloatArray, root: FloatArray, by: float) -> tuple[FloatArray, FloatArray]:
    """The body turned about the vertical through the origin."""
    out = angles.copy()
    out[:, _HEADING] += by
    c, s = np.cos(by), np.sin(by)
    x, y, z = root.T
    return out, np.stack([c * x + s * z, y, c * z - s * x], axis=1)


def _another_model(draw: np.random.Generator) -> dict[str, Any]:
    """The measured model of errors with every figure drawn about itself: no two cameras or clothes agree."""
    model = copy.deepcopy(error_model())

    def about(values: dict[str, Any], names: Sequence[str], spread: float) -> None:
        for name in names:
            values[name] = values[name] * float(np.exp(spread * draw.standard_normal()))

    image, world, failures = model["image"], model["world"], model["failures"]
    about(image, ("slow", "fast", "hidden"), 0.4)
    about(image["place"], tuple(image["place"]), 0.3)
    for bone in ("thigh", "shank", "foot", "upper_arm", "forearm"):
        about(world[bone], ("noise", "plane", "length_noise"), 0.3)
        world[bone]["gain"] = float(np.clip(world[bone]["gain"] + 0.15 * draw.standard_normal(), 0.1, 1.1))
        world[bone]["bias"] += 0.08 * float(draw.standard_normal())
        world[bone]["length"] *= float(np.exp(0.06 * draw.standard_normal()))
    about(world, ("line_spread",), 0.3)
    for side in ("front", "side"):
        world["trunk_lean"][side] += 5.0 * float(draw.standard_normal())
    about(failures, ("swaps", "snaps", "jumps", "lost"), 0.6)
    return model


def _astray(values: FloatArray, draw: np.random.Generator) -> FloatArray:
    """World landmarks rolled a little, and limbs that the pose model takes for something else for seconds: they hang
    as they do at another moment."""
    out = values.copy()
    roll = np.deg2rad(_ROLL_DEG) * draw.standard_normal()
    out[..., 2] = np.cos(roll) * values[..., 2] - np.sin(roll) * values[..., 3]
    out[..., 3] = np.sin(roll) * values[..., 2] + np.cos(roll) * values[..., 3]
    for rows in _LIMB_ROWS:
        if draw.random() < 0.06:
            length = int(draw.integers(5, WINDOW))
            start = int(draw.integers(0, WINDOW - 4))
            part = np.arange(start, min(start + length, WINDOW))
            other = int(draw.integers(WINDOW))
            root = rows[0]
            for k in rows[1:]:
                away = np.nan_to_num(out[other, k, :5] - out[other, root, :5])
                mixed = float(draw.uniform(0.5, 1.0))
                now = out[part, k, :5] - out[part, root, :5]
                out[part, k, :5] = out[part, root, :5] + mixed * away + (1.0 - mixed) * now
            out[part[:, None], rows[1:], 5] *= float(draw.uniform(0.3, 1.0))
    return out


_LIMB_ROWS = (
    np.array([11, 13, 15, 17, 19, 21]),
    np.array([12, 14, 16, 18, 20, 22]),
    np.array([23, 25, 27, 29, 31]),
    np.array([24, 26, 28, 30, 32]),
)
