"""Checkpoints of TechCoach models: configuration, weights, vocabulary, and how they were made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from qevd_bio.learning.folders import whole_folder
from qevd_bio.learning.weights import fill, read_tensors
from qevd_bio.store.atomic import write_json
from qevd_bio.store.errors import UserError
from qevd_bio.store.plain_data import read_json
from qevd_bio.techcoach.model.config import read_config
from qevd_bio.techcoach.model.vocabulary import Vocabulary, read_vocabulary
from qevd_bio.techcoach.model.whole import TechCoach

CONFIG, WEIGHTS = "techcoach.json", "model.safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """A model with its vocabulary, the name of its text encoder, and `about`: how it was trained."""

    model: TechCoach
    vocabulary: Vocabulary
    encoder: str
    about: Mapping[str, Any] = field(default_factory=dict)


def save_checkpoint(
    folder: Path, checkpoint: Checkpoint, about: Mapping[str, Any], tensors: Mapping[str, Tensor] | None = None
) -> None:
    """Write a folder, whole or not at all; `tensors` in place of the model's own weights."""
    from safetensors.torch import save_file

    weights = dict(tensors if tensors is not None else checkpoint.model.state_dict())
    with whole_folder(folder, CONFIG) as new:
        save_file({name: value.detach().cpu().contiguous() for name, value in weights.items()}, new / WEIGHTS)
        checkpoint.vocabulary.save(new)
        config = {"model": checkpoint.model.config.as_json(), "encoder": checkpoint.encoder}
        write_json(new / CONFIG, {**config, "about": {**checkpoint.about, **about}})


def read_checkpoint(folder: Path) -> Checkpoint:
    """The model in a folder, on the CPU, ready to be run. UserError for what is missing or does not fit."""
    place = folder.expanduser()
    if not (place / CONFIG).is_file():
        raise UserError("no TechCoach model here", where=folder, expected=CONFIG, fix="qevd-bio techcoach train")
    value = read_json(place / CONFIG, "the description of a TechCoach model")
    model = TechCoach(read_config(value.get("model"), place / CONFIG))
    fill(model, read_tensors(place / WEIGHTS), place / WEIGHTS, model.config.name)
    return Checkpoint(model.eval(), read_vocabulary(place), str(value.get("encoder")), value.get("about") or {})
