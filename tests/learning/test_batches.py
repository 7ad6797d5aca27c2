"""Batches: every item once, like lengths together, the same for a seed."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qevd_bio.learning.batches import epoch_batches, hold_out, share_of


@given(st.lists(st.integers(1, 500), min_size=1, max_size=200), st.integers(1, 9), st.integers(0, 3))
def test_each_index_stands_in_one_batch(lengths: list[int], batch: int, seed: int) -> None:
    batches = epoch_batches(lengths, batch, seed, 0)
    assert sorted(index for own in batches for index in own) == list(range(len(lengths)))
    assert max(map(len, batches)) <= batch
    assert batches == epoch_batches(lengths, batch, seed, 0)


def test_epochs_differ_and_batches_hold_like_lengths() -> None:
    lengths = np.random.default_rng(0).integers(10, 1000, 256).tolist()
    assert epoch_batches(lengths, 8, 0, 0) != epoch_batches(lengths, 8, 0, 1)
    padding = [sum(max(lengths[i] for i in own) - lengths[i] for i in own) for own in epoch_batches(lengths, 8, 0, 0)]
    assert sum(padding) < 0.1 * sum(lengths)


@given(st.integers(1, 20), st.integers(1, 5), st.integers(0, 4))
def test_processes_share_a_batch_in_equally_many_parts(size: int, processes: int, micro: int) -> None:
    shares = [share_of(list(range(size)), process, processes, micro) for process in range(processes)]
    assert sorted(i for share in shares for own in share for i in own) == list(range(size))
    assert len({len(share) for share in shares}) == 1
    assert all(len(own) <= (micro or size) for share in shares for own in share)


def test_a_video_is_on_one_side_alone() -> None:
    groups = [f"v{n // 3}" for n in range(30)]
    train, held = hold_out(groups, 0.2, 0)
    assert len(held) == 6 and not {groups[i] for i in train} & {groups[i] for i in held}
    assert hold_out(["a", "a"], 0.5, 0) == ([0, 1], [])
    assert hold_out(groups, 0.0, 0)[1] == []
