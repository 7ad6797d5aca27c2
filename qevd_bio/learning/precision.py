"""Number formats and memory of a training run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from qevd_bio.learning.options import LoopOptions
from qevd_bio.store.errors import UserError

_FROZEN = {"no": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def settled(options: LoopOptions, device: torch.device, dtype: str) -> LoopOptions:
    """`precision` auto decided: bf16 on a GPU for a model that is meant to be kept in it (`dtype`), else float32."""
    if options.precision != "auto":
        return options
    mixed = device.type == "cuda" and dtype == "bfloat16"
    return replace(options, precision="bf16" if mixed else "no")


def check_precision(options: LoopOptions) -> None:
    """UserError for a number format that this machine cannot train in."""
    if options.precision == "fp16" and (options.device == "cpu" or not torch.cuda.is_available()):
        raise UserError("--precision fp16 needs a GPU", expected="no or bf16 on a CPU", fix="--precision bf16")


def settle_types(module: nn.Module, precision: str) -> None:
    """What is trained becomes float32 (a step of 2e-5 is lost in bf16), what is frozen takes the precision's format."""
    for parameter in module.parameters():
        if parameter.is_floating_point():
            parameter.data = parameter.data.to(torch.float32 if parameter.requires_grad else _FROZEN[precision])


def mixed(device: torch.device, precision: str) -> Any:
    """The arithmetic of a forward pass outside the loop (validation)."""
    return torch.autocast(device.type, _FROZEN.get(precision), enabled=precision in ("bf16", "fp16"))


@contextmanager
def explained_memory(options: LoopOptions, advice: Sequence[str] = ()) -> Iterator[None]:
    """Turn "out of memory" into what to change; `advice` is what helps this kind of task besides."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _too_little(options, advice, error) from error
    except RuntimeError as error:
        if "can't allocate memory" not in str(error) and "not enough memory" not in str(error):
            raise
        raise _too_little(options, advice, error) from error


def _too_little(options: LoopOptions, others: Sequence[str], error: BaseException) -> UserError:
    now = options.micro_batch or options.batch
    advice = []
    if now > 1:
        advice.append(f"--micro-batch {now // 2} (the result stays the same)")
    if not options.activation_checkpointing:
        advice.append("--activation-checkpointing")
    if options.precision == "no":
        advice.append("--precision bf16")
    advice += others
    return UserError(
        f"memory is short ({(str(error).splitlines() or ['out of memory'])[0][:120]})",
        expected="room for weights, gradients and activations",
        fix="; then ".join(advice) or "a smaller model, or a machine with more memory",
    )
