"""The timeline of a segment and a cycle against its reference. Views and arrays in, figures drawn."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from qevd_bio.reporting.content.views import Array, Lane, SegmentView, SignalCurve, rule_words
from qevd_bio.reporting.plots.figures import BAND, COLOURS, FAULT, HIT, MISS, label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HEIGHTS = {"frames": 1.1, "angle": 1.7, "repetitions": 0.3, "violations": 0.34, "trainer": 0.3}
_LANE = 0.5
_LANE_SHARE = 0.85
"""Of the figure's width and of a lane's height, what labels and gaps leave."""


@dataclass(frozen=True)
class CyclePlot:
    """Repetitions of one segment over the cycle (0..1): each (N,) degrees, NaN where unknown.

    chosen      which of `cycles` is drawn strongly;  numbers  their numbers from 1
    reference   (M,) over the cycle, None without one;  half_width  of the band, degrees
    marks       (phase, words) of the chosen repetition's violations
    """

    title: str
    unit: str
    cycles: Sequence[Array]
    numbers: Sequence[int]
    chosen: int
    reference: Array | None
    half_width: float
    marks: Sequence[tuple[float, str]] = ()


def timeline_rows(view: SegmentView) -> list[tuple[str, float]]:
    """(name, inches) of the lanes that there is something to draw in; systems last."""
    there = {
        "frames": view.strip is not None,
        "angle": view.curve is not None,
        "repetitions": bool(view.reps),
        "violations": bool(view.faults),
        "trainer": bool(view.truths),
    }
    lanes = [(lane.run, _LANE) for lane in view.lanes]
    return [(name, _HEIGHTS[name]) for name, yes in there.items() if yes] + lanes


def draw_timeline(figure: Figure, view: SegmentView, rows: Sequence[tuple[str, float]]) -> None:
    """Lanes above one another on one axis of time, seconds from the segment's start."""
    ratios = [height for _, height in rows]
    panels = figure.subplots(len(rows), 1, sharex=True, squeeze=False, height_ratios=ratios)[:, 0]
    draw = {"frames": _frames, "angle": _angle, "repetitions": _reps, "violations": _faults, "trainer": _truths}
    own = len(rows) - len(view.lanes)
    for place, ((name, _), axes) in enumerate(zip(rows, panels, strict=True)):
        axes.set_ylabel(label(name, 16), rotation=0, ha="right", va="center")
        if name != "angle" or place >= own:
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
        if axes is not panels[-1]:
            axes.tick_params(bottom=False)
            axes.spines["bottom"].set_visible(False)
        if place < own:
            draw[name](axes, view)
        else:
            _lane(axes, view, view.lanes[place - own])
    panels[-1].set_xlim(0, view.end_s - view.start_s)
    panels[-1].set_xlabel("seconds from the start of the exercise")
    figure.suptitle(label(view.exercise, 60), fontsize=10)


def _frames(axes: Any, view: SegmentView) -> None:
    """Each picture in its own shape, at the middle of the time that it stands for."""
    from matplotlib.offsetbox import AnnotationBbox, OffsetImage
    from PIL import Image

    assert view.strip is not None
    with Image.open(io.BytesIO(view.strip.jpeg)) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    cells = np.split(pixels, view.strip.count, axis=1)
    height, width = cells[0].shape[:2]
    room = axes.figure.get_size_inches()[0] * _LANE_SHARE / len(cells)
    zoom = 72 * min(_HEIGHTS["frames"] * _LANE_SHARE / height, room / width)  # points for a pixel
    for number, cell in enumerate(cells):
        at = (number + 0.5) / len(cells) * (view.end_s - view.start_s)
        axes.add_artist(AnnotationBbox(OffsetImage(cell, zoom=zoom), (at, 0.5), frameon=False, pad=0))
    axes.set_ylim(0, 1)


def _angle(axes: Any, view: SegmentView) -> None:
    curve = view.curve
    assert isinstance(curve, SignalCurve)
    for band in curve.bands:
        at = band.time_s - view.start_s
        axes.fill_between(at, band.values - band.half_width, band.values + band.half_width, color=BAND, alpha=0.2, lw=0)
        axes.plot(at, band.values, color=BAND, lw=0.8, ls=(0, (4, 3)))
    axes.plot(curve.time_s - view.start_s, curve.values, color=COLOURS[0], lw=1.3)
    axes.set_ylabel("degrees", rotation=90, fontsize=7)
    axes.set_title(label(curve.expression, 110), fontsize=7, loc="left", pad=2, color="#666666")


def _reps(axes: Any, view: SegmentView) -> None:
    for place, rep in enumerate(view.reps):
        start, width = rep.start_s - view.start_s, rep.end_s - rep.start_s
        colour = ("#cfe0f5", "#a9c7ea")[place % 2]
        axes.broken_barh([(start, width)], (0.1, 0.8), color=colour, ls="--" if rep.partial else "-")
        axes.text(start + width / 2, 0.5, str(rep.cycle + 1), ha="center", va="center", fontsize=7, clip_on=True)
    axes.set_ylim(0, 1)


def _faults(axes: Any, view: SegmentView) -> None:
    for alarm, face in (("hard", FAULT), ("soft", "none")):
        own = [f for f in view.faults if (f.alarm == "hard") == (alarm == "hard")]
        sizes = [18 + 40 * f.severity for f in own]
        at = [f.at_s - view.start_s for f in own]
        axes.scatter(at, [0.5] * len(own), s=sizes, marker="D", facecolors=face, edgecolors=FAULT, lw=0.9)
    axes.set_ylim(0, 1)


def _truths(axes: Any, view: SegmentView) -> None:
    at = [truth.time_s - view.start_s for truth in view.truths]
    axes.vlines(at, 0, 0.55, color="black", lw=1.2)
    for place, time_s in enumerate(at):
        axes.text(time_s, 0.6, str(place + 1), ha="center", va="bottom", fontsize=7)
    axes.set_ylim(0, 1.2)


def _lane(axes: Any, view: SegmentView, lane: Lane) -> None:
    truths = [truth.time_s - view.start_s for truth in view.truths]
    hits = {p.truth for p in lane.predictions if p.truth is not None}
    for place, at in enumerate(truths):
        hit = place in hits
        axes.plot(at, 0.85, "s", ms=4, mfc=HIT if hit else "white", mec=HIT if hit else MISS, clip_on=False)
    for p in lane.predictions:
        at = p.time_s - view.start_s
        hit = p.truth is not None and p.truth < len(truths)
        if hit and p.truth is not None:
            axes.plot([truths[p.truth], at], [0.85, 0.2], color=HIT, lw=1)
        axes.plot(at, 0.2, "o", ms=5, mfc=HIT if hit else "white", mec=HIT if hit else MISS, clip_on=False)
    axes.set_ylim(0, 1)


def draw_cycle(figure: Figure, plot: CyclePlot) -> None:
    """All repetitions faintly, one strongly, the reference with its band; violations as numbered marks."""
    axes = figure.subplots()
    percent = [np.linspace(0, 100, len(values)) for values in plot.cycles]
    if plot.reference is not None:
        at = np.linspace(0, 100, len(plot.reference))
        low, high = plot.reference - plot.half_width, plot.reference + plot.half_width
        axes.fill_between(at, low, high, color=BAND, alpha=0.2, lw=0, label=f"reference ± {plot.half_width:g}°")
        axes.plot(at, plot.reference, color=BAND, lw=1.2, ls=(0, (4, 3)))
    for place, (at, values) in enumerate(zip(percent, plot.cycles, strict=True)):
        if place != plot.chosen:
            axes.plot(at, values, color="#999999", lw=0.8, alpha=0.6)
    if len(plot.cycles) > 1:
        axes.plot([], [], color="#999999", lw=0.8, label=f"other repetitions ({len(plot.cycles) - 1})")
    values, at = plot.cycles[plot.chosen], percent[plot.chosen]
    axes.plot(at, values, color=COLOURS[0], lw=2, label=f"repetition {plot.numbers[plot.chosen]}")
    groups: dict[float, list[str]] = {}
    for phase, rule in plot.marks:
        groups.setdefault(round(phase * 50) / 50, []).append(rule_words(rule))
    for number, (phase, words) in enumerate(sorted(groups.items()), start=1):
        height = float(np.interp(100 * phase, at, np.nan_to_num(values)))
        text = label(", ".join(dict.fromkeys(words)), 60)
        axes.plot(100 * phase, height, "D", color=FAULT, ms=7, label=f"{number}: {text}")
        axes.annotate(str(number), (100 * phase, height), (7, 5), textcoords="offset points", color=FAULT)
    axes.set(xlabel="% of the cycle", xlim=(0, 100))
    axes.set_ylabel(fill(label(plot.unit, 120), 48), fontsize=8)
    axes.set_title(label(plot.title, 70), fontsize=10)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)
