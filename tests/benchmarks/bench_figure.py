"""Rendering and kinematics on one core: frames a second of the figure with and without encoding, time of FK and Jacobian."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from qevd_bio.anatomy.dofs import JOINT_NAMES
from qevd_bio.anatomy.forward import forward_kinematics, jacobian
from qevd_bio.anatomy.inverse import angles_from_rotations
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.simulation.drawing.camera import Camera
from qevd_bio.simulation.drawing.mp4 import write_mp4
from qevd_bio.simulation.drawing.render import render_clip
from qevd_bio.simulation.performance.exact_motion import Plan, make_motion

BAR_FPS = 30.0


def seconds(action) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main() -> None:
    skeleton = Skeleton.from_stature(1.75)
    motion = make_motion("squats", skeleton, Plan(seconds=5.0))
    camera = Camera.looking_at((0.0, 0.9, 0.0), 30.0, distance=3.4)
    count = len(motion.angles)

    def frames():
        return render_clip(motion.angles, skeleton, motion.root, camera)

    drawn = count / seconds(lambda: sum(1 for _ in frames()))
    with tempfile.TemporaryDirectory() as folder:
        written = count / seconds(lambda: write_mp4(Path(folder) / "clip.mp4", frames()))
    print(
        f"figure at {camera.width}x{camera.height}: {drawn:.0f} frames/s drawn ({drawn / BAR_FPS:.1f} x the bar of 30)"
    )
    print(f"drawn and encoded: {written:.0f} frames/s ({written / BAR_FPS:.1f} x)")

    angles = np.random.default_rng(0).uniform(-1, 1, (5000, 46))
    forward = seconds(lambda: forward_kinematics(angles, skeleton))
    pose = forward_kinematics(angles, skeleton)
    gradient = seconds(lambda: jacobian(angles, skeleton, JOINT_NAMES, pose))
    inverse = seconds(lambda: angles_from_rotations(pose.rotations))
    for name, spent in (("forward kinematics", forward), ("Jacobian of 24 joints", gradient), ("inverse", inverse)):
        print(f"{name}: {spent / len(angles) * 1e6:.0f} microseconds a frame ({spent / forward:.1f} x forward)")


if __name__ == "__main__":
    main()
