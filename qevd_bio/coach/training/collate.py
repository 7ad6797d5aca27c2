"""Training examples side by side: padded tokens, visual tokens, C_morph, and who sees whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qevd_bio.coach.model.block_attention import Block, BlockGroup, blocks_of, grouped
from qevd_bio.coach.training.examples import Example
from qevd_bio.coach.training.sequence import IGNORED


@dataclass
class Batch:
    """Sequences of B rows padded to L tokens, with the visual tokens of their M vision tokens.

    ids, positions, targets (B, L); weights (B, L); rows, columns (M,); features (M, N, C); blocks: which token sees
    which others, empty where each sees all before it;
    morph (R, K) token ids of C_morph with `known` (R, K), one for each run of `runs` vision tokens with the same
    text, all empty where the model reads none.
    """

    ids: Tensor
    positions: Tensor
    targets: Tensor
    weights: Tensor
    rows: Tensor
    columns: Tensor
    features: Tensor
    morph: Tensor
    known: Tensor
    runs: tuple[int, ...]
    blocks: tuple[BlockGroup, ...]

    def to(self, device: torch.device) -> Batch:
        """The same on `device`."""
        moved: dict[str, Any] = {
            name: value.to(device, non_blocking=True) for name, value in vars(self).items() if isinstance(value, Tensor)
        }
        return replace(self, **moved, blocks=tuple(group.to(device) for group in self.blocks))


def collate(examples: Sequence[Example], pad: int, vision: tuple[int, int], *, draw: bool = False) -> Batch:
    """Examples side by side; `vision` = (tokens, dim) of the features. Padding comes after everything real.

    With `draw` each example is seen in one of its crops, drawn by torch's generator; else in the middle one.
    """
    length = max(len(example.sequence) for example in examples)
    shape = (len(examples), length)
    ids, positions = np.full(shape, pad), np.tile(np.arange(length), (len(examples), 1))
    targets, weights = np.full(shape, IGNORED), np.zeros(shape, np.float32)
    contexts: list[Block] = []
    streams: list[Block] = []
    rows: list[NDArray[np.int64]] = []
    columns: list[NDArray[np.int64]] = []
    morphs: list[tuple[int, ...]] = []
    runs: list[int] = []
    shown = np.empty((sum(int((example.sequence.steps >= 0).sum()) for example in examples), *vision), np.float32)
    for row, example in enumerate(examples):
        own = example.sequence
        end = len(own)
        ids[row, :end], positions[row, :end] = own.ids, own.positions
        targets[row, :end], weights[row, :end] = own.targets, own.weights
        parts = blocks_of(own.version, own.reads, row * length)
        contexts += parts[0]
        streams += parts[1]
        places = np.flatnonzero(own.steps >= 0)
        steps = own.steps[places]
        first = sum(map(len, columns))
        rows.append(np.full(len(places), row))
        columns.append(places)
        # Straight from the mapped file to its place in the batch; a sampled stream may have passed steps unseen.
        crop = int(torch.randint(example.crops, ())) if draw and example.crops > 1 else 0
        whole = len(steps) == steps[-1] + 1 - steps[0]
        part = slice(steps[0], steps[-1] + 1) if whole else steps
        shown[first : first + len(places)] = example.features(crop)[part]
        for text, count in _runs(example, steps):
            morphs.append(example.morphs[text])
            runs.append(count)
    morph, known = _padded(morphs, pad)
    return Batch(
        ids=torch.from_numpy(ids),
        positions=torch.from_numpy(positions),
        targets=torch.from_numpy(targets),
        weights=torch.from_numpy(weights),
        rows=torch.from_numpy(np.concatenate(rows)),
        columns=torch.from_numpy(np.concatenate(columns)),
        features=torch.from_numpy(shown),
        morph=morph,
        known=known,
        runs=tuple(runs),
        # Without contexts a sequence is an ordinary text: the language model's own way is the fastest.
        blocks=(grouped(contexts), grouped(streams)) if contexts else (),
    )


def _runs(example: Example, steps: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Runs of steps with the same C_morph: its number, and how many."""
    if example.morph_of_step is None:
        return []
    return [(text, len(list(same))) for text, same in groupby(example.morph_of_step[steps].tolist())]


def _padded(texts: Sequence[tuple[int, ...]], pad: int) -> tuple[Tensor, Tensor]:
    width = max(map(len, texts), default=0)
    ids = torch.full((len(texts), width), pad)
    known = torch.zeros(len(texts), width, dtype=torch.bool)
    for place, text in enumerate(texts):
        ids[place, : len(text)] = torch.tensor(text)
        known[place, : len(text)] = True
    return ids, known
