"""What must come out of learning on data whose truth is known: alignment, views and the mention mask do what they say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from qevd_bio.scoring.descriptive.inputs import match
from qevd_bio.scoring.descriptive.measure import measure_all
from qevd_bio.scoring.descriptive.options import DescriptiveOptions
from qevd_bio.scoring.options import ConfidenceOptions
from qevd_bio.techcoach.baselines.stage import run_baseline
from qevd_bio.techcoach.data.build import Built
from qevd_bio.techcoach.data.features import open_features
from qevd_bio.techcoach.model.config import AssessorConfig, ModelConfig
from qevd_bio.techcoach.model.text_encoder import WordEncoder
from qevd_bio.techcoach.model.vocabulary import WordVocabulary
from qevd_bio.techcoach.model.whole import TechCoach
from qevd_bio.techcoach.options import TrainOptions
from qevd_bio.techcoach.simulated.signals import SEEN
from qevd_bio.techcoach.training.examples import Examples, texts_of
from qevd_bio.techcoach.training.probe import probe
from qevd_bio.techcoach.training.stage import shaped
from qevd_bio.techcoach.training.task import CoachLoss

PRESET = ModelConfig(
    pool=(2, 2, 2), width=16, heads=2, enhancer_layers=1, reasoner_layers=1, dropout=0.0, longest=100,
    assessor=AssessorConfig(1, 16, 2, 32, 100, 150),
)  # fmt: skip
STEPS = 400
pytestmark = pytest.mark.slow
Fit = Callable[..., tuple[TechCoach, Examples, Examples]]


@pytest.fixture(scope="module")
def fit(built: Built, simulated: Path) -> Fit:
    """A model trained with these options (once), the examples of train and those of val."""
    known: dict[str, tuple[TechCoach, Examples, Examples]] = {}

    def train(**changes: Any) -> tuple[TechCoach, Examples, Examples]:
        key = repr(sorted(changes.items()))
        if key not in known:
            known[key] = _fit(built, simulated, TrainOptions(**changes))
        return known[key]

    return train


def _fit(built: Built, simulated: Path, options: TrainOptions) -> tuple[TechCoach, Examples, Examples]:
    folder, texts = open_features(simulated / "features"), texts_of(built.instances)
    words = WordVocabulary.of([one.summary for one in built.instances])
    vectors = dict(zip(texts, WordEncoder(16).encode(texts), strict=True))
    config = shaped(PRESET, folder, words, 16, options)
    train, val = (
        Examples([o for o in built.instances if o.split == s], folder, config, words, vectors, options)
        for s in ("train", "val")
    )
    torch.manual_seed(0)
    loss = CoachLoss(TechCoach(config), options)
    optimizer = torch.optim.AdamW(loss.parameters(), 4e-3, weight_decay=0.05)
    for _ in range(STEPS):
        batch = train.batch(torch.randperm(len(train.instances))[:24].tolist())
        (loss(batch) / 24).backward()
        torch.nn.utils.clip_grad_norm_(loss.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    return loss.model.eval(), train, val


def test_alignment_lifts_what_the_embeddings_know(fit: Fit) -> None:
    aligned, without = probe(*fit()), probe(*fit(losses=("text", "score")))
    print("probes", np.round(aligned, 2), np.round(without, 2))
    assert np.nanmean(aligned) > np.nanmean(without) + 0.03


@pytest.mark.parametrize("view", ["ego", "exo"])
def test_a_view_alone_loses_the_dimensions_that_it_does_not_see(fit: Fit, view: str) -> None:
    found = np.array(probe(*fit(views=view)))
    other = "exo" if view == "ego" else "ego"
    unseen = sorted(set(SEEN[other]) - set(SEEN[view]))
    print(view, np.round(found, 2))
    assert np.nanmean(found[list(SEEN[view])]) > np.nanmean(found[unseen]) + 0.15


@torch.no_grad()
def test_the_oracle_mask_helps_at_test(fit: Fit) -> None:
    model, _, val = fit()
    draws = [torch.Generator().manual_seed(1) for _ in range(2)]
    told = val.batch(range(len(val.instances)), draws[0])
    untold = val.batch(range(len(val.instances)), draws[1])
    untold = replace(untold, inputs=replace(untold.inputs, mention=None))
    loss = CoachLoss(model, TrainOptions(losses=("text",)))
    gap = float(loss(untold) - loss(told)) / len(val.instances)
    print("nats a token that the oracle mask is worth", gap)
    assert gap > 0.05


def test_shuffled_references_are_at_chance(built: Built, tmp_path: Path) -> None:
    path = run_baseline("shuffled", built.folder, None, tmp_path, "val", lambda loop: loop, lambda _: None)
    options = DescriptiveOptions(metrics=("spearman", "rule_m", "rule_q"), interval=ConfidenceOptions(replicates=400))
    found = measure_all(match(path, built.folder, "val"), options, None)
    rank, quality = found["spearman"], found["rule_q"]
    assert rank.low is not None and rank.high is not None and rank.low < 0 < rank.high
    assert quality.value is not None and quality.value < 75
