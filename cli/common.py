"""Options that several commands share, each written once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qevd_bio.store.errors import UserError

if TYPE_CHECKING:
    from qevd_bio.dataset.opening import Dataset
    from qevd_bio.store.work import RunOptions
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
Exercise = Annotated[
    str | None,
    typer.Option(
        "--exercise",
        help="For plain videos: the exercise of all, or a CSV with the columns video,exercise.",
        show_default=False,
    ),
]
Participants = Annotated[
    Path | None,
    typer.Option(
        "--participants",
        help="CSV with the columns video,participant.",
        show_default="participants.csv in the data set, where there is one",
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        help="Only items whose name matches; * and ? allowed; repeatable.",
        rich_help_panel=RUN_PANEL,
    ),
]
ShardText = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="I/N",
        help="Only the I-th of N shares, in a workspace of its own; qevd-bio merge joins them.",
        rich_help_panel=RUN_PANEL,
        show_default=False,
    ),
]
Redo = Annotated[bool, typer.Option("--redo", help="Make finished items again, too.", rich_help_panel=RUN_PANEL)]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, help="Processes side by side.", rich_help_panel=RUN_PANEL)]
LlmUrl = Annotated[
    str | None,
    typer.Option(
        "--llm-url",
        envvar="QEVD_BIO_LLM_URL",
        help="OpenAI-compatible endpoint (vLLM, TGI, llama.cpp, OpenAI), usually ending in /v1.",
        rich_help_panel="The model",
    ),
]
WorkspaceDir = Annotated[
    Path,
    typer.Option("--workspace", envvar="QEVD_BIO_WORKSPACE", help="Folder in which results go and are found."),
]
DEFAULT_WORKSPACE = Path("outputs")


@dataclass(frozen=True)
class WorkspaceFlags:
    """Where results lie."""

    workspace: WorkspaceDir = DEFAULT_WORKSPACE

    def open(self, *below: str) -> Workspace:
        """The workspace, or one further down in it; it need not exist yet."""
        return _workspace(self.workspace, *below)


@dataclass(frozen=True)
class PlaceFlags:
    """The data set, and where results lie."""

    data: Data = None
    workspace: WorkspaceDir = DEFAULT_WORKSPACE

    def open(self, *below: str) -> Workspace:
        """The workspace, or one further down in it; it need not exist yet."""
        return _workspace(self.workspace, *below)

    def source(self) -> Path:
        """The data set's folder; UserError that says how to name it where none is named."""
        if self.data is None:
            raise UserError(
                "no data set named",
                expected='--data FOLDER, the variable QEVD_BIO_DATA, or a line data = "FOLDER" in qevd-bio.toml',
                fix="qevd-bio segments --data FOLDER",
            )
        return self.data.expanduser()

    def dataset(self, **about: Any) -> Dataset:
        """The data set, opened; UserError where none is named."""
        from qevd_bio.dataset.opening import open_dataset

        return open_dataset(self.source(), user_refs=self.open().user_refs, **about)

    def dataset_if_named(self) -> Dataset | None:
        """The data set, where one is named."""
        return None if self.data is None else self.dataset()


@dataclass(frozen=True)
class ItemFlags:
    """Which items run."""

    limit: Annotated[
        int | None,
        typer.Option("--limit", min=0, help="Only the first N of the selected items.", rich_help_panel=RUN_PANEL),
    ] = None
    only: Only = None
    retry_failed: Annotated[
        bool,
        typer.Option("--retry-failed", help="Try items again that failed before.", rich_help_panel=RUN_PANEL),
    ] = False
    redo: Redo = False
    shard: ShardText = None

    def of(self) -> RunOptions:
        """The options as the work mechanism takes them."""
        from qevd_bio.store.shards import Shard
        from qevd_bio.store.work import RunOptions

        shard = Shard.parse(self.shard) if self.shard else None
        return RunOptions(**{**vars(self), "only": tuple(self.only or ()), "shard": shard})


@dataclass(frozen=True)
class JobFlags(ItemFlags):
    """Which items run, and how many at once."""

    jobs: Jobs = 1


@dataclass(frozen=True)
class ClusterFlags(JobFlags):
    """Which items run, how many at once and where."""

    executor: Annotated[
        str,
        typer.Option(
            "--executor", help="Where items run: local processes, or a ray cluster.", rich_help_panel=RUN_PANEL
        ),
    ] = "local"


def _workspace(root: Path, *below: str) -> Workspace:
    from qevd_bio.tables.workspace import Workspace

    return Workspace(root.expanduser().joinpath(*below))
