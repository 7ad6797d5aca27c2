"""What the user does, told by the vision backbone's classes: for a language model that cannot see (QEVD, App. E.2)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qevd_bio.coach.vision.feature_files import FeatureShape
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.store.hashing import hash_file, hash_json
from qevd_bio.store.ledger import marker_path
from qevd_bio.store.plain_data import read_json

if TYPE_CHECKING:
    from qevd_bio.coach.baselines.source import BaselineSource

LABELS = "label2int.json"
_TOKENS = 35
_CHUNK = 64


@dataclass(frozen=True)
class ClassHead:
    """The 3D CNN's classifier: weight (K, C), bias (K,), the name of each class ("" where nobody named it).

    `weights` is the hash of the file that it came from; features must be of the same.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    names: tuple[str, ...]
    weights: str

    @property
    def sees(self) -> FeatureShape:
        """The features of a step that it is for."""
        return FeatureShape("3d-cnn", self.weight.shape[1], _TOKENS)

    @property
    def fingerprint(self) -> str:
        """Hash of weights and names."""
        return hash_json([self.weights, self.names])

    def chances(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Features (T, N, C) before their activation to class probabilities (T, K); a class without a name has 0."""
        found = [self._chances(features[first : first + _CHUNK]) for first in range(0, len(features), _CHUNK)]
        return np.concatenate(found) if found else np.zeros((0, len(self.names)))

    def _chances(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        pooled = np.clip(features, 0.0, 6.0).mean(axis=1)
        scores = np.where([bool(name) for name in self.names], pooled @ self.weight.T + self.bias, -np.inf)
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True), dtype=np.float64)

    def activities(self, source: BaselineSource) -> list[tuple[float, str]]:
        """One line a second: the class that is likeliest over that second's features. ItemError without features."""
        assert source.features is not None
        self._check(source)
        loaded = source.features.load()
        return lines_of(loaded.times, self.chances(loaded.features), self.names)

    def _check(self, source: BaselineSource) -> None:
        """Refuse features that `qevd-bio features` is known to have made with other weights."""
        split, video = source.segment.split, source.segment.video
        made_with = _made_with(marker_path(source.workspace.manifests, "features", f"{split}/{video}"))
        if made_with and made_with != self.weights:
            raise ItemError("other_weights", f"{split}/{video}: its features were made with other weights than these")


def lines_of(
    times: NDArray[np.float64], chances: NDArray[np.float64], names: tuple[str, ...]
) -> list[tuple[float, str]]:
    """Lines (seconds, sentence), one for each second with features: the class of the highest mean probability."""
    lines = []
    for second in range(1, int(times[-1] + 1e-6) + 1 if len(times) else 0):
        inside = (times > second - 1 + 1e-6) & (times <= second + 1e-6)
        if inside.any():
            lines.append((float(second), sentence_of(names[int(chances[inside].mean(axis=0).argmax())])))
    return lines


def sentence_of(label: str) -> str:
    """A label of QEVD-FIT-300K ("squats - too shallow") as a sentence."""
    exercise, _, variation = label.partition(" - ")
    return f"The user is doing {exercise.strip()}" + (f": {variation.strip()}." if variation.strip() else ".")


def read_head(weights: Path, labels: Path | None = None) -> ClassHead:
    """The classifier in a 3D CNN's checkpoint with the names of its classes.

    Raises UserError for a checkpoint without classifier, and for labels that are missing or fit no class.
    """
    from qevd_bio.coach.vision.weights import load_backbone

    backbone = load_backbone(weights.expanduser())
    weight = backbone.classifier.weight.detach().numpy()
    if not weight.any():
        raise UserError("holds no classifier", where=weights, expected="the 3D CNN with its classes (2.1.weight)")
    path = labels.expanduser() if labels else weights.expanduser().with_name(LABELS)
    return ClassHead(weight, backbone.classifier.bias.detach().numpy(), read_labels(path, len(weight)),
                     hash_file(weights.expanduser()))  # fmt: skip


def read_labels(path: Path, classes: int) -> tuple[str, ...]:
    """Names of the classes by number from a label2int.json; of two names for one class the first in order."""
    expected = f"a JSON object of labels with their class, 0 to {classes - 1}"
    if not path.is_file():
        raise UserError("no such file", where=path, expected=expected, fix="name it with --labels FILE")
    found = read_json(path, expected)
    names = [""] * classes
    for label in sorted(found, reverse=True) if isinstance(found, dict) else ():
        number = found[label]
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < classes:
            raise UserError(f"{label!r} has the class {number!r}", where=path, expected=expected)
        names[number] = " ".join(label.split())
    if not any(names):
        raise UserError("names no class", where=path, expected=expected)
    return tuple(names)


def _made_with(marker: Path) -> str:
    """Hash of the weights that a feature file was made with, "" where nobody wrote it down."""
    try:
        return str(json.loads(marker.read_text(encoding="utf-8"))["settings"]["weights"])
    except (OSError, ValueError, KeyError):
        return ""
