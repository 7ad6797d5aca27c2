"""`qevd-bio verify`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.reporting.options import AgainstOptions
from qevd_bio.store.errors import UserError
from qevd_bio.store.terminal import console, say

from .common import Jobs, Only, PlaceFlags
from .flags import spread

D = AgainstOptions()
AGAINST = "Against any truth"


@dataclass(frozen=True)
class AgainstFlags:
    """What extracted angles are compared with."""

    against: Annotated[
        Path | None,
        typer.Option(
            "--against",
            help="True angles or markers, a file or a folder: truth/ of simulated data, kinematics, .mot, .trc, .c3d.",
            show_default=False,
            rich_help_panel=AGAINST,
        ),
    ] = None
    offset: Annotated[
        str,
        typer.Option(
            "--offset", help="Seconds from the video's time to the truth's; auto: found.", rich_help_panel=AGAINST
        ),
    ] = "auto"
    only: Only = None
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.", rich_help_panel=AGAINST)] = False
    replicates: Annotated[int, typer.Option(min=1, help="Bootstraps over clips.", rich_help_panel=AGAINST)] = (
        D.replicates
    )
    level: Annotated[
        float, typer.Option(min=0.5, max=0.999, help="Level of the intervals.", rich_help_panel=AGAINST)
    ] = D.level
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.", rich_help_panel=AGAINST)] = D.seed

    def of(self) -> AgainstOptions:
        """The options as the stage takes them; UserError for an offset that is no time."""
        import math

        try:
            offset = None if self.offset == "auto" else float(self.offset)
        except ValueError:
            offset = math.nan
        if offset is not None and not math.isfinite(offset):
            raise UserError(f"--offset {self.offset}", expected="seconds, such as 0 or -1.25, or auto")
        return AgainstOptions(offset, self.replicates, self.level, self.seed)


@spread
def verify(
    *,
    place: PlaceFlags,
    oracle: Annotated[
        bool,
        typer.Option("--oracle", help="Analyse the true kinematics instead, in <workspace>/oracle: no video needed."),
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the results.", show_default="<workspace>/verify")
    ] = None,
    jobs: Jobs = 1,
    flags: AgainstFlags,
) -> None:
    """Compare what was extracted and analysed with the known truth of simulated workouts, or angles with any truth.

    Angle errors by degree of freedom and view, repetitions, form errors by joint and size, intents, and the rewritten
    feedback against the ideal one. Writes verify.json and verify.md and prints the figures that matter.

    With --against: bias, RMSE, limits of agreement, correlation and coverage of sigma of every angle, by view and
    exercise, at a stated time offset. Writes agreement.html, .json, .csv and .parquet.

    Examples: qevd-bio verify --data sim; qevd-bio verify --data sim --oracle; qevd-bio verify --against lab/squat.mot
    """
    from rich.markdown import Markdown

    from qevd_bio.reporting.verification import oracle as truth
    from qevd_bio.reporting.verification import text

    where = place.open("oracle") if oracle else place.open()
    folder = out if out is not None else where.root / "verify"
    if flags.against is not None:
        if oracle:
            raise UserError("--oracle and --against exclude each other", fix="leave one of them out")
        _against(flags.against, flags, place, folder)
        return
    if flags != AgainstFlags():
        raise UserError("these options belong to --against", fix="qevd-bio verify --against FILE")
    if oracle:
        truth.analyse_truth(place.source(), where, jobs)
    result = truth.verify_workspace(place.source(), where, oracle)
    page = text.write(result, folder)
    console().print(Markdown(text.summary(result)))
    say(f"all figures: {page}")


def _against(source: Path, flags: AgainstFlags, place: PlaceFlags, folder: Path) -> None:
    import json

    from qevd_bio.reporting.page import agreement as page
    from qevd_bio.reporting.verification import agreement_text as text
    from qevd_bio.reporting.verification.against import verify_against

    found = verify_against(source.expanduser(), place.open(), flags.of(), flags.only or ())
    text.write(found, folder)
    page.write(found, folder / "agreement.html")
    if flags.as_json:
        say(json.dumps(text.as_json(found), ensure_ascii=False, indent=1))
        return
    say(text.as_text(found))
    say(f"page and tables: {folder / 'agreement.html'}")
