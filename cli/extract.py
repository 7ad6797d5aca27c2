"""`qevd-bio extract`: videos, or recordings of other programs, to joint angles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.pose.threads import single_blas_thread
from qevd_bio.store.terminal import say

from .common import ClusterFlags, Exercise, Participants, PlaceFlags
from .ending import finish, note
from .extract_flags import FILES, ExtractFlags
from .flags import spread


@spread
def extract(
    *,
    videos: Annotated[
        list[Path] | None, typer.Argument(help="Videos, or folders of them, in place of --data.", show_default=False)
    ] = None,
    place: PlaceFlags,
    exercise: Exercise = None,
    participants: Participants = None,
    flags: ExtractFlags,
    formats: Annotated[
        bool, typer.Option("--formats", help="List the formats that --backend files reads.", rich_help_panel=FILES)
    ] = False,
    items: ClusterFlags,
) -> None:
    """Turn videos into 46 joint angles per frame, one Parquet file per video.

    Run the same command again to continue: finished videos are kept. The table of exercises (segments.parquet) is
    written as well, so that later commands know what each video shows.

    Examples: qevd-bio extract squats.mp4 --exercise squats; qevd-bio extract --data /data/qevd --jobs 2
    """
    if formats:
        from qevd_bio.pose.formats.registry import table

        for name, files, gives, title in table():
            say(f"{name:<12}{files:<16}{gives:<12}{title}")
        return
    single_blas_thread()  # before numpy is loaded
    from qevd_bio.pose.source import Source, extract_source
    from qevd_bio.pose.stage import notes

    where = place.open()
    source = Source(None if videos else place.data, videos or (), exercise, participants)
    summary = extract_source(source, where, flags.of(), items.of())
    for line in notes(summary):
        note(line)
    finish(summary, where.kinematics_folder)
