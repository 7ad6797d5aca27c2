"""What `qevd-bio score` prints: tables, one line, JSON, Markdown, LaTeX, and what to cite."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from qevd_bio.store import progress
from qevd_bio.store.terminal import console, say

from .ending import note

if TYPE_CHECKING:
    from qevd_bio.scoring.results import Scores
    from qevd_bio.scoring.stage import Scored

TABLES = "Tables"


@dataclass(frozen=True)
class TableFlags:
    """What is printed of the scores."""

    published: Annotated[bool, typer.Option("--published", help="Print the papers' rows above ours.")] = False
    form: Annotated[
        Literal["text", "json", "markdown", "latex"],
        typer.Option("--format", help="latex: systems by metrics in booktabs, the best in bold."),
    ] = "text"
    as_json: Annotated[bool, typer.Option("--json", help="As --format json.", rich_help_panel=TABLES)] = False
    benchmark: Annotated[
        str,
        typer.Option(
            help="Whose published rows: original, bio, or auto (by the data set's name).", rich_help_panel=TABLES
        ),
    ] = "auto"
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by", help="Break-down to print: exercise, intent, time, matching; repeatable.", rich_help_panel=TABLES
        ),
    ] = None
    cite: Annotated[bool, typer.Option("--cite", help="Print BibTeX of what to cite.", rich_help_panel=TABLES)] = False

    def check(self) -> None:
        """Raise UserError for a name that does not exist, before anything is computed."""
        from qevd_bio.scoring.published import choose_benchmark
        from qevd_bio.scoring.render import check_groupings

        choose_benchmark(self.benchmark, "")
        check_groupings(self.by or ())

    def show(self, found: Sequence[Scored]) -> None:
        """Print all systems, in the order in which they were scored."""
        scores = [one.scores for one in found]
        if self.as_json or self.form == "json":
            plain = [one.as_json() for one in scores]
            say(json.dumps(plain[0] if len(plain) == 1 else plain, indent=1))
        elif self.form != "text":
            self._table(scores, self.form)
        elif progress.is_shown():
            self._text(found)
        else:
            from qevd_bio.scoring.render import one_line

            for one in scores:
                say(one_line(one))
        for scored in found:
            say_place(scored, err=self.as_json or self.form != "text")
        if self.cite:
            from qevd_bio.scoring.citing import citations

            say(citations(scores, self._benchmark(scores) if self.published else None))

    def _benchmark(self, scores: Sequence[Scores]) -> str:
        from qevd_bio.scoring.published import choose_benchmark

        return choose_benchmark(self.benchmark, str(scores[0].inputs.get("references", "")))

    def _table(self, scores: Sequence[Scores], form: str) -> None:
        from qevd_bio.scoring.published import published_rows
        from qevd_bio.scoring.system_table import SYSTEM_FORMATS, system_table

        rows = published_rows(self._benchmark(scores)) if self.published else []
        say(SYSTEM_FORMATS[form](system_table(scores, rows)))

    def _text(self, found: Sequence[Scored]) -> None:
        from qevd_bio.scoring.render import show_breakdown, show_published, show_scores

        screen = console()
        if self.published:
            show_published([one.scores for one in found], screen, self._benchmark([one.scores for one in found]))
        for one in found:
            show_scores(one.scores, screen)
            show_breakdown(one.scores, screen, self.by or ())
        if len(found) > 1 and not self.published:
            self._table([one.scores for one in found], "text")


def say_place(one: Scored, *, err: bool) -> None:
    """Where the scores lie, which of them an earlier run gave, and why the folder has another name."""
    if one.other is not None:
        note(f"{one.other} holds another score and is kept; these are called {one.folder.name}")
    if one.kept:
        note(f"kept from an earlier run: {', '.join(one.kept)}")
    if progress.is_shown():
        say(f"written to {one.folder}", err=err)
