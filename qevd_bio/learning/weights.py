"""Reading tensors from files that others wrote: safetensors, or torch files without running what they hold."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from qevd_bio.store.errors import UserError

_SOME = 3


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a weights file by name, on the CPU; `module.` is taken out of the names wherever it stands.

    A `state_dict` entry is opened. Raises UserError for a missing or damaged file, or one that holds more than
    tensors (loading it would run code: refused).
    """
    if not path.is_file():
        raise UserError("no such file", where=path, expected="a weights file (.pth, .pt, .bin, .safetensors)")
    found = _safetensors(path) if path.suffix == ".safetensors" else _torch(path)
    while isinstance(found, Mapping) and isinstance(found.get("state_dict"), Mapping):
        found = found["state_dict"]
    if not isinstance(found, Mapping) or not found:
        raise UserError("holds no named tensors", where=path, expected="a state_dict: names with tensors")
    odd = [name for name, value in found.items() if not isinstance(value, Tensor)]
    if odd:
        raise UserError(f"entry {odd[0]!r} is no tensor", where=path, expected="a state_dict: names with tensors")
    return {name.replace("module.", ""): value for name, value in found.items()}


def _torch(path: Path) -> Any:
    expected = "a file written by torch.save that holds tensors alone"
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UserError(
            f"refused: not a plain file of tensors ({str(error).splitlines()[0][:160]})",
            where=path,
            expected=expected,
            fix="convert it to safetensors where you trust it",
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise UserError(
            f"cannot be read ({(str(error).splitlines() or ['empty'])[0][:160]})",
            where=path,
            expected=expected,
            fix="download the file again; it may be cut off",
        ) from error


def _safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(
            f"cannot be read ({str(error).splitlines()[0][:160]})",
            where=path,
            expected="a whole safetensors file",
            fix="download or make the file again; it may be cut off",
        ) from error


def fill(module: nn.Module, tensors: Mapping[str, Tensor], where: Path, what: str) -> None:
    """Load `tensors` into `module`, all of them and nothing else; UserError names what is missing or odd."""
    wanted = dict(module.state_dict())
    missing = [name for name in wanted if name not in tensors]
    if missing:
        raise UserError(
            f"{len(missing)} of {len(wanted)} weights missing: {_some(missing)}",
            where=where,
            expected=f"all weights of {what}",
            fix="use the whole checkpoint; part of it may not have been downloaded",
        )
    surplus = [name for name in tensors if name not in wanted]
    if surplus:
        raise UserError(
            f"{len(surplus)} weights that {what} does not have: {_some(surplus)}",
            where=where,
            expected=f"the weights of {what}, no others",
            fix="check that the checkpoint and the preset belong together",
        )
    for name, value in wanted.items():
        if tuple(tensors[name].shape) != tuple(value.shape):
            raise UserError(
                f"{name} has shape {tuple(tensors[name].shape)}",
                where=where,
                expected=f"{tuple(value.shape)} for {what}",
                fix="check that the checkpoint and the preset belong together",
            )
    module.load_state_dict(dict(tensors), strict=True, assign=True)


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:_SOME]) + (", …" if len(listed) > _SOME else "")
