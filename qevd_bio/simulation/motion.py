"""Simple exercises as exact motions: 46 known angles a frame and a root that keeps the body on the floor.

Each exercise runs between a rest and a key pose by a raised cosine. These are plausible, not measured: what
matters is that every angle is known. Arms are given as directions in the thorax and turned into the
shoulder's triple, so that no rule of the raw shoulder coordinates is needed here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from qevd_bio.anatomy.axes import WORLD_AXES
from qevd_bio.anatomy.continuity import continuous_triple
from qevd_bio.anatomy.dofs import DOF_INDEX, JOINT_DOFS, LIMITS, FloatArray
from qevd_bio.anatomy.forward import forward_kinematics, joint_rotation
from qevd_bio.anatomy.inverse import joint_angles
from qevd_bio.anatomy.skeleton import Skeleton

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
class Motion:
    """angles (T, 46) radians, root (T, 3) metres, phase (T,) in cycles since the start (0 while resting)."""

    angles: FloatArray
    root: FloatArray
    phase: FloatArray
    cycle_s: float


class _Body:
    """Angles of a clip under construction; setters take degrees, one value or one a frame."""

    def __init__(self, frames: int) -> None:
        self.angles = np.zeros((frames, len(DOF_INDEX)))

    def set(self, name: str, degrees: FloatArray | float) -> None:
        """Set one degree of freedom; a name with "*" sets both sides."""
        for side in "rl" if "*" in name else " ":
            self.angles[:, DOF_INDEX[name.replace("*", side)]] = np.deg2rad(degrees)

    def arm(self, side: str, direction: FloatArray, bend: FloatArray) -> None:
        """Point the upper arm along `direction` (T, 3) with the elbow's hollow towards `bend` (T, 3).

        Both in the thorax: (outward to the arm's own side, up, forward).
        """
        outward = np.array([1.0 if side == "l" else -1.0, 1.0, 1.0])
        upper = _unit(direction * outward)
        hollow = bend * outward
        hollow = _unit(hollow - (hollow * upper).sum(axis=-1, keepdims=True) * upper)
        now = np.stack([upper, hollow, np.cross(upper, hollow)], axis=-1)
        hinge = WORLD_AXES[DOF_INDEX[f"elbow_flexion_{side}"]]
        upper_zero = np.array([1.0 if side == "l" else -1.0, 0.0, 0.0])
        hinge_zero = _unit(hinge - (hinge @ upper_zero) * upper_zero)
        zero = np.stack([upper_zero, np.cross(hinge_zero, upper_zero), hinge_zero], axis=-1)
        track = continuous_triple(joint_angles(f"shoulder_{side}", now @ zero.T))
        self.angles[:, JOINT_DOFS[f"shoulder_{side}"]] = track

    def flatten_foot(self, side: str, share: FloatArray | float = 1.0) -> None:
        """Turn ankle and subtalar joint so that the sole is level; `share` 0..1 keeps part of what was set."""
        dofs = [DOF_INDEX[f"ankle_angle_{side}"], DOF_INDEX[f"subtalar_angle_{side}"]]
        set_before = self.angles[:, dofs].copy()
        for _ in range(6):
            tilt = self._sole_tilt(side)
            gradient = np.empty((*tilt.shape, 2))
            for column, dof in enumerate(dofs):
                self.angles[:, dof] += 1e-4
                gradient[..., column] = (self._sole_tilt(side) - tilt) / 1e-4
                self.angles[:, dof] -= 1e-4
            self.angles[:, dofs] -= np.linalg.solve(gradient, tilt[..., None])[..., 0]
        low, high = LIMITS[dofs].T
        level = np.clip(self.angles[:, dofs], low, high)
        self.angles[:, dofs] = set_before + np.reshape(share, (-1, 1)) * (level - set_before)

    def _sole_tilt(self, side: str) -> FloatArray:
        """(T, 2): level parts of the rear foot's upward direction, 0 where the sole is level."""
        chain = ("pelvis", f"hip_{side}", f"knee_{side}", f"ankle_{side}", f"subtalar_{side}")
        up = np.array([0.0, 1.0, 0.0])
        for name in reversed(chain):
            up = (joint_rotation(name, self.angles) @ up[..., None])[..., 0]
        return np.asarray(up[..., [0, 2]])


def make_motion(exercise: str, skeleton: Skeleton, plan: Plan | None = None) -> Motion:
    """The named exercise (a key of EXERCISES) done by a body of this size; KeyError for another name."""
    plan = plan or Plan()
    recipe, cycle = EXERCISES[exercise]
    cycle = plan.cycle_s or cycle
    time = np.arange(round(plan.seconds * plan.fps)) / plan.fps
    phase = np.maximum(time - plan.rest_s, 0.0) / cycle
    body = _Body(len(time))
    ready = np.clip(time / max(plan.rest_s, 1e-9), 0.0, 1.0)
    anchor = recipe(body, phase, 0.5 - 0.5 * np.cos(np.pi * ready), plan)
    body.set("pelvis_rotation", plan.heading_deg)
    root = anchor(body.angles, skeleton)
    return Motion(body.angles, root, phase, cycle)


Anchor = Callable[[FloatArray, Skeleton], FloatArray]


def _unit(vector: FloatArray) -> FloatArray:
    return np.asarray(vector / np.linalg.norm(vector, axis=-1, keepdims=True))


def _swing(phase: FloatArray) -> FloatArray:
    """0 at whole cycles, 1 half way between."""
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * phase))


def _half(phase: FloatArray, second: bool) -> FloatArray:
    """0..1..0 during the first or the second half of each cycle, 0 in the other."""
    shifted = (phase - 0.5 if second else phase) % 1.0
    return np.where((shifted < 0.5) & (phase >= (0.5 if second else 0.0)), np.sin(2 * np.pi * shifted) ** 2, 0.0)


def _directions(outward: FloatArray, up: FloatArray, forward: FloatArray) -> FloatArray:
    return np.asarray(np.stack(np.broadcast_arrays(outward, up, forward), axis=-1), dtype=np.float64)


def _raised(degrees: FloatArray, azimuth_deg: float) -> FloatArray:
    """Direction of an arm raised by `degrees` from down towards an azimuth (0 outward, 90 forward)."""
    lift, turn = np.deg2rad(degrees), np.deg2rad(azimuth_deg)
    return _directions(np.sin(lift) * np.cos(turn), -np.cos(lift), np.sin(lift) * np.sin(turn))


_SOLES = ("heel_r", "ball_r", "toe_tip_r", "heel_l", "ball_l", "toe_tip_l")
_GROUND = (*_SOLES, "hand_tip_r", "hand_tip_l", "wrist_r", "wrist_l")


def _stand(hop: FloatArray | float = 0.0, steps: FloatArray | None = None) -> Anchor:
    """Keep the lowest sole point on the floor (plus `hop` metres) and the middle of the feet in place.

    steps (T,): which foot stays: 0 both, towards +1 the left one, towards -1 the right one.
    """

    def place(angles: FloatArray, skeleton: Skeleton) -> FloatArray:
        pose = forward_kinematics(angles, skeleton, np.zeros(3))
        root = np.zeros((len(angles), 3))
        root[:, 1] = hop - pose.places(_SOLES)[..., 1].min(axis=-1)
        left, right = pose.place("ball_l"), pose.place("ball_r")
        share = 0.5 + 0.5 * (np.zeros(len(angles)) if steps is None else steps)
        middle = share[:, None] * left + (1 - share[:, None]) * right
        root[:, [0, 2]] = (middle[0] - middle)[:, [0, 2]] - middle[0, [0, 2]]
        return root

    return place


def _squats(body: _Body, phase: FloatArray, ready: FloatArray, plan: Plan) -> Anchor:
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
        body.arm(side, _raised(10 + 74 * down, 68), _directions(np.array(-0.15), np.array(0.4), np.array(1.0)))
    return _stand()


def _jumping_jacks(body: _Body, phase: FloatArray, ready: FloatArray, plan: Plan) -> Anchor:
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
        body.arm(side, _raised(14 + 142 * opened, 12), _directions(np.array(0.0), np.array(0.3), np.array(1.0)))
    return _stand(hop=0.06 * soft * (phase > 0))


def _high_knees(body: _Body, phase: FloatArray, ready: FloatArray, plan: Plan) -> Anchor:
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
        arm = _directions(np.array(0.22), -np.cos(turn), np.sin(turn))
        body.arm(side, arm, _directions(np.array(-0.1), np.array(0.6), np.array(1.0)))
    return _stand(hop=0.03 * _swing(2 * phase), steps=np.tanh(4 * (lift["r"] - lift["l"])))


def _walking_lunges(body: _Body, phase: FloatArray, ready: FloatArray, plan: Plan) -> Anchor:
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
        body.arm(side, _raised(18 + 10 * rear, 30), _directions(np.array(-0.3), np.array(0.3), np.array(1.0)))
    return _stand(steps=np.tanh(4 * (step["r"] - step["l"])))


def _planted_arm(bend: FloatArray) -> FloatArray:
    """Angle of the upper arm from straight ahead of the chest that keeps the hand in place as the elbow bends.

    The hand stands three quarters of an upper arm beside the shoulder; lengths in upper arms.
    """
    upper, forearm, beside = 1.0, 0.146 / 0.175, 0.75
    reach = np.sqrt(upper**2 + forearm**2 + 2 * upper * forearm * np.cos(bend))
    at_shoulder = np.arccos((upper**2 + reach**2 - forearm**2) / (2 * upper * reach))
    return np.asarray(np.arcsin(beside / reach) + at_shoulder)


def _push_ups(body: _Body, phase: FloatArray, ready: FloatArray, plan: Plan) -> Anchor:
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
    away = _directions(np.full_like(bend, np.sin(flare)), np.full_like(bend, -np.cos(flare)), level)
    front = _directions(level, level, ahead)
    lean = _planted_arm(bend)[:, None]
    for side in "rl":
        upper = np.cos(lean) * front + np.sin(lean) * away
        body.arm(side, upper, np.sin(lean) * front - np.cos(lean) * away)
    return _prone(body)


def _prone(body: _Body) -> Anchor:
    """Turn the body so that hands and toes are on the floor together, the toes staying in place."""

    def lowest(pose_angles: FloatArray, skeleton: Skeleton) -> tuple[FloatArray, FloatArray, FloatArray]:
        pose = forward_kinematics(pose_angles, skeleton, np.zeros(3))
        hands = pose.places(("hand_tip_r", "hand_tip_l", "wrist_r", "wrist_l"))[..., 1].min(axis=-1)
        feet = pose.places(_SOLES)
        return hands, feet[..., 1].min(axis=-1), pose.places(("toe_tip_r", "toe_tip_l")).mean(axis=-2)

    def place(angles: FloatArray, skeleton: Skeleton) -> FloatArray:
        tilt = DOF_INDEX["pelvis_tilt"]
        low, high = np.full(len(angles), np.deg2rad(-105.0)), np.full(len(angles), np.deg2rad(-30.0))
        for _ in range(30):
            angles[:, tilt] = (low + high) / 2
            hands, feet, _toes = lowest(angles, skeleton)
            leaning_too_far = hands < feet
            low = np.where(leaning_too_far, angles[:, tilt], low)
            high = np.where(leaning_too_far, high, angles[:, tilt])
        _hands, feet, toes = lowest(angles, skeleton)
        root = -toes
        root[:, 1] = -feet
        heading = angles[0, DOF_INDEX["pelvis_rotation"]]
        middle = 0.5 * skeleton.stature * np.array([np.sin(heading), 0.0, np.cos(heading)])
        return np.asarray(root - middle)

    return place


Recipe = Callable[[_Body, FloatArray, FloatArray, Plan], Anchor]

EXERCISES: dict[str, tuple[Recipe, float]] = {
    "squats": (_squats, 2.4),
    "push_ups": (_push_ups, 2.4),
    "walking_lunges": (_walking_lunges, 4.0),
    "jumping_jacks": (_jumping_jacks, 1.2),
    "high_knees": (_high_knees, 0.9),
}
"""Exercise id -> recipe and usual seconds a cycle."""
