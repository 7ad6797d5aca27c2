"""Figures for papers: one style, and files that are equal whenever what they show is equal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qevd_bio.reporting.html import short
from qevd_bio.reporting.options import PLOT_SUFFIXES
from qevd_bio.store import extras
from qevd_bio.store.atomic import atomic_path
from qevd_bio.store.errors import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart by colour-blind readers, in an order that also differs in grey.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#555555", "#f0e442")
BAND, FAULT, HIT, MISS = "#009e73", "#d55e00", "#009e73", "#777777"

_SETTINGS: Any = {
    # Names come from files and data: a dollar sign in one is a dollar sign.
    "text.parse_math": False,
    "text.usetex": False,
    "svg.hashsalt": "qevd-bio",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "savefig.dpi": 200,
}
_UNDATED: dict[str, dict[str, Any]] = {
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None},
    ".png": {"Software": None},
}


@contextmanager
def drawing(size: tuple[float, float]) -> Iterator[Figure]:
    """A new figure of `size` inches in the house style, to be drawn and saved inside the block.

    UserError where matplotlib is not installed.
    """
    extras.need("matplotlib", what="a plot")
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_SETTINGS):
        yield Figure(figsize=size, layout="constrained")


def check_suffix(path: Path) -> Path:
    """`path`, if its ending names a format that can be written; UserError otherwise."""
    if path.suffix.lower() not in PLOT_SUFFIXES:
        raise UserError(
            f"no figure can be written as {path.suffix or 'a file without ending'}",
            where=path,
            expected=f"a name that ends in {', '.join(PLOT_SUFFIXES)}",
        )
    return path


def save(figure: Figure, path: Path) -> Path:
    """Write the figure atomically, in the format of its ending, without date or program in it."""
    kind = check_suffix(path).suffix.lower()
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=kind[1:], metadata=_UNDATED[kind])
    return path


def label(text: object, limit: int = 28) -> str:
    """A name as it can stand in a figure: one line, no longer than `limit`."""
    return short(text, limit)
