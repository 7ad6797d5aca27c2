"""Models by name: presets shipped as data. Reading them needs neither torch nor transformers."""

from __future__ import annotations

from pathlib import Path

from qevd_bio.coach.model.config import ModelConfig, read_config
from qevd_bio.store.errors import UserError
from qevd_bio.store.plain_data import read_yaml
from qevd_bio.store.resources import refs_path

_YAML = (".yaml", ".yml")
_SHORT = {"stream-vlm": "stream-vlm-7b", "biocoach": "biocoach-7b"}
"""A published system by its name alone: the shape it was published with."""


def is_preset(name: str) -> bool:
    """Whether `name` is a shipped preset or a preset file of one's own, and no checkpoint folder."""
    path = Path(name).expanduser()
    return (path.suffix in _YAML and path.is_file()) or name in preset_names() or name in _SHORT


def preset_names() -> list[str]:
    """The shipped presets."""
    return sorted(path.stem for path in refs_path("presets").glob("*.yaml"))


def read_preset(name: str | Path) -> ModelConfig:
    """A shipped preset by name, or a preset file by path. UserError for an unknown name or a faulty file."""
    path = Path(name).expanduser()
    if path.suffix not in _YAML:
        path = refs_path("presets", f"{_SHORT.get(path.name, path.name)}.yaml")
    if not path.is_file():
        raise UserError(f"no preset {str(name)!r}", expected=f"one of {', '.join(preset_names())}, or a YAML file")
    return read_config(read_yaml(path), path)


def summary(name: str) -> list[str]:
    """Lines that say what a preset is and what it is made for, as far as its file tells; nothing is built."""
    config = read_preset(name)
    language = config.language
    needs = f", {config.memory_gib:g} GiB" if config.memory_gib else ""
    return [
        f"{config.name} ({config.kind}): {language.get('num_hidden_layers')} layers of "
        f"{language.get('hidden_size')} values; for {config.device}{needs}",
        f"  {config.source}",
    ]
