"""The card of a simulated data set: what it is, how it was made, and its statistics beside QEVD's."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from itertools import groupby, pairwise

from qevd_bio.simulation.options import SimulateOptions
from qevd_bio.simulation.performance.habits import DELAY_MEDIAN_S, DELAY_RANGE_S, DELAY_SPREAD
from qevd_bio.simulation.performance.workout import possible_mistakes
from qevd_bio.store.version import __version__
from qevd_bio.tables.truth import TrueFeedback, TrueMistake, TrueRepetition

QEVD = {"feedbacks": "5.0 ± 1.2", "silence": "5.3 ± 1.2", "words": "6.6 ± 4.0"}
"""QEVD-FIT-COACH, test split, Table 2 of the QEVD paper (arXiv 2407.08101)."""


def figures(feedbacks: Sequence[TrueFeedback]) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of feedbacks an exercise, seconds between them, and words a feedback."""
    spoken = [row for row in feedbacks if row.kind != "transition"]
    counts, gaps = [], []
    by_exercise = groupby(feedbacks, key=lambda row: (row.split, row.video, row.segment))
    for (_, _, segment), rows in by_exercise:
        times = [row.start_s for row in rows]
        if segment is not None:
            counts.append(float(len(times) - 1))
            gaps += [b - a for a, b in pairwise(times)]
    words = [float(len(row.text.split())) for row in spoken]
    return {name: _spread(values) for name, values in (("feedbacks", counts), ("silence", gaps), ("words", words))}


def _spread(values: Sequence[float]) -> tuple[float, float]:
    if not values:
        return float("nan"), float("nan")
    return statistics.fmean(values), statistics.pstdev(values)


def card(
    options: SimulateOptions,
    feedbacks: Sequence[TrueFeedback],
    mistakes: Sequence[TrueMistake],
    repetitions: Sequence[TrueRepetition],
) -> str:
    """README.md of the data set."""
    measured = figures(feedbacks)
    own = {name: f"{mean:.1f} ± {sd:.1f}" for name, (mean, sd) in measured.items()}
    intents = Counter(row.intent for row in feedbacks)
    exercises = Counter(row.exercise for row in repetitions)
    texts = {row.text for row in feedbacks if row.kind != "transition"}
    possible, known = possible_mistakes()
    videos = len({(row.split, row.video) for row in feedbacks})
    corrected = sum(bool(row.corrected) for row in mistakes)
    lines = [
        "---",
        "simulated: true",
        "---",
        "",
        "# Simulated workouts",
        "",
        "**Everything here is simulated**: a drawn figure, not a person; a scripted coach, not a trainer. It is made",
        "to test and try tools in the layout of QEVD-FIT-COACH; scores on it say nothing about scores on real people.",
        "",
        f"qevd-bio {__version__}, seed {options.seed}, {videos} workouts of {options.minutes:g} min, "
        f"{'with' if options.video else 'without'} videos.",
        "",
        "| | here | QEVD-FIT-COACH, test |",
        "|---|---|---|",
        f"| feedbacks an exercise | {own['feedbacks']} | {QEVD['feedbacks']} |",
        f"| seconds between feedbacks | {own['silence']} | {QEVD['silence']} |",
        f"| words a feedback | {own['words']} | {QEVD['words']} |",
        "",
        f"{len(feedbacks)} feedbacks ({', '.join(f'{count} {name}' for name, count in intents.most_common())}), "
        f"{len(texts)} different sentences. {len(repetitions)} repetitions or holds; {len(mistakes)} mistakes made on "
        f"purpose, {corrected} of them mended after the coach named them. Of {known} form errors in the catalogue "
        f"{possible} can be made.",
        "",
        f"Reaction of the coach: log-normal, median {DELAY_MEDIAN_S:g} s, spread of the logarithm {DELAY_SPREAD:g}, "
        f"cut to {DELAY_RANGE_S[0]:g} to {DELAY_RANGE_S[1]:g} s.",
        "",
        "Repetitions by exercise: " + ", ".join(f"{name} {count}" for name, count in sorted(exercises.items())) + ".",
        "",
        "`truth/` holds what is true: `kinematics/` (angles in the project's schema), `repetitions`, `judgements`",
        "(every rule on every repetition), `mistakes`, `feedbacks` (intent, ideal rewritten sentence). Only checks",
        "read it.",
        "",
    ]
    return "\n".join(lines)
