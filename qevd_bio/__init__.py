"""qevd-bio: biomechanically grounded fitness coaching from video.

The names below are the Python interface; each is imported when it is first used, so `import qevd_bio` is cheap.

>>> import qevd_bio
>>> scores = qevd_bio.score([("Bend your knees more.", "Bend your knees a bit more.")], metrics=["rouge"])
>>> round(scores.protocols["official"]["rouge_l"].value, 3)
0.8
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from qevd_bio.store.version import __version__

if TYPE_CHECKING:
    from qevd_bio.api import (
        Motion,
        analyze,
        extract,
        plot_angles,
        plot_repetitions,
        plot_scores,
        read_kinematics,
        read_table,
        score,
        simulate_kinematics,
    )
    from qevd_bio.motion.options import MotionOptions
    from qevd_bio.pose.options import ExtractOptions
    from qevd_bio.scoring.options import ScoreOptions
    from qevd_bio.scoring.results import Score, Scores
    from qevd_bio.store.errors import QevdBioError, UserError
    from qevd_bio.tables.kinematics import Kinematics

__all__ = [
    "ExtractOptions",
    "Kinematics",
    "Motion",
    "MotionOptions",
    "QevdBioError",
    "Score",
    "ScoreOptions",
    "Scores",
    "UserError",
    "__version__",
    "analyze",
    "extract",
    "plot_angles",
    "plot_repetitions",
    "plot_scores",
    "read_kinematics",
    "read_table",
    "score",
    "simulate_kinematics",
]

_HOMES = {
    "ExtractOptions": "qevd_bio.pose.options",
    "Kinematics": "qevd_bio.tables.kinematics",
    "MotionOptions": "qevd_bio.motion.options",
    "QevdBioError": "qevd_bio.store.errors",
    "Score": "qevd_bio.scoring.results",
    "ScoreOptions": "qevd_bio.scoring.options",
    "Scores": "qevd_bio.scoring.results",
    "UserError": "qevd_bio.store.errors",
}


def __getattr__(name: str) -> Any:
    """Import a name of the interface when it is first used (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(_HOMES.get(name, "qevd_bio.api")), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """The interface's names, also before they are imported."""
    return sorted({*globals(), *__all__})
