"""The registry of quantities that rules and cycles are written in: degrees of freedom and what is derived.

`derive(name, angles, pose)` gives one value a frame, angles in degrees, lengths as ratios. Each quantity
lists the degrees of freedom that must be observed for it to be known, and the plane in which it moves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from qevd_bio.anatomy import geometry as geo
from qevd_bio.anatomy import heights
from qevd_bio.anatomy.dofs import DOF_INDEX, DOFS, Dof, FloatArray
from qevd_bio.anatomy.forward import Pose

Plane = Literal["sagittal", "frontal", "transverse", "mixed"]
OverTime = Literal["", "range", "change"]


@dataclass(frozen=True)
class Quantity:
    """One quantity.

    unit       "deg" or "ratio"
    dofs       degrees of freedom that must be observed for the value to be known
    joints     joints that a finding on it points at
    plane      plane of the body in which it moves: a camera on that plane's axis sees it best
    over_time  "" where each frame stands alone; "range": maximum - minimum over the last axis, every frame;
               "change": against the first finite frame of the last axis
    needs_root True where the pelvis's place in the world is needed
    """

    name: str
    unit: Literal["deg", "ratio"]
    meaning: str
    dofs: tuple[str, ...]
    joints: tuple[str, ...]
    plane: Plane
    compute: Callable[[FloatArray, Pose], FloatArray]
    over_time: OverTime = ""
    needs_root: bool = False


def derive(name: str, angles: FloatArray, pose: Pose) -> FloatArray:
    """One quantity of QUANTITIES for every frame, shape (...); KeyError for an unknown name.

    angles (..., 46) radians and `pose` their forward kinematics. NaN where an input is NaN or where the
    quantity is undefined (an azimuth near its pole, see `geometry`).
    """
    quantity = QUANTITIES[name]
    series = quantity.compute(np.asarray(angles, dtype=np.float64), pose)
    if not quantity.over_time:
        return series
    if series.ndim == 0 or not np.isfinite(series).any():
        return np.where(np.isfinite(series), 0.0, np.nan)
    if quantity.over_time == "range":
        span = np.nanmax(series, axis=-1, keepdims=True) - np.nanmin(series, axis=-1, keepdims=True)
        return np.where(np.isfinite(series), span, np.nan)
    start = np.take_along_axis(series, np.isfinite(series).argmax(axis=-1)[..., None], axis=-1)
    return series - start


_PELVIS = ("pelvis_tilt", "pelvis_list", "pelvis_rotation")
# The trunk's direction: an estimator may see it as a whole without telling spine flexion from pelvic tilt.
_SPINE = (*_PELVIS, "lumbar_bending", "lumbar_twist")
_TRUNK = ("lumbar", "thorax", "pelvis")


def _hip(side: str) -> tuple[str, ...]:
    return tuple(f"hip_{motion}_{side}" for motion in ("flexion", "adduction", "rotation"))


def _leg(side: str) -> tuple[str, ...]:
    return (*_hip(side), f"knee_angle_{side}")


def _arm(side: str) -> tuple[str, ...]:
    return tuple(f"shoulder_{side}_{axis}" for axis in "xyz")


def _reach(side: str) -> tuple[str, ...]:
    return (*_arm(side), f"elbow_flexion_{side}")


_LEGS = (*_leg("r"), *_leg("l"))
_REACHES = (*_reach("r"), *_reach("l"))


def _sum(*terms: tuple[float, str]) -> Callable[[FloatArray, Pose], FloatArray]:
    def compute(angles: FloatArray, pose: Pose) -> FloatArray:
        return np.rad2deg(sum(weight * angles[..., DOF_INDEX[name]] for weight, name in terms))

    return compute


def _posed(function: Callable[..., FloatArray], *extra: str) -> Callable[[FloatArray, Pose], FloatArray]:
    def compute(angles: FloatArray, pose: Pose) -> FloatArray:
        return function(pose, *extra)

    return compute


_EXTENSIONS = ((1.0, "lumbar_extension"), (1.0, "thorax_extension"))


def _whole_body() -> list[Quantity]:
    deg, ratio = partial(Quantity, unit="deg"), partial(Quantity, unit="ratio")
    return [
        deg(name="trunk_lean_deg", meaning="lean of hips-to-neck from gravity, + forward", dofs=_SPINE,
            joints=_TRUNK, plane="sagittal", compute=_posed(geo.trunk_lean)),
        deg(name="trunk_side_lean_deg", meaning="lean of hips-to-neck from gravity, + to the right",
            dofs=_SPINE, joints=_TRUNK, plane="frontal", compute=_posed(geo.trunk_side_lean)),
        deg(name="spine_extension", meaning="lumbar + thorax extension, - when rounded",
            dofs=("lumbar_extension",), joints=("lumbar", "thorax"), plane="sagittal",
            compute=_sum(*_EXTENSIONS)),
        deg(name="spine_flexion_change", meaning="rounding of the spine since the first frame, + rounder",
            dofs=("lumbar_extension",), joints=("lumbar", "thorax"), plane="sagittal", over_time="change",
            compute=_sum(*((-weight, name) for weight, name in _EXTENSIONS))),
        deg(name="trunk_twist", meaning="lumbar + thorax twist, + to the left", dofs=("lumbar_twist",),
            joints=("lumbar", "thorax"), plane="transverse",
            compute=_sum((1.0, "lumbar_twist"), (1.0, "thorax_twist"))),
        deg(name="trunk_bending", meaning="lumbar + thorax side bend, + to the right",
            dofs=("lumbar_bending",), joints=("lumbar", "thorax"), plane="frontal",
            compute=_sum((1.0, "lumbar_bending"), (1.0, "thorax_bending"))),
        deg(name="pelvis_thorax_turn", meaning="thorax heading against pelvis heading, + to the left",
            dofs=_SPINE, joints=_TRUNK, plane="transverse", compute=_posed(geo.pelvis_thorax_turn)),
        deg(name="pelvis_roll", meaning="hip line out of level, + right hip lower", dofs=_PELVIS,
            joints=("pelvis",), plane="frontal", compute=_posed(geo.pelvis_roll)),
        deg(name="pelvis_roll_range", meaning="range of pelvis_roll over the frames given", dofs=_PELVIS,
            joints=("pelvis",), plane="frontal", over_time="range", compute=_posed(geo.pelvis_roll)),
        deg(name="body_line_deg", meaning="shoulder-hip-ankle from the side, < 180 pike, > 180 sag",
            dofs=(*_SPINE, *_LEGS), joints=("hip_r", "hip_l", "lumbar"), plane="sagittal",
            compute=_posed(geo.body_line)),
        ratio(name="knee_ankle_width_ratio", meaning="knee separation over ankle separation", dofs=_LEGS,
              joints=("hip_r", "hip_l", "knee_r", "knee_l"), plane="frontal",
              compute=_posed(geo.separation_ratio, "knee", "ankle")),
        ratio(name="ankle_hip_width_ratio", meaning="ankle separation over hip width", dofs=_LEGS,
              joints=("hip_r", "hip_l"), plane="frontal", compute=_posed(geo.ankle_width_ratio)),
        ratio(name="wrist_shoulder_width_ratio", meaning="wrist distance over shoulder width", dofs=_REACHES,
              joints=("shoulder_r", "shoulder_l"), plane="frontal", compute=_posed(geo.wrist_width_ratio)),
        ratio(name="hand_floor_gap", meaning="lowest hand above the lowest sole, over stature",
              dofs=(*_SPINE, *_LEGS, *_REACHES),
              joints=("hip_r", "hip_l", "lumbar", "shoulder_r", "shoulder_l"),
              plane="sagittal", compute=_posed(geo.hand_floor_gap)),
        ratio(name="wrist_shoulder_offset", meaning="level distance wrist to shoulder, mean of both sides",
              dofs=(*_SPINE, *_REACHES), joints=("shoulder_r", "shoulder_l"), plane="sagittal",
              compute=_posed(geo.wrist_shoulder_offsets)),
        ratio(name="pelvis_height", meaning="hips above the lowest sole, over leg length",
              dofs=(*_PELVIS, *_LEGS), joints=("hip_r", "hip_l", "knee_r", "knee_l"), plane="sagittal",
              compute=_posed(geo.pelvis_height)),
        ratio(name="pelvis_sideways", meaning="pelvis along the mean left-right axis, in leg lengths, + left",
              dofs=_PELVIS, joints=("pelvis",), plane="frontal", needs_root=True,
              compute=_posed(geo.pelvis_sideways)),
        ratio(name="pelvis_lateral_travel", meaning="range of pelvis_sideways over the frames given",
              dofs=_PELVIS, joints=("pelvis", "hip_r", "hip_l"), plane="frontal", over_time="range",
              needs_root=True, compute=_posed(geo.pelvis_sideways)),
    ]  # fmt: skip


def _seen_whole() -> list[Quantity]:
    ratio = partial(Quantity, unit="ratio")
    everything = (*_SPINE, *_LEGS, *_REACHES)
    return [
        ratio(name="chest_height", meaning="shoulders above the floor, over stature", dofs=everything,
              joints=("shoulder_r", "shoulder_l", "elbow_r", "elbow_l"), plane="sagittal",
              compute=_posed(heights.chest_height)),
        ratio(name="hips_height", meaning="hips above the floor, over stature", dofs=(*_PELVIS, *_LEGS),
              joints=("hip_r", "hip_l", "knee_r", "knee_l"), plane="sagittal", compute=_posed(heights.hips_height)),
        ratio(name="hips_shoulder_gap", meaning="hips above the shoulders, over stature", dofs=_SPINE,
              joints=("hip_r", "hip_l", "pelvis"), plane="frontal", compute=_posed(heights.hips_shoulder_gap)),
        ratio(name="step_length", meaning="ankles apart along the pelvis heading, over stature",
              dofs=(*_PELVIS, *_LEGS), joints=("hip_r", "hip_l"), plane="sagittal",
              compute=_posed(heights.step_length)),
        ratio(name="stance_shoulder_ratio", meaning="ankles apart sideways, over shoulder width",
              dofs=(*_PELVIS, *_LEGS), joints=("hip_r", "hip_l"), plane="frontal",
              compute=_posed(heights.stance_shoulder_ratio)),
        Quantity(name="trunk_line", unit="deg", meaning="bend between lower and upper trunk, 0 straight",
                 dofs=(*_SPINE, "lumbar_extension"),
                 joints=("lumbar", "thorax"), plane="sagittal", compute=_posed(heights.trunk_line)),
    ]  # fmt: skip


def _seen_side(side: str) -> list[Quantity]:
    ratio = partial(Quantity, unit="ratio")
    ankle = f"ankle_angle_{side}"
    return [
        ratio(name=f"knee_height_{side}", meaning="knee above the floor, over stature", dofs=(*_PELVIS, *_LEGS),
              joints=(f"knee_{side}", f"hip_{side}"), plane="sagittal", compute=_posed(heights.knee_height, side)),
        ratio(name=f"knee_hip_gap_{side}", meaning="knee above its hip, over stature", dofs=(*_PELVIS, *_hip(side)),
              joints=(f"hip_{side}",), plane="frontal", compute=_posed(heights.knee_hip_gap, side)),
        Quantity(name=f"trunk_thigh_bend_{side}", unit="deg", meaning="bend between trunk and thigh, + folded",
                 dofs=(*_SPINE, *_hip(side)), joints=(f"hip_{side}", "lumbar"), plane="sagittal",
                 compute=_posed(heights.trunk_thigh_bend, side)),
        Quantity(name=f"body_bend_{side}", unit="deg", meaning="bend between trunk and hip-to-ankle, + piked",
                 dofs=(*_SPINE, *_leg(side)), joints=(f"hip_{side}", "lumbar"), plane="sagittal",
                 compute=_posed(heights.body_bend, side)),
        ratio(name=f"hand_head_gap_{side}", meaning="wrist above the top of the head, over stature",
              dofs=(*_SPINE, *_reach(side)), joints=(f"shoulder_{side}", f"elbow_{side}"), plane="frontal",
              compute=_posed(heights.hand_head_gap, side)),
        ratio(name=f"foot_clearance_{side}", meaning="sole above the floor, over stature",
              dofs=(*_PELVIS, *_LEGS, ankle), joints=(f"knee_{side}", f"hip_{side}"), plane="sagittal",
              compute=_posed(heights.foot_clearance, side)),
        ratio(name=f"heel_toe_gap_{side}", meaning="heel above the toe tip, over stature",
              dofs=(*_PELVIS, *_leg(side), ankle), joints=(f"ankle_{side}",), plane="sagittal",
              compute=_posed(heights.heel_toe_gap, side)),
        ratio(name=f"knee_over_foot_{side}", meaning="knee inside of the ankle, over stature",
              dofs=(*_PELVIS, *_leg(side)), joints=(f"hip_{side}", f"knee_{side}"), plane="frontal",
              compute=_posed(heights.knee_over_foot, side)),
    ]  # fmt: skip


def _one_side(side: str) -> list[Quantity]:
    deg, ratio = partial(Quantity, unit="deg"), partial(Quantity, unit="ratio")
    shoulder, hip, raised = f"shoulder_{side}", f"hip_{side}", 1.0 if side == "l" else -1.0
    return [
        deg(name=f"shoulder_elevation_{side}", meaning="upper arm from the thorax's down axis, 180 overhead",
            dofs=_arm(side), joints=(shoulder,), plane="frontal",
            compute=_posed(geo.shoulder_elevation, side)),
        deg(name=f"upper_arm_trunk_angle_{side}", meaning="as shoulder_elevation, for prone exercises",
            dofs=_arm(side), joints=(shoulder,), plane="mixed",
            compute=_posed(geo.shoulder_elevation, side)),
        deg(name=f"shoulder_flexion_{side}", meaning="upper arm in the thorax's sagittal plane, + forward",
            dofs=_arm(side), joints=(shoulder,), plane="sagittal",
            compute=_posed(geo.shoulder_flexion, side)),
        deg(name=f"horizontal_adduction_{side}", meaning="upper arm azimuth, 0 sideways, 90 forward",
            dofs=_arm(side), joints=(shoulder,), plane="transverse",
            compute=_posed(geo.horizontal_adduction, side)),
        deg(name=f"hip_abduction_{side}", meaning="thigh out of the pelvis's sagittal plane, + outward",
            dofs=_hip(side), joints=(hip,), plane="frontal", compute=_posed(geo.hip_abduction, side)),
        deg(name=f"foot_pitch_{side}", meaning="rear foot against level, + heel up",
            dofs=(*_PELVIS, *_leg(side), f"ankle_angle_{side}"), joints=(f"ankle_{side}",), plane="sagittal",
            compute=_posed(geo.foot_pitch, side)),
        deg(name=f"scapula_raise_{side}", meaning="elevation of the scapula, + shrugged on both sides",
            dofs=(f"scapula_elevation_{side}",), joints=(f"scapula_{side}",), plane="frontal",
            compute=_sum((raised, f"scapula_elevation_{side}"))),
        deg(name=f"scapula_protraction_{side}", meaning="protraction of the scapula, + forward on both sides",
            dofs=(f"scapula_abduction_{side}",), joints=(f"scapula_{side}",), plane="transverse",
            compute=_sum((-raised, f"scapula_abduction_{side}"))),
        deg(name=f"knee_valgus_{side}", meaning="shank out of the pelvis heading's sagittal plane, + knee inward",
            dofs=(*_PELVIS, *_leg(side)), joints=(hip, f"knee_{side}"), plane="frontal",
            compute=_posed(geo.knee_valgus, side)),
        ratio(name=f"wrist_shoulder_offset_{side}", meaning="level distance wrist to shoulder, over stature",
              dofs=(*_SPINE, *_reach(side)), joints=(shoulder,), plane="sagittal",
              compute=_posed(geo.wrist_shoulder_offset, side)),
        ratio(name=f"wrist_ankle_distance_{side}", meaning="ankle to the nearer wrist, over stature",
              dofs=(*_SPINE, *_leg(side), *_REACHES), joints=(shoulder, f"elbow_{side}"),
              plane="sagittal", compute=_posed(geo.wrist_ankle_distance, side)),
    ]  # fmt: skip


_PLANES: dict[str, Plane] = {"sagittal": "sagittal", "frontal": "frontal", "transverse": "transverse"}


def _plain(dof: Dof) -> Quantity:
    """A degree of freedom as a quantity of its own, in degrees."""
    return Quantity(
        name=dof.name,
        unit="deg",
        meaning=f"+ {dof.positive}",
        dofs=(dof.name,),
        joints=(dof.joint,),
        plane=_PLANES[dof.plane],
        compute=_sum((1.0, dof.name)),
    )


QUANTITIES: dict[str, Quantity] = {
    quantity.name: quantity
    for quantity in (
        *map(_plain, DOFS),
        *_whole_body(),
        *_one_side("r"),
        *_one_side("l"),
        *_seen_whole(),
        *_seen_side("r"),
        *_seen_side("l"),
    )
}
