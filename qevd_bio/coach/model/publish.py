"""A trained coach without its language model: the small weights that are its own, with a card, for others to use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from qevd_bio.coach.model.checkpoint import (
    CONFIG_FILE,
    FORMAT,
    LANGUAGE_CHANGED,
    LANGUAGE_PRINT,
    WEIGHTS_FILE,
    read_about,
)
from qevd_bio.coach.model.config import ModelConfig
from qevd_bio.coach.model.stream_vlm import part_of
from qevd_bio.coach.options import Ablations
from qevd_bio.learning.folders import whole_folder
from qevd_bio.learning.weights import read_tensors
from qevd_bio.store.errors import UserError
from qevd_bio.store.version import __version__

OWN_WEIGHTS = "coach.safetensors"
CARD = "README.md"


def build(source: Path, folder: Path, licence: str = "other") -> dict[str, int]:
    """Write the weights of `source` that are not the language model's, and a card, to the new folder `folder`.

    Returns the number of values by part. UserError for a checkpoint whose language model cannot be had elsewhere
    unchanged, and for a folder that holds something else.
    """
    config, ablations, about = read_about(source)
    if LANGUAGE_PRINT not in about:
        raise UserError(
            "it does not say which pretrained language model it is made of",
            where=source,
            expected="a coach that qevd-bio coach new made, trained or not",
            fix="pass the whole folder on, as far as its weights' licence allows",
        )
    if about.get(LANGUAGE_CHANGED):
        raise UserError(
            "its language model was trained as well, so the small weights alone would not be this coach",
            where=source,
            expected="a coach whose language model stayed frozen (or has LoRA)",
            fix="pass the whole folder on, as far as its weights' licence allows",
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError("is not empty", where=folder, fix="name a folder that is not there yet")
    from safetensors.torch import save_file

    own = {name: value for name, value in read_tensors(source / WEIGHTS_FILE).items() if part_of(name) != "language"}
    counts: dict[str, int] = {}
    for name, value in own.items():
        counts[part_of(name)] = counts.get(part_of(name), 0) + value.numel()
    values = {"format": FORMAT, "config": config.as_json(), "ablations": asdict(ablations), "about": about}
    with whole_folder(folder, CONFIG_FILE) as new:
        save_file(own, new / OWN_WEIGHTS, metadata={"format": "pt"})
        (new / CONFIG_FILE).write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
        (new / CARD).write_text(card(config, ablations, about, counts, licence), encoding="utf-8")
    return counts


def read_own(folder: Path) -> tuple[ModelConfig, Ablations, dict[str, Any], dict[str, Tensor]]:
    """Configuration and own weights of a published coach. UserError for a folder that holds none."""
    config, ablations, about = read_about(folder)
    if not (folder / OWN_WEIGHTS).is_file():
        raise UserError(
            f"holds no {OWN_WEIGHTS}",
            where=folder,
            expected="a folder that qevd-bio coach push wrote, or a preset",
        )
    return config, ablations, about, read_tensors(folder / OWN_WEIGHTS)


def card(
    config: ModelConfig, ablations: Ablations, about: Mapping[str, Any], counts: Mapping[str, int], licence: str
) -> str:
    """The model card: front matter that the Hub reads, what it is, how it is put together, how it was trained."""
    language, vision = about["language"], dict(about.get("vision", {}))
    switched = [name.replace("_", " ") for name, value in asdict(ablations).items() if value is True]
    lines = [
        "---",
        f"license: {licence}",
        "library_name: qevd-bio",
        "tags: [fitness coaching, biomechanics, streaming]",
    ]
    lines += ["---", "", f"# {config.name}", "", f"A coach ({config.kind}) on the language model `{language}`."]
    lines += ["The language model is not part of this folder and keeps its own licence.", ""]
    lines += ["```bash", f"qevd-bio coach new --language LANGUAGE --preset THIS_FOLDER --out {config.name}"]
    lines += [f"qevd-bio run --model {config.name} --data QEVD --out run.jsonl", "```", "", "## Weights", ""]
    lines += ["| part | values |", "|---|---:|", *(f"| {part} | {count:,} |" for part, count in counts.items()), ""]
    lines += ["## What it sees and reads", ""]
    lines += [f"- {config.vision.tokens} visual tokens of {config.vision.dim} values a step, 4 steps a second"]
    lines += [f"- made with: {', '.join(f'{key} {value}' for key, value in vision.items()) or 'not known'}"]
    lines += [f"- vision enters after layers {', '.join(map(str, config.cross_attention.layers))}"]
    lines += [f"- switched off: {', '.join(switched) or 'nothing'}", "", "## Training", ""]
    untrained = ", ".join(about.get("begins", ()))
    lines += [f"- last stage: {about.get('trained', 'none')}, {about.get('step', 0)} steps"]
    lines += [f"- not trained: {untrained}"] if untrained else []
    lines += [f"- {key}: {value}" for key, value in sorted(dict(about.get("settings", {})).items())]
    lines += ["", f"Written by qevd-bio {__version__}.", "", "## Limits", ""]
    lines += ["It gives no medical advice. What it says was learnt from the data that it was trained on; how well it"]
    lines += ["speaks to other people, about other exercises, has to be measured (`qevd-bio score`)."]
    return "\n".join([*lines, ""])
