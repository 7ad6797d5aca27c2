"""Which items stand in which step: shuffled, of like length, the same for a seed on any number of processes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_BATCHES_A_BUCKET = 16


def epoch_batches(lengths: Sequence[int], batch: int, seed: int, epoch: int) -> list[list[int]]:
    """Batches of indices for one epoch; each index stands in exactly one.

    Indices are shuffled, then sorted by length within stretches of 16 batches, so that a batch holds items of
    like length and little is padding. The last batch may be smaller.
    """
    generator = np.random.default_rng([seed, epoch])
    order = generator.permutation(len(lengths))
    stretch = batch * _BATCHES_A_BUCKET
    batches: list[list[int]] = []
    for first in range(0, len(order), stretch):
        part = sorted(order[first : first + stretch].tolist(), key=lambda index: (lengths[index], index))
        batches += [part[place : place + batch] for place in range(0, len(part), batch)]
    return [batches[place] for place in generator.permutation(len(batches))]


def share_of(indices: Sequence[int], process: int, processes: int, micro: int) -> list[list[int]]:
    """The micro-batches that one process takes of a step's batch.

    All processes get the same number of them (gradients are exchanged after each); one without items left gets
    empty ones.
    """
    own = list(indices[process::processes])
    largest = -(-len(indices) // processes)
    size = micro or max(largest, 1)
    return [own[first : first + size] for first in range(0, max(largest, 1), size)]


def hold_out(groups: Sequence[str], share: float, seed: int) -> tuple[list[int], list[int]]:
    """Indices to train on and indices to validate with; a group (a person, a video) is on one side alone.

    `share` of the groups, at least one where it is positive and there are two, are held out.
    """
    names = sorted(set(groups))
    count = 0 if share <= 0 or len(names) < 2 else min(max(round(share * len(names)), 1), len(names) - 1)
    chosen = set(np.random.default_rng([seed, 7]).permutation(len(names))[:count].tolist())
    held = {name for index, name in enumerate(names) if index in chosen}
    train = [index for index, group in enumerate(groups) if group not in held]
    return train, [index for index, group in enumerate(groups) if group in held]
