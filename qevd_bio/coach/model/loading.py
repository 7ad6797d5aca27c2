"""`--model`: a checkpoint folder, or a preset that can be built with random weights to try things out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from qevd_bio.coach.model.biocoach import make_model
from qevd_bio.coach.model.checkpoint import WEIGHTS_FILE, Coach, load_coach, read_about
from qevd_bio.coach.model.config import ModelConfig
from qevd_bio.coach.model.presets import is_preset, preset_names, read_preset
from qevd_bio.coach.model.stream_vlm import StreamVLM
from qevd_bio.coach.model.tokens import find_action_tokens, tiny_tokenizer
from qevd_bio.coach.options import Ablations
from qevd_bio.learning.language import padded, read_tokenizer
from qevd_bio.store.errors import UserError
from qevd_bio.store.hashing import hash_file

TRAINED = {
    "biocoach": (("selector",), ("fusion",)),
    "stream-vlm": (("xattn",), ("lora",)),
    "turn-based": (("projector",), ("lora",)),
}
"""Parts that each published training stage changes (BioCoach, Supp. 11.4; QEVD, Sec. 4)."""


def open_coach(name: str, *, device: str = "auto", dtype: str | None = None, seed: int = 0) -> Coach:
    """The coach in folder `name`, or preset `name` untrained.

    Raises UserError where there is no such folder or preset, where it is not whole, or its GPU is not there.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        config, _, _ = read_about(folder)
        place = choose_device(config, "cpu" if device == "auto" and config.device == "cpu" else device)
        return load_coach(folder, device=place, dtype=dtype)
    if not is_preset(name):
        raise UserError(
            f"no model {name!r}",
            expected=f"a checkpoint folder, a preset ({', '.join(preset_names())}), or a preset file.yaml",
            fix="qevd-bio coach new makes one of a language model, qevd-bio train writes one",
        )
    config = read_preset(name)
    place = choose_device(config, device)
    model, tokenizer = build(config, seed=seed)
    tokens = find_action_tokens(tokenizer, folder, config.tokens)
    return Coach(
        model.to(place).eval(), tokenizer, tokens, model.config, Ablations(), {"untrained": True, "seed": seed}
    )


def fingerprint(name: str, coach: Coach) -> str:
    """Hash of the weights that were read, or what the random ones were made from."""
    weights = Path(name).expanduser() / WEIGHTS_FILE
    return hash_file(weights) if weights.is_file() else f"untrained:{coach.about.get('seed')}"


def choose_device(config: ModelConfig, device: str = "auto") -> torch.device:
    """Where the model runs: `auto` is what the preset is meant for.

    Raises UserError where the preset wants a GPU and none is there, or one with too little memory.
    """
    wanted = config.device if device == "auto" else device
    try:
        place = torch.device(wanted)
    except RuntimeError as error:
        raise UserError(f"no device {wanted!r}", expected="auto, cpu, cuda or cuda:0") from error
    if place.type != "cuda":
        return place
    smaller = "--model tiny runs on a CPU; --device cpu tries it here, slowly, in main memory"
    if not torch.cuda.is_available():
        needs = f" with {config.memory_gib:.0f} GiB" if config.memory_gib else ""
        raise UserError(f"{config.name} is made for a GPU{needs}, and none is here", expected="CUDA", fix=smaller)
    free = torch.cuda.mem_get_info(place)[1] / 2**30
    if free < config.memory_gib:
        raise UserError(
            f"{config.name} needs {config.memory_gib:.0f} GiB of GPU memory, {place} has {free:.0f}",
            expected="a larger GPU",
            fix=smaller,
        )
    return place


def build(
    config: ModelConfig, *, ablations: Ablations | None = None, seed: int = 0, texts: tuple[str, ...] = ()
) -> tuple[StreamVLM, Any]:
    """A new model of random weights with its tokenizer; `texts` add to what the tiny tokenizer is learnt from.

    UserError where the preset's tokenizer is neither `tiny` nor a folder: weights must be imported then.
    """
    if config.tokenizer == "tiny":
        tokenizer = tiny_tokenizer(int(config.language["vocab_size"]), config.tokens, texts)
    elif config.tokenizer:
        tokenizer = read_tokenizer(Path(config.tokenizer))
    else:
        raise UserError(
            f"preset {config.name} has no tokenizer of its own",
            expected="the tokenizer of the language model it starts from",
            fix="qevd-bio coach new, or qevd-bio coach import-stream-vlm, then --model with the folder it wrote",
        )
    rows = padded(len(tokenizer))
    config = replace(config, language={**config.language, "vocab_size": rows})
    return make_model(config, ablations=ablations, seed=seed), tokenizer


def describe(name: str) -> list[str]:
    """Lines that say how many values a preset has, by part and trained in each stage; no weights are made."""
    config = read_preset(name)
    model = make_model(config, device="meta")
    parts = {part: sum(p.numel() for p in values) for part, values in model.parts().items()}
    listed = ", ".join(f"{part} {count:,}" for part, count in parts.items() if count)
    trained = ", ".join(f"{'+'.join(stage)} {model.train_only(stage):,}" for stage in TRAINED[config.kind])
    return [
        f"{config.name} ({config.kind}): {sum(parts.values()):,} values: {listed}",
        f"  trained by stage: {trained}",
    ]
