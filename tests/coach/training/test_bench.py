"""The benchmark's count of operations against PyTorch's own, and its large shape in small."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from qevd_bio.coach.model.biocoach import make_model
from qevd_bio.coach.model.presets import read_preset
from qevd_bio.coach.training.coach import SequenceLoss


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "bench_train.py"
    spec = importlib.util.spec_from_file_location("bench_train", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("stage", ["fusion", "lora"])
def test_operations_are_counted_as_pytorch_counts_them(bench: ModuleType, stage: str) -> None:
    config = bench.small_shape(read_preset("biocoach-7b"))
    # Narrow vision and small adapters, which the formula leaves out; attention is counted by hand below.
    config = replace(config, lora=replace(config.lora, r=1), vision=bench.VisionConfig(8, 1))
    model = make_model(config, seed=0)
    batch = bench.make_batch(config, 1, 16, 40)
    model.train_only((stage,))
    counter = FlopCounterMode(display=False)
    with counter:
        SequenceLoss(model)(batch).backward()
    per_operation = counter.get_flop_counts()["Global"]
    linear = sum(count for operation, count in per_operation.items() if "attention" not in str(operation))
    layers, width = config.language["num_hidden_layers"], config.language["hidden_size"]
    pairs = sum(int(group.seen.flatten(0, 2)[group.real].sum()) for group in batch.blocks)
    before = 0 if stage == "lora" else 7
    attention = 4.0 * width * pairs * (layers + 2 * (layers - before))
    counted = bench.model_flops(model, batch, (stage,)) - attention
    assert counted == pytest.approx(linear, rel=0.1) and counted < linear
    tokens = len(batch.ids[0])
    assert 0 < pairs < tokens * (tokens + 1) / 2


def test_the_large_shape_runs_in_small(bench: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    found = bench.large(bench.small_shape(read_preset("biocoach-7b")), torch.device("cpu"), 1, 2, 16)
    said = capsys.readouterr().out
    assert "CPU, fusion (" in said and "CPU, lora (" in said and found[1] > found[0]
    assert torch.get_default_dtype() == torch.float32
