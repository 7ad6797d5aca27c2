"""`qevd-bio validate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.scoring.options import ScoreOptions
from qevd_bio.store.terminal import say

from .common import Data
from .ending import leave
from .flags import spread

_DEFAULT = ScoreOptions()


@spread
def validate(
    *,
    preds: Annotated[Path, typer.Argument(help="File of predictions (JSONL), or the official list of pairs.")],
    data: Data = None,
    split: Annotated[str, typer.Option(help="Split of the data set to check against.")] = _DEFAULT.split,
    most: Annotated[int, typer.Option("--show", min=1, help="Most faults to list.")] = 20,
) -> None:
    """Check a file of predictions: every fault with its line and what was expected, and what score will warn of.

    With --data also that every video and segment exists; it needs no ground truth, so a competition release will do.
    Leaves with code 2 if there is a fault; warnings are none.
    """
    from qevd_bio.scoring.pairing.validation import check_file

    report = check_file(preds, data, split)
    for line in report.lines(most):
        say(line)
    leave(2 if report.issues else 0)
