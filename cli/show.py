"""`qevd-bio show`: pictures of one video's kinematics."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qevd_bio.store.terminal import say

from .common import PlaceFlags
from .ending import note
from .flags import spread

if TYPE_CHECKING:
    from qevd_bio.dataset.opening import Dataset


@spread
def show(
    *,
    video: Annotated[str, typer.Argument(help="A name (0007), SPLIT/0007, or a kinematics file.", metavar="VIDEO")],
    place: PlaceFlags,
    out: Annotated[Path | None, typer.Option(help="Folder for the pictures.", show_default="WORKSPACE/show")] = None,
    dof: Annotated[
        list[str] | None,
        typer.Option(help="Angle or derived quantity to draw; repeatable.", show_default="those that move most"),
    ] = None,
    frames: Annotated[int, typer.Option(min=1, max=60, help="Frames on the contact sheet.")] = 12,
    motion: Annotated[
        bool, typer.Option("--motion", help="Draw repetitions, reference and violations (after analyze) instead.")
    ] = False,
    film: Annotated[
        bool, typer.Option("--video", help="Write the annotated video instead: joints, key angle, counter, words.")
    ] = False,
    reference: Annotated[
        bool, typer.Option("--with-reference", help="With --video: the reference performs beside the user, in time.")
    ] = False,
) -> None:
    """Draw angles over time with their confidence, and frames with the skeleton on them.

    Examples: qevd-bio show 0007 --data /data/qevd --dof knee_angle_r; qevd-bio show squats.mp4 --video
    """
    from qevd_bio.pose.show_stage import find_kinematics, find_video, source_lines
    from qevd_bio.pose.show_stage import show as write_pictures
    from qevd_bio.tables.kinematics import Kinematics

    where = place.open()
    kinematics = Kinematics.read(find_kinematics(where, video))
    for line in source_lines(kinematics):
        say(line)
    dataset = _dataset(video, place)
    target = out.expanduser() if out else where.root / "show"
    if film or reference:
        from qevd_bio.reporting.film.stage import FilmOptions, film_of

        say(film_of(where, find_video(dataset, kinematics), kinematics, FilmOptions(reference=reference)))
        return
    if motion:
        from qevd_bio.motion.show import show_motion

        paths, reason = show_motion(where, kinematics, target), ""
    else:
        drawn = find_video(dataset, kinematics)
        paths, reason = write_pictures(kinematics, target, video=drawn, names=dof or (), frames=frames)
    for path in paths:
        say(path)
    if reason:
        note(f"note: drawn without frames: {reason}")


def _dataset(video: str, place: PlaceFlags) -> Dataset | None:
    """The data set that is named, else the video itself where it is named by its path."""
    from qevd_bio.dataset.opening import open_videos
    from qevd_bio.tables.workspace import is_table

    named = Path(video).expanduser()
    if place.data is None and named.is_file() and not is_table(named):
        return open_videos([named])
    return place.dataset_if_named()
