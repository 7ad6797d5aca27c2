"""The coach that sees nothing: it says something friendly every few seconds. What every model must beat."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from typing import Any

from qevd_bio.dataset.workout import Segment

PHRASES = (
    "Great start, keep going!",
    "Nice work, stay with it!",
    "You're doing well, keep it up!",
    "Good effort, keep your form!",
    "Looking good, don't stop!",
    "Well done, nearly there!",
)


@dataclass(frozen=True)
class IntervalOptions:
    """every_s: seconds between two sentences; 5 s is the average silence in QEVD (Table 2: 5.2 to 5.3 s)."""

    every_s: float = 5.0


def speak(segments: Iterable[Segment], options: IntervalOptions | None = None) -> list[dict[str, Any]]:
    """Predictions, one a segment: the same sentences in the same order at fixed times."""
    every = (options or IntervalOptions()).every_s
    predictions = []
    for segment in segments:
        times = []
        for step in count(1):
            if not segment.bounded or step * every >= segment.duration_s:
                break
            times.append(step * every)
        said = [{"time": time, "text": PHRASES[index % len(PHRASES)]} for index, time in enumerate(times)]
        predictions.append(
            {
                "video": segment.video,
                "segment": segment.index,
                "exercise": segment.exercise_official,
                "timing": "corrected",
                "feedbacks": said,
            }
        )
    return predictions
