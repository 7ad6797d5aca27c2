"""Crops of the same video: one is drawn for each example of a batch, the middle is what is validated and run with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from qevd_bio.coach.model.config import TokensConfig
from qevd_bio.coach.model.tokens import ActionTokens
from qevd_bio.coach.segments.data import sources
from qevd_bio.coach.training.collate import collate
from qevd_bio.coach.training.examples import Example
from qevd_bio.coach.training.selector import read_windows
from qevd_bio.coach.training.sequence import short_sequence
from qevd_bio.coach.vision.feature_files import FeatureShape, feature_paths
from qevd_bio.dataset.opening import open_dataset
from qevd_bio.store.errors import ItemError
from qevd_bio.tables.workspace import Workspace

from .data_set import GRID, SPLIT, VIDEOS, write_training_split

SEES = FeatureShape("3d-cnn", GRID[0], GRID[1] * GRID[2])


def with_crops(workspace: Workspace, count: int, steps: int = 48) -> None:
    for stem in VIDEOS:
        middle = feature_paths(workspace, SPLIT, stem)
        for crop in range(1, count + 1):
            paths = feature_paths(workspace, SPLIT, stem, crop=crop)
            paths.features.parent.mkdir(parents=True, exist_ok=True)
            np.save(paths.features, np.full((steps, *GRID), crop, np.float32))
            np.save(paths.times, np.load(middle.times)[:steps])


def test_a_batch_draws_a_crop_for_each_example_and_the_same_for_a_seed() -> None:
    tokens = ActionTokens(3, 4, 5, 1, 0, TokensConfig())
    sequence = short_sequence((1, 7), 6, (8,), (9,), tokens)
    seen = Example("k", "g", sequence, lambda crop: np.full((6, 2, 3), crop, np.float32), crops=3)

    def crops(seed: int, draw: bool) -> list[int]:
        torch.manual_seed(seed)
        batch = collate([seen] * 40, 0, (2, 3), draw=draw)
        return [int(value) for value in batch.features[::6, 0, 0]]

    assert set(crops(0, True)) == {0, 1, 2} and crops(0, True) == crops(0, True) != crops(1, True)
    assert set(crops(0, False)) == {0}


def test_segments_find_their_crops_and_the_selector_learns_from_all(tmp_path: Path, workspace: Workspace) -> None:
    root = write_training_split(tmp_path / "data", workspace)
    with_crops(workspace, 2)
    chosen = sources(open_dataset(root), workspace, SEES, split=SPLIT)
    assert {len(source.crops) for source in chosen} == {2}
    assert float(chosen[0].mapped(2).values.mean()) == 2.0 and chosen[0].mapped().path != chosen[0].mapped(2).path
    windows = read_windows(chosen, workspace, 12, tmp_path / "selector")
    assert windows.pooled.shape[1:] == (3, GRID[0]) and (windows.pooled[:, 2] == 2.0).all()
    one = [replace(source, crops=()) for source in chosen]
    assert read_windows(one, workspace, 12, tmp_path / "selector").pooled.shape[1] == 1
    with_crops(workspace, 1, steps=40)
    late = max(chosen, key=lambda source: source.segment.start_s)
    with pytest.raises(ItemError, match="not the steps of"):
        late.mapped(1)
