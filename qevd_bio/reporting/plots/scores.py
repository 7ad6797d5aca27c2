"""The score table and the ablation's bars. Scores in, figures drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qevd_bio.reporting.content.views import RunView
from qevd_bio.reporting.plots.figures import COLOURS, label
from qevd_bio.scoring.published import COLUMNS, PublishedRow
from qevd_bio.scoring.render import TITLES
from qevd_bio.scoring.results import Score
from qevd_bio.store.errors import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROW, COLUMN, NAME = 0.36, 1.05, 3.1
"""Inches of the table: height of a row, width of a column, width of the names."""


def metrics_of(runs: Sequence[RunView], protocol: str, asked: Sequence[str] | None = None) -> list[str]:
    """Metrics that at least one run has a value of, in the papers' order; `asked` chooses and orders.

    UserError for a metric that no run has, and where there is none at all.
    """
    there = {n for run in runs for n, s in run.scores.protocols.get(protocol, {}).items() if s.value is not None}
    known = [*COLUMNS, *(name for name in TITLES if name not in COLUMNS)]
    if asked:
        lacking = [name for name in asked if name not in there]
        if lacking:
            raise UserError(
                f"no run has a value of {lacking[0]!r} ({protocol} protocol)",
                where="--metrics",
                expected=", ".join(name for name in known if name in there) or "scores with values",
            )
        return list(asked)
    if not there:
        raise UserError(f"these runs have no score by the {protocol} protocol", fix="qevd-bio score --preds run.jsonl")
    return [name for name in COLUMNS if name in there] or [name for name in known if name in there]


def score_of(run: RunView, protocol: str, metric: str) -> Score | None:
    """A run's score, None where it has no value."""
    score = run.scores.protocols.get(protocol, {}).get(metric)
    return score if score is not None and score.value is not None else None


def table_size(runs: int, published: int, metrics: int) -> tuple[float, float]:
    """Inches of the score table."""
    return NAME + COLUMN * metrics, ROW * (runs * 1.35 + published + 1.6) + 0.25


def draw_table(
    figure: Figure, runs: Sequence[RunView], protocol: str, metrics: Sequence[str], published: Sequence[PublishedRow]
) -> None:
    """Published rows above a rule, then ours with their intervals; the best of ours is bold."""
    width, height = (float(side) for side in figure.get_size_inches())
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    y = ROW

    def line(at: float, weight: float) -> None:
        axes.plot([0.1, width - 0.1], [at, at], color="black", lw=weight)

    def x(place: int) -> float:
        return NAME + COLUMN * (place + 0.5)

    line(y - 0.75 * ROW, 1.2)
    for place, name in enumerate(metrics):
        axes.text(x(place), y, TITLES[name], ha="center", va="baseline", weight="bold")
    line(y + 0.3 * ROW, 0.7)
    for row in published:
        y += ROW
        axes.text(0.15, y, label(row.method, 48), va="baseline")
        for place, name in enumerate(metrics):
            axes.text(x(place), y, row.values.get(name, "–"), ha="center", va="baseline")
    if published:
        line(y + 0.3 * ROW, 0.7)
    best = {name: max((s.value or 0.0 for run in runs if (s := score_of(run, protocol, name))), default=None)
            for name in metrics}  # fmt: skip
    for run in runs:
        y += 1.35 * ROW
        axes.text(0.15, y - 0.15 * ROW, label(run.name, 48), va="baseline")
        for place, name in enumerate(metrics):
            _number(axes, x(place), y, score_of(run, protocol, name), best[name])
    line(y + 0.45 * ROW, 1.2)


def _number(axes: Any, x: float, y: float, score: Score | None, best: float | None) -> None:
    if score is None or score.value is None:
        axes.text(x, y - 0.15 * ROW, "–", ha="center", va="baseline")
        return
    weight = "bold" if score.value == best else "normal"
    axes.text(x, y - 0.25 * ROW, f"{score.value:.3f}", ha="center", va="baseline", weight=weight)
    if score.low is not None and score.high is not None:
        axes.text(x, y + 0.15 * ROW, f"[{score.low:.3f}, {score.high:.3f}]", ha="center", va="baseline", fontsize=6)


def bars_size(runs: int, metrics: int) -> tuple[float, float]:
    """Inches of the ablation's bars."""
    return max(3.0, metrics * max(1.3, 0.4 * runs + 0.6)), 3.0


def draw_bars(figure: Figure, runs: Sequence[RunView], protocol: str, metrics: Sequence[str]) -> None:
    """A panel a metric, a bar a run with its interval; the dashed line is the first run's value."""
    panels = figure.subplots(1, len(metrics), squeeze=False)[0]
    handles: dict[str, Any] = {}
    for axes, metric in zip(panels, metrics, strict=True):
        for place, run in enumerate(runs):
            score = score_of(run, protocol, metric)
            if score is None or score.value is None:
                axes.text(
                    place, 0.02, "n/a", ha="center", rotation=90, transform=axes.get_xaxis_transform(), fontsize=7
                )
                continue
            colour = COLOURS[place % len(COLOURS)]
            hatch = "" if place < len(COLOURS) else "//"
            bar = axes.bar(place, score.value, width=0.75, color=colour, hatch=hatch, edgecolor="white", lw=0)
            handles[run.name] = bar[0]
            if score.low is not None and score.high is not None:
                spread = [[max(0.0, score.value - score.low)], [max(0.0, score.high - score.value)]]
                axes.errorbar(place, score.value, yerr=spread, color="black", lw=1, capsize=2.5)
        base = score_of(runs[0], protocol, metric)
        if base is not None and base.value is not None:
            axes.axhline(base.value, color="black", lw=0.7, ls=(0, (4, 3)))
        axes.set_title(TITLES[metric], fontsize=9)
        axes.set_xticks([])
        axes.set_xlim(-0.6, len(runs) - 0.4)
        axes.set_ylim(bottom=0)
    names = [label(name) for name in handles]
    columns = min(4, len(names) or 1)
    figure.legend(list(handles.values()), names, loc="outside lower center", ncols=columns, frameon=False, fontsize=8)
