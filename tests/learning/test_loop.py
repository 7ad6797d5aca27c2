"""The loop with a module that is no coach: it learns, and a run that was stopped ends bit by bit like a whole one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from qevd_bio.learning.batches import hold_out
from qevd_bio.learning.log import read_log
from qevd_bio.learning.loop import Trainable, train
from qevd_bio.learning.options import LoopOptions
from qevd_bio.learning.precision import explained_memory, settled
from qevd_bio.store.errors import UserError

OPTIONS = LoopOptions(
    learning_rate=3e-2, batch=8, steps=30, validate_every=10, save_every=4, validation_share=0.25, device="cpu"
)
STOPPED_AT = 17


@dataclass
class Points:
    """inputs (B, 3) and the values (B, 1) to predict."""

    inputs: Tensor
    values: Tensor

    def to(self, device: torch.device) -> Points:
        return Points(self.inputs.to(device), self.values.to(device))


class Squares(nn.Module):
    """Two layers with dropout between them; a batch to the sum of its squared errors."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Dropout(0.1), nn.Linear(16, 1))

    def forward(self, batch: Points) -> Tensor:
        return (self.layers(batch.inputs) - batch.values).square().sum()


class Plane:
    """Points on a plane, to be learnt by `Squares`. `stop` is the step in whose batch the run is interrupted."""

    name, chooses = "plane", "error"
    advice = ("use fewer points",)

    def __init__(self, options: LoopOptions, stop: int | None = None) -> None:
        torch.manual_seed(3)
        self.module: nn.Module = Squares()
        inputs = torch.randn(64, 3, generator=torch.Generator().manual_seed(5))
        self._points = Points(inputs, inputs @ torch.tensor([[1.0], [-2.0], [0.5]]))
        people = [f"person {number % 16}" for number in range(64)]
        self._train, self._held = hold_out(people, options.validation_share, options.seed)
        self.lengths: Sequence[int] = [1] * len(self._train)
        self._stop, self._asked = stop, 0

    def _batch(self, places: Sequence[int]) -> Points:
        return Points(self._points.inputs[list(places)], self._points.values[list(places)])

    def collate(self, indices: Sequence[int]) -> Points:
        self._asked += 1
        if self._asked == self._stop:
            raise KeyboardInterrupt
        return self._batch([self._train[index] for index in indices])

    def weight(self, indices: Sequence[int]) -> float:
        return float(len(indices))

    def better(self, new: float, old: float) -> bool:
        return new < old

    @torch.no_grad()
    def validate(self) -> Mapping[str, float]:
        return {"error": float(self.module(self._batch(self._held))) / len(self._held)}

    def save(self, folder: Path, about: Mapping[str, Any], tensors: dict[str, Tensor] | None = None) -> None:
        folder.mkdir(exist_ok=True)
        save_file(tensors or dict(self.module.state_dict()), folder / "weights.safetensors")
        (folder / "about.json").write_text(json.dumps(dict(about)))


def lines(folder: Path) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in read_log(folder)]


def test_a_stopped_run_ends_bit_by_bit_like_a_whole_one(tmp_path: Path) -> None:
    said: list[str] = []
    task: Trainable = Plane(OPTIONS)
    done = train(task, OPTIONS, tmp_path / "whole", {"task": "plane"}, said.append)
    losses = [row["loss"] for row in lines(tmp_path / "whole") if row["kind"] == "train"]
    assert done.steps == 30 and len(losses) == 30 and losses[-1] < 0.5 * losses[0]
    assert done.best is not None and done.best_folder == tmp_path / "whole" / "best"

    with pytest.raises(KeyboardInterrupt):
        train(Plane(OPTIONS, STOPPED_AT), OPTIONS, tmp_path / "stopped", {"task": "plane"}, said.append)
    assert len(lines(tmp_path / "stopped")) < len(lines(tmp_path / "whole"))
    again = train(Plane(OPTIONS), OPTIONS, tmp_path / "stopped", {"task": "plane"}, said.append)
    assert "plane: continues after step 16" in said
    assert lines(tmp_path / "stopped") == lines(tmp_path / "whole")
    assert (again.best, again.best_step) == (done.best, done.best_step)
    for name in ("last", "best"):
        ours, theirs = (load_file(tmp_path / run / name / "weights.safetensors") for run in ("stopped", "whole"))
        assert set(ours) == set(theirs) and all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_a_run_of_another_task_is_refused(tmp_path: Path) -> None:
    short = replace(OPTIONS, steps=2)
    train(Plane(short), short, tmp_path, {"task": "plane"}, lambda _: None)
    with pytest.raises(UserError, match=r"other settings \(task: 'plane' there, 'sphere' now\)"):
        train(Plane(short), short, tmp_path, {"task": "sphere"}, lambda _: None)


def test_where_memory_is_short_the_task_says_what_helps_it() -> None:
    with pytest.raises(UserError) as error, explained_memory(OPTIONS, Plane.advice):
        raise MemoryError
    assert "--micro-batch 4" in str(error.value) and str(error.value).count("use fewer points") == 1


def test_precision_is_settled_by_machine_and_model() -> None:
    auto = replace(OPTIONS, precision="auto")
    assert settled(auto, torch.device("cpu"), "bfloat16").precision == "no"
    assert settled(auto, torch.device("cuda"), "bfloat16").precision == "bf16"
    assert settled(auto, torch.device("cuda"), "float32").precision == "no"
    assert settled(replace(auto, precision="bf16"), torch.device("cpu"), "float32").precision == "bf16"
