"""qevd-bio show: pictures of one video's kinematics."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .common import DEFAULT_WORKSPACE, Data, WorkspaceDir, open_workspace


def show(
    video: Annotated[str, typer.Argument(help="A name (0007), SPLIT/0007, or a kinematics file.", metavar="VIDEO")],
    data: Data = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    out: Annotated[Path | None, typer.Option(help="Folder for the pictures.", show_default="WORKSPACE/show")] = None,
    dof: Annotated[
        list[str] | None,
        typer.Option(help="Angle or derived quantity to draw; repeatable.", show_default="those that move most"),
    ] = None,
    frames: Annotated[int, typer.Option(min=1, max=60, help="Frames on the contact sheet.")] = 12,
    motion: Annotated[
        bool, typer.Option("--motion", help="Draw repetitions, reference and violations (after analyze) instead.")
    ] = False,
) -> None:
    """Draw angles over time with their confidence, and frames with the skeleton on them.

    Example: qevd-bio show 0007 --data /data/qevd --dof knee_angle_r --dof trunk_lean_deg
    """
    from qevd_bio.dataset.opening import open_dataset
    from qevd_bio.pose.show_stage import find_kinematics, find_video, source_lines
    from qevd_bio.pose.show_stage import show as write_pictures
    from qevd_bio.tables.kinematics import Kinematics

    place = open_workspace(workspace)
    kinematics = Kinematics.read(find_kinematics(place, video))
    for line in source_lines(kinematics):
        typer.echo(line)
    dataset = None if data is None else open_dataset(data, user_refs=place.user_refs)
    target = out.expanduser() if out else place.root / "show"
    if motion:
        from qevd_bio.motion.show import show_motion

        for path in show_motion(place, kinematics, target):
            typer.echo(str(path))
        return
    paths, reason = write_pictures(
        kinematics, target, video=find_video(dataset, kinematics), names=dof or (), frames=frames
    )
    for path in paths:
        typer.echo(str(path))
    if reason:
        typer.echo(f"note: drawn without frames: {reason}", err=True)
