"""`--model`: a checkpoint folder, or a preset that can be built with random weights to try things out."""

from __future__ import annotations

from pathlib import Path

from qevd_bio.coach.model.action_tokens import find_action_tokens
from qevd_bio.coach.model.checkpoint import Coach, load_coach, read_about
from qevd_bio.coach.model.presets import build, choose_device, preset_names, read_preset
from qevd_bio.coach.options import Ablations
from qevd_bio.store.errors import UserError
from qevd_bio.store.hashing import hash_file


def open_coach(name: str, *, device: str = "auto", dtype: str | None = None, seed: int = 0) -> Coach:
    """The coach in folder `name`, or preset `name` untrained.

    Raises UserError where there is no such folder or preset, where it is not whole, or its GPU is not there.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        config, _, _ = read_about(folder)
        place = choose_device(config, "cpu" if device == "auto" and config.device == "cpu" else device)
        return load_coach(folder, device=place, dtype=dtype)
    if name not in preset_names():
        raise UserError(
            f"no model {name!r}",
            expected=f"a checkpoint folder, or a preset: {', '.join(preset_names())}",
            fix="qevd-bio train writes a checkpoint folder",
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
    weights = Path(name).expanduser() / "model.safetensors"
    return hash_file(weights) if weights.is_file() else f"untrained:{coach.about.get('seed')}"
