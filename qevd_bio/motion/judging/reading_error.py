"""How much smaller or larger a camera's reading errs than the errors of its angles suggest: refs/pose/readings.csv.

Errors of angles are propagated as if they were independent. In a fit they are not: a wrist is seen where it is,
whatever the shoulder's three angles are, so the height of a hand is surer than the shoulder; a range is damped as a
whole, so it is less sure than its frames. The factors were measured on simulated people
(tests/benchmarks/calibrate_readings.py).
"""

from __future__ import annotations

from functools import cache

from qevd_bio.anatomy.dofs import read_rows
from qevd_bio.store.resources import refs_path

KINDS = ("extreme", "mean", "spread")
VIEWS = ("front", "oblique", "side", "back")
_EDGES_DEG = (25.0, 65.0, 115.0)
_KIND = {"mean": "mean", "range": "spread", "rise": "spread", "drop": "spread", "std": "spread", "symmetry": "spread"}


def kind_of(stat: str) -> str:
    """extreme (a value at one frame), mean, or spread (a difference within the repetition)."""
    return _KIND.get(stat, "extreme")


def view_of(heading_deg: float) -> str:
    """front, oblique, side or back: how far the body is turned away from the camera."""
    away = abs((heading_deg + 180.0) % 360.0 - 180.0)
    return VIEWS[sum(away > edge for edge in _EDGES_DEG)]


def reading_factor(quantity: str, stat: str, heading_deg: float | None) -> float:
    """Factor on the propagated sigma of a reading; that of all quantities where the table does not have this one."""
    table = _factors()
    row = table.get(quantity, table[""])
    return row[kind_of(stat)] * (1.0 if heading_deg is None else row[view_of(heading_deg)])


@cache
def _factors() -> dict[str, dict[str, float]]:
    rows = read_rows(refs_path("pose", "readings.csv"))
    return {row["quantity"]: {name: float(row[name]) for name in (*KINDS, *VIEWS)} for row in rows}
