"""Options that several commands share, and how results are shown."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qevd_bio.store.errors import QevdBioError, UserError

if TYPE_CHECKING:
    from qevd_bio.store.work import RunOptions, Summary
    from qevd_bio.tables.workspace import Workspace

RUN_PANEL = "Which items run, and how"

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        envvar="QEVD_BIO_DATA",
        help="The data set: a QEVD-FIT-COACH folder, one of its splits, or a folder of videos.",
        show_default=False,
    ),
]
WorkspaceDir = Annotated[
    Path,
    typer.Option("--workspace", envvar="QEVD_BIO_WORKSPACE", help="Folder in which results go and are found."),
]
DEFAULT_WORKSPACE = Path("outputs")
Limit = Annotated[
    int | None,
    typer.Option("--limit", min=0, help="Only the first N of the selected items.", rich_help_panel=RUN_PANEL),
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        help="Only items whose name matches; * and ? allowed; repeatable.",
        rich_help_panel=RUN_PANEL,
    ),
]
RetryFailed = Annotated[
    bool,
    typer.Option("--retry-failed", help="Try items again that failed before.", rich_help_panel=RUN_PANEL),
]
Redo = Annotated[
    bool,
    typer.Option("--redo", help="Make finished items again, too.", rich_help_panel=RUN_PANEL),
]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, help="Processes side by side.", rich_help_panel=RUN_PANEL)]
ExecutorName = Annotated[
    str,
    typer.Option("--executor", help="Where items run: local processes, or a ray cluster.", rich_help_panel=RUN_PANEL),
]


def run_options(
    limit: int | None,
    only: list[str] | None,
    retry_failed: bool,
    redo: bool,
    jobs: int = 1,
    executor: str = "local",
) -> RunOptions:
    """The shared options as the work mechanism takes them."""
    from qevd_bio.store.work import RunOptions

    return RunOptions(limit, tuple(only or ()), retry_failed, redo, jobs, executor)


def open_workspace(root: Path) -> Workspace:
    """The workspace at `root`; it need not exist yet."""
    from qevd_bio.tables.workspace import Workspace

    return Workspace(root.expanduser())


def need_data(data: Path | None) -> Path:
    """`data`, or a UserError that says how to name the data set."""
    if data is None:
        raise UserError(
            "no data set named",
            expected='--data FOLDER, the variable QEVD_BIO_DATA, or a line data = "FOLDER" in qevd-bio.toml',
            fix="qevd-bio segments --data FOLDER",
        )
    return data.expanduser()


def finish(summary: Summary, where: Path | None = None) -> None:
    """Print what a stage did and leave with its exit code (2 where an item failed)."""
    text = f"{summary.stage}: {summary.done} done, {summary.kept} kept from before, {len(summary.failed)} failed"
    typer.echo(f"{text} ({summary.seconds:.1f} s)" + (f"; results in {where}" if where else ""))
    if summary.failed:
        counts: dict[str, int] = {}
        for reason, _ in summary.failed.values():
            counts[reason] = counts.get(reason, 0) + 1
        listed = ", ".join(f"{count} × {reason}" for reason, count in sorted(counts.items()))
        typer.echo(
            f"failed: {listed}; listed in manifests/{summary.stage}-failures.csv; again with --retry-failed",
            err=True,
        )
    if summary.exit_code:
        raise typer.Exit(summary.exit_code)


def print_error(error: QevdBioError) -> None:
    """One error, as plain text on standard error; red on a terminal."""
    red, plain = ("\x1b[31m", "\x1b[0m") if sys.stderr.isatty() and "NO_COLOR" not in os.environ else ("", "")
    text = str(error).encode("utf-8", "replace").decode("utf-8")
    printable = "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
    print(f"{red}error:{plain} {printable}", file=sys.stderr)
