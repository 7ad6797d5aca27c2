"""Body measurements as estimates that say where they come from: value, unit, sd, method, source.

Regressions on ANSUR II (4082 men, 1986 women, US Army, public; refs/anatomy/body.csv), sd their 5-fold
cross-validated standard error. Nothing is invented: a measurement that nothing given supports is absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from qevd_bio.anatomy.dofs import read_rows
from qevd_bio.store.errors import UserError
from qevd_bio.store.resources import refs_path

Sex = Literal["men", "women", "unknown"]

TARGETS = ("height", "mass", "chest", "waist", "hips")
INPUTS = (*TARGETS, "waist_breadth", "hip_breadth", "shoulder_breadth", "limb_sum")
"""Breadths in metres (shoulder: bideltoid); limb_sum: thigh + shank + upper arm + forearm, metric."""

_SOURCE = "ANSUR II regression (Gordon et al. 2014, NATICK/TR-15/007)"


@dataclass(frozen=True)
class Measurement:
    """One measurement; `sd` is one standard deviation, 0 for an entered value taken as exact.

    method: entered, mesh, silhouette_regression, girth_regression, stature_regression, segment_regression
    or population_mean.
    """

    value: float
    unit: str
    sd: float
    method: str
    source: str

    @property
    def estimated(self) -> bool:
        """Whether the value is an estimate, to be labelled as one."""
        return self.method not in ("entered", "mesh")

    @property
    def fit_for_advice(self) -> bool:
        """False where the sd is above a tenth of the value: then nothing may be concluded from it."""
        return self.sd <= 0.1 * abs(self.value)

    def as_dict(self) -> dict[str, float | str]:
        """Plain values, as the kinematics table keeps them."""
        return asdict(self)


@dataclass(frozen=True)
class _Equation:
    target: str
    method: str
    sex: str
    intercept: float
    slopes: dict[str, float]
    sd: float


def _equations() -> list[_Equation]:
    rows = read_rows(refs_path("anatomy", "body.csv"))
    return [
        _Equation(
            target=row["target"],
            method=row["method"],
            sex=row["sex"],
            intercept=float(row["intercept"]),
            slopes={name: float(row[name]) for name in INPUTS if row.get(name)},
            sd=float(row["sd"]),
        )
        for row in rows
    ]


EQUATIONS: tuple[_Equation, ...] = tuple(_equations())


def entered(value: float, name: str, sd: float = 0.0) -> Measurement:
    """A measurement given by a person. UserError for one that no body has."""
    low, high = (20.0, 300.0) if name == "mass" else (0.05, 4.0)
    if not low <= value <= high:
        unit = _unit(name)
        raise UserError(
            f"{name} {value:g} {unit}", expected=f"{low:g} to {high:g} {unit}", fix="correct the value or leave it out"
        )
    return Measurement(value, _unit(name), sd, "entered", "given by the user")


def estimate_body(
    known: Mapping[str, Measurement], sex: Sex = "unknown", population: bool = False
) -> dict[str, Measurement]:
    """Height, mass, chest, waist and hips as far as `known` (names: INPUTS) supports them.

    Known values are kept. Each other one comes from the applicable equation with the smallest sd, the errors
    of its inputs included. `sex` "unknown" averages both equations and widens the sd by half their difference.
    `population`: allow population means where nothing else applies.
    """
    have = dict(known)
    for target in TARGETS:
        if target in have:
            continue
        candidates = [
            _predict(target, method, have, sex)
            for method in dict.fromkeys(eq.method for eq in EQUATIONS if eq.target == target)
            if (population or method != "population_mean") and _applies(target, method, have)
        ]
        if candidates:
            have[target] = min(candidates, key=lambda found: found.sd)
    return {name: have[name] for name in TARGETS if name in have}


def _applies(target: str, method: str, have: Mapping[str, Measurement]) -> bool:
    needed = {name for eq in EQUATIONS if (eq.target, eq.method) == (target, method) for name in eq.slopes}
    return all(name in have and np.isfinite(have[name].value) for name in needed)


def _predict(target: str, method: str, have: Mapping[str, Measurement], sex: Sex) -> Measurement:
    values, variances = [], []
    for eq in EQUATIONS:
        if (eq.target, eq.method) == (target, method) and sex in (eq.sex, "unknown"):
            values.append(eq.intercept + sum(slope * have[name].value for name, slope in eq.slopes.items()))
            variances.append(eq.sd**2 + sum((slope * have[name].sd) ** 2 for name, slope in eq.slopes.items()))
    half_gap = (max(values) - min(values)) / 2
    sd = float(np.sqrt(np.mean(variances))) + half_gap
    return Measurement(
        float(np.mean(values)), _unit(target), sd, method, f"{_SOURCE}, {sex if sex != 'unknown' else 'sex unknown'}"
    )


def describe_body(body: Mapping[str, Measurement]) -> str:
    """ "User body: height 1.78m, mass about 73kg (estimated), ..."; "" where nothing is known.

    Entered and measured values are printed with two decimals, estimates with two significant digits.
    """
    parts = []
    for name in TARGETS:
        if name in body:
            found = body[name]
            value = f"{found.value:#.2g}".removesuffix(".") if found.estimated else f"{found.value:.2f}"
            parts.append(
                f"{name} about {value}{found.unit} (estimated)" if found.estimated else f"{name} {value}{found.unit}"
            )
    return f"User body: {', '.join(parts)}." if parts else ""


def _unit(name: str) -> str:
    return "kg" if name == "mass" else "m"
