"""Pictures of kinematics for the eye: angles over time, and the skeleton drawn on frames. Arrays in, pictures out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.derived import QUANTITIES, derive
from qevd_bio.anatomy.dofs import DOF_INDEX, DOF_NAMES, JOINT_NAMES, PARENTS
from qevd_bio.anatomy.forward import forward_kinematics
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.anatomy.uncertainty import curve_sigma
from qevd_bio.pose.backends.landmarks import EDGES, LANDMARKS
from qevd_bio.store import extras
from qevd_bio.store.errors import UserError
from qevd_bio.tables.kinematics import HELD, MISSING, OK, Kinematics

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

RIGHT, LEFT, MIDDLE = (214, 96, 20), (20, 110, 200), (60, 60, 60)
CELL = 300
FIGURE_TURN = np.deg2rad(50.0)
# Turns of the whole body say more about the camera than about the exercise.
_NOT_CHOSEN = ("pelvis_rotation", "head_bending", "head_extension", "head_twist")
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#999999")


@dataclass(frozen=True)
class Curve:
    """One line of the plot: values (T,) in `unit` over the kinematics' times, raw (T,) and sigma (T,) behind it where
    there are."""

    name: str
    unit: str
    values: NDArray[np.float64]
    raw: NDArray[np.float64] | None = None
    sigma: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Band:
    """A stretch of time to be shaded, such as a repetition; `row` names the curve it belongs to, None for all."""

    start_s: float
    end_s: float
    label: str = ""
    colour: str = "#f0e442"
    row: str | None = None


@dataclass(frozen=True)
class Shot:
    """One picture of the contact sheet: an upright RGB frame, or None, and which row of the kinematics it shows."""

    row: int
    image: NDArray[np.uint8] | None


def choose_dofs(kinematics: Kinematics, count: int = 6) -> list[str]:
    """The observed degrees of freedom that move most: widest between the 5th and 95th percentile."""
    seen = kinematics.observed.mean(axis=0) >= 0.5
    angles = np.where(kinematics.valid[:, None], kinematics.angles, np.nan)
    usable = [k for k in np.flatnonzero(seen) if np.isfinite(angles[:, k]).any() and DOF_NAMES[k] not in _NOT_CHOSEN]
    spans = {k: float(np.subtract(*np.nanpercentile(angles[:, k], (95, 5)))) for k in usable}
    best = sorted(spans, key=lambda k: -spans[k])[:count]
    return [DOF_NAMES[k] for k in sorted(best)]


def curve_of(kinematics: Kinematics, name: str) -> Curve:
    """The curve of a degree of freedom or of a derived quantity, in degrees or as a ratio.

    Raises UserError for a name that is neither.
    """
    if name in DOF_INDEX:
        k = DOF_INDEX[name]
        sigma = None if kinematics.sigma is None else np.rad2deg(kinematics.sigma[:, k].astype(np.float64))
        return Curve(name, "°", np.rad2deg(kinematics.angles[:, k]), np.rad2deg(kinematics.raw[:, k]), sigma)
    if name not in QUANTITIES:
        raise UserError(
            f"no angle {name!r}",
            expected="a degree of freedom such as knee_angle_r, or a quantity such as trunk_lean_deg",
        )
    quantity = QUANTITIES[name]
    angles = kinematics.angles.astype(np.float64)
    root = kinematics.root.astype(np.float64) if quantity.needs_root else None
    pose = forward_kinematics(angles, Skeleton.from_stature(), root)
    sigma = None
    if kinematics.sigma is not None:
        sigma = curve_sigma(name, angles, kinematics.sigma.astype(np.float64), root=root)
    return Curve(name, "°" if quantity.unit == "deg" else "", np.asarray(derive(name, angles, pose)), sigma=sigma)


def plot_curves(kinematics: Kinematics, curves: Sequence[Curve], bands: Sequence[Band] = ()) -> Figure:
    """A figure with one panel a curve and the confidence below. The caller saves it; more can be drawn on its axes.

    Raises UserError where matplotlib is not installed.
    """
    extras.need("matplotlib", what="a plot")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 1.7 * len(curves) + 1.6), layout="constrained")
    axes = figure.subplots(len(curves) + 1, 1, sharex=True, squeeze=False, height_ratios=[*[1.0] * len(curves), 0.45])[
        :, 0
    ]
    for row, (axis, curve) in enumerate(zip(axes[:-1], curves, strict=True)):
        _draw_curve(axis, kinematics, curve, _COLOURS[row % len(_COLOURS)])
        for band in bands:
            if band.row in (None, curve.name):
                axis.axvspan(band.start_s, band.end_s, color=band.colour, alpha=0.25, lw=0)
                axis.text(band.start_s, 1.0, band.label, fontsize=7, va="top", transform=axis.get_xaxis_transform())
    _draw_confidence(axes[-1], kinematics)
    figure.suptitle(f"{kinematics.split}/{kinematics.video}", fontsize=10)
    return figure


def _draw_curve(axis: Any, kinematics: Kinematics, curve: Curve, colour: str) -> None:
    time_s = kinematics.time_s
    if curve.sigma is not None:
        low, high = curve.values - curve.sigma, curve.values + curve.sigma
        axis.fill_between(time_s, low, high, color=colour, alpha=0.15, lw=0, label="± 1 sigma")
    if curve.raw is not None:
        axis.plot(time_s, curve.raw, color=colour, lw=0.6, alpha=0.35)
    axis.plot(time_s, curve.values, color=colour, lw=1.4)
    held = kinematics.status == HELD
    axis.plot(time_s[held], curve.values[held], ".", color="#777777", ms=3)
    axis.set_ylabel(f"{curve.name}\n{curve.unit}", fontsize=8)
    axis.grid(alpha=0.25)
    axis.tick_params(labelsize=8)
    if curve.name in DOF_INDEX and not kinematics.observed[:, DOF_INDEX[curve.name]].any():
        axis.text(0.01, 0.9, "not observed", transform=axis.transAxes, fontsize=8, va="top", color="#a00000")


def _draw_confidence(axis: Any, kinematics: Kinematics) -> None:
    axis.fill_between(kinematics.time_s, kinematics.confidence, step="mid", color="#bbbbbb", lw=0)
    for code, colour, name in ((HELD, "#e69f00", "held"), (MISSING, "#a00000", "missing")):
        where = kinematics.status == code
        if where.any():
            axis.plot(kinematics.time_s[where], np.full(int(where.sum()), 1.05), "|", color=colour, label=name, ms=5)
            axis.legend(fontsize=7, loc="lower right")
    axis.set_ylim(0, 1.15)
    axis.set_ylabel("confidence", fontsize=8)
    axis.set_xlabel("s", fontsize=8)
    axis.tick_params(labelsize=8)


def pick_rows(kinematics: Kinematics, count: int) -> list[int]:
    """Rows spread evenly over the clip, each moved to the nearest frame that has a pose of its own."""
    rows = np.linspace(0, len(kinematics) - 1, min(count, len(kinematics))).round().astype(int)
    own = np.flatnonzero(kinematics.status == OK)
    if len(own):
        nearest = own[np.abs(own[None] - rows[:, None]).argmin(axis=1)]
        rows = np.where(np.abs(nearest - rows) <= len(kinematics) / (2 * count), nearest, rows)
    return sorted({int(row) for row in rows})


def contact_sheet(kinematics: Kinematics, shots: Sequence[Shot], columns: int = 6) -> Image:
    """The shots side by side, each with skeleton, time and status. Without an image the pose is drawn as a figure."""
    from PIL import Image as Images

    cells = [_cell(kinematics, shot) for shot in shots]
    height = max(cell.height for cell in cells)
    width = max(cell.width for cell in cells)
    columns = min(columns, len(cells))
    lines = -(-len(cells) // columns)
    sheet = Images.new("RGB", (columns * width, lines * height), (255, 255, 255))
    for k, cell in enumerate(cells):
        sheet.paste(cell, ((k % columns) * width, (k // columns) * height))
    return sheet


def _cell(kinematics: Kinematics, shot: Shot) -> Image:
    from PIL import Image as Images
    from PIL import ImageDraw

    landmarks = None if kinematics.landmarks is None else kinematics.landmarks[shot.row]
    if shot.image is not None:
        picture = Images.fromarray(shot.image)
        scale = CELL / max(picture.size)
        picture = picture.resize((max(round(picture.width * scale), 1), max(round(picture.height * scale), 1)))
    else:
        picture, scale = Images.new("RGB", (CELL, CELL), (250, 250, 250)), 1.0
    draw = ImageDraw.Draw(picture)
    if shot.image is not None and landmarks is not None and np.isfinite(landmarks[0, 0]):
        _draw_landmarks(draw, landmarks, scale)
    elif np.isfinite(kinematics.angles[shot.row]).all():
        # beside a picture the figure stands in its corner, so that it does not pass for a measured overlay
        _draw_figure(draw, kinematics.angles[shot.row], CELL * (0.35 if shot.image is not None else 1.0))
    status = (
        "" if kinematics.status[shot.row] == OK else (" held" if kinematics.status[shot.row] == HELD else " missing")
    )
    text = f"{kinematics.time_s[shot.row]:.2f} s{status}"
    draw.rectangle((0, 0, 8 + 6.2 * len(text), 14), fill=(0, 0, 0))
    draw.text((4, 1), text, fill=(255, 255, 255))
    return picture


def _draw_landmarks(draw: Any, landmarks: NDArray[np.float32], scale: float) -> None:
    points = landmarks[:, :2] * scale
    for a, b in EDGES:
        colour = _colour(LANDMARKS[a], LANDMARKS[b])
        seen = min(landmarks[a, 5], landmarks[b, 5]) >= 0.5
        draw.line([*points[a], *points[b]], fill=colour if seen else (170, 170, 170), width=3 if seen else 1)


def _draw_figure(draw: Any, angles: NDArray[np.float32], size: float) -> None:
    """The pose as a stick figure seen obliquely from its left, by forward kinematics: front alone hides every bend."""
    level = angles.astype(np.float64)
    level[DOF_INDEX["pelvis_rotation"]] = -FIGURE_TURN
    places = np.asarray(forward_kinematics(level, Skeleton.from_stature()).positions)[:, :2]
    span = max(float(np.ptp(places, axis=0).max()), 1e-6)
    centred = (places - (places.max(0) + places.min(0)) / 2) / span * [0.8, -0.8] + 0.5
    points = centred * size
    for child, parent in enumerate(PARENTS):
        if parent >= 0:
            colour = _colour(JOINT_NAMES[child], JOINT_NAMES[child])
            draw.line([*points[parent], *points[child]], fill=colour, width=3)


def _colour(a: str, b: str) -> tuple[int, int, int]:
    if (a.startswith("right_") and b.startswith("right_")) or a.endswith("_r"):
        return RIGHT
    return LEFT if (a.startswith("left_") and b.startswith("left_")) or a.endswith("_l") else MIDDLE
