"""What is known about one exercise, as typed frozen data. Angles in degrees, times in seconds.

Every number comes with `source` (a key of refs/sources.yaml), `confidence` and, where it helps, `basis`:
how the number follows from the source.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

Category: TypeAlias = Literal["bilateral", "alternating", "hold"]
Role: TypeAlias = Literal["static", "dynamic", "free"]
Confidence: TypeAlias = Literal["high", "medium", "low"]
Side: TypeAlias = Literal["each", "own", "other", "none"]
Statistic: TypeAlias = Literal["value", "max", "min", "mean", "range", "std", "rise", "drop", "symmetry"]
Pair: TypeAlias = tuple[float, float]

PAUSE = "pause"
"""`at` of a measure over the frames between the last repetition and this one."""

_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, config=_STRICT, kw_only=True)
class RuleEvidence:
    """Where the numbers of the block come from."""

    source: str
    confidence: Confidence
    basis: str = ""


@dataclass(frozen=True, config=_STRICT, kw_only=True)
class SignalFacts:
    """The one curve that shows the repetitions; angles in degrees.

    `rest` says which extreme is the rest between two cycles. A `two_sided` signal is right minus left: its maximum
    is the right side's turn, its minimum the left's, and its cycle runs from minimum to minimum. `alternatives`
    are tried where the main signal's quantities are not observed; `paper` is the representative the paper names.
    """

    expression: str
    rest: Literal["min", "max"] = "min"
    two_sided: bool = False
    alternatives: tuple[str, ...] = ()
    paper: str = ""
    note: str = ""


@dataclass(frozen=True, config=_STRICT, kw_only=True)
class Count:
    """What people count: `per_cycle` units to one full cycle (2 for single limbs of a left-right cycle)."""

    unit: str
    plural: str
    per_cycle: int = Field(ge=1)


@dataclass(frozen=True, config=_STRICT, kw_only=True)
class CycleFacts(RuleEvidence):
    """Bounds of the duration of one full cycle (a hold's upper bound is None), typical duration, counting unit."""

    bounds_s: tuple[float, float | None]
    typical_s: Pair
    count: Count


@dataclass(frozen=True, config=_STRICT, kw_only=True)
class KeyFrame:
    """A moment of the cycle: the extreme of `of` inside the phase window.

    `sides`: `none` is one moment `name`; `both` is one for each side (`name_r`, `name_l`), where `_own` in `of`
    stands for that side; `one` is a single moment whose side is that with the greater `side_by` (or `of`) there.
    `at: middle` is the middle of a held segment. `phrase` says the moment to people: "at the bottom".
    """

    name: str
    phrase: str
    at: Literal["max", "min", "middle"]
    of: str = "signal"
    sides: Literal["none", "both", "one"] = "none"
    side_by: str = ""
    window: Pair = (0.0, 1.0)


@dataclass(frozen=True, config=_STRICT, kw_only=True)
class StaticRule(RuleEvidence):
    """An exception to the stability rule for static joints, or some `dofs` of them; `limit_deg` None: not judged."""

    joints: tuple[str, ...]
    dofs: tuple[str, ...] = ()
    limit_deg: float | None = None


@dataclass(frozen=True, config=_STRICT, kw_only=True)
class Roles:
    """Joints by role, without `_r`/`_l` for both sides; joints named nowhere are static.

    A static joint may vary by less than `limit_deg` (standard deviation over the cycle). `exceptions` relax
    that for single DoFs; strict evaluation ignores them.
    """

    dynamic: tuple[str, ...]
    free: tuple[str, ...] = ()
    limit_deg: float = 5.0
    source: str = "BC"
    confidence: Confidence = "medium"
    exceptions: tuple[StaticRule, ...] = ()


@dataclass(frozen=True, config=_STRICT, kw_only=True)
class Measure(RuleEvidence):
    """What is measured: a statistic of a quantity, at a key frame (`value`) or over the cycle (all others).

    `at: pause` takes the statistic over the rest before the repetition, where there was one.

    `side`: `each` side separately, the key frame's `own` or `other` side, or `none` for the whole body.
    `limb` is the word for that side in this exercise ("front", "rear", "kicking").
    """

    quantity: str
    side: Side = "none"
    limb: str = ""
    stat: Statistic
    at: str = "cycle"


@dataclass(frozen=True, config=_STRICT, kw_only=True)
class Target(Measure):
    """The measure should lie in `range` (degrees, or a ratio), give or take `tolerance`."""

    id: str
    range: Pair
    tolerance: float = Field(ge=0)
    stat: Statistic = "value"


@dataclass(frozen=True, config=_STRICT, kw_only=True)
class FormError(Measure):
    """A fault and what shows it: the measure is `below`, `above` or `outside` the threshold.

    goal         the value to reach; a correction is goal minus measured
    joints       anatomical joints at fault (both sides where no side is given)
    parts        body parts and `directions` words with which a trainer points to it
    says         examples of what a trainer says
    fix          what to do, an imperative clause without a number, "bend the knees further"
    rationale    why, if there is a good reason
    weight       severity, 0..1;  alarm: a `soft` one is never raised unasked
    """

    id: str
    goal: float
    joints: tuple[str, ...]
    parts: tuple[str, ...]
    directions: tuple[str, ...]
    says: tuple[str, ...] = Field(min_length=1)
    fix: str
    rationale: str = ""
    weight: float = Field(gt=0, le=1)
    alarm: Literal["hard", "soft"] = "hard"
    below: float | None = None
    above: float | None = None
    outside: Pair | None = None

    def violated(self, value: float) -> bool:
        """Whether the measured value is past the threshold; NaN is not."""
        low, high = self.bounds
        return value < low or value > high

    @property
    def bounds(self) -> Pair:
        """(lowest, highest) value that is not a fault; infinite where open."""
        if self.outside is not None:
            return self.outside
        return (
            float("-inf") if self.below is None else self.below,
            float("inf") if self.above is None else self.above,
        )


@dataclass(frozen=True, config=_STRICT, kw_only=True)
class PoseKey:
    """One key pose of the reference: at phase `at` (0..1) the named pose, or its mirror image."""

    at: float = Field(ge=0, le=1)
    pose: str
    mirror: bool = False


@dataclass(frozen=True, config=_STRICT, kw_only=True)
class Reference(RuleEvidence):
    """How the reference trajectory is made: duration, named poses, their order in the cycle."""

    duration_s: float = Field(gt=0, le=20)
    poses: dict[str, dict[str, float | str | dict[str, float]]]
    keys: tuple[PoseKey, ...] = Field(min_length=1)


@dataclass(frozen=True, config=_STRICT, kw_only=True)
class Exercise:
    """One exercise of the catalogue."""

    id: str
    name: str
    aliases: tuple[str, ...]
    section: Literal["warm-up", "main", "cool-down", ""] = ""
    description: str
    category: Category
    uncertain: str = ""
    signal: SignalFacts
    cycle: CycleFacts
    keys: tuple[KeyFrame, ...]
    roles: Roles
    salient: tuple[str, ...]
    targets: tuple[Target, ...]
    errors: tuple[FormError, ...]
    reference: Reference | None = None
    notes: tuple[str, ...] = ()

    def key(self, name: str) -> KeyFrame:
        """The key frame of that name (without side); KeyError if there is none."""
        return {key.name: key for key in self.keys}[name]
