"""Settings of `refs calibrate`; each default lives here (standard library only)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CalibrateOptions:
    """How bounds are set on labels.

    precision  the bound must reach it on the clips it is set on
    folds      people are divided so often to test what was set on the others; 0 leaves one person out at a time
    least      faulty and other clips that a rule needs, of each kind, before anything is changed
    switch     clips of each kind from which another measure than the rule's own may be taken: with a hundred to choose
               from, one of them divides a few clips by chance
    shrink     faulty clips at which the labels count as much as the bound that stood before
    replicates, seed   of the intervals
    """

    precision: float = 0.9
    folds: int = 0
    least: int = 5
    switch: int = 15
    shrink: float = 10.0
    replicates: int = 1000
    seed: int = 0
