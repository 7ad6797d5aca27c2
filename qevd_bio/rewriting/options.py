"""Settings of the rewriting; each default lives here and nowhere else (standard library only)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Policy = Literal["supported", "paper"]
POLICIES: tuple[Policy, ...] = ("supported", "paper")
VIDEO_MODES = ("link", "copy", "none")


@dataclass(frozen=True)
class RewriteOptions:
    """What decides the text of the rewritten data set.

    policy        `supported`: only what a measurement that agrees with the trainer's words supports is
                  rewritten; `paper`: every corrective feedback is replaced from the motion context (Supp. 6.1)
    seed          chooses among phrasings; the same seed gives the same data set
    max_cues      faults named in one feedback
    max_age_s     a repetition that ended longer ago than this is not what the trainer reacted to
    rationale     add the reason for the first cue where the exercise's rules have one
    """

    policy: Policy = "supported"
    seed: int = 0
    max_cues: int = 2
    max_age_s: float = 6.0
    rationale: bool = True
