"""`qevd-bio status`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from qevd_bio.store.terminal import say

from .common import WorkspaceFlags
from .flags import spread


@spread
def status(
    *,
    place: WorkspaceFlags,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for other programs.")] = False,
) -> None:
    """How far every stage is: items done, failed by reason, pending; its rate and the time left while it runs.

    Nothing is changed, so it may be asked while stages run.

    Example: qevd-bio status --workspace outputs
    """
    from qevd_bio.store.standing import standing_of

    found = standing_of(place.open())
    if as_json:
        say(json.dumps([stage.as_dict() for stage in found], indent=1))
        return
    for stage in found:
        say(stage.describe())
