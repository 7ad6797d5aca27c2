"""Training of a score baseline on the shared loop, and its predictions with ten exemplars."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from qevd_bio.learning.batches import hold_out
from qevd_bio.learning.folders import whole_folder
from qevd_bio.learning.loop import train
from qevd_bio.learning.options import LoopOptions
from qevd_bio.learning.weights import fill, read_tensors
from qevd_bio.store.atomic import write_json
from qevd_bio.store.errors import UserError
from qevd_bio.store.hashing import hash_file
from qevd_bio.tables.coaching import INSTANCES_FILE, CoachingInstance
from qevd_bio.techcoach.baselines.regressors import REGRESSORS, Regressor, ScoreBatch
from qevd_bio.techcoach.data.build import read_instances
from qevd_bio.techcoach.data.features import FeatureFolder, open_features

EXEMPLARS = 10
"""Exemplars at test (published); own: they come from other takes of the same task."""
LOOP = LoopOptions(
    learning_rate=1e-3, batch=32, epochs=60, beta2=0.999, weight_decay=0.05, schedule="linear", validation_share=0.1
)
_WEIGHTS, _ABOUT = "model.safetensors", "baseline.json"


@dataclass(frozen=True)
class Pooled:
    """Features of instances, averaged over space: (n, T, ΣC), with their scores, tasks and takes."""

    features: Tensor
    scores: Tensor
    tasks: tuple[str, ...]
    takes: tuple[str, ...]


def read_pooled(instances: Sequence[CoachingInstance], folder: FeatureFolder, views: Sequence[str]) -> Pooled:
    """Views joined on channels, as TechCoach joins them."""
    rows = [np.concatenate([folder.load(v, one.id).mean(axis=(1, 2)) for v in views], axis=1) for one in instances]
    return Pooled(
        torch.from_numpy(np.stack(rows)),
        torch.tensor([one.score for one in instances], dtype=torch.float32),
        tuple(one.task for one in instances),
        tuple(one.take for one in instances),
    )


class Exemplars:
    """Draws exemplars of the same task from other takes; where a task has none, from all tasks."""

    def __init__(self, known: Pooled) -> None:
        self.known = known

    def draw(self, task: str, take: str, count: int, draw: np.random.Generator) -> list[int]:
        """Places of `count` exemplars; with repeats where there are fewer."""
        others = [i for i, name in enumerate(self.known.takes) if name != take]
        same = [i for i in others if self.known.tasks[i] == task] or others
        if not same:
            raise UserError("no exemplar from another take", expected="training instances of at least two takes")
        return [int(i) for i in draw.choice(same, count, replace=len(same) < count)]

    def batch(
        self, items: Pooled, places: Sequence[int], count: int, draws: Sequence[np.random.Generator]
    ) -> ScoreBatch:
        """A batch of `items` with `count` exemplars each."""
        chosen = [self.draw(items.tasks[p], items.takes[p], count, d) for p, d in zip(places, draws, strict=True)]
        own, index = list(places), torch.tensor(chosen)
        return ScoreBatch(items.features[own], items.scores[own], self.known.features[index], self.known.scores[index])


class ScoreTask:
    """One regressor; a share of the people is held out."""

    chooses = "error"
    advice: Sequence[str] = ()

    def __init__(self, name: str, model: Regressor, items: Pooled, people: Sequence[str], loop: LoopOptions) -> None:
        self.name, self._model = name, model
        self._items = items
        self._train, self._held = hold_out(people, loop.validation_share, loop.seed)
        known = Pooled(
            items.features[self._train], items.scores[self._train], tuple(items.tasks[i] for i in self._train),
            tuple(items.takes[i] for i in self._train),
        )  # fmt: skip
        self._exemplars = Exemplars(known)
        self.lengths: Sequence[int] = [1] * len(self._train)
        self.module: nn.Module = model

    def collate(self, indices: Sequence[int]) -> ScoreBatch:
        """The batch of these training items."""
        # The loop seeds torch before each batch, so that a resumed run draws the same exemplars.
        seed = int(torch.randint(2**31, (1,)))
        draws = [np.random.default_rng([seed, place]) for place in range(len(indices))]
        return self._exemplars.batch(self._items, [self._train[i] for i in indices], 1, draws)

    def weight(self, indices: Sequence[int]) -> float:
        """What the summed loss of these items is divided by."""
        return float(len(indices))

    def better(self, new: float, old: float) -> bool:
        """Whether `new` is the better value."""
        return new < old

    @torch.no_grad()
    def validate(self) -> Mapping[str, float]:
        """Mean squared error of held-out people."""
        if not self._held:
            return {}
        draws = [np.random.default_rng([5, place]) for place in self._held]
        batch = self._exemplars.batch(self._items, self._held, EXEMPLARS, draws)
        batch = batch.to(next(self.module.parameters()).device)
        return {"error": float((self._model.predict(batch) - batch.scores).square().mean())}

    def save(self, folder: Path, about: Mapping[str, Any], tensors: dict[str, Tensor] | None = None) -> None:
        """Write a checkpoint; `tensors` are the weights where they are spread over processes."""
        from safetensors.torch import save_file

        weights = tensors if tensors is not None else dict(self.module.state_dict())
        with whole_folder(folder, _ABOUT) as new:
            save_file({name: value.detach().cpu().contiguous() for name, value in weights.items()}, new / _WEIGHTS)
            write_json(new / _ABOUT, {"baseline": self.name, **about})


def train_and_predict(
    name: str, built: Path, features: Path, out: Path, split: str, loop: LoopOptions, say: Callable[[str], None]
) -> dict[str, float]:
    """Train a score baseline in `out` (again: continue) and give its scores of a split's instances by id."""
    instances = read_instances(built)
    own = [one for one in instances if one.split == "train"]
    asked = [one for one in instances if one.split == split]
    if not own or not asked:
        raise UserError(f"no instances of train or of {split}", where=built, expected="both")
    folder = open_features(features)
    views = sorted(folder.views)
    known, items = read_pooled(own, folder, views), read_pooled(asked, folder, views)
    model = make_regressor(name, known, loop.seed)
    task = ScoreTask(name, model, known, [one.participant or one.take for one in own], loop)
    settings = {"baseline": name, "instances": hash_file(built / INSTANCES_FILE), "views": views}
    done = train(task, loop, out, settings, say)
    fill(model, read_tensors(done.best_folder / _WEIGHTS), done.best_folder, name)
    model = model.to("cpu").eval()
    draws = [np.random.default_rng([loop.seed, 9, place]) for place in range(len(asked))]
    batch = Exemplars(known).batch(items, range(len(asked)), EXEMPLARS, draws)
    with torch.no_grad():
        scores = model.predict(batch)
    return {one.id: float(score) for one, score in zip(asked, scores, strict=True)}


def make_regressor(name: str, known: Pooled, seed: int) -> Regressor:
    """A regressor with random weights for these training items; UserError for an unknown name."""
    if name not in REGRESSORS:
        raise UserError(f"no baseline {name!r}", expected=", ".join(REGRESSORS))
    torch.manual_seed(seed)
    return REGRESSORS[name](known.features.shape[-1], known.scores.tolist())
