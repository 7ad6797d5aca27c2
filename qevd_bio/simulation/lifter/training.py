"""Training the lifter (pose/fit/lifter.py) on simulated bodies."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from qevd_bio.pose.fit.lifter import (
    DILATIONS,
    LEAST_KAPPA,
    LEAST_LOG,
    MOST_KAPPA,
    MOST_LOG,
    N_ANGLES,
    N_BONES,
    N_INPUTS,
    N_OUTPUTS,
    WIDTH,
)
from qevd_bio.simulation.lifter.bodies import Lesson, lessons, motions
from qevd_bio.store.atomic import atomic_path, make_folder

_SEED_ROOM = 10_000


@dataclass(frozen=True)
class LifterOptions:
    """How the lifter is trained; the same options give the same weights on the same machine.

    workouts: of every exercise; windows: drawn from them; held_out: windows of other people that are only looked at.
    """

    workouts: int = 8
    windows: int = 6000
    held_out: int = 256
    steps: int = 2500
    batch: int = 32
    learning_rate: float = 1.5e-3
    check_every: int = 250
    seed: int = 0
    leave_out: tuple[str, ...] = ()


class Lifter(nn.Module):
    """Residual convolutions over time; what `pose.fit.lifter.forward` computes."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(N_INPUTS, WIDTH, 3, padding=1)
        self.wide = nn.ModuleList(nn.Conv1d(WIDTH, WIDTH, 3, padding=d, dilation=d) for d in DILATIONS)
        self.narrow = nn.ModuleList(nn.Conv1d(WIDTH, WIDTH, 1) for _ in DILATIONS)
        self.last = nn.Conv1d(WIDTH, N_OUTPUTS, 1)
        self.dropout = nn.Dropout(0.1)

    def forward(self, inputs: Tensor) -> Tensor:
        """(B, T, N_INPUTS) -> (B, T, N_OUTPUTS)."""
        x = functional.relu(self.first(inputs.transpose(1, 2)))
        for wide, narrow in zip(self.wide, self.narrow, strict=True):
            x = x + functional.relu(narrow(self.dropout(functional.relu(wide(x)))))
        out: Tensor = self.last(x).transpose(1, 2)
        return out


def loss_of(out: Tensor, bones: Tensor, angles: Tensor) -> Tensor:
    """Negative log likelihood: Laplace for bones, von Mises for angles, both with a spread of each frame's own."""
    bone, log_sd, cosine, sine, log_kappa = torch.split(
        out, [3 * N_BONES, 3 * N_BONES, N_ANGLES, N_ANGLES, N_ANGLES], dim=-1
    )
    log_sd = log_sd.clamp(LEAST_LOG, MOST_LOG)
    first = (np.sqrt(2.0) * (bone - bones).abs() * torch.exp(-log_sd) + log_sd).mean()
    kappa = torch.exp(log_kappa.clamp(LEAST_KAPPA, MOST_KAPPA))
    norm = torch.sqrt(cosine**2 + sine**2 + 1e-6)
    away = 1.0 - (cosine * torch.cos(angles) + sine * torch.sin(angles)) / norm
    second = (kappa * away + torch.log(torch.special.i0e(kappa))).mean() + 0.01 * ((norm - 1.0) ** 2).mean()
    total: Tensor = first + second
    return total


def train_lifter(options: LifterOptions, folder: Path, tell: Callable[[str], None]) -> Path:
    """Weights in `folder`/lifter.safetensors, in half precision; progress and held-out errors are told."""
    make_folder(folder)
    tell(f"making {options.windows} windows from simulated workouts")
    torch.manual_seed(options.seed)
    start = time.monotonic()
    learnt = _lessons(options, options.windows, 0)
    held = _lessons(options, options.held_out, 1)
    tell(f"{options.windows} windows made in {time.monotonic() - start:.0f} s")
    model = Lifter()
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.learning_rate, weight_decay=1e-2)
    plan = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, options.learning_rate, total_steps=options.steps, pct_start=0.1
    )
    draw = np.random.default_rng([options.seed, 3])
    for step in range(1, options.steps + 1):
        rows = draw.integers(0, len(learnt[0]), options.batch)
        inputs, bones, angles = (part[rows] for part in learnt)
        loss = loss_of(model(inputs), bones, angles)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        plan.step()
        if step % options.check_every == 0 or step == options.steps:
            spent = time.monotonic() - start
            tell(f"step {step}: loss {loss.item():.3f}; held out {_held_out(model, held)}; {spent:.0f} s")
            _write(model, folder / "lifter.safetensors")
    return _write(model, folder / "lifter.safetensors")


def _lessons(options: LifterOptions, count: int, people: int) -> tuple[Tensor, Tensor, Tensor]:
    names = _names(options.leave_out)
    seed = _SEED_ROOM * (1 + 2 * options.seed + people)
    made = motions(seed, options.workouts if people == 0 else 1, names)
    found: Sequence[Lesson] = list(lessons(made, count, np.random.default_rng([options.seed, people])))
    return tuple(  # type: ignore[return-value]
        torch.from_numpy(np.stack([getattr(lesson, name) for lesson in found]).astype(np.float32))
        for name in ("inputs", "bones", "angles")
    )


def _names(leave_out: Sequence[str]) -> list[str]:
    from qevd_bio.exercise.catalogue import load

    return [exercise.id for exercise in load().values() if exercise.reference and exercise.id not in leave_out]


def _held_out(model: Lifter, held: tuple[Tensor, Tensor, Tensor]) -> str:
    inputs, bones, angles = held
    model.eval()
    with torch.no_grad():
        out = model(inputs)
        loss = float(loss_of(out, bones, angles))
        cosine, sine = out[..., 6 * N_BONES : 6 * N_BONES + N_ANGLES], out[..., 6 * N_BONES + N_ANGLES : -N_ANGLES]
        off = torch.atan2(sine, cosine) - angles
        off = torch.rad2deg(torch.atan2(torch.sin(off), torch.cos(off)))
    model.train()
    return f"{loss:.3f}, angles' RMSE {float((off**2).mean() ** 0.5):.1f} degrees"


def _write(model: Lifter, path: Path) -> Path:
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        save_file({name: value.half().contiguous() for name, value in model.state_dict().items()}, temporary)
    return path
