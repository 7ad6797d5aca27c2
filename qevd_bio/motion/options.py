"""Settings of the motion stage; each default lives here and nowhere else (standard library only)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Salient = Literal["selector", "annotated", "exercise", "all"]
"""Where J* comes from: the trained selector, annotations, the exercise's own list, or all 24 joints."""
SALIENT: tuple[Salient, ...] = ("selector", "annotated", "exercise", "all")
Evidence = Literal["causal", "whole"]
"""What J* at a time may rest on: frames up to that time, or the whole segment."""


@dataclass(frozen=True)
class CycleOptions:
    """How repetitions are found. All times in seconds, all shares as fractions of an amplitude.

    Only `method` is meant to be changed by users; the rest are the constants of the `robust` rule.
    """

    method: Literal["robust", "paper"] = "robust"
    grid_hz: float = 30.0
    """Signals are interpolated to this rate first, so a rule means the same at 18 and at 60 frames/s."""
    smooth_share: float = 0.06
    """Standard deviation of the smoothing kernel, as a share of the exercise's shortest typical cycle …"""
    smooth_max_s: float = 0.09
    """… but never wider than this."""
    prominence_share: float = 0.4
    """A turn counts when the signal comes back by this share of the running amplitude."""
    prior_share: float = 0.45
    """Amplitude expected before anything has been seen, as a share of the reference's range."""
    prominence_floor_rad: float = 0.1
    """The paper's threshold (Supp. 10) is the least prominence that is ever asked for."""
    forget_s: float = 8.0
    """Time constant with which the running amplitude falls back to what was expected."""
    memory: int = 4
    """Repetitions whose amplitude, period and levels make the running estimates."""
    sustain_share: float = 0.1
    """A return must last this share of half the running period (spikes do not)."""
    dwell_share: float = 0.35
    """Rest this share of the running period ends a repetition before the next begins …"""
    dwell_min_s: float = 0.4
    dwell_max_s: float = 1.5
    two_sided_dwell_max_s: float = 4.0
    rest_share: float = 0.12
    """Within this share of the amplitude above its lowest point, the signal is at rest."""
    pause_share: float = 0.4
    """A rest longer than the reference's by this share of the movement is a pause; neighbours share a shorter one."""
    uneven_share: float = 0.25
    """If the rests before and after a repetition differ by more, they are two positions: one stands up at the end."""
    edge_level: float = 0.6
    """An extreme cut off by the clip's start or end must reach this share of the usual range."""
    sure_share: float = 0.5
    """A first repetition with this share of the reference's range is reported at once, a smaller one after the next."""
    doubt_share: float = 0.45
    """Such a first repetition counts if it has this share of the next one's range."""
    two_sided_level: float = 0.7
    """The same for a side's turn in right-minus-left signals, where half the range is no movement at all, …"""
    small_turn: float = 0.3
    """… or it must leave the middle of both sides by this share of what it usually does: a mistake may halve it."""
    two_sided_dwell: float = 1.2
    """There the other side's turn must have passed unseen (in periods) before the movement counts as over."""
    min_period_share: float = 0.25
    """Repetitions shorter than this share of the running period are not counted, …"""
    undershoot: float = 0.4
    """… nor those shorter than this times the exercise's bound, which is meant with the rest included, …"""
    fast_share: float = 0.5
    """… but always those that last this share of what the exercise's own rules call too fast, …"""
    overlong: float = 2.0
    """… nor those longer than this times the bound."""
    max_gap_s: float = 0.5
    """Longer gaps in the signal end the running repetition."""
    hold_std_deg: float = 5.0
    hold_window_s: float = 1.0 / 3.0
    hold_min_s: float = 1.0
    hold_settle_s: float = 3.0
    """How far into a hold the way into its position, and out of it, can reach."""


@dataclass(frozen=True)
class ConstraintOptions:
    """How a repetition is judged (bounds themselves live in the exercise catalogue)."""

    method: Literal["catalogue", "paper", "paper-std"] = "catalogue"
    """The catalogue's rules, or the paper's two constraints: static joints by their variance, as printed, or by their
    standard deviation, which the printed unit suggests."""
    bad_view_factor: float = 1.5
    """Tolerances grow by this where the camera sees the plane of motion badly …"""
    bad_view_deg: float = 30.0
    """… which is when the camera's axis is nearer than this to the plane's own."""
    min_observed: float = 0.8
    """Share of a repetition's frames in which a quantity must be observed to be judged."""
    fault_p: float = 0.9
    """A rule is broken where the probability that the true value lies beyond its bound reaches this …"""
    fine_p: float = 0.1
    """… kept where it is at most this; between the two nothing can be told."""
    recur_p: float = 0.8
    """A form error that is likelier than not in this repetition is broken, too, where the mean of the person's
    repetitions so far breaks the rule with this probability."""
    recur: int = 2
    """A form error is a fault to speak of when it shows in so many repetitions in a row …"""
    grave: float = 0.6
    """… or at once, where its severity reaches this."""
    strict_paper: bool = False
    """Judge pelvis tilt and free joints as static too, as the paper does."""


@dataclass(frozen=True)
class ContextOptions:
    """Text of the contexts and how often they are made."""

    morph: Literal["build", "paper"] = "build"
    """C_morph with the body's proportions beside the measurements that are known, or the paper's five alone."""
    feature_hz: float = 4.0
    max_tokens: int = 160
    max_issues: int = 4
    window_s: float = 0.0
    """Seconds of motion before each step that its context is made from (the paper: 3); 0: all of the session."""


@dataclass(frozen=True)
class MotionOptions:
    """Everything that changes what `qevd-bio analyze` writes."""

    cycles: CycleOptions = field(default_factory=CycleOptions)
    constraints: ConstraintOptions = field(default_factory=ConstraintOptions)
    contexts: ContextOptions = field(default_factory=ContextOptions)
    exercise: str = ""
    """Exercise of videos without segments (plain folders)."""
    salient: Salient = "annotated"
    """Where J* comes from; a segment for which that source has nothing takes the exercise's own list."""
    evidence: Evidence = "causal"
    """Whether J* may follow from frames that come later in the segment."""
