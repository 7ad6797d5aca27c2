"""What a model consists of, as data: read from a preset or from a checkpoint's `coach.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from qevd_bio.store.errors import UserError

Dtype = Literal["float32", "bfloat16", "float16"]
_CLOSED = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class VisionConfig:
    """Shape of the visual features: `tokens` vectors of `dim` a step (35 of 1280 from the 3D CNN)."""

    __pydantic_config__ = _CLOSED

    dim: int = 1280
    tokens: int = 35


@dataclass(frozen=True)
class CrossAttentionConfig:
    """Where vision enters: decoder layers, width of the attention, heads (QEVD: layers 6, 8, …, 22; 4096; 1).

    `inner` is the width inside the value MLP; 0 is that of the visual tokens, as released.
    """

    __pydantic_config__ = _CLOSED

    layers: tuple[int, ...] = ()
    dim: int = 4096
    heads: int = 1
    inner: int = 0


@dataclass(frozen=True)
class TokensConfig:
    """Action tokens by role; the released tokenizer writes `<vision>`, `<answer>`, `<answer/>`."""

    __pydantic_config__ = _CLOSED

    next: str = "<next>"
    feedback: str = "<feedback>"
    end: str = "<answer/>"


@dataclass(frozen=True)
class TurnConfig:
    """How a turn-based model is shown frames: `frames` steps an interval, those of earlier intervals kept or not.

    style: how frames become tokens (`FrameProjector`); none for a model that streams.
    """

    __pydantic_config__ = _CLOSED

    style: Literal["none", "video-chatgpt", "llama-vid"] = "none"
    frames: int = 20
    accumulate: bool = True


@dataclass(frozen=True)
class PromptForm:
    """What the language model's family writes around a system prompt (its chat template); empty: nothing."""

    __pydantic_config__ = _CLOSED

    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class LoraSettings:
    """Low-rank adapters (QEVD, App. D.3); r = 0 means none."""

    __pydantic_config__ = _CLOSED

    r: int = 32
    alpha: int = 16
    dropout: float = 0.05
    targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "lm_head")


@dataclass(frozen=True)
class SelectorConfig:
    """A_theta: widths of the two hidden layers, dropout, joints kept (BioCoach, Supp. 11.1)."""

    __pydantic_config__ = _CLOSED

    hidden: tuple[int, ...] = (512, 256)
    dropout: float = 0.1
    top_k: int = 12


@dataclass(frozen=True)
class FusionConfig:
    """Vision-morphometric cross-attention (BioCoach, Supp. 12.1): heads, gain of Xavier's initialisation."""

    __pydantic_config__ = _CLOSED

    heads: int = 8
    gain: float = 0.1
    train_projection: bool = True


@dataclass(frozen=True)
class ModelConfig:
    """A whole model. `language` are the settings of `transformers`' configuration of the language model.

    `prompt` stands around the system prompt. `action_rows`: ids of tokens whose rows in embedding and output layer
    are learnt apart from the frozen language model, empty where it has been trained with them. `context_tokens`
    columns are kept in front of the prompt for C_motion (0: none); `dtype` and `device` are what the model is meant
    for.
    """

    __pydantic_config__ = _CLOSED

    name: str
    kind: Literal["stream-vlm", "biocoach", "turn-based"]
    source: str
    language: dict[str, Any]
    vision: VisionConfig = field(default_factory=VisionConfig)
    cross_attention: CrossAttentionConfig = field(default_factory=CrossAttentionConfig)
    tokens: TokensConfig = field(default_factory=TokensConfig)
    turns: TurnConfig = field(default_factory=TurnConfig)
    prompt: PromptForm = field(default_factory=PromptForm)
    action_rows: tuple[int, ...] = ()
    lora: LoraSettings = field(default_factory=LoraSettings)
    selector: SelectorConfig = field(default_factory=SelectorConfig)
    fusion: FusionConfig = field(default_factory=FusionConfig)
    tokenizer: str = ""
    context_tokens: int = 0
    morph_tokens: int = 128
    dtype: Dtype = "float32"
    device: Literal["cpu", "cuda"] = "cpu"
    memory_gib: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Plain values, as `read_config` takes them back."""
        return asdict(self)


def read_config(values: Any, where: Path) -> ModelConfig:
    """A configuration from plain values; UserError names the key that is missing, unknown or of a wrong type."""
    try:
        # By way of JSON, whose strict mode takes a list for a tuple and 1 for 1.0, but no text for a number.
        config = TypeAdapter(ModelConfig).validate_json(json.dumps(values, default=str), strict=True)
    except ValidationError as error:
        raise _fault(error, where) from error
    if (config.kind == "turn-based") != (config.turns.style != "none") or config.turns.frames < 1:
        raise UserError(
            f"kind is {config.kind}, turns.style is {config.turns.style}, turns.frames is {config.turns.frames}",
            where=where,
            expected="a style and at least one frame for a turn-based model, style none for others",
        )
    layers = int(config.language.get("num_hidden_layers", 0))
    outside = [layer for layer in config.cross_attention.layers if not 0 <= layer < layers]
    if outside:
        raise UserError(
            f"cross_attention.layers names layer {outside[0]}",
            where=where,
            expected=f"layers of the language model, 0 to {layers - 1}",
        )
    return config


def _fault(error: ValidationError, where: Path) -> UserError:
    """The first fault in words; an unknown key first, since a misspelt one is missing as well."""
    first = min(error.errors(), key=lambda item: item["type"] != "unexpected_keyword_argument")
    key = ".".join(str(part) for part in first["loc"]) or "the file"
    if first["type"] == "unexpected_keyword_argument":
        return UserError(f"unknown key {key}", where=where, expected="a key of a shipped preset (refs/presets)")
    if first["type"] == "missing":
        return UserError(f"no key {key}", where=where, expected="name, kind, source and language")
    if first["type"] == "dataclass_type":
        return UserError(f"{key} is not a mapping", where=where, expected="keys with values")
    expected = str(first["msg"]).removeprefix("Input should be ")
    return UserError(f"{key} is {first['input']!r}", where=where, expected=expected)
