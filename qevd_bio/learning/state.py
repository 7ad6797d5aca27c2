"""Where a training run stands, in one safetensors file: step, trained weights, the optimizer's moments. No pickle."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from qevd_bio.store.atomic import atomic_path
from qevd_bio.store.errors import UserError

FILE = "resume.safetensors"
_KEY = "qevd_bio_training"


@dataclass
class RunState:
    """steps done, the best validation so far with its step, validations since then, and the run's settings.

    scaler: the scale of fp16's losses, empty for other precisions.
    """

    step: int = 0
    best: float | None = None
    best_step: int = 0
    waited: int = 0
    stopped: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    scaler: dict[str, Any] = field(default_factory=dict)


def save_state(folder: Path, tensors: dict[str, Tensor], state: RunState) -> None:
    """Write the state atomically; `tensors` come from `collect`."""
    from safetensors.torch import save_file

    with atomic_path(folder / FILE) as path:
        save_file(tensors, path, metadata={_KEY: json.dumps(asdict(state))})


def load_state(folder: Path, settings: dict[str, Any]) -> tuple[RunState, dict[str, Tensor]] | None:
    """The state in `folder`, None where there is none. UserError for a damaged file or other settings."""
    from safetensors import SafetensorError, safe_open

    path = folder / FILE
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            state = RunState(**json.loads((file.metadata() or {})[_KEY]))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a dict
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"cannot be read ({(str(error).splitlines() or ['?'])[0][:160]})",
            where=path,
            expected="the state of a training run",
            fix="remove it to start this stage again",
        ) from error
    wanted = json.loads(json.dumps(settings))
    if state.settings != wanted:
        odd = sorted(k for k in {*wanted, *state.settings} if wanted.get(k) != state.settings.get(k))
        told = ", ".join(f"{k}: {state.settings.get(k)!r} there, {wanted.get(k)!r} now" for k in odd[:3])
        raise UserError(
            f"this run was begun with other settings ({told})",
            where=folder,
            expected="the same settings to continue",
            fix="name another --out, or remove this folder to begin again",
        )
    return state, tensors


def collect(module: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Trained weights (`model/NAME`) and moments (`optimizer/NAME/KIND`), whole and on the CPU.

    Works for a plain module, under DDP and under FSDP; every process must call it.
    """
    from torch.distributed.checkpoint.state_dict import get_state_dict

    state: Any
    weights, state = get_state_dict(module, optimizer, options=_options())
    found: dict[str, Any] = {f"model/{name}": value for name, value in weights.items()}
    for name, moments in state.get("state", {}).items():  # processes but the first get nothing
        for kind, value in moments.items():
            found[f"optimizer/{name}/{kind}"] = value
    return {name: value.detach().cpu().contiguous().clone() for name, value in found.items()}


def restore(module: nn.Module, optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor], where: Path) -> None:
    """Put back what `collect` gave. UserError where it belongs to another model."""
    from torch.distributed.checkpoint.state_dict import get_state_dict, set_state_dict

    state: Any
    # On every process: with offloading, only the first would get it.
    weights, state = get_state_dict(module, optimizer, options=_options(cpu_offload=False))
    if {name for name in tensors if name.startswith("model/")} != {f"model/{name}" for name in weights}:
        raise UserError("it trains other weights", where=where, expected="the state of this model and stage")
    moments: dict[str, Any] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer/"):
            parameter, kind = name.removeprefix("optimizer/").rsplit("/", 1)
            moments.setdefault(parameter, {})[kind] = value
    set_state_dict(
        module,
        optimizer,
        model_state_dict={name: tensors[f"model/{name}"] for name in weights},
        optim_state_dict={**state, "state": moments},
        options=_options(strict=False),
    )


def is_sharded(module: nn.Module) -> bool:
    """Whether the weights are spread over processes (FSDP)."""
    from torch.distributed.tensor import DTensor

    return any(isinstance(parameter, DTensor) for parameter in module.parameters())


def whole_weights(module: nn.Module) -> dict[str, Tensor]:
    """All weights of a sharded module, gathered on the first process (elsewhere none); every process must call it."""
    from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

    weights: Any = get_model_state_dict(module, options=StateDictOptions(full_state_dict=True, cpu_offload=True))
    return {name: value.detach() for name, value in weights.items()}


def _options(strict: bool = True, cpu_offload: bool = True) -> Any:
    from torch.distributed.checkpoint.state_dict import StateDictOptions

    return StateDictOptions(full_state_dict=True, cpu_offload=cpu_offload, ignore_frozen_params=True, strict=strict)
