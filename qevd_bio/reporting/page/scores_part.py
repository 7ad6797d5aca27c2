"""Scores of the page: published rows and runs in one table, every score with its signature, break-downs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qevd_bio.reporting.content.views import RunView
from qevd_bio.reporting.html import Html, fold, join, number, said, table, tag
from qevd_bio.scoring.options import PROTOCOLS
from qevd_bio.scoring.published import BENCHMARKS, COLUMNS, choose_benchmark, published_rows
from qevd_bio.scoring.render import TITLES
from qevd_bio.scoring.results import Score, Scores

_SPAN = 72
_COUNTS = ("ground_truth", "predicted", "matched_ground_truth")
_OPEN = 2
"""Of more runs, the details of each are folded."""


def scores_part(runs: Sequence[RunView]) -> Html:
    """The whole section."""
    parts: list[Html] = []
    for benchmark in BENCHMARKS:
        own = [run for run in runs if benchmark_of(run.scores) == benchmark]
        if own:
            parts += [_beside_published(benchmark, own)]
    parts += [_run(run, folded=len(runs) > _OPEN) for run in runs]
    return join(parts)


def benchmark_of(scores: Scores) -> str:
    """Which published table a run belongs beside."""
    return choose_benchmark("auto", str(scores.inputs.get("references", "")))


def cell(score: Score | None) -> Html | str:
    """Value, interval in numbers and as a line on the metric's scale; the reason where there is none."""
    if score is None or score.value is None:
        return "–"
    if score.low is None or score.high is None:
        return number(score.value)
    return join((number(score.value), tag("small", f"[{score.low:.3f}, {score.high:.3f}]"), _bar(score)))


def _bar(score: Score) -> Html:
    """0 to 1, or 1 to 5 for judged metrics."""
    judged = "metric:llm" in score.signature
    low, high = (1.0, 5.0) if judged else (0.0, 1.0)

    def x(value: float) -> str:
        return f"{_SPAN * min(max((value - low) / (high - low), 0.0), 1.0):.1f}"

    assert score.value is not None and score.low is not None and score.high is not None
    return tag(
        "svg",
        tag("line", x1=0, x2=_SPAN, y1=5, y2=5, class_="grid"),
        tag("line", x1=x(score.low), x2=x(score.high), y1=5, y2=5, class_="span"),
        tag("circle", cx=x(score.value), cy=5, r=3.5, class_="dot"),
        viewBox=f"-4 0 {_SPAN + 8} 10", width=_SPAN + 8, height=10, aria_hidden="true",
    )  # fmt: skip


def _beside_published(benchmark: str, runs: Sequence[RunView]) -> Html:
    rows: list[list[object]] = []
    sources: list[str] = []
    notes: list[str] = []
    for row in published_rows(benchmark):
        if row.source not in sources:
            sources.append(row.source)
        if row.note:
            notes.append(f"{row.method}: {row.note}")
        origin = f"[{sources.index(row.source) + 1}] {row.group}"
        rows.append([row.method, *(row.values.get(name, "–") for name in COLUMNS), origin])
    # By protocol, then by run: numbers of one protocol are those that compare.
    for protocol in PROTOCOLS:
        for run in runs:
            found = run.scores.protocols.get(protocol, {})
            if any(score.value is not None for score in found.values()):
                name = join((tag("b", tag("bdi", run.name)), f" ({protocol})"))
                rows.append([name, *(cell(found.get(column)) for column in COLUMNS), "this page"])
    caption = f"{BENCHMARKS[benchmark][1]}: published rows, then the runs of this page"
    made = table(["method", *(TITLES[name] for name in COLUMNS), "from"], rows, caption=caption)
    below = [tag("p", line, class_="soft") for line in [*(f"[{i}] {s}" for i, s in enumerate(sources, 1)), *notes]]
    return join((made, *below))


def _run(run: RunView, folded: bool) -> Html:
    scores = run.scores
    warnings = [tag("div", tag("b", "Warning: "), said(text), class_="note") for text in scores.warnings]
    parts = [_metrics(scores)]
    parts += [tag("p", line, class_="soft") for line in _coverage(scores)]
    reasons = [
        tag("li", f"{TITLES.get(name, name)} ({protocol}): ", said(score.reason or ""))
        for protocol, found in scores.protocols.items() for name, score in found.items() if score.value is None
    ]  # fmt: skip
    if reasons:
        parts.append(fold(f"{len(reasons)} scores without a value, and why", tag("ul", *reasons)))
    signatures = [
        tag("li", tag("code", score.signature))
        for found in scores.protocols.values() for score in found.values() if score.value is not None
    ]  # fmt: skip
    if signatures:
        parts.append(fold("Signatures: equal lines, comparable numbers", tag("ul", *signatures)))
    parts += [_breakdown(scores, by) for by in dict.fromkeys(str(row.get("by")) for row in scores.breakdown)]
    shown = [fold("All metrics, coverage, break-downs", *parts, class_="part shown")] if folded else parts
    return tag("section", tag("h3", tag("bdi", run.name)), *warnings, *shown)


def _metrics(scores: Scores) -> Html:
    names = dict.fromkeys(n for found in scores.protocols.values() for n, s in found.items() if s.value is not None)
    head = ["metric"]
    for protocol in scores.protocols:
        head += [protocol, f"n, {protocol}"]
    rows = []
    for name in names:
        row: list[object] = [TITLES.get(name, name)]
        for found in scores.protocols.values():
            score = found.get(name)
            row += [cell(score), "–" if score is None or score.value is None else score.n]
        rows.append(row)
    return table(head, rows, caption="By protocol; official is the headline")


def _coverage(scores: Scores) -> Iterator[str]:
    for protocol, found in scores.protocols.items():
        coverage = next((score.coverage for score in found.values()), None)
        if coverage is not None and coverage.ground_truth is not None:
            said_share = "–" if coverage.predicted is None else f"{coverage.predicted:.1%}"
            yield (
                f"{protocol}: text metrics cover {coverage.ground_truth:.1%} of the ground truth, "
                f"{said_share} of the predictions"
            )
    about = scores.interval
    if "level" in about:
        yield (
            f"Intervals: {float(about['level']):.0%} {about.get('method', '')}, {about.get('replicates')} replicates "
            f"over {about.get('clusters')} clusters ({about.get('clustered_by')}), seed {about.get('seed')}"
        )
    counts = scores.counts
    if isinstance(counts.get("predicted"), dict) and isinstance(counts.get("ground_truth"), dict):
        for side, label in (("ground_truth", "ground truth"), ("predicted", "predictions")):
            own = counts[side]
            rate, share = own.get("per_minute"), own.get("distinct_share")
            yield (
                f"{label}: {own.get('feedbacks')} feedbacks, {number(rate, 1)} a minute, "
                f"{'–' if share is None else f'{share:.0%}'} of the texts distinct"
            )


def _breakdown(scores: Scores, by: str) -> Html:
    rows = [row for row in scores.breakdown if str(row.get("by")) == by]
    metrics = [name for name in ("temporal_f_score", *COLUMNS[:-1]) if any(row.get(name) is not None for row in rows)]
    tables = []
    for protocol in dict.fromkeys(str(row.get("protocol")) for row in rows):
        lines = [
            [tag("bdi", str(row.get("group")).replace("_", " ")), *(row.get(name, "–") for name in _COUNTS),
             *(number(row.get(name)) for name in metrics)]
            for row in rows if str(row.get("protocol")) == protocol
        ]  # fmt: skip
        head = [by, "trainer", "predicted", "matched", *(TITLES.get(name, name) for name in metrics)]
        tables.append(table(head, lines, caption=f"By {by}, {protocol} protocol"))
    return fold(f"By {by}", *tables, class_="part shown")
