"""qevd-bio export: the kinematics of one video as a file of another program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from qevd_bio.store.terminal import say

from .common import WorkspaceFlags
from .flags import spread


@spread
def export(
    *,
    kinematics: Annotated[
        str, typer.Argument(help="A name (0007), SPLIT/0007, or a kinematics file.", metavar="KINEMATICS")
    ],
    to: Annotated[
        Literal["mot", "sto", "trc", "csv", "bvh", "npz"],
        typer.Option(
            "--to", help="OpenSim motion (mot, degrees) or states (sto, radians), joint centres (trc), csv, bvh, npz."
        ),
    ],
    workspace: WorkspaceFlags,
    out: Annotated[
        Path | None, typer.Option(help="The file to write.", show_default="WORKSPACE/export/SPLIT/VIDEO.TO")
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="The angles before smoothing.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
) -> None:
    """Write the 46 angles so that OpenSim, Blender, a spreadsheet or Python can read them.

    Example: qevd-bio export 0007 --to mot
    """
    from qevd_bio.pose.formats.writers.export import export as write
    from qevd_bio.pose.show_stage import find_kinematics
    from qevd_bio.tables.kinematics import Kinematics

    place = workspace.open()
    found = Kinematics.read(find_kinematics(place, kinematics))
    target = out.expanduser() if out else place.root / "export" / found.split / f"{found.video}.{to}"
    say(write(found, to, target, raw=raw, overwrite=overwrite))
