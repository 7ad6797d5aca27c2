"""From planned repetitions to a body that moves: key poses in time, a smooth course, 46 angles, a root on the floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from qevd_bio.anatomy.dofs import DOF_INDEX, DOF_NAMES, FloatArray
from qevd_bio.anatomy.forward import forward_kinematics
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.exercise.poses import CHANNELS, base_poses, read_pose, to_angles
from qevd_bio.exercise.trajectory import periodic
from qevd_bio.simulation.performance.moves import Keys

FPS = 30.0
CHANGE_S = 3.0
"""Seconds between the holds of two sides: back to standing, then into the other one."""
SWING_S = 1.2
"""Seconds from one side to the other where a held pose shakes."""

_HEADING = DOF_INDEX["pelvis_rotation"]
_PRONE, _FLAT = CHANNELS - 1, (CHANNELS - 3, CHANNELS - 2)
_CROUCH = {
    "from": "standing", "pelvis_tilt": -58, "hip_flexion": 122, "knee_angle": 118, "lumbar_extension": -15,
    "head_extension": 20, "arms": {"elevation": 84, "azimuth": 88}, "elbow_flexion": 10,
}  # fmt: skip
_SOLES = ("heel_r", "ball_r", "toe_tip_r", "heel_l", "ball_l", "toe_tip_l")
_HANDS = ("wrist_r", "hand_tip_r", "wrist_l", "hand_tip_l", "elbow_r", "elbow_l")


@dataclass(frozen=True)
class PerformedRep:
    """One planned repetition: its key poses, when it starts, and the rules that it is meant to break."""

    keys: Keys
    start_s: float
    breaks: tuple[str, ...] = ()
    hold: bool = False

    @property
    def end_s(self) -> float:
        """Seconds at which the repetition ends."""
        return self.start_s + self.keys.duration_s


@dataclass
class Course:
    """Key poses (49 channels) and their times, in seconds from the workout's start."""

    times: list[float] = field(default_factory=list)
    poses: list[FloatArray] = field(default_factory=list)

    def add(self, time: float, pose: FloatArray) -> None:
        """A key; one that comes no later than the last is left out."""
        if not self.times or time > self.times[-1] + 0.02:
            self.times.append(time)
            self.poses.append(pose)


def idle_pose() -> FloatArray:
    """Channels (49,) of a person who stands and listens."""
    return read_pose(base_poses()["standing"], base_poses())


def crouch_pose() -> FloatArray:
    """Channels (49,) of the way down to the floor: squatting with the hands in front of the feet."""
    return read_pose(_CROUCH, base_poses())


def lay_out(course: Course, reps: Sequence[PerformedRep], start_s: float, end_s: float, heading_deg: float) -> None:
    """Append an exercise to the course: standing at `start_s`, the repetitions, standing again by `end_s`.

    The person turns by `heading_deg` on the way in and back on the way out.
    """
    idle = idle_pose()
    course.add(start_s, idle)
    if not reps:
        return
    first, last = reps[0], reps[-1]
    prone = bool(first.keys.poses[0, _PRONE])
    begin = first.start_s - _quarter(first.keys)
    way_in = _way(prone)
    course.add(begin - way_in, idle)
    ready = _ready(first.keys, idle, prone)
    if prone:
        course.add(begin - 0.5 * way_in, _turned(crouch_pose(), 0.6 * heading_deg))
        course.add(begin - 0.2, _turned(ready, heading_deg))
    if first.keys.two_sided:
        course.add(begin, _turned(ready, heading_deg))
    for rep in reps:
        if rep.hold:
            for time, pose in _held(rep):
                course.add(time, _turned(pose, heading_deg))
            if rep is not last:
                course.add(rep.end_s + 0.5 * CHANGE_S, _turned(idle, heading_deg))
            continue
        for phase, pose in zip(rep.keys.phases, rep.keys.poses, strict=True):
            course.add(rep.start_s + float(phase) * rep.keys.duration_s, _turned(pose, heading_deg))
        following = next((r for r in reps if r.start_s > rep.start_s), None)
        if not rep.keys.two_sided and (following is None or following.start_s > rep.end_s + 0.05):
            course.add(rep.end_s, _turned(rep.keys.poses[0], heading_deg))
        elif rep.keys.two_sided and following is not None and following.start_s > rep.end_s + 0.05:
            # A pause between two-sided repetitions is spent in the middle of both sides.
            middle = _turned(rep.keys.centre, heading_deg)
            course.add(rep.end_s - _quarter(rep.keys), middle)
            course.add(following.start_s - _quarter(rep.keys), middle)
    leave = last.end_s - _quarter(last.keys)
    if last.keys.two_sided:
        course.add(leave, _turned(_ready(last.keys, idle, prone), heading_deg))
    if prone:
        course.add(leave + 0.6 * way_in, _turned(crouch_pose(), 0.5 * heading_deg))
    course.add(min(leave + way_in, end_s - 0.1), idle)


def _held(rep: PerformedRep) -> list[tuple[float, FloatArray]]:
    """A held pose from its start to its end; one that shakes swings to and fro in between."""
    pose, shake = rep.keys.poses[0], rep.keys.shake
    swings = 0 if shake is None else int((rep.end_s - rep.start_s) / SWING_S)
    between = [(rep.start_s + (i + 0.5) * SWING_S, pose + (-1) ** i * shake) for i in range(swings)]
    return [(rep.start_s, pose), *between, (rep.end_s, pose)]


def _way(prone: bool) -> float:
    """Seconds from standing to the first pose."""
    return 2.4 if prone else 0.8


def _ready(keys: Keys, idle: FloatArray, prone: bool) -> FloatArray:
    """The pose from which the movement starts: standing, the middle of both sides on the floor, or the first key."""
    if not keys.two_sided:
        return np.asarray(keys.poses[0])
    return np.asarray(keys.centre if prone else idle)


def _quarter(keys: Keys) -> float:
    """By how much a repetition's own movement precedes its first key: two-sided ones begin in the middle."""
    return 0.25 * keys.duration_s if keys.two_sided else 0.0


def _turned(pose: FloatArray, heading_deg: float) -> FloatArray:
    turned = pose.copy()
    turned[_HEADING] += heading_deg
    return turned


def move(
    course: Course, seconds: float, skeleton: Skeleton, seed: int, sway_deg: float
) -> tuple[FloatArray, FloatArray]:
    """Angles (T, 46) in radians and root (T, 3) in metres at 30 frames a second.

    `sway_deg` is the size of the slow wandering that every joint has.
    """
    frames = round(seconds * FPS)
    at = np.arange(frames) / FPS
    times, poses = np.array(course.times), np.stack(course.poses)
    total = max(seconds, float(times[-1]) + 0.1)
    channels = periodic(times / total, poses, at / total)
    channels[:, _PRONE:] = np.clip(channels[:, _PRONE:], 0.0, 1.0)
    wander = _wander(at, len(DOF_NAMES), np.random.default_rng(seed)) * sway_deg
    wander[:, _HEADING] *= 0.5
    channels[:, : len(DOF_NAMES)] += wander
    angles = to_angles(channels, skeleton)
    angles[:, _HEADING] = np.deg2rad(channels[:, _HEADING])
    return angles, _root(angles, channels, skeleton)


def _wander(at: FloatArray, columns: int, draw: np.random.Generator) -> FloatArray:
    """(T, columns) slow noise of unit standard deviation: four sines between 0.1 and 0.8 Hz each."""
    rate = draw.uniform(0.1, 0.8, (4, 1, columns))
    phase = draw.uniform(0.0, 2 * np.pi, (4, 1, columns))
    return np.asarray(np.sin(2 * np.pi * rate * at[None, :, None] + phase).sum(axis=0) / np.sqrt(2.0))


def _root(angles: FloatArray, channels: FloatArray, skeleton: Skeleton) -> FloatArray:
    """Where the pelvis is: the lowest sole or hand on the floor, the feet that carry in place.

    A sole that is free and points down has left the floor: the body rises by up to 7 cm.
    """
    pose = forward_kinematics(angles, skeleton, np.zeros(3))
    soles, hands = pose.places(_SOLES), pose.places(_HANDS)
    prone = channels[:, _PRONE]
    lowest = soles[..., 1].min(axis=-1)
    lowest = np.where(prone > 0.05, np.minimum(lowest, hands[..., 1].min(axis=-1)), lowest)
    points = [np.clip(-angles[:, DOF_INDEX[f"ankle_angle_{side}"]] / np.deg2rad(26.0), 0.0, 1.0) for side in "rl"]
    free = 1.0 - np.maximum(channels[:, _FLAT[0]], channels[:, _FLAT[1]])
    root = np.zeros((len(angles), 3))
    root[:, 1] = 0.07 * np.minimum(*points) * np.clip(free, 0.0, 1.0) * (1.0 - prone) - lowest
    balls = np.stack([pose.place("ball_r"), pose.place("ball_l")], axis=1)
    height = balls[..., 1] - balls[..., 1].min(axis=1, keepdims=True)
    carries = np.exp(-height / 0.06)
    carries /= carries.sum(axis=1, keepdims=True)
    standing = (carries[..., None] * (balls - balls[0])).sum(axis=1) + balls[0].mean(axis=0)
    lying = 0.5 * (hands.mean(axis=1) + soles.mean(axis=1))
    middle = (1.0 - prone)[:, None] * standing + prone[:, None] * lying
    root[:, [0, 2]] = -middle[:, [0, 2]]
    return root
