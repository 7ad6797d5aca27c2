"""The page of a calibration: for each rule the ROC curves, where the labelled clips lie, and the bounds. No script."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date
from html import escape
from pathlib import Path

import numpy as np

from qevd_bio.exercise.vocabulary import vocabulary
from qevd_bio.exercise.wording import with_unit
from qevd_bio.motion.bounds.choose import Array, Chosen, HeldOut, Mask, RuleClips, clips_area, standing
from qevd_bio.motion.bounds.roc import cuts

Shown = tuple[str, RuleClips, Chosen | None, HeldOut, HeldOut]
SIZE, WIDE, MARGIN = 160, 420, 14
_STYLE = """
:root { color-scheme: light dark; --line: #8886; --bad: #c2410c; --good: #1d4ed8; }
@media (prefers-color-scheme: dark) { :root { --good: #93c5fd; --bad: #fdba74; } }
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem auto; max-width: 1000px; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: left; }
figure { display: inline-block; margin: 0 1.5rem 1rem 0; vertical-align: top; }
figcaption { font-size: .85em; } svg text { font-size: 11px; fill: currentColor; }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(rules: Sequence[Shown], labels: Sequence[Path], when: date) -> str:
    """One self-contained HTML page."""
    return "".join(_pieces(rules, labels, when))


def _pieces(rules: Sequence[Shown], labels: Sequence[Path], when: date) -> Iterator[str]:
    title = "Bounds from labels"
    yield (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>"
        f"<p>{escape(', '.join(path.name for path in labels))}, {when.isoformat()}. Area: chance that a clip with the "
        "fault scores higher than one without; 0.5 says nothing. Held out: on people whose clips set nothing.</p>"
    )
    head = ("rule", "clips", "faulty", "area now", "bound now", "bound", "held out now", "held out after")
    yield "<table><thead><tr>" + "".join(f"<th>{name}</th>" for name in head) + "</tr></thead><tbody>"
    for name, clips, chosen, before, after in rules:
        cells = [
            name, str(len(clips.present)), str(int(clips.present.sum())), _number(clips_area(clips)),
            _value(clips, 0, standing(clips, 0)), _new(clips, chosen), _share(before), _share(after),
        ]  # fmt: skip
        yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
    yield "</tbody></table>"
    for name, clips, chosen, _, _ in rules:
        yield f"<h2>{escape(name)}</h2>"
        numbers = [0] if chosen is None or chosen.number == 0 else [0, chosen.number]
        for number in numbers:
            yield _figures(clips, number, chosen)
    yield "</body></html>\n"


def _new(clips: RuleClips, chosen: Chosen | None) -> str:
    if chosen is None:
        return "too few labels"
    if not math.isfinite(chosen.found):
        return "no bound reaches the precision"
    measure = "" if chosen.number == 0 else f" ({clips.candidates[chosen.number].name})"
    return _value(clips, chosen.number, chosen.bound) + measure


def _share(held: HeldOut) -> str:
    return f"{held.hits} of {held.called} called, {held.faulty} faulty"


def _value(clips: RuleClips, number: int, value: float) -> str:
    return with_unit(value, vocabulary().quantities[clips.candidates[number].measure.quantity].unit)


def _number(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "–"


def _figures(clips: RuleClips, number: int, chosen: Chosen | None) -> str:
    candidate = clips.candidates[number]
    known = np.isfinite(clips.values[number])
    if not known.any():
        return f"<p>{escape(candidate.name)}: seen in no clip.</p>"
    marks = [("now", standing(clips, number))]
    if chosen is not None and chosen.number == number and math.isfinite(chosen.found):
        marks += [("labels", chosen.found), ("taken", chosen.bound)]
    roc = _roc(clips.scores(number)[known], clips.present[known])
    dots = _dots(clips.values[number][known], clips.present[known], marks)
    caption = f"<figcaption>{escape(candidate.name)}</figcaption>"
    return f"<div><figure>{roc}{caption}</figure><figure>{dots}{caption}</figure></div>"


def _roc(scores: Array, present: Mask) -> str:
    faulty, fine = max(int(present.sum()), 1), max(int((~present).sum()), 1)
    points = [(0.0, 0.0)]
    for cut in cuts(scores, present):
        above = scores > cut.threshold
        points.append((float((above & ~present).sum() / fine), float((above & present).sum() / faulty)))
    path = " ".join(f"{MARGIN + x * SIZE:.1f},{MARGIN + (1 - y) * SIZE:.1f}" for x, y in points)
    end = SIZE + MARGIN
    whole = SIZE + 2 * MARGIN
    return (
        f'<svg viewBox="0 0 {whole} {whole}" width="{whole}" role="img" aria-label="ROC">'
        f'<rect x="{MARGIN}" y="{MARGIN}" width="{SIZE}" height="{SIZE}" fill="none" stroke="var(--line)"/>'
        f'<line x1="{MARGIN}" y1="{end}" x2="{end}" y2="{MARGIN}" stroke="var(--line)" stroke-dasharray="4 3"/>'
        f'<polyline points="{path}" fill="none" stroke="var(--good)" stroke-width="2"/></svg>'
    )


def _dots(values: Array, present: Mask, marks: Sequence[tuple[str, float]]) -> str:
    """Faulty clips above, others below, bounds as lines."""
    known = [float(value) for value in values] + [value for _, value in marks if math.isfinite(value)]
    low, span = min(known), max(max(known) - min(known), 1e-9)

    def x(value: float) -> float:
        return 70 + (WIDE - 90) * (value - low) / span

    parts = [f'<svg viewBox="0 0 {WIDE} 130" width="{WIDE}" role="img" aria-label="values of the labelled clips">']
    for row, name, own, colour in ((35, "fault", values[present], "bad"), (75, "none", values[~present], "good")):
        parts.append(f'<text x="2" y="{row + 4}">{name} {len(own)}</text>')
        parts += [
            f'<circle cx="{x(float(v)):.1f}" cy="{row}" r="4" fill="var(--{colour})" fill-opacity="0.6"/>' for v in own
        ]
    for i, (name, value) in enumerate(marks):
        if math.isfinite(value):
            at = x(value)
            parts.append(
                f'<line x1="{at:.1f}" x2="{at:.1f}" y1="15" y2="95" stroke="currentColor" '
                f'stroke-dasharray="{2 + 3 * i} 3"/>'
            )
            parts.append(f'<text x="{at:.1f}" y="{105 + 11 * (i % 3)}" text-anchor="middle">{name} {value:.3g}</text>')
    return "".join([*parts, "</svg>"])
