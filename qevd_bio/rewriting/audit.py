"""A page for people who check the rewriting: original, new text, the curve it rests on, the evidence.

One self-contained file: no script, no outside request, all text from data escaped. Written without a template
engine: it is yielded row by row, and most of a row is a drawn curve.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from qevd_bio.exercise.wording import SIDES, with_unit
from qevd_bio.rewriting.check import Mismatch
from qevd_bio.rewriting.choose import REASONS
from qevd_bio.rewriting.figures import Figures
from qevd_bio.tables.rewritten import REWRITTEN, UNSUPPORTED, FeedbackRow
from qevd_bio.tables.verdicts import Verdict

WIDTH, HEIGHT, MARGIN = 300, 90, 6
_STYLE = """
:root { color-scheme: light dark; --line: #8886; --mark: #c2410c; --curve: #1d4ed8; --band: #22c55e33; }
@media (prefers-color-scheme: dark) { :root { --curve: #93c5fd; --mark: #fdba74; } }
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem auto; max-width: 1200px; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
th, td { border-bottom: 1px solid var(--line); padding: .4rem .5rem; text-align: left; vertical-align: top; }
td { overflow-wrap: anywhere; unicode-bidi: plaintext; }
.numbers { width: auto; } .numbers td + td { text-align: right; }
.status { white-space: nowrap; font-size: .85em; } .warn { color: var(--mark); font-weight: 600; }
svg { display: block; min-width: 260px; } svg text { font-size: 11px; fill: currentColor; }
.evidence { font-size: .85em; opacity: .85; }
@media print { tr { break-inside: avoid; } }
@media (max-width: 700px) { thead { display: none; } td { display: block; } }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


_HEAD = (
    "<table><thead><tr><th>where</th><th>trainer</th><th>rewritten</th><th>measured</th><th>evidence</th></tr></thead>"
    "<tbody>"
)


@dataclass(frozen=True)
class AuditCurve:
    """The curve of one cue: (T,) seconds and values, moment and value of the measurement, value to reach, unit."""

    time_s: NDArray[np.float64]
    values: NDArray[np.float64]
    key_s: float
    value: float
    goal: float
    label: str


@dataclass(frozen=True)
class Entry:
    """One row of the page: a row of `bio_feedbacks`, the verdicts behind it, the curve of its first cue."""

    row: FeedbackRow
    verdicts: Sequence[Verdict]
    curve: AuditCurve | None


def page(entries: Sequence[Entry], totals: Figures, mismatches: Sequence[Mismatch], title: str) -> Iterator[str]:
    """The page in pieces, in order, so that a long one is never held whole."""
    yield (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>"
    )
    yield _summary(totals, mismatches)
    yield f"<h2>Rewritten</h2>{_HEAD}"
    for entry in entries:
        if entry.row.status == REWRITTEN:
            yield _entry(entry)
    yield "</tbody></table><h2>Who was not read</h2>"
    kept = [entry for entry in entries if entry.row.status != REWRITTEN]
    for reason, number in Counter(entry.row.reason or "" for entry in kept).most_common():
        yield f"<h3>{escape(reason)} ({number}): {escape(REASONS.get(reason, ''))}</h3>{_HEAD}"
        for entry in kept:
            if (entry.row.reason or "") == reason:
                yield _entry(entry)
        yield "</tbody></table>"
    yield "</body></html>\n"


def _summary(totals: Figures, mismatches: Sequence[Mismatch]) -> str:
    def share(value: float | None) -> str:
        return "-" if value is None else f"{100 * value:.1f} %"

    rows = [
        ("feedbacks", totals.feedbacks),
        ("corrective", totals.corrective),
        ("rewritten", f"{totals.rewritten} ({share(totals.rewritten_share)} of corrective)"),
        ("unsupported", totals.unsupported),
        ("body part of trainer and rewrite agree", share(totals.part_agreement)),
        ("contradictions", f"{totals.contradictions} ({share(totals.contradiction_share)})"),
        ("distinct new texts", totals.distinct_texts),
        ("texts used more than once", len(totals.duplicates)),
    ]
    parts = ["<h2>Figures</h2>", _table(("", "number"), rows)]
    intents = sorted({key[0] for key in totals.by_intent})
    counts = [(i, *(totals.by_intent[i, s] for s in (REWRITTEN, "kept", UNSUPPORTED))) for i in intents]
    parts.append(_table(("intent", "rewritten", "kept", "unsupported"), counts))
    exercises = sorted({key[0] for key in totals.by_exercise})
    counts = [(e, *(totals.by_exercise[e, s] for s in (REWRITTEN, UNSUPPORTED))) for e in exercises]
    parts.append(_table(("exercise, corrective only", "rewritten", "unsupported"), counts))
    reasons = sorted(totals.by_reason.items())
    parts.append(_table(("exercise", "reason", "feedbacks"), [(e, r, n) for (e, r), n in reasons]))
    if totals.duplicates:
        parts.append(_table(("text used more than once", "times"), totals.duplicates[:20]))
    if mismatches:
        listed = [(m.key, m.digits, m.problem) for m in mismatches]
        parts.append('<h2 class="warn">Numbers that could not be re-derived</h2>')
        parts.append(_table(("feedback", "number", "problem"), listed))
    else:
        parts.append("<p>Every number of every new text was re-derived from the verdicts behind it.</p>")
    return "".join(parts)


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    titles = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    return f'<table class="numbers"><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>'


def _entry(entry: Entry) -> str:
    row = entry.row
    name = f"{row.split}/{row.video}"
    where = f"{escape(name)}<br>{row.start_s:.2f} s<br>{escape(row.exercise or '')}"
    if row.status == REWRITTEN:
        new = escape(row.text)
    else:
        reason = escape(REASONS.get(row.reason or "", ""))
        new = f'<span class="status">kept: {escape(row.reason or "")}</span><br>{reason}'
    warn = '<br><span class="warn">contradicts the trainer</span>' if row.contradicts else ""
    return (
        f'<tr><td class="status">{where}</td><td>{escape(row.original)}</td><td>{new}{warn}</td>'
        f"<td>{curve_svg(entry.curve) if entry.curve else ''}</td><td class='evidence'>{_evidence(entry)}</td></tr>"
    )


def _evidence(entry: Entry) -> str:
    lines = []
    for v in entry.verdicts:
        side = f" {SIDES[v.side]}" if v.side in SIDES else ""
        lines.append(
            f"{escape(v.rule)}{side}: {with_unit(v.value, v.unit)} → {with_unit(v.goal, v.unit)} at {v.at_s:.2f} s, "
            f"p {v.probability:.2f}, severity {v.severity:.2f}, {v.persistence} in a row, source {escape(v.source)}"
        )
    if math.isfinite(entry.row.posterior):
        lines.append(f"posterior {entry.row.posterior:.2f} (prior {entry.row.prior:.2f})")
    if math.isfinite(entry.row.agreement):
        lines.append(f"agreement with the trainer's words {entry.row.agreement:.1f}")
    return "<br>".join(lines)


def curve_svg(curve: AuditCurve) -> str:
    """The curve with the moment of measurement and the goal as a dashed line."""
    known = np.isfinite(curve.values)
    if known.sum() < 2:
        return ""
    low = float(min(curve.values[known].min(), curve.goal))
    high = float(max(curve.values[known].max(), curve.goal))
    span = max(high - low, 1e-6)
    start, end = float(curve.time_s[0]), float(curve.time_s[-1])

    def x(t: float) -> float:
        return MARGIN + (WIDTH - 2 * MARGIN) * (t - start) / max(end - start, 1e-6)

    def y(v: float) -> float:
        return HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * (v - low) / span

    step = max(1, int(known.sum()) // 120)
    pairs = zip(curve.time_s[known][::step], curve.values[known][::step], strict=True)
    points = " ".join(f"{x(t):.1f},{y(v):.1f}" for t, v in pairs)
    goal = y(curve.goal)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT + 16}" width="{WIDTH}" role="img" aria-label="{escape(curve.label)}">'
        f'<line x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{goal:.1f}" y2="{goal:.1f}" stroke="var(--mark)" '
        f'stroke-dasharray="4 3"/><polyline points="{points}" fill="none" stroke="var(--curve)" stroke-width="1.5"/>'
        f'<circle cx="{x(curve.key_s):.1f}" cy="{y(curve.value):.1f}" r="3.5" fill="var(--mark)"/>'
        f'<text x="{MARGIN}" y="{HEIGHT + 12}">{escape(curve.label)}, {low:.0f} to {high:.0f}; dashed: goal</text>'
        "</svg>"
    )
