"""Pictures of references: stick figures at key phases, curves of the signal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from qevd_bio.anatomy.dofs import FloatArray
from qevd_bio.anatomy.forward import Pose
from qevd_bio.anatomy.geometry import lowest_sole
from qevd_bio.exercise.curves import Curves
from qevd_bio.exercise.measure import key_frames, signal_of
from qevd_bio.exercise.rules import Exercise
from qevd_bio.store import extras
from qevd_bio.store.atomic import atomic_path

_VIEWS = (("side", 2, -1.0), ("front", 0, 1.0))
_COLOURS = {"r": "#c2410c", "l": "#1d4ed8", "": "#374151"}
_LIMBS = (
    ("r", ("hip_r", "knee_r", "ankle_r", "heel_r", "toe_tip_r", "ankle_r")),
    ("l", ("hip_l", "knee_l", "ankle_l", "heel_l", "toe_tip_l", "ankle_l")),
    ("r", ("scapula_r", "shoulder_r", "elbow_r", "wrist_r", "hand_tip_r")),
    ("l", ("scapula_l", "shoulder_l", "elbow_l", "wrist_l", "hand_tip_l")),
    ("", ("hip_r", "pelvis", "hip_l")),
    ("", ("pelvis", "lumbar", "thorax", "head", "head_top")),
)


def draw(exercise: Exercise, angles: FloatArray, path: Path, figures: int = 6) -> None:
    """Write a PNG: the reference from the side and the front at `figures` phases, and its signal with key frames.

    angles (N, 46) radians. UserError where matplotlib is not installed.
    """
    plt = _pyplot()
    curves = Curves(angles)
    moments = key_frames(exercise, curves, len(angles))
    frames = sorted(
        {*np.linspace(0, len(angles) - 1, figures, dtype=int).tolist(), *(m.frame for m in moments.values())}
    )
    figure = plt.figure(figsize=(2.1 * len(frames), 7.0))
    grid = figure.add_gridspec(3, len(frames), height_ratios=(2, 2, 1.3))
    for row, (view, axis, sign) in enumerate(_VIEWS):
        for column, frame in enumerate(frames):
            panel = figure.add_subplot(grid[row, column])
            _stick_figure(panel, curves.pose, frame, axis, sign)
            names = [name for name, moment in moments.items() if moment.frame == frame]
            if row == 0:
                panel.set_title(", ".join(names) or f"{frame / max(len(angles) - 1, 1):.0%}", fontsize=9)
            if column == 0:
                panel.text(-1.0, 1.8, view, fontsize=9)
    _signal(figure.add_subplot(grid[2, :]), exercise, curves, {name: moment.frame for name, moment in moments.items()})
    figure.suptitle(f"{exercise.name}: reference, {len(angles)} frames")
    with atomic_path(path) as tmp:
        figure.savefig(tmp, format="png", dpi=80)
    plt.close(figure)


def _stick_figure(panel: Any, pose: Pose, frame: int, axis: int, sign: float) -> None:
    floor = min(float(lowest_sole(pose)[frame]), float(pose.places(("wrist_r", "wrist_l"))[frame, :, 1].min()))
    centre = float(pose.place("pelvis")[frame, axis])
    for side, names in _LIMBS:
        points = pose.places(names)[frame]
        panel.plot(sign * (points[:, axis] - centre), points[:, 1] - floor, "-", color=_COLOURS[side], linewidth=2)
    panel.axhline(0, color="#9ca3af", linewidth=0.8)
    panel.set(xlim=(-1.1, 1.1), ylim=(-0.15, 2.2), aspect="equal")
    panel.axis("off")


def _signal(panel: Any, exercise: Exercise, curves: Curves, frames: dict[str, int]) -> None:
    signal = signal_of(exercise, curves)
    phase = np.linspace(0, 100, len(signal))
    panel.plot(phase, signal, color="#111827")
    for name, frame in frames.items():
        panel.plot(phase[frame], signal[frame], "o", color="#b91c1c")
        panel.annotate(name, (phase[frame], signal[frame]), fontsize=8)
    panel.set(xlabel="cycle, %", ylabel="signal, degrees", title=exercise.signal.expression)


def _pyplot() -> Any:
    extras.need("matplotlib", what="a drawing")
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot
