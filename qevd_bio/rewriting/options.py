"""Settings of the rewriting; each default lives here and nowhere else (standard library only)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Policy = Literal["evidence", "supported", "paper"]
POLICIES: tuple[Policy, ...] = ("evidence", "supported", "paper")
VIDEO_MODES = ("link", "copy", "none")


@dataclass(frozen=True)
class RewriteOptions:
    """What decides the text of the rewritten data set.

    policy        `evidence`: the trainer's words count as evidence beside the measurement; `supported`: only what
                  a sure measurement that agrees with the trainer's words supports is
                  rewritten; `paper`: every corrective feedback is replaced from the motion context (Supp. 6.1)
    prior         with `evidence`: probability of a fault from a trainer who names it
    posterior     with `evidence`: probability from which it is said
    paper_skip    with `paper`: leave the trainer's words where nothing is violated
    seed          chooses among phrasings; the same seed gives the same data set
    max_cues      faults named in one feedback
    max_age_s     a repetition that ended longer ago than this is not what the trainer reacted to
    rationale     add the reason for the first cue where the exercise's rules have one
    """

    policy: Policy = "evidence"
    prior: float = 0.8
    posterior: float = 0.5
    paper_skip: bool = False
    seed: int = 0
    max_cues: int = 2
    max_age_s: float = 6.0
    rationale: bool = True
