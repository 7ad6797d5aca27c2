"""The timeline of one segment as a picture: frames, curve with its reference, repetitions, violations, feedback.

What has no words of its own shares one path a kind: a page holds hundreds of timelines, and a browser takes its time
for each element.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterable
from itertools import groupby

import numpy as np

from qevd_bio.exercise.wording import with_unit
from qevd_bio.reporting.content.views import Lane, SegmentView, SignalCurve, Strip
from qevd_bio.reporting.html import Html, join, short, tag
from qevd_bio.tables.verdicts import Verdict

WIDTH, LEFT, RIGHT = 1000, 126, 10
CURVE, REPS, FAULTS, TRUTHS, LANE, GAP, AXIS = 150, 24, 30, 26, 40, 6, 22
_TITLE = 90
_NAMED = 4
_APART = 8
_POINTS, _BAND_POINTS = 300, 20

X = Callable[[float], float]


def timeline(view: SegmentView) -> Html:
    """The picture; what there is nothing of gets no lane. Time runs from the segment's start, in seconds."""
    span = max(view.end_s - view.start_s, 0.1)

    def x(time_s: float) -> float:
        inside = min(max((time_s - view.start_s) / span, -0.02), 1.01)
        return round(LEFT + inside * (WIDTH - LEFT - RIGHT), 1)

    parts: list[Html] = []
    top = 0
    if view.strip is not None:
        height = round((WIDTH - LEFT - RIGHT) / view.strip.width * view.strip.height)
        parts += [_lane("frames", top, height), _strip(view.strip, top, height)]
        top += height + GAP
    if view.curve is not None:
        parts += [_lane("angle", top, CURVE), _curve(view.curve, x, top)]
        top += CURVE + GAP
    if view.reps:
        parts += [_lane("repetitions", top, REPS), _reps(view, x, top)]
        top += REPS + GAP
    if view.faults:
        parts += [_lane("faults", top, FAULTS), _faults(view, x, top)]
        top += FAULTS + GAP
    if view.truths:
        parts += [_lane("trainer", top, TRUTHS), _truths(view, x, top)]
        top += TRUTHS + GAP
    for lane in view.lanes:
        parts += [_lane(short(lane.run, 15), top, LANE), _predictions(view, lane, x, top)]
        top += LANE + GAP
    parts.append(_axis(span, view.start_s, x, top))
    drawing = tag(
        "svg",
        tag("title", _spoken(view)),
        *parts,
        viewBox=f"0 0 {WIDTH} {top + AXIS}",
        class_="time",
        role="img",
    )
    return tag("div", drawing, class_="scroll", role="region", tabindex="0", aria_label=f"timeline: {view.exercise}")


def _spoken(view: SegmentView) -> str:
    """What the picture shows, for people who do not see it; the tables below it hold the rest."""
    found = [f"{len(view.reps)} repetitions", f"{len(view.faults)} faults"] if view.analysed else ["not analysed"]
    parts = [*found, f"{len(view.truths)} trainer feedbacks"]
    for lane in view.lanes:
        hits = sum(p.truth is not None for p in lane.predictions)
        parts.append(f"{lane.run}: {len(lane.predictions)} predictions, {hits} matched")
    return f"Timeline of {view.exercise}, {view.end_s - view.start_s:.0f} seconds: " + "; ".join(parts)


def _lane(name: str, top: int, height: int) -> Html:
    return join(
        (
            tag("rect", x=LEFT, y=top, width=WIDTH - LEFT - RIGHT, height=height, class_="lane"),
            tag("text", name, x=LEFT - 8, y=round(top + height / 2 + 5), text_anchor="end", class_="soft"),
        )
    )


def _strip(strip: Strip, top: int, height: int) -> Html:
    data = base64.b64encode(strip.jpeg).decode()
    width = WIDTH - LEFT - RIGHT
    return tag("image", x=LEFT, y=top, width=width, height=height, href=f"data:image/jpeg;base64,{data}")


def _course(points: Iterable[tuple[float, int]]) -> str:
    """A line through points as path data, each but the first told from the one before."""
    data, before = "", (0, 0)
    for x, y in points:
        at = round(x), y
        if data:
            dx, dy = at[0] - before[0], at[1] - before[1]
            data += f"{dx}{dy}" if dy < 0 else f"{dx} {dy}"
            data += " "
        else:
            data = f"M{at[0]} {at[1]}l"
        before = at
    return data.rstrip()


def _path(data: Iterable[str], class_: str, **more: object) -> Html:
    """One element for all these stretches; nothing without any."""
    joined = "".join(data)
    return tag("path", d=joined, class_=class_, **more) if joined else Html("")


def _curve(curve: SignalCurve, x: X, top: int) -> Html:
    known = curve.values[np.isfinite(curve.values)]
    edges = [known, *(b.values + s * b.half_width for b in curve.bands for s in (-1, 1))]
    every = np.concatenate([edge for edge in edges if len(edge)] or [np.zeros(1)])
    low, high = float(np.nanmin(every)), float(np.nanmax(every))
    room = max(high - low, 1.0)

    def y(value: float) -> int:
        return round(top + CURVE - 6 - (CURVE - 12) * (value - low) / room)

    areas, middles = [], []
    for band in curve.bands:
        step = max(1, len(band.time_s) // _BAND_POINTS)
        points = list(zip(band.time_s[::step].tolist(), band.values[::step].tolist(), strict=True))
        upper = [(x(t), y(v + band.half_width)) for t, v in points]
        lower = [(x(t), y(v - band.half_width)) for t, v in reversed(points)]
        areas.append(_course(upper + lower) + "z")
        middles.append(_course((x(t), y(v)) for t, v in points))
    parts = [_path(areas, "band"), _path(middles, "mid"), _path(_lines(curve, x, y), "curve")]
    for value in (low, high):
        place = y(value) + (12 if value == high else -2)
        parts.append(tag("text", f"{value:.0f}°", x=LEFT + 4, y=place, class_="soft"))
    return join(parts)


def _lines(curve: SignalCurve, x: X, y: Callable[[float], int]) -> list[str]:
    """Stretches without a gap as points, thinned to what can be seen."""
    if len(curve.time_s) < 2:
        return []
    step = max(1, len(curve.time_s) // _POINTS)
    pairs = zip(curve.time_s[::step].tolist(), curve.values[::step].tolist(), strict=True)
    stretches = (list(group) for known, group in groupby(pairs, key=lambda p: math.isfinite(p[1])) if known)
    return [_course((x(t), y(v)) for t, v in stretch) for stretch in stretches if len(stretch) > 1]


def _reps(view: SegmentView, x: X, top: int) -> Html:
    parts = []
    for place, rep in enumerate(view.reps):
        left, right = x(rep.start_s), x(rep.end_s)
        classes = "rep" + (" odd" if place % 2 else "") + (" cut" if rep.partial else "")
        about = f"repetition {rep.cycle + 1}: {rep.start_s - view.start_s:.1f} to {rep.end_s - view.start_s:.1f} s"
        about += f", similarity {rep.score:.2f}" if math.isfinite(rep.score) else ""
        about += f", {rep.violations} faults" + (f", {rep.partial}" if rep.partial else "")
        wide = max(1.0, round(right - left, 1))
        parts.append(tag("rect", tag("title", about), x=left, y=top + 2, width=wide, height=REPS - 4, class_=classes))
        if wide > 20:
            parts.append(tag("text", rep.cycle + 1, x=round((left + right) / 2), y=top + 17, text_anchor="middle"))
    return join(parts)


def _faults(view: SegmentView, x: X, top: int) -> Html:
    """A mark for each moment at which something was found; its words name all that was found so close to it."""
    marks: list[tuple[int, str, list[Verdict]]] = []
    latest: dict[str, int] = {}
    for fault in sorted(view.faults, key=lambda f: f.at_s):
        kind, at = "hard" if fault.alarm == "hard" else "weak", round(x(fault.at_s))
        place = latest.get(kind)
        if place is None or at - marks[place][0] >= _APART:
            latest[kind] = len(marks)
            marks.append((at, kind, [fault]))
        else:
            marks[place][2].append(fault)
    parts = []
    for at, kind, faults in marks:
        half = round(4 + 5 * min(max(max(fault.severity for fault in faults), 0.0), 1.0))
        named = [f"{f.rule.split(':', 1)[-1]} {f.side} {with_unit(f.value, f.unit)}" for f in faults[:_NAMED]]
        more = f" and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
        words = f"{faults[0].cycle + 1}: {', '.join(named)}{more}"
        shape = f"M{at} {round(top + FAULTS / 2) - half}l{half} {half}-{half} {half}-{half}-{half}z"
        parts.append(tag("path", tag("title", words), d=shape, class_=kind))
    return join(parts)


def _truths(view: SegmentView, x: X, top: int) -> Html:
    lines, numbers = [], []
    for place, truth in enumerate(view.truths):
        at = x(truth.time_s)
        lines.append(f"M{at} {top + 13}v{TRUTHS - 13}")
        about = tag("title", short(truth.text, _TITLE))
        numbers.append(tag("text", about, place + 1, x=at, y=top + 11, text_anchor="middle"))
    return join([_path(lines, "truth"), *numbers])


def _predictions(view: SegmentView, lane: Lane, x: X, top: int) -> Html:
    """Above, where the trainer spoke; below, where the system did; matched ones are filled and tied together."""
    hits = {p.truth for p in lane.predictions}
    up, down = top + 7, top + LANE - 9
    ties = [
        f"M{x(view.truths[p.truth].time_s)} {up}L{x(p.time_s)} {down}"
        for p in lane.predictions if p.truth is not None and p.truth < len(view.truths)
    ]  # fmt: skip
    squares: dict[str, list[str]] = {"got": [], "lost": []}
    for place, truth in enumerate(view.truths):
        left = round(x(truth.time_s) - 3, 1)
        squares["got" if place in hits else "lost"].append(f"M{left} {up - 3}h6v6h-6z")
    parts = [_path(ties, "tie"), *(_path(found, kind) for kind, found in squares.items())]
    for p in lane.predictions:
        about = tag("title", short(p.text, _TITLE))
        kind = "lost" if p.truth is None else "got"
        parts.append(tag("circle", about, cx=x(p.time_s), cy=down, r=5, class_=kind))
    return join(parts)


def _axis(span: float, start_s: float, x: X, top: int) -> Html:
    step = next((s for s in (1, 2, 5, 10, 20, 30, 60) if span / s <= 12), 120)
    places = {second: x(start_s + second) for second in range(0, math.floor(span) + 1, step)}
    texts = [
        tag("text", f"{second} s", x=at, y=top + 15, text_anchor="middle", class_="soft")
        for second, at in places.items()
    ]
    return join([_path((f"M{at} 0v{top}" for at in places.values()), "grid", stroke_opacity="0.35"), *texts])
