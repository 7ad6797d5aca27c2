"""The reduced kinematic chain of the fit: 29 variables a frame, 16 markers, positions and Jacobians for whole arrays.

Ball joints are kept as rotation matrices and moved by small turns about their own axes, so no Euler angle is near
a singular pose while the fit runs. Level frame throughout: x to the right of the image, y up, z to the camera.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.axes import WORLD_AXES
from qevd_bio.anatomy.dofs import DOF_INDEX, JOINT_INDEX
from qevd_bio.anatomy.skeleton import POINT_INDEX, Skeleton
from qevd_bio.pose.fit.rotations import exp_rotation, hinge

Float = NDArray[np.float64]

N_VARIABLES = 29
TRANS, PELVIS, SPINE = slice(0, 3), slice(3, 6), slice(6, 9)
HIP = (slice(9, 12), slice(19, 22))
KNEE, ANKLE, SUBTALAR = (12, 22), (13, 23), (14, 24)
SHOULDER = (slice(15, 18), slice(25, 28))
ELBOW = (18, 28)
SHOULDERS, ELBOWS, WRISTS, HIPS, KNEES, ANKLES, HEELS, TOES = range(8)
LUMBAR_SHARE = 0.6  # of a turn of the spine; the thorax joint takes the rest

# The model's hip landmarks lie outside and above the joint centres (its thighs are 1.05 shanks long and its hips
# 0.14 statures wide), its foot landmark short of the toe tip. In statures; the last as a share of the toe.
HIP_MARKER_OUT, HIP_MARKER_UP, TOE_MARKER = 0.020, 0.010, 0.8

LENGTHS = ("hip_width", "shoulder_width", "trunk", "thigh", "shank", "foot", "upper_arm", "forearm")


@dataclass(frozen=True)
class Chain:
    """Offsets (m) and hinge axes in the zero pose; pairs are (right, left)."""

    hip: Float  # (2, 3) pelvis -> hip joint
    lumbar: Float  # (3,) pelvis -> lumbar joint
    thorax: Float  # (3,) lumbar -> thorax joint
    shoulder: Float  # (2, 3) thorax joint -> shoulder
    elbow: Float  # (2, 3) shoulder -> elbow
    wrist: Float  # (2, 3) elbow -> wrist
    knee: Float  # (2, 3) hip -> knee
    ankle: Float  # (2, 3) knee -> ankle
    subtalar: Float  # (2, 3) ankle -> subtalar joint
    heel: Float  # (2, 3) subtalar -> heel marker
    toe: Float  # (2, 3) subtalar -> toe marker
    hip_marker: Float  # (2, 3) hip joint -> hip marker
    knee_axis: Float  # (2, 3)
    ankle_axis: Float
    subtalar_axis: Float
    elbow_axis: Float

    @classmethod
    def of(cls, skeleton: Skeleton) -> Chain:
        """The chain of a skeleton. Scapulae stand still; toes and wrists have no variable of their own."""

        def both(name: str) -> Float:
            return np.stack([skeleton.offsets[JOINT_INDEX[f"{name}_{side}"]] for side in "rl"])

        def point(name: str) -> Float:
            return np.stack([skeleton.point_offsets[POINT_INDEX[f"{name}_{side}"]] for side in "rl"])

        def axis(dof: str) -> Float:
            return np.stack([WORLD_AXES[DOF_INDEX[f"{dof}_{side}"]] for side in "rl"])

        outward = np.array([[-HIP_MARKER_OUT, HIP_MARKER_UP, 0.0], [HIP_MARKER_OUT, HIP_MARKER_UP, 0.0]])
        return cls(
            hip=both("hip"),
            lumbar=skeleton.offsets[JOINT_INDEX["lumbar"]],
            thorax=skeleton.offsets[JOINT_INDEX["thorax"]],
            shoulder=both("scapula") + both("shoulder"),
            elbow=both("elbow"),
            wrist=both("radioulnar") + both("wrist"),
            knee=both("knee"),
            ankle=both("ankle"),
            subtalar=both("subtalar"),
            heel=point("heel"),
            toe=both("mtp") + TOE_MARKER * point("toe_tip"),
            hip_marker=outward * skeleton.stature,
            knee_axis=axis("knee_angle"),
            ankle_axis=axis("ankle_angle"),
            subtalar_axis=axis("subtalar_angle"),
            elbow_axis=axis("elbow_flexion"),
        )


@dataclass(frozen=True)
class State:
    """Pose of T frames in the chain's variables."""

    trans: Float  # (T, 3) pelvis, level frame at the camera
    pelvis: Float  # (T, 3, 3)
    spine: Float  # (T, 3) rotation vector of the whole spine, in the pelvis
    hip: Float  # (T, 2, 3, 3) thigh in the pelvis
    knee: Float  # (T, 2) and so on, radians
    ankle: Float
    subtalar: Float
    shoulder: Float  # (T, 2, 3, 3) upper arm in the thorax
    elbow: Float  # (T, 2)

    def __len__(self) -> int:
        return len(self.trans)

    def moved(self, step: Float) -> State:
        """The state after a step (T, 29): sums for lengths and hinges, small turns for ball joints."""
        hips = np.stack([step[:, HIP[0]], step[:, HIP[1]]], axis=1)
        shoulders = np.stack([step[:, SHOULDER[0]], step[:, SHOULDER[1]]], axis=1)
        return State(
            trans=self.trans + step[:, TRANS],
            pelvis=self.pelvis @ exp_rotation(step[:, PELVIS]),
            spine=self.spine + step[:, SPINE],
            hip=self.hip @ exp_rotation(hips),
            knee=self.knee + step[:, KNEE],
            ankle=self.ankle + step[:, ANKLE],
            subtalar=self.subtalar + step[:, SUBTALAR],
            shoulder=self.shoulder @ exp_rotation(shoulders),
            elbow=self.elbow + step[:, ELBOW],
        )

    def take(self, index: NDArray[np.intp] | slice) -> State:
        """The state at chosen frames."""
        return State(**{name: getattr(self, name)[index] for name in self.__dataclass_fields__})


@dataclass(frozen=True)
class Placed:
    """Where a state puts the body: markers (T, 8, 2, 3) and the frames that the Jacobian needs."""

    markers: Float
    root: Float  # (T, 3) joint centres
    lumbar: Float
    thorax: Float
    joints: Float  # (T, 4, 2, 3): shoulder, elbow (as the arm's), hip, knee centres
    feet: Float  # (T, 2, 2, 3): ankle, subtalar centres
    pelvis: Float  # (T, 3, 3) rotations in the level frame
    spine_axes: Float
    thigh: Float  # (T, 2, 3, 3)
    upper_arm: Float
    knee_axis: Float  # (T, 2, 3)
    ankle_axis: Float
    subtalar_axis: Float
    elbow_axis: Float


def rest_state(frames: int) -> State:
    """The zero pose, pelvis at the origin."""
    one, pair = np.tile(np.eye(3), (frames, 1, 1)), np.tile(np.eye(3), (frames, 2, 1, 1))
    zero, hinge_zero = np.zeros((frames, 3)), np.zeros((frames, 2))
    return State(zero, one, zero, pair, hinge_zero, hinge_zero, hinge_zero, pair, hinge_zero)


def place(chain: Chain, state: State) -> Placed:
    """Markers and joint frames of every frame."""
    root, pelvis = state.trans, state.pelvis
    lumbar = root + pelvis @ chain.lumbar
    thorax = lumbar + _turn(pelvis @ exp_rotation(LUMBAR_SHARE * state.spine), chain.thorax)
    chest = pelvis @ exp_rotation(state.spine)
    shoulder = thorax[:, None] + _turn_pair(chest[:, None], chain.shoulder)
    upper_arm = chest[:, None] @ state.shoulder
    elbow = shoulder + _turn_pair(upper_arm, chain.elbow)
    wrist = elbow + _turn_pair(upper_arm @ hinge(chain.elbow_axis, state.elbow), chain.wrist)
    hip = root[:, None] + _turn_pair(pelvis[:, None], chain.hip)
    thigh = pelvis[:, None] @ state.hip
    knee = hip + _turn_pair(thigh, chain.knee)
    shank = thigh @ hinge(chain.knee_axis, state.knee)
    ankle = knee + _turn_pair(shank, chain.ankle)
    talus = shank @ hinge(chain.ankle_axis, state.ankle)
    subtalar = ankle + _turn_pair(talus, chain.subtalar)
    foot = talus @ hinge(chain.subtalar_axis, state.subtalar)
    heel = subtalar + _turn_pair(foot, chain.heel)
    toe = subtalar + _turn_pair(foot, chain.toe)
    hip_marker = hip + _turn_pair(pelvis[:, None], chain.hip_marker)
    return Placed(
        markers=np.stack([shoulder, elbow, wrist, hip_marker, knee, ankle, heel, toe], axis=1),
        root=root,
        lumbar=lumbar,
        thorax=thorax,
        joints=np.stack([shoulder, elbow, hip, knee], axis=1),
        feet=np.stack([ankle, subtalar], axis=1),
        pelvis=pelvis,
        spine_axes=pelvis @ exp_rotation(0.5 * state.spine),
        thigh=thigh,
        upper_arm=upper_arm,
        knee_axis=_turn_pair(thigh, chain.knee_axis),
        ankle_axis=_turn_pair(shank, chain.ankle_axis),
        subtalar_axis=_turn_pair(talus, chain.subtalar_axis),
        elbow_axis=_turn_pair(upper_arm, chain.elbow_axis),
    )


def jacobian(placed: Placed) -> Float:
    """Derivative of the markers by the variables, (T, 8, 2, 3, 29): axis × lever for every turn."""
    markers = placed.markers
    out = np.zeros((*markers.shape, N_VARIABLES))
    out[..., TRANS] = np.eye(3)
    out[..., PELVIS] = _swing(placed.pelvis[:, None, None], markers - placed.root[:, None, None])
    arm = slice(SHOULDERS, WRISTS + 1)
    axes = placed.spine_axes[:, None, None]
    lever = markers[:, arm] - (LUMBAR_SHARE * placed.lumbar + (1.0 - LUMBAR_SHARE) * placed.thorax)[:, None, None]
    out[:, arm, :, :, SPINE] = _swing(axes, lever)
    shoulder, elbow, hip, knee = np.moveaxis(placed.joints, 1, 0)
    ankle, subtalar = np.moveaxis(placed.feet, 1, 0)
    for side in range(2):
        own = markers[:, :, side]
        hand, leg, foot = own[:, ELBOWS : WRISTS + 1], own[:, KNEES:], own[:, HEELS:]
        out[:, ELBOWS : WRISTS + 1, side, :, SHOULDER[side]] = _swing(
            placed.upper_arm[:, side, None], hand - shoulder[:, side, None]
        )
        out[:, WRISTS, side, :, ELBOW[side]] = np.cross(placed.elbow_axis[:, side], own[:, WRISTS] - elbow[:, side])
        out[:, KNEES:, side, :, HIP[side]] = _swing(placed.thigh[:, side, None], leg - hip[:, side, None])
        out[:, ANKLES:, side, :, KNEE[side]] = np.cross(
            placed.knee_axis[:, side, None], own[:, ANKLES:] - knee[:, side, None]
        )
        out[:, HEELS:, side, :, ANKLE[side]] = np.cross(placed.ankle_axis[:, side, None], foot - ankle[:, side, None])
        out[:, HEELS:, side, :, SUBTALAR[side]] = np.cross(
            placed.subtalar_axis[:, side, None], foot - subtalar[:, side, None]
        )
    return out


def length_jacobian(chain: Chain, placed: Placed) -> Float:
    """Derivative of the markers by the logarithms of the LENGTHS, (T, 8, 2, 3, 8)."""
    markers = placed.markers
    out = np.zeros((*markers.shape, len(LENGTHS)))
    shoulder, elbow, hip, knee = np.moveaxis(placed.joints, 1, 0)
    ankle = placed.feet[:, 0]
    chest_mid = shoulder.mean(1, keepdims=True)
    hip_half = _turn_pair(placed.pelvis[:, None], chain.hip * [1.0, 0.0, 0.0])
    out[:, HIPS:, ..., 0] = hip_half[:, None]
    out[:, HIPS, ..., 0] = markers[:, HIPS] - markers[:, HIPS].mean(1, keepdims=True)
    out[:, : WRISTS + 1, ..., 1] = (shoulder - chest_mid)[:, None]
    out[:, : WRISTS + 1, ..., 2] = (chest_mid - placed.root[:, None])[:, None]
    out[:, KNEES:, ..., 3] = (knee - hip)[:, None]
    out[:, ANKLES:, ..., 4] = (ankle - knee)[:, None]
    out[:, HEELS:, ..., 5] = markers[:, HEELS:] - ankle[:, None]
    out[:, ELBOWS : WRISTS + 1, ..., 6] = (elbow - shoulder)[:, None]
    out[:, WRISTS, ..., 7] = markers[:, WRISTS] - elbow
    return out


def _turn(rotation: Float, offset: Float) -> Float:
    return np.asarray(rotation @ offset)


def _turn_pair(rotation: Float, offset: Float) -> Float:
    """Rotations (T, 2 or 1, 3, 3) times offsets (2, 3) -> (T, 2, 3)."""
    return np.asarray((rotation @ offset[:, :, None])[..., 0])


def _swing(axes: Float, lever: Float) -> Float:
    """Columns axis × lever: axes (..., 3, 3) as columns, lever (..., 3) -> (..., 3, 3)."""
    x, y, z = lever[..., 0, None], lever[..., 1, None], lever[..., 2, None]
    ax, ay, az = axes[..., 0, :], axes[..., 1, :], axes[..., 2, :]
    return np.stack([ay * z - az * y, az * x - ax * z, ax * y - ay * x], axis=-2)
