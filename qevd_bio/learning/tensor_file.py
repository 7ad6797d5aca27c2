"""Writing a safetensors file tensor by tensor: a model larger than the memory goes through it."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor

NAMES = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16"}
"""Number formats as safetensors calls them."""


def write_tensors(
    path: Path, shapes: Mapping[str, tuple[int, ...]], kind: torch.dtype, tensors: Iterable[tuple[str, Tensor]]
) -> None:
    """Write `tensors`, which may come in any order, as a safetensors file of number format `kind`.

    `shapes` names every tensor beforehand, since the file's header comes first. Raises ValueError for a tensor that
    is not announced, of another shape, or missing at the end: a fault of the program, not of the user.
    """
    places: dict[str, int] = {}
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in shapes.items():
        places[name], end = end, end + math.prod(shape) * kind.itemsize
        header[name] = {"dtype": NAMES[kind], "shape": list(shape), "data_offsets": [places[name], end]}
    raw = json.dumps(header).encode()
    raw += b" " * (-len(raw) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(raw)) + raw)
        start = file.tell()
        for name, tensor in tensors:
            if tuple(tensor.shape) != shapes.get(name):
                raise ValueError(f"{name} has shape {tuple(tensor.shape)}, announced was {shapes.get(name)}")
            values = tensor.detach().to(device="cpu", dtype=kind).contiguous()
            file.seek(start + places.pop(name))
            file.write(values.reshape(-1).view(torch.uint8).numpy().data)
        if places:
            raise ValueError(f"not written: {sorted(places)[:3]}")
