"""Single clips with known angles: a video of one exercise from one side, and its truth beside it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from qevd_bio.anatomy.dofs import DOF_NAMES, JOINT_NAMES
from qevd_bio.anatomy.forward import forward_kinematics
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.simulation.drawing.camera import Camera
from qevd_bio.simulation.drawing.mp4 import write_mp4
from qevd_bio.simulation.drawing.render import render_clip
from qevd_bio.simulation.drawing.style import Style
from qevd_bio.simulation.performance.exact_motion import FPS, Plan, make_motion
from qevd_bio.store.atomic import atomic_path

VIEWS = {"front": 0.0, "oblique": 40.0, "side": 90.0}
"""Heading of the camera in degrees: 0 in front of the person, 90 at its left."""


def write_truth_clip(path: Path, exercise: str, view: str, seed: int = 0, seconds: float = 8.0) -> Path:
    """Write `path` (.mp4) and the same name with .npz; the path of the latter. KeyError for unknown names.

    Size, tempo, depth, style and small camera offsets are drawn from `seed`; the same seed gives the same body
    and motion from every view. Arrays of the .npz: angles (T, 46) rad, root (T, 3) m, positions (T, 24, 3) m,
    phase (T,), fps, stature; names and camera as text and numbers.
    """
    draw = np.random.default_rng(seed)
    skeleton = _person(draw)
    plan = Plan(
        seconds=seconds,
        depth=float(draw.uniform(0.92, 1.05)),
        stance=float(draw.uniform(0.85, 1.15)),
        heading_deg=float(draw.uniform(-6, 6)),
    )
    motion = make_motion(exercise, skeleton, plan)
    camera = _camera(exercise, VIEWS[view], draw)
    pose = forward_kinematics(motion.angles, skeleton, motion.root)
    write_mp4(path, render_clip(motion.angles, skeleton, motion.root, camera, Style.random(seed)), FPS)
    lengths = skeleton.lengths()
    described = asdict(camera)
    truth = path.with_suffix(".npz")
    with atomic_path(truth) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            angles=motion.angles,
            root=motion.root,
            positions=pose.positions,
            phase=motion.phase,
            fps=np.array(FPS),
            cycle_s=np.array(motion.cycle_s),
            stature=np.array(skeleton.stature),
            dof_names=np.array(DOF_NAMES),
            joint_names=np.array(JOINT_NAMES),
            segment_names=np.array(list(lengths)),
            segment_lengths_m=np.array(list(lengths.values())),
            camera_position=np.array(described.pop("position")),
            camera_rotation=camera.rotation,
            camera_names=np.array(list(described)),
            camera_values=np.array(list(described.values()), dtype=np.float64),
        )
    return truth


def _person(draw: np.random.Generator) -> Skeleton:
    """A body of random stature; its segments depart from the generic fractions by up to 4 %, both sides alike."""
    generic = Skeleton.from_stature(float(draw.uniform(1.58, 1.90)))
    lengths: dict[str, float] = {}
    for name, length in generic.lengths().items():
        right = f"{name[:-2]}_r"
        lengths[name] = lengths[right] if name.endswith("_l") else length * float(draw.uniform(0.96, 1.04))
    return generic.with_lengths(lengths)


def _camera(exercise: str, heading_deg: float, draw: np.random.Generator) -> Camera:
    middle = 0.4 if exercise == "push_ups" else 0.9
    return Camera.looking_at(
        target=(0.0, middle, 0.0),
        heading_deg=heading_deg + float(draw.uniform(-4, 4)),
        distance=float(draw.uniform(3.3, 3.8)),
        camera_height=float(draw.uniform(0.9, 1.4)),
        focal_px=float(draw.uniform(520, 580)),
    )
