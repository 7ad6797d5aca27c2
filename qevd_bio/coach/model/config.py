"""What a model consists of, as data: read from a preset or from a checkpoint's `coach.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_type_hints

from qevd_bio.store.errors import UserError

KINDS = ("stream-vlm", "biocoach")


@dataclass(frozen=True)
class VisionConfig:
    """Shape of the visual features: `tokens` vectors of `dim` a step (35 of 1280 from the 3D CNN)."""

    dim: int = 1280
    tokens: int = 35


@dataclass(frozen=True)
class CrossAttentionConfig:
    """Where vision enters: decoder layers, width of the attention, heads (QEVD: layers 6, 8, …, 22; 4096; 1).

    `inner` is the width inside the value MLP; 0 is that of the visual tokens, as released.
    """

    layers: tuple[int, ...] = ()
    dim: int = 4096
    heads: int = 1
    inner: int = 0


@dataclass(frozen=True)
class TokensConfig:
    """Action tokens by role; the released tokenizer writes `<vision>`, `<answer>`, `<answer/>`."""

    next: str = "<next>"
    feedback: str = "<feedback>"
    end: str = "<answer/>"


@dataclass(frozen=True)
class LoraSettings:
    """Low-rank adapters (QEVD, App. D.3); r = 0 means none."""

    r: int = 32
    alpha: int = 16
    dropout: float = 0.05
    targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "lm_head")


@dataclass(frozen=True)
class SelectorConfig:
    """A_theta: widths of the two hidden layers, dropout, joints kept (BioCoach, Supp. 11.1)."""

    hidden: tuple[int, ...] = (512, 256)
    dropout: float = 0.1
    top_k: int = 12


@dataclass(frozen=True)
class FusionConfig:
    """Vision-morphometric cross-attention (BioCoach, Supp. 12.1): heads, gain of Xavier's initialisation."""

    heads: int = 8
    gain: float = 0.1
    train_projection: bool = True


@dataclass(frozen=True)
class ModelConfig:
    """A whole model. `language` are the settings of `transformers`' configuration of the language model.

    `context_tokens` columns are kept in front of the prompt for C_motion (0: none); `dtype` and `device` are
    what the model is meant for.
    """

    name: str
    kind: Literal["stream-vlm", "biocoach"]
    source: str
    language: dict[str, Any]
    vision: VisionConfig = field(default_factory=VisionConfig)
    cross_attention: CrossAttentionConfig = field(default_factory=CrossAttentionConfig)
    tokens: TokensConfig = field(default_factory=TokensConfig)
    lora: LoraSettings = field(default_factory=LoraSettings)
    selector: SelectorConfig = field(default_factory=SelectorConfig)
    fusion: FusionConfig = field(default_factory=FusionConfig)
    tokenizer: str = ""
    context_tokens: int = 0
    morph_tokens: int = 64
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    device: Literal["cpu", "cuda"] = "cpu"
    memory_gib: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Plain values, as `read_config` takes them back."""
        return asdict(self)


def read_config(values: Any, where: Path) -> ModelConfig:
    """A configuration from plain values; UserError names the key that is missing, unknown or of a wrong type."""
    config: ModelConfig = _build(ModelConfig, values, where, "")
    if config.kind not in KINDS:
        raise UserError(f"kind is {config.kind!r}", where=where, expected=" or ".join(KINDS))
    layers = int(config.language.get("num_hidden_layers", 0))
    outside = [layer for layer in config.cross_attention.layers if not 0 <= layer < layers]
    if outside:
        raise UserError(
            f"cross_attention.layers names layer {outside[0]}",
            where=where,
            expected=f"layers of the language model, 0 to {layers - 1}",
        )
    return config


def _build(kind: Any, values: Any, where: Path, prefix: str) -> Any:
    if not isinstance(values, Mapping):
        raise UserError(f"{prefix or 'the file'} is not a mapping", where=where, expected="keys with values")
    known = {f.name: f for f in fields(kind)}
    unknown = [str(key) for key in values if key not in known]
    if unknown:
        raise UserError(f"unknown key {prefix}{unknown[0]}", where=where, expected=f"one of {', '.join(known)}")
    missing = [f for f in ("name", "kind", "source", "language") if kind is ModelConfig and f not in values]
    if missing:
        raise UserError(f"no key {prefix}{missing[0]}", where=where, expected="name, kind, source and language")
    hints = get_type_hints(kind)
    return kind(**{key: _value(hints[key], value, where, prefix + key) for key, value in values.items()})


def _value(hint: Any, value: Any, where: Path, name: str) -> Any:
    if is_dataclass(hint):
        return _build(hint, value, where, f"{name}.")
    if hint in (int, float, str, bool):
        fine = isinstance(value, (int, float) if hint is float else hint)
        if not fine or (hint is not bool and isinstance(value, bool)):
            raise UserError(f"{name} is {value!r}", where=where, expected=hint.__name__)
        return hint(value)
    if str(hint).startswith("tuple"):
        if not isinstance(value, (list, tuple)):
            raise UserError(f"{name} is {value!r}", where=where, expected="a list")
        return tuple(value)
    return value
