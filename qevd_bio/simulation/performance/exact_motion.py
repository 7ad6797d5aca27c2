"""Simple exercises as exact motions: 46 known angles a frame and a root that keeps the body on the floor.

Each exercise runs between a rest and a key pose by a raised cosine. These are plausible, not measured: what
matters is that every angle is known. Arms are given as directions in the thorax and turned into the
shoulder's triple, so that no rule of the raw shoulder coordinates is needed here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from qevd_bio.anatomy.dofs import FloatArray
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.simulation.performance.posing import Anchor, BodyClip, directions, prone, raised, standing

FPS = 30.0


@dataclass(frozen=True)
class Plan:
    """How an exercise is done. depth and stance are multiples of the usual range and foot distance."""

    seconds: float = 8.0
    cycle_s: float | None = None
    rest_s: float = 0.8
    depth: float = 1.0
    stance: float = 1.0
    heading_deg: float = 0.0
    fps: float = FPS


@dataclass(frozen=True)
class ExactMotion:
    """angles (T, 46) radians, root (T, 3) metres, phase (T,) in cycles since the start (0 while resting)."""

    angles: FloatArray
    root: FloatArray
    phase: FloatArray
    cycle_s: float


def make_motion(exercise: str, skeleton: Skeleton, plan: Plan | None = None) -> ExactMotion:
    """The named exercise (a key of EXERCISES) done by a body of this size; KeyError for another name."""
    plan = plan or Plan()
    recipe, cycle = EXERCISES[exercise]
    cycle = plan.cycle_s or cycle
    time = np.arange(round(plan.seconds * plan.fps)) / plan.fps
    phase = np.maximum(time - plan.rest_s, 0.0) / cycle
    body = BodyClip(len(time))
    ready = np.clip(time / max(plan.rest_s, 1e-9), 0.0, 1.0)
    anchor = recipe(body, phase, 0.5 - 0.5 * np.cos(np.pi * ready), plan)
    body.set("pelvis_rotation", plan.heading_deg)
    root = anchor(body.angles, skeleton)
    return ExactMotion(body.angles, root, phase, cycle)


def _swing(phase: FloatArray) -> FloatArray:
    """0 at whole cycles, 1 half way between."""
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * phase))


def _half(phase: FloatArray, second: bool) -> FloatArray:
    """0..1..0 during the first or the second half of each cycle, 0 in the other."""
    shifted = (phase - 0.5 if second else phase) % 1.0
    return np.where((shifted < 0.5) & (phase >= (0.5 if second else 0.0)), np.sin(2 * np.pi * shifted) ** 2, 0.0)


def _squats(body: BodyClip, phase: FloatArray, ready: FloatArray, plan: Plan) -> Anchor:
    down = _swing(phase) * plan.depth
    tilt, hip, knee = -32.0 * down, 4 + 94.0 * down, 6 + 96.0 * down
    spread = 9.0 * plan.stance
    body.set("pelvis_tilt", tilt)
    body.set("lumbar_extension", -8.0 * down)
    body.set("thorax_extension", 4.0 * down)
    body.set("head_extension", 22.0 * down)
    body.set("hip_flexion_*", hip)
    # chosen so that the feet keep their distance and turn-out while the knees follow the toes
    body.set("hip_adduction_*", -spread + (spread + 5.0) * down)
    body.set("hip_rotation_*", -16.0 - 7.0 * plan.stance * down)
    body.set("knee_angle_*", knee)
    body.set("ankle_angle_*", knee - hip - tilt)
    body.set("elbow_flexion_*", 12 + 8 * down)
    for side in "rl":
        body.flatten_foot(side)
        body.arm(side, raised(10 + 74 * down, 68), directions(np.array(-0.15), np.array(0.4), np.array(1.0)))
    return standing()


def _jumping_jacks(body: BodyClip, phase: FloatArray, ready: FloatArray, plan: Plan) -> Anchor:
    opened = _swing(phase) * plan.depth
    soft = _swing(2 * phase)
    abduct = 3 + 20.0 * opened * plan.stance
    body.set("hip_adduction_*", -abduct)
    body.set("hip_flexion_*", 6 + 8 * (1 - soft))
    body.set("knee_angle_*", 10 + 16 * (1 - soft))
    body.set("ankle_angle_*", 4 + 8 * (1 - soft) - 25 * soft * (phase > 0))
    body.set("scapula_upward_rot_*", 20.0 * opened)
    body.set("elbow_flexion_*", 14.0)
    for side in "rl":
        body.flatten_foot(side, share=np.where(phase > 0, 1 - soft, 1.0))
        body.arm(side, raised(14 + 142 * opened, 12), directions(np.array(0.0), np.array(0.3), np.array(1.0)))
    return standing(hop=0.06 * soft * (phase > 0))


def _high_knees(body: BodyClip, phase: FloatArray, ready: FloatArray, plan: Plan) -> Anchor:
    lift = {"r": _half(phase, second=False), "l": _half(phase, second=True)}
    body.set("pelvis_tilt", -4.0)
    body.set("elbow_flexion_*", 20 + 62 * ready)
    for side, other in (("r", "l"), ("l", "r")):
        up = lift[side] * plan.depth
        body.set(f"hip_flexion_{side}", 6 + 86.0 * up)
        body.set(f"hip_adduction_{side}", -3.0)
        body.set(f"knee_angle_{side}", 8 + 88.0 * up)
        body.set(f"ankle_angle_{side}", 6 - 12.0 * up)
        body.flatten_foot(side, share=1.0 - np.clip(2 * up, 0.0, 1.0))
        swing = 8 + 38 * (lift[other] - lift[side])
        turn = np.deg2rad(swing)
        arm = directions(np.array(0.22), -np.cos(turn), np.sin(turn))
        body.arm(side, arm, directions(np.array(-0.1), np.array(0.6), np.array(1.0)))
    return standing(hop=0.03 * _swing(2 * phase), steps=np.tanh(4 * (lift["r"] - lift["l"])))


def _walking_lunges(body: BodyClip, phase: FloatArray, ready: FloatArray, plan: Plan) -> Anchor:
    """Forward lunges in place, right and left in turn; the rear foot stays where it is."""
    step = {"r": _half(phase, second=False), "l": _half(phase, second=True)}
    body.set("pelvis_tilt", -5.0 * (step["r"] + step["l"]))
    body.set("elbow_flexion_*", 15 + 60 * ready)
    for side, other in (("r", "l"), ("l", "r")):
        front, rear = step[side] * plan.depth, step[other] * plan.depth
        body.set(f"hip_flexion_{side}", 4 + 88.0 * front - 14.0 * rear)
        body.set(f"hip_adduction_{side}", -4.0)
        body.set(f"knee_angle_{side}", 6 + 86.0 * front + 90.0 * rear)
        body.set(f"ankle_angle_{side}", 2 + 4.0 * front + 18.0 * rear)
        body.set(f"mtp_angle_{side}", -45.0 * rear)
        body.flatten_foot(side, share=1.0 - np.clip(2 * rear, 0.0, 1.0))
        body.arm(side, raised(18 + 10 * rear, 30), directions(np.array(-0.3), np.array(0.3), np.array(1.0)))
    return standing(steps=np.tanh(4 * (step["r"] - step["l"])))


def _planted_arm(bend: FloatArray) -> FloatArray:
    """Angle of the upper arm from straight ahead of the chest that keeps the hand in place as the elbow bends.

    The hand stands three quarters of an upper arm beside the shoulder; lengths in upper arms.
    """
    upper, forearm, beside = 1.0, 0.146 / 0.175, 0.75
    reach = np.sqrt(upper**2 + forearm**2 + 2 * upper * forearm * np.cos(bend))
    at_shoulder = np.arccos((upper**2 + reach**2 - forearm**2) / (2 * upper * reach))
    return np.asarray(np.arcsin(beside / reach) + at_shoulder)


def _push_ups(body: BodyClip, phase: FloatArray, ready: FloatArray, plan: Plan) -> Anchor:
    bend = np.deg2rad(8 + 84.0 * _swing(phase) * plan.depth)
    flare = np.deg2rad(45.0 * plan.stance)
    level, ahead = np.zeros_like(bend), np.ones_like(bend)
    body.set("ankle_angle_*", 8.0)
    body.set("mtp_angle_*", -55.0)
    body.set("hip_adduction_*", -4.0)
    body.set("head_extension", 18.0)
    body.set("elbow_flexion_*", np.rad2deg(bend))
    body.set("pro_sup_*", 90.0 - np.rad2deg(flare))
    body.set("wrist_flexion_*", -82.0)
    body.set("scapula_abduction_r", 6.0)
    body.set("scapula_abduction_l", -6.0)
    away = directions(np.full_like(bend, np.sin(flare)), np.full_like(bend, -np.cos(flare)), level)
    front = directions(level, level, ahead)
    lean = _planted_arm(bend)[:, None]
    for side in "rl":
        upper = np.cos(lean) * front + np.sin(lean) * away
        body.arm(side, upper, np.sin(lean) * front - np.cos(lean) * away)
    return prone()


Recipe = Callable[[BodyClip, FloatArray, FloatArray, Plan], Anchor]

EXERCISES: dict[str, tuple[Recipe, float]] = {
    "squats": (_squats, 2.4),
    "push_ups": (_push_ups, 2.4),
    "walking_lunges": (_walking_lunges, 4.0),
    "jumping_jacks": (_jumping_jacks, 1.2),
    "high_knees": (_high_knees, 0.9),
}
"""Exercise id -> recipe and usual seconds a cycle."""
