"""Which unit a file's angles are in: stated by its header, its columns or the user, never guessed from small values.

What is stated is checked against the values: a header that its own numbers contradict is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.store.errors import UserError

Float = NDArray[np.float64]

JOINT_RAD = 3.5  # no joint that cannot turn round and round reaches 200 degrees
TURNS_RAD = 8.0 * np.pi
SHARE = 0.05
# A whole recording of degrees in which nothing is bent by 3.3 is far rarer than radians under the wrong name.
SMALL_DEG = 3.3
# Coordinates that may run on past a half turn, in the words of the programs that are read.
_TURNING = ("pelvis_rotation", "pelvis_tilt", "pelvis_list", "arm_", "shoulder_", "pelvis_ori")


@dataclass(frozen=True)
class Unit:
    """The unit of a file's angles, and who said so."""

    name: str
    by: str

    @property
    def factor(self) -> float:
        """What an angle is multiplied with to get radians."""
        return float(np.pi / 180.0) if self.name == "degrees" else 1.0


def settle_unit(
    angles: Mapping[str, Float], stated: Unit | None, asked: str, where: Any, *, sure: bool = False
) -> Unit:
    """The unit of `angles` (name -> (T,)): the user's word, else the file's, else a UserError that asks for it.

    `asked` is auto, degrees or radians. `sure`: the file states the unit twice, so small values are believed.
    Raises UserError where the values contradict what is stated.
    """
    if asked != "auto":
        unit = Unit(asked, "--unit")
    elif stated is not None:
        unit = stated
    else:
        raise UserError(
            "does not say whether its angles are degrees or radians",
            where=where,
            expected="the unit in the header (inDegrees=yes or no), in the column names (_deg, _rad), or by --unit",
            fix="--unit degrees or --unit radians",
        )
    reason = contradiction(angles, unit, sure or asked != "auto")
    if reason:
        raise UserError(
            reason,
            where=where,
            expected=f"angles in {unit.name}, as stated by {unit.by}",
            fix="--unit degrees or --unit radians says which is right",
        )
    return unit


def contradiction(angles: Mapping[str, Float], unit: Unit, sure: bool = False) -> str:
    """Why the values cannot be, or hardly are, in this unit; empty where nothing speaks against it."""
    if unit.name == "radians":
        for name, values in angles.items():
            highest = TURNS_RAD if name.startswith(_TURNING) else JOINT_RAD
            with np.errstate(invalid="ignore"):
                beyond = np.abs(values) > highest
            if beyond.mean() > SHARE:
                worst = float(np.nanmax(np.abs(np.where(np.isfinite(values), values, np.nan))))
                return f"{name} reaches {worst:.6g}, which cannot be radians ({np.rad2deg(worst):.0f}°)"
        return ""
    if sure or not angles:
        return ""
    largest = max((float(np.max(np.abs(v), where=np.isfinite(v), initial=0.0)) for v in angles.values()), default=0.0)
    if 0.0 < largest <= SMALL_DEG:
        return f"no angle reaches more than {largest:.3g}°, so these look like radians"
    return ""
