"""Scores for people: tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qevd_bio.scoring.published import BENCHMARKS, COLUMNS, published_rows
from qevd_bio.scoring.results import Score, Scores, common_signature
from qevd_bio.store.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

TITLES = {
    "temporal_f_score": "T-F",
    "temporal_precision": "T-Precision",
    "temporal_recall": "T-Recall",
    "meteor": "METEOR",
    "rouge_l": "ROUGE-L",
    "bertscore_f1": "BERT",
    "llm_acc": "LLM-Acc",
    "llm_bio_acc": "Bio-Acc",
    "bleu_1": "BLEU-1",
    "bleu_4": "BLEU-4",
    "cider_d": "CIDEr-D",
}


def number(score: Score) -> str:
    """Value with its interval, or a dash."""
    if score.value is None:
        return "–"
    if score.low is None or score.high is None:
        return f"{score.value:.3f}"
    return f"{score.value:.3f} [{score.low:.3f}, {score.high:.3f}]"


def as_strict(scores: Scores) -> bool:
    """Whether the protocol `ordered` gave the same numbers as `strict`, as it does where meaning has no weight."""
    ordered, strict = (scores.protocols.get(name, {}) for name in ("ordered", "strict"))
    return all(name in strict and score.value == strict[name].value for name, score in ordered.items())


def scores_table(scores: Scores) -> Table:
    """The protocols side by side, each score with its n; `ordered` only where it differs from `strict`."""
    from rich.table import Table

    protocols = {p: of for p, of in scores.protocols.items() if p != "ordered" or not as_strict(scores)}
    table = Table(title=f"Scores of {scores.name}", title_justify="left")
    table.add_column("metric")
    for protocol in protocols:
        table.add_column(protocol, justify="right")
        table.add_column("n", justify="right")
    for name in scores.protocols["official"]:
        found = [of[name] for of in protocols.values() if name in of]
        if any(score.value is not None for score in found):
            table.add_row(TITLES[name], *(cell for score in found for cell in (number(score), str(score.n))))
    return table


def published_table(benchmark: str, systems: Sequence[Scores]) -> tuple[Table, list[str]]:
    """The papers' rows above ours (the official protocol), and the sources and notes that belong below it."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(
        title=f"Published on {BENCHMARKS[benchmark][1]}, and these runs", title_justify="left", padding=(0, 0)
    )
    table.add_column("method")
    for name in COLUMNS:
        table.add_column(TITLES[name], justify="right")
    table.add_column("from")
    sources: list[str] = []
    notes: list[str] = []
    group = ""
    for row in published_rows(benchmark):
        if row.group != group:
            table.add_section()
            group = row.group
        if row.source not in sources:
            sources.append(row.source)
        if row.note:
            notes.append(f"{row.method}: {row.note}")
        values = [row.values.get(name, "–") for name in COLUMNS]
        table.add_row(escape(row.method), *values, escape(f"[{sources.index(row.source) + 1}] {row.group}"))
    table.add_section()
    for scores in systems:
        official = scores.protocols["official"]
        ours = [f"{score.value:.3f}" if (score := official[name]).value is not None else "–" for name in COLUMNS]
        table.add_row(f"[bold]{escape(scores.name)}[/bold]", *ours, "this run")
    return table, [*(f"[{i}] {source}" for i, source in enumerate(sources, start=1)), *notes]


def show_published(systems: Sequence[Scores], console: Console, benchmark: str) -> None:
    """The papers' rows of `benchmark` above those of `systems`, with sources and notes."""
    table, below = published_table(benchmark, systems)
    console.print(table)
    for line in below:
        console.print(line, markup=False, highlight=False)


def show_scores(scores: Scores, console: Console) -> None:
    """Everything `qevd-bio score` prints for people about one system."""
    from rich.markup import escape

    console.print(scores_table(scores))
    official = scores.protocols["official"]
    coverage = next(iter(official.values())).coverage
    if coverage.ground_truth is not None:
        said = "–" if coverage.predicted is None else f"{coverage.predicted:.1%}"
        console.print(f"text metrics cover {coverage.ground_truth:.1%} of the ground truth, {said} of the predictions")
    if any(score.value is not None for score in scores.protocols.get("ordered", {}).values()) and as_strict(scores):
        console.print("ordered: the same numbers as strict")
    interval = scores.interval
    console.print(
        f"intervals: {interval['level']:.0%}, {interval['replicates']} bootstrap replicates over "
        f"{interval['clusters']} clusters ({interval['clustered_by']}), seed {interval['seed']}"
    )
    console.print(f"signature: {common_signature(official)}", markup=False, highlight=False, soft_wrap=True)
    for warning in scores.warnings:
        console.print(f"[yellow]warning:[/yellow] {escape(warning)}")
    for name, score in official.items():
        if score.value is None:
            console.print(f"[dim]{TITLES[name]}: {escape(score.reason or '')}[/dim]")


def one_line(scores: Scores) -> str:
    """The headline numbers of one system and their signature, in one line."""
    official = scores.protocols["official"]
    shown = [f"{TITLES[name]} {score.value:.3f}" for name, score in official.items() if score.value is not None]
    return f"{scores.name}: {', '.join(shown) or 'no score has a value'} [{common_signature(official)}]"


GROUPINGS = {"exercise": "exercise", "intent": "intent", "time": "time in segment", "matching": "matching"}


def check_groupings(groupings: Sequence[str]) -> None:
    """Raise UserError for a name that is no key of GROUPINGS."""
    unknown = [name for name in groupings if name not in GROUPINGS]
    if unknown:
        raise UserError(f"no break-down by {unknown[0]!r}", where="--by", expected=f"one of {', '.join(GROUPINGS)}")


def show_breakdown(scores: Scores, console: Console, groupings: Sequence[str]) -> None:
    """The break-down by each of `groupings` (keys of GROUPINGS), official protocol."""
    check_groupings(groupings)
    official = scores.protocols["official"]
    names = [n for n, s in official.items() if s.value is not None and not n.startswith("temporal")]
    for name in groupings:
        console.print(breakdown_table(scores, GROUPINGS[name], "official", names))


def breakdown_table(scores: Scores, by: str, protocol: str, names: Sequence[str]) -> Table:
    """One grouping of the break-down."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=f"By {by} ({protocol})", title_justify="left")
    for title in (by, "truth", "predicted", "T-Recall", *(TITLES[name] for name in names)):
        table.add_column(title, justify="left" if title == by else "right")
    for row in scores.breakdown:
        if row["by"] != by or row["protocol"] != protocol:
            continue
        values = [row.get(name) for name in ("temporal_recall", *names)]
        shown = ["–" if value is None else f"{value:.3f}" for value in values]
        table.add_row(escape(str(row["group"])), str(row["ground_truth"]), str(row["predicted"]), *shown)
    return table
