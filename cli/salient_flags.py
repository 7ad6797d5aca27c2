"""Options of the commands that read or make motion contexts: where J* comes from, how far back is looked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from qevd_bio.motion.options import Evidence, Salient

if TYPE_CHECKING:
    from qevd_bio.coach.options import MotionWish

PANEL = "Salient joints and window"
Source = Annotated[
    Salient | None,
    typer.Option(
        "--salient",
        help="Joints J* that contexts speak of. annotated of a test split is an oracle, and marked so.",
        show_default="selector where a model has one, else annotated (run, live: never), else exercise",
        rich_help_panel=PANEL,
    ),
]
Window = Annotated[
    float | None,
    typer.Option(
        "--window",
        min=0.0,
        help="Seconds of motion that each context is made from; 0: the whole session.",
        show_default="0, or as the model was trained",
        rich_help_panel=PANEL,
    ),
]
Frames = Annotated[
    Evidence,
    typer.Option(
        "--evidence",
        help="Frames that J* may rest on: those up to each moment, or the whole segment.",
        rich_help_panel=PANEL,
    ),
]


@dataclass(frozen=True)
class SalientFlags:
    """Where J* comes from, and how far back is looked."""

    salient: Source = None
    window: Window = None
    evidence: Frames = "causal"

    def wish(self) -> MotionWish:
        """The contexts that are wished for, as the stages take them."""
        from qevd_bio.coach.options import MotionWish

        return MotionWish(self.salient, self.window, self.evidence)
