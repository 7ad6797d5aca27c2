"""`qevd-bio check`: what is right and wrong in a video."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.pose.threads import single_blas_thread
from qevd_bio.store.terminal import say

from .common import Exercise, JobFlags, WorkspaceFlags
from .ending import leave, note
from .flags import spread


@spread
def check(
    *,
    videos: Annotated[list[Path], typer.Argument(help="Videos, or folders of them.", show_default=False)],
    exercise: Exercise = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
    film: Annotated[bool, typer.Option("--video/--no-video", help="Write the annotated video, too.")] = True,
    reference: Annotated[
        bool, typer.Option("--with-reference", help="In it the reference performs beside the user, in time.")
    ] = False,
    place: WorkspaceFlags,
    items: JobFlags,
) -> None:
    """Say what is right and wrong in videos of exercises: repetitions, what to fix and why, a video and a page.

    Does what extract, analyze, show --video and report do. Run the same command again to continue: finished videos
    are kept.

    Examples: qevd-bio check squats.mp4 --exercise squats; qevd-bio check my_videos --exercise names.csv --json
    """
    single_blas_thread()  # before numpy is loaded
    from qevd_bio.reporting.film.stage import FilmOptions
    from qevd_bio.workflows.check import check as run_check

    drawn = FilmOptions(reference=reference) if film else None
    found = run_check(videos, place.open(), exercise, items.of(), drawn)
    for line in found.notes:
        note(line)
    say(json.dumps(found.as_json(), ensure_ascii=False, indent=2) if as_json else found.text())
    leave(found.exit_code)
