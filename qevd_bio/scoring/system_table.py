"""Systems by metrics: one table as text, Markdown or LaTeX (booktabs), the best value of each metric marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qevd_bio.scoring.published import COLUMNS, PublishedRow
from qevd_bio.scoring.render import TITLES
from qevd_bio.scoring.results import Scores, common_signature

_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"$<$", ">": r"$>$", "–": "--",
}  # fmt: skip
NONE = "–"


@dataclass(frozen=True)
class SystemTable:
    """Cells as they are shown, in groups of rows (published ones first); `best` marks the highest of each column."""

    header: tuple[str, ...]
    groups: tuple[tuple[tuple[str, ...], ...], ...]
    best: frozenset[tuple[int, int, int]]
    notes: tuple[str, ...]


def system_table(systems: Sequence[Scores], published: Sequence[PublishedRow] = ()) -> SystemTable:
    """Every metric that a system has, by the official protocol; the signatures of the numbers are notes."""
    official = [system.protocols["official"] for system in systems]
    names = [name for name in TITLES if any(_has(scores, name) for scores in official)]
    if published:
        names = [name for name in names if name in COLUMNS] + [name for name in names if name not in COLUMNS]
    own = tuple(
        (system.name, *(f"{scores[name].value:.3f}" if _has(scores, name) else NONE for name in names))
        for system, scores in zip(systems, official, strict=True)
    )
    papers = tuple((row.method, *(row.values.get(name, NONE) for name in names)) for row in published)
    groups = tuple(group for group in (papers, own) if group)
    notes = [f"{', '.join(dict.fromkeys(row.source for row in published))}"] if published else []
    notes += dict.fromkeys(common_signature(scores) for scores in official)
    return SystemTable(("System", *(TITLES[name] for name in names)), groups, _best(groups, len(names)), tuple(notes))


def _has(scores: object, name: str) -> bool:
    return isinstance(scores, dict) and name in scores and scores[name].value is not None


def _best(groups: Sequence[Sequence[Sequence[str]]], metrics: int) -> frozenset[tuple[int, int, int]]:
    found: set[tuple[int, int, int]] = set()
    for column in range(1, metrics + 1):
        values = {
            (g, r, column): float(row[column])
            for g, group in enumerate(groups)
            for r, row in enumerate(group)
            if row[column] != NONE
        }
        found |= {place for place, value in values.items() if value == max(values.values())} if values else set()
    return frozenset(found)


def as_text(table: SystemTable) -> str:
    """Aligned columns; the best value of each metric has a star."""
    rows = _marked(table, lambda cell: cell, lambda cell: f"{cell}*")
    lines = [list(table.header), *(row for group in rows for row in group)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(table.header))]
    return "\n".join(
        "  ".join(
            c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def as_markdown(table: SystemTable) -> str:
    """A Markdown table; the best value of each metric is bold."""
    rows = _marked(table, lambda cell: cell.replace("|", "\\|"), lambda cell: f"**{cell}**")
    lines = [list(table.header), [":--"] + ["--:"] * (len(table.header) - 1), *(row for group in rows for row in group)]
    return "\n".join([*("| " + " | ".join(line) + " |" for line in lines), "", *table.notes])


def as_latex(table: SystemTable) -> str:
    """A tabular with booktabs' rules; the best value of each metric is bold; notes are comments."""
    rows = _marked(table, latex_text, lambda cell: rf"\textbf{{{cell}}}")

    def line(cells: Sequence[str]) -> str:
        # A bracket at the start of a line would be read as an argument of the \\ before it.
        return ("{}" if cells[0].startswith("[") else "") + " & ".join(cells) + r" \\"

    body: list[str] = []
    for group in rows:
        body += [r"\midrule", *(line(row) for row in group)]
    return "\n".join(
        [
            r"% \usepackage{booktabs}",
            *(f"% {note}" for note in table.notes),
            rf"\begin{{tabular}}{{l{'r' * (len(table.header) - 1)}}}",
            r"\toprule",
            line([latex_text(cell) for cell in table.header]),
            *body,
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


def latex_text(text: str) -> str:
    """`text` with LaTeX's special characters made plain ones; line breaks become blanks."""
    return "".join(_LATEX.get(c, c) for c in " ".join(text.split()))


def _marked(table: SystemTable, plain: Callable[[str], str], mark: Callable[[str], str]) -> list[list[list[str]]]:
    return [
        [
            [mark(plain(cell)) if (g, r, c) in table.best else plain(cell) for c, cell in enumerate(row)]
            for r, row in enumerate(group)
        ]
        for g, group in enumerate(table.groups)
    ]


SYSTEM_FORMATS: dict[str, Callable[[SystemTable], str]] = {
    "text": as_text,
    "markdown": as_markdown,
    "latex": as_latex,
}
