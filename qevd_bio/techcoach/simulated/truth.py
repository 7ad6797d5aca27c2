"""What is true of simulated takes: the quality of each dimension in each clip, what is mentioned of it, the score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.egoexo.files import read_large_json
from qevd_bio.store.atomic import write_json

TRUTH = "truth.json"
DIMENSION_COUNT = 7
_MIDDLE, _GAIN = 5.5, 1.2
_MENTIONED = 0.85
_CLEAR = 0.45


@dataclass(frozen=True)
class InstanceTruth:
    """One clip: `quality` (7) in -1, 0, 1; `mention` (7, 2) which strengths and weaknesses the experts named.

    `score` is what this clip alone would have earned, without any expert's bias: the take's score hides it.
    """

    quality: tuple[int, ...]
    mention: tuple[tuple[bool, bool], ...]
    score: float

    @property
    def said(self) -> list[tuple[int, int]]:
        """The (dimension, polarity) pairs that are named, strengths first."""
        good = [(place, 1) for place, (strength, _) in enumerate(self.mention) if strength]
        return good + [(place, -1) for place, (_, weakness) in enumerate(self.mention) if weakness]


def tendencies(skill: float, draw: np.random.Generator) -> NDArray[np.float64]:
    """How well a take goes in each dimension (7): the person's skill, and the day."""
    return np.asarray(skill + draw.normal(0.0, 0.5) + draw.normal(0.0, 0.9, DIMENSION_COUNT))


def draw_instance(tendency: NDArray[np.float64], offset: float, draw: np.random.Generator) -> InstanceTruth:
    """One clip of a take with these tendencies."""
    level = tendency + draw.normal(0.0, 0.5, DIMENSION_COUNT)
    quality = np.where(level > _CLEAR, 1, np.where(level < -_CLEAR, -1, 0))
    named = draw.random(DIMENSION_COUNT) < _MENTIONED
    mention = tuple((bool(q > 0 and n), bool(q < 0 and n)) for q, n in zip(quality, named, strict=True))
    return InstanceTruth(tuple(map(int, quality)), mention, clip_score([quality.tolist()], offset))


def clip_score(qualities: Sequence[Sequence[int]], offset: float, bias: float = 0.0) -> float:
    """5.5 + 1.2 Σq/√7 + offset + bias, within 1 to 10; of several clips the mean Σq counts."""
    total = float(np.mean([sum(quality) for quality in qualities]))
    return float(np.clip(_MIDDLE + _GAIN * total / np.sqrt(DIMENSION_COUNT) + offset + bias, 1.0, 10.0))


def write_truth(root: Path, instances: Mapping[str, InstanceTruth], about: Mapping[str, Any]) -> None:
    """Write the sidecar; no command but the checks reads it."""
    rows = {
        name: {"quality": list(one.quality), "mention": [list(pair) for pair in one.mention], "score": one.score}
        for name, one in instances.items()
    }
    write_json(root / TRUTH, {"about": dict(about), "instances": rows})


def read_truth(root: Path) -> dict[str, InstanceTruth]:
    """Instance -> truth."""
    value = read_large_json(root / TRUTH, "the truth of a simulated data set")
    return {
        name: InstanceTruth(
            tuple(row["quality"]), tuple((bool(a), bool(b)) for a, b in row["mention"]), float(row["score"])
        )
        for name, row in value["instances"].items()
    }
