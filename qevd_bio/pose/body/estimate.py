"""Mass and girths from stature (and mass, where known) by published regressions, each with its uncertainty."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from functools import cache
from typing import Any

from qevd_bio.pose.options import Sex
from qevd_bio.store.resources import refs_path

METHOD = "stature_regression"
SOURCE = "ANSUR II (2012, 6,068 adults), refs/body/regressions.csv"


@dataclass(frozen=True)
class Regression:
    """target = intercept + per_m_stature · H + per_kg_mass · M, with the standard error sd at known M."""

    target: str
    unit: str
    sex: str
    intercept: float
    per_m_stature: float
    per_kg_mass: float
    sd: float

    def at(self, height: float, mass: float) -> float:
        """The measure in metres for a height in metres and a mass in kilograms."""
        return self.intercept + self.per_m_stature * height + self.per_kg_mass * mass


@cache
def regressions() -> tuple[Regression, ...]:
    """The equations in refs/body/regressions.csv."""
    with refs_path("body", "regressions.csv").open(encoding="utf-8", newline="") as stream:
        return tuple(
            Regression(r["target"], r["unit"], r["sex"], *(float(r[name]) for name in list(r)[3:]))
            for r in csv.DictReader(stream)
        )


def estimate_measures(
    height: float, *, mass_kg: float | None = None, sex: Sex = "unknown", height_sd: float = 0.0
) -> dict[str, dict[str, Any]]:
    """mass (unless known), chest, waist and hips of a person `height` metres tall: value, unit, sd, method, source.

    Where mass or stature are not known for sure, their own errors go into the others'. Where the sex is not known
    both equations are averaged and the sd is widened by half their difference.
    """
    sexes = ("male", "female") if sex == "unknown" else (sex,)
    each = [_one_sex(height, mass_kg, one, height_sd) for one in sexes]
    found = {}
    for name in each[0]:
        values, sds = [e[name][0] for e in each], [e[name][1] for e in each]
        value, sd = sum(values) / len(values), math.sqrt(sum(s * s for s in sds) / len(sds))
        spread = (max(values) - min(values)) / 2
        unit = next(r.unit for r in regressions() if r.target == name)
        found[name] = {
            "value": round(value, 3),
            "unit": unit,
            "sd": round(sd + spread, 3),
            "method": METHOD,
            "source": SOURCE,
        }
    return found


def _one_sex(height: float, mass_kg: float | None, sex: str, height_sd: float) -> dict[str, tuple[float, float]]:
    equations = {r.target: r for r in regressions() if r.sex == sex}
    guess = equations.pop("mass")
    mass, mass_sd = (guess.at(height, 0.0), guess.sd) if mass_kg is None else (mass_kg, 0.0)
    heavier = guess.per_m_stature if mass_kg is None else 0.0
    found = {} if mass_kg is not None else {"mass": (mass, math.hypot(mass_sd, heavier * height_sd))}
    for name, equation in equations.items():
        by_height = (equation.per_m_stature + equation.per_kg_mass * heavier) * height_sd
        sd = math.hypot(equation.sd, equation.per_kg_mass * mass_sd, by_height)
        found[name] = (equation.at(height, mass), sd)
    return found
