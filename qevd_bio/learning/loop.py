"""The loop of every training stage: accelerate, batches that follow from seed and step, checkpoints, validation."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from qevd_bio.learning.batches import epoch_batches, share_of
from qevd_bio.learning.log import TrainingLog
from qevd_bio.learning.options import LoopOptions
from qevd_bio.learning.precision import check_precision, explained_memory, settle_types
from qevd_bio.learning.state import (
    FILE,
    RunState,
    collect,
    is_sharded,
    load_state,
    restore,
    save_state,
    whole_weights,
)
from qevd_bio.store.atomic import make_folder, only_one
from qevd_bio.store.errors import UserError


class OnDevice(Protocol):
    """A batch that can be moved to where the module computes."""

    def to(self, device: torch.device) -> Any:
        """The same on `device`."""


class Trainable(Protocol):
    """What is trained: the system's own part of a training stage.

    module: its call `module(batch)` gives the sum of the weighted losses of a batch, a scalar; parameters that require
    gradients are trained. lengths: one number for each training item, so that a batch holds items of like length.
    chooses: the metric of `validate` that picks the best checkpoint. advice: what to change where memory is short,
    besides the loop's own options.
    """

    name: str
    module: nn.Module
    lengths: Sequence[int]
    chooses: str
    advice: Sequence[str]

    def collate(self, indices: Sequence[int]) -> OnDevice:
        """The batch of these training items."""

    def weight(self, indices: Sequence[int]) -> float:
        """What the summed loss of these items is divided by."""

    def better(self, new: float, old: float) -> bool:
        """Whether `new` is the better value of the metric `chooses`; NaN is never asked about."""

    def validate(self) -> Mapping[str, float]:
        """Metrics of held-out items by name, empty where none are held out."""

    def save(self, folder: Path, about: Mapping[str, Any], tensors: dict[str, Tensor] | None = None) -> None:
        """Write a checkpoint; `tensors` are all of `module`'s weights by name where these are spread (FSDP)."""


@dataclass(frozen=True)
class Trained:
    """Where a stage ended: steps, best validation and its step, folders of the checkpoints."""

    steps: int
    best: float | None
    best_step: int
    last_folder: Path
    best_folder: Path
    seconds: float


def train(
    task: Trainable, options: LoopOptions, out: Path, settings: Mapping[str, Any], say: Callable[[str], None]
) -> Trained:
    """Train until the epochs, steps or patience are used up; continues where an earlier run of this folder ended.

    Writes `resume.safetensors`, `log.jsonl`, `last/` and `best/` into `out`. The same seed gives the same losses,
    however often it is interrupted. Raises UserError for other settings and for too little memory.
    """
    folder = make_folder(out)
    if options.precision == "auto":
        options = replace(options, precision="no")
    # Of several processes of one run the first holds the lock.
    first = os.environ.get("RANK", "0") == "0"
    lock = only_one(folder / ".lock", f"training in {folder}") if first else nullcontext()
    with lock, explained_memory(options, task.advice):
        return _Run(task, options, folder, settings, say).go()


class _Run:
    def __init__(
        self, task: Trainable, options: LoopOptions, out: Path, settings: Mapping[str, Any], say: Callable[[str], None]
    ) -> None:
        from accelerate import Accelerator
        from accelerate.state import AcceleratorState

        check_precision(options)
        # Two stages of one process may differ in precision.
        AcceleratorState._reset_state()
        self.task, self.options, self.out, self.say = task, options, out, say
        self.accelerator = Accelerator(mixed_precision=options.precision, cpu=options.device == "cpu")
        _check_fsdp(self.accelerator)
        trained = [p for p in task.module.parameters() if p.requires_grad]
        settle_types(task.module, options.precision)
        optimizer = torch.optim.AdamW(
            trained, options.learning_rate, (options.beta1, options.beta2), weight_decay=options.weight_decay
        )
        module = torch.compile(task.module, dynamic=True) if options.compile else task.module
        self.module, self.optimizer = self.accelerator.prepare(module, optimizer)
        self.settings = {**options.result_settings(), **settings}
        self.progress = self._begin()
        self.per_epoch = -(-len(task.lengths) // options.batch)
        self.total = options.steps or options.epochs * self.per_epoch
        self._plan: tuple[int, list[list[int]]] = (-1, [])

    def _begin(self) -> RunState:
        found = load_state(self.out, self.settings)
        if found is None:
            return RunState(settings=dict(self.settings))
        progress, tensors = found
        restore(self.module, self._raw_optimizer(), tensors, self.out / FILE)
        if self.accelerator.scaler is not None and progress.scaler:
            self.accelerator.scaler.load_state_dict(progress.scaler)
        self.say(f"{self.task.name}: continues after step {progress.step}")
        return progress

    def go(self) -> Trained:
        start, first = time.perf_counter(), self.progress.step
        # Asked before anything is written, so that all processes find the same.
        without_last = not (self.out / "last").exists()
        log = TrainingLog(self.out, first) if self.accelerator.is_main_process else None
        while self.progress.step < self.total and not self.progress.stopped:
            began = time.perf_counter()
            step = self.progress.step
            values = self._step(step)
            self.progress.step = step + 1
            if log:
                log.write("train", step + 1, {**values, "seconds": time.perf_counter() - began})
            ended = step + 1 == self.total
            if ended or self._due(self.options.validate_every):
                self._validate(log, values["loss"])
            if ended or self.progress.stopped or self._due(self.options.save_every):
                self._save()
        if log:
            log.close()
        if self.progress.step > first or without_last:
            self._checkpoint("last")
        best = self.out / ("best" if (self.out / "best").exists() else "last")
        p = self.progress
        return Trained(p.step, p.best, p.best_step, self.out / "last", best, time.perf_counter() - start)

    def _due(self, every: int) -> bool:
        return self.progress.step % (every or self.per_epoch) == 0

    def _batch(self, step: int) -> list[int]:
        epoch = step // self.per_epoch
        if self._plan[0] != epoch:
            self._plan = (epoch, epoch_batches(self.task.lengths, self.options.batch, self.options.seed, epoch))
        return self._plan[1][step % self.per_epoch]

    def _step(self, step: int) -> dict[str, float]:
        """One step of the optimizer: gradients of the whole batch, however it is divided."""
        options, accelerator = self.options, self.accelerator
        rate = learning_rate(options, step, self.total)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.task.module.train()
        batch = self._batch(step)
        whole = max(self.task.weight(batch), 1e-8)
        micros = share_of(batch, accelerator.process_index, accelerator.num_processes, options.micro_batch)
        total = torch.zeros((), device=accelerator.device)
        for number, indices in enumerate(micros):
            # Dropout follows from seed, step and place, so that a resumed run draws the same.
            torch.manual_seed(hash((options.seed, step, accelerator.process_index, number)) & 0x7FFFFFFF)
            last = number == len(micros) - 1
            with nullcontext() if last else accelerator.no_sync(self.module):
                loss = self._loss(indices or batch[:1]) * (1.0 if indices else 0.0) / whole
                # Gradients are averaged over processes; the loss is a sum over them.
                accelerator.backward(loss * accelerator.num_processes)
            total += loss.detach()
        total = accelerator.reduce(total, "sum")
        norm = self._clip()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        value = float(total)
        if value != value:
            raise UserError(
                f"the loss is not a number at step {step + 1}",
                where=self.out,
                expected="a finite loss",
                fix="lower --lr, or --precision no; the last good state is kept",
            )
        return {"loss": value, "lr": rate, "grad_norm": norm}

    def _loss(self, indices: Sequence[int]) -> Tensor:
        batch = self.task.collate(indices).to(self.accelerator.device)
        with self.accelerator.autocast():
            loss: Tensor = self.module(batch)
        return loss.float()

    def _clip(self) -> float:
        if not self.options.clip_norm:
            return float("nan")
        return float(self.accelerator.clip_grad_norm_(self.module.parameters(), self.options.clip_norm))

    def _validate(self, log: TrainingLog | None, loss: float) -> None:
        self.task.module.eval()
        values = self.task.validate()
        progress, chosen = self.progress, values.get(self.task.chooses, float("nan"))
        if log:
            log.write("validation", progress.step, values)
        told = ", ".join(f"{name} {value:.4g}" for name, value in values.items())
        self.say(f"{self.task.name}: step {progress.step} of {self.total}: {told or f'training loss {loss:.4g}'}")
        if chosen == chosen and (progress.best is None or self.task.better(chosen, progress.best)):
            progress.best, progress.best_step, progress.waited = chosen, progress.step, 0
            self._checkpoint("best")
            # The state that knows of this best one must not lag behind it.
            self._save()
        elif chosen == chosen:
            progress.waited += 1
            progress.stopped = 0 < self.options.patience <= progress.waited

    def _save(self) -> None:
        tensors = collect(self.module, self._raw_optimizer())
        if self.accelerator.scaler is not None:
            self.progress.scaler = self.accelerator.scaler.state_dict()
        if self.accelerator.is_main_process:
            save_state(self.out, tensors, self.progress)

    def _checkpoint(self, name: str) -> None:
        about = {"step": self.progress.step, "best": self.progress.best, "settings": dict(self.settings)}
        tensors = whole_weights(self.module) if is_sharded(self.module) else None
        if self.accelerator.is_main_process:
            self.task.save(self.out / name, about, tensors)
        # The other processes read this folder in the next stage.
        self.accelerator.wait_for_everyone()

    def _raw_optimizer(self) -> torch.optim.Optimizer:
        inner: torch.optim.Optimizer = getattr(self.optimizer, "optimizer", self.optimizer)
        return inner


def _check_fsdp(accelerator: Any) -> None:
    plugin = getattr(accelerator.state, "fsdp_plugin", None)
    if plugin is not None and plugin.fsdp_version != 2:
        raise UserError(
            "FSDP of the first version keeps frozen and trained weights in one block",
            expected="the second version",
            fix="accelerate launch --use_fsdp --fsdp_version 2 …, or without FSDP: each GPU holds the whole model",
        )


def learning_rate(options: LoopOptions, step: int, total: int) -> float:
    """The rate of a step (from 0): a linear warm-up, then constant, a cosine to a tenth, or a line to zero."""
    import math

    if step < options.warm_up_steps:
        return options.learning_rate * (step + 1) / options.warm_up_steps
    if options.schedule == "constant":
        return options.learning_rate
    done = (step - options.warm_up_steps) / max(total - options.warm_up_steps, 1)
    if options.schedule == "linear":
        return options.learning_rate * (1.0 - min(done, 1.0))
    return options.learning_rate * (0.55 + 0.45 * math.cos(math.pi * min(done, 1.0)))
