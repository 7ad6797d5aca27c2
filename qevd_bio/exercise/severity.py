"""What a rule asks for, and how far a value is from it: bounds, the value to reach, and how grave a fault is."""

from __future__ import annotations

import math
from dataclasses import dataclass

from qevd_bio.exercise.rules import FormError, Target
from qevd_bio.exercise.vocabulary import vocabulary
from qevd_bio.tables.verdicts import distance

Rule = FormError | Target

RULE_CONFIDENCE = {"high": 1.0, "medium": 0.8, "low": 0.6}
TARGET_WEIGHT = 0.5
SPREAD = {"high": 0.05, "medium": 0.1, "low": 0.2}
"""How uncertain a bound itself is, as a share of its way to the goal (for targets: of their tolerance)."""
# A fault this far past its bound is a grave one even where bound and goal lie close together.
_LEAST_SCALE = {"deg": 10.0, "s": 0.5, "ratio": 0.1, "fraction": 0.1}


@dataclass(frozen=True)
class Bounds:
    """The range that a rule allows, infinite where open, the tolerance beyond both ends, and their own uncertainty.

    spread  standard deviation of where the bound should lie, in the value's unit
    """

    low: float
    high: float
    tolerance: float
    spread: float = 0.0

    def deviation(self, value: float) -> float:
        """Signed distance to low..high, 0 within."""
        return distance(value, self.low, self.high)

    def beyond(self, value: float) -> float:
        """Signed distance past the tolerance, 0 within."""
        return distance(value, self.low - self.tolerance, self.high + self.tolerance)

    def broken(self, deviation: float) -> bool:
        """Whether a value so far from low..high breaks the rule."""
        return deviation != 0 and abs(deviation) - self.tolerance > 1e-9

    def probability(self, value: float, sigma: float = 0.0) -> float:
        """That the true value lies beyond the tolerance, where the measured one has a normal error of this `sigma`."""
        spread = math.hypot(sigma, self.spread)
        if spread <= 0.0:
            return float(self.broken(self.deviation(value)))
        below = (self.low - self.tolerance - value) / spread
        above = (value - self.high - self.tolerance) / spread
        return min(1.0, _normal(below) + _normal(above))


def bounds_of(rule: Rule, bad_view: float = 1.0) -> Bounds:
    """The rule's range. `bad_view` above 1 widens it, for a camera that sees the plane badly.

    A target is widened by its own tolerance; an error's threshold holds its tolerance already, and a bad view adds to
    it in proportion to the distance between threshold and goal.
    """
    if isinstance(rule, Target):
        return Bounds(*rule.range, rule.tolerance * bad_view, SPREAD[rule.confidence] * rule.tolerance)
    nearest = min(abs(rule.goal - bound) for bound in rule.bounds if math.isfinite(bound))
    return Bounds(*rule.bounds, (bad_view - 1.0) * nearest, SPREAD[rule.confidence] * nearest)


def _normal(z: float) -> float:
    """The share of a normal distribution below z standard deviations."""
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


def goal_of(rule: Rule, deviation: float) -> float:
    """The value to reach: an error's goal, a target's nearest end."""
    if isinstance(rule, FormError):
        return rule.goal
    low, high = rule.range
    edge = low if deviation < 0 else high
    return edge if math.isfinite(edge) else low


def severity_of(rule: Rule, bounds: Bounds, deviation: float) -> float:
    """How grave a broken rule is, 0..1."""
    edge = bounds.low if deviation < 0 else bounds.high
    scale = max(abs(goal_of(rule, deviation) - edge), _LEAST_SCALE[vocabulary().quantities[rule.quantity].unit])
    weight = rule.weight if isinstance(rule, FormError) else TARGET_WEIGHT
    return severity(weight, abs(deviation) - bounds.tolerance, scale)


def severity(weight: float, beyond: float, scale: float) -> float:
    """Half the rule's weight for any violation, the other half in proportion to how far it goes."""
    return weight * (0.5 + 0.5 * min(1.0, beyond / scale))
