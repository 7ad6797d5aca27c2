"""What the embeddings of technical points know: a linear probe tells strength from weakness, dimension by dimension."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from qevd_bio.feedback.technique import DIMENSIONS
from qevd_bio.store.errors import UserError
from qevd_bio.techcoach.model.whole import TechCoach
from qevd_bio.techcoach.training.examples import Examples
from qevd_bio.techcoach.training.run import opened_examples

_RIDGE = 1.0
_BATCH = 32


@torch.no_grad()
def embeddings(model: TechCoach, examples: Examples) -> NDArray[np.float64]:
    """Quality embeddings (n, 7, 2·D) of all examples. UserError for a model without a reasoner."""
    model.eval()
    found = []
    for first in range(0, len(examples.instances), _BATCH):
        places = range(first, min(first + _BATCH, len(examples.instances)))
        quality = model.read(examples.inputs(places)).quality
        if quality is None:
            raise UserError(f"{model.config.name} has no technical points", expected="a model with a reasoner")
        found.append(quality.flatten(2).double().numpy())
    return np.concatenate(found)


def labels(examples: Examples) -> NDArray[np.int64]:
    """(n, 7): 1 where only a strength was named, -1 where only a weakness, 0 else."""
    rows = [
        [int(bool(a)) - int(bool(b)) for a, b in zip(one.well, one.improve, strict=True)] for one in examples.instances
    ]
    return np.array(rows, np.int64)


def probe(model: TechCoach, train: Examples, test: Examples) -> list[float]:
    """Balanced accuracy of each dimension on `test`, of ridge probes fitted on `train`; NaN where a side is missing."""
    inputs, outputs = embeddings(model, train), embeddings(model, test)
    known, wanted = labels(train), labels(test)
    found = []
    for place in range(len(DIMENSIONS)):
        fit, ask = known[:, place] != 0, wanted[:, place] != 0
        if len(set(known[fit, place])) < 2 or len(set(wanted[ask, place])) < 2:
            found.append(float("nan"))
            continue
        mean, sd = inputs[fit, place].mean(axis=0), inputs[fit, place].std(axis=0) + 1e-6
        x, target = (inputs[fit, place] - mean) / sd, known[fit, place].astype(float)
        # Both sides weigh the same, however often each was named.
        share = np.where(target > 0, 0.5 / (target > 0).sum(), 0.5 / (target < 0).sum()) * len(target)
        centre = float((share * target).mean())
        gram = (x * share[:, None]).T @ x + _RIDGE * x.shape[1] * np.eye(x.shape[1])
        weights = np.linalg.solve(gram, (x * share[:, None]).T @ (target - centre))
        said = ((outputs[ask, place] - mean) / sd) @ weights + centre > 0
        truth = wanted[ask, place] > 0
        found.append(float(np.mean([said[truth].mean(), (~said[~truth]).mean()])))
    return found


def probe_checkpoint(checkpoint: Path, built: Path, features: Path, split: str) -> list[float]:
    """The probe of a trained model, fitted on the train split and asked of another."""
    model, train = opened_examples(checkpoint, built, features, "train")
    _, test = opened_examples(checkpoint, built, features, split)
    return probe(model, train, test)
