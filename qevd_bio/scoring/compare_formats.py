"""Comparisons as text, Markdown, LaTeX, CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from qevd_bio.scoring.compare import Comparison, ScoredSystem
from qevd_bio.scoring.options import CompareOptions
from qevd_bio.scoring.render import TITLES
from qevd_bio.scoring.system_table import latex_text
from qevd_bio.store.errors import UserError

FORMATS = ("text", "markdown", "latex", "csv", "json")
_HEADER = ("protocol", "metric", "base", "system", "base value", "value", "difference", "interval", "p", "detectable")


def _rows(comparisons: Sequence[Comparison]) -> list[tuple[str, ...]]:
    return [
        (
            row.protocol,
            TITLES[row.metric],
            row.base,
            row.other,
            _number(row.base_score.value),
            _number(row.other_score.value),
            *_test_cells(row),
        )
        for row in comparisons
    ]


def _test_cells(row: Comparison) -> tuple[str, str, str, str]:
    test = row.test
    if test is None:
        return "–", "–", "–", "–"
    span = "–" if test.low is None or test.high is None else f"[{test.low:+.4f}, {test.high:+.4f}]"
    p = "–" if test.p_value is None else (f"{test.p_value:.4f}" if test.p_value >= 1e-4 else "<0.0001")
    return f"{test.difference:+.4f}", span, p, _number(test.detectable)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _notes(comparisons: Sequence[Comparison]) -> list[str]:
    return [f"{row.protocol} {TITLES[row.metric]}, {row.other}: {row.note}" for row in comparisons if row.note]


def _about(options: CompareOptions) -> str:
    return (
        f"Difference: system minus base; {options.level:.0%} bootstrap interval over clusters ({options.replicates} "
        f"replicates), two-sided permutation p ({options.permutations} permutations, or all of few), detectable: "
        f"smallest true difference found with power {options.power:.0%}; seed {options.seed}."
    )


def _text(comparisons: Sequence[Comparison], options: CompareOptions) -> str:
    rows = [_HEADER, *_rows(comparisons)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADER))]
    lines = [
        "  ".join(c.ljust(w) if i < 4 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([*(line.rstrip() for line in lines), "", _about(options), *_notes(comparisons)]) + "\n"


def _markdown(comparisons: Sequence[Comparison], options: CompareOptions) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    marks = [":--"] * 4 + ["--:"] * (len(_HEADER) - 4)
    lines = [line(_HEADER), line(marks), *(line(row) for row in _rows(comparisons))]
    return "\n".join([*lines, "", _about(options), *(f"- {note}" for note in _notes(comparisons))]) + "\n"


def _latex(comparisons: Sequence[Comparison], options: CompareOptions) -> str:
    def line(cells: Sequence[str]) -> str:
        escaped = [latex_text(cell) for cell in cells]
        # A leading bracket after \\ would be read as its optional argument.
        return "{}" + " & ".join(escaped) + r" \\"

    body = [line(row) for row in _rows(comparisons)]
    notes = [f"% {note}" for note in (_about(options), *_notes(comparisons))]
    top = [r"\begin{tabular}{llllrrrrrr}", r"\hline", line(_HEADER), r"\hline"]
    return "\n".join([*top, *body, r"\hline", r"\end{tabular}", *notes]) + "\n"


def _flat(comparisons: Sequence[Comparison]) -> list[dict[str, Any]]:
    empty = dict.fromkeys(("difference", "low", "high", "p_value", "detectable", "clusters", "permutations"))
    return [
        {
            "protocol": row.protocol,
            "metric": row.metric,
            "base": row.base,
            "system": row.other,
            "base_value": row.base_score.value,
            "value": row.other_score.value,
            **(asdict(row.test) if row.test is not None else empty),
            "note": row.note,
            "signature": row.base_score.signature,
        }
        for row in comparisons
    ]


def _csv(comparisons: Sequence[Comparison], options: CompareOptions) -> str:
    rows = _flat(comparisons)
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]) if rows else ["protocol"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def _json(comparisons: Sequence[Comparison], options: CompareOptions) -> str:
    return (
        json.dumps({"options": asdict(options), "comparisons": _flat(comparisons)}, indent=1, ensure_ascii=False) + "\n"
    )


_WRITERS: dict[str, Callable[[Sequence[Comparison], CompareOptions], str]] = {
    "text": _text,
    "markdown": _markdown,
    "latex": _latex,
    "csv": _csv,
    "json": _json,
}


def formatted(comparisons: Sequence[Comparison], options: CompareOptions, form: str) -> str:
    """The comparisons in one of FORMATS. Raises UserError for another name."""
    if form not in _WRITERS:
        raise UserError(f"unknown format {form!r}", where="--format", expected=f"one of {', '.join(FORMATS)}")
    return _WRITERS[form](comparisons, options)


def overview(systems: Sequence[ScoredSystem], protocol: str, form: str) -> str:
    """All systems side by side, one column a metric that any of them has (Markdown, or aligned text)."""
    names = [n for n in TITLES if any(_value(s, protocol, n) is not None for s in systems)]
    header = ("system", *(TITLES[name] for name in names))
    rows = [(s.label, *(_number(_value(s, protocol, name)) for name in names)) for s in systems]
    if form == "markdown":
        lines = [" | ".join(row) for row in (header, [":--"] + ["--:"] * len(names), *rows)]
        return "\n".join(f"| {line} |" for line in lines) + "\n"
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in (header, *rows)) + "\n"


def _value(system: ScoredSystem, protocol: str, name: str) -> float | None:
    score = system.scores.protocols.get(protocol, {}).get(name)
    return None if score is None else score.value
