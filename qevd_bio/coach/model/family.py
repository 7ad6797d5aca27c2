"""Whether a family of language models computes here what it computes in `transformers`, found out on a small one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from qevd_bio.coach.model.config import CrossAttentionConfig, LoraSettings, ModelConfig, PromptForm
from qevd_bio.coach.model.stream_vlm import StreamVLM
from qevd_bio.store.errors import UserError

_LAYERS, _ROWS, _WINDOW, _LENGTH = 2, 128, 8, 24
_TOLERANCE = 1e-3
_FAULTS = (RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError, NotImplementedError)


def check_family(config: ModelConfig, where: Path) -> None:
    """UserError where the coach's way through a language model of this family gives other logits than its own.

    Two layers of its true width with random weights are compared, with a short sliding window where it has one:
    nothing of the checkpoint is read.
    """
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            difference = _difference(config)
    except _FAULTS as error:
        raise _other(config, where, (str(error).splitlines() or [type(error).__name__])[0][:120]) from error
    if not difference <= _TOLERANCE:
        raise _other(config, where, f"its logits differ by {difference:.1g} of their size")


def _difference(config: ModelConfig) -> float:
    """Largest difference of the logits, in parts of the largest logit."""
    torch.manual_seed(0)
    small = replace(
        config, language=small_settings(config.language), cross_attention=CrossAttentionConfig(),
        lora=LoraSettings(r=0), action_rows=(1, 2), kind="stream-vlm", prompt=PromptForm(),
    )  # fmt: skip
    model = StreamVLM(small).float().eval()
    ids = torch.randint(3, _ROWS, (2, _LENGTH))
    ours = model(ids, torch.arange(_LENGTH).expand(2, -1), None)
    language = model.causal_lm
    language.set_attn_implementation("eager")
    theirs = language(input_ids=ids).logits
    return float((ours - theirs).abs().max() / theirs.abs().max())


def small_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The same family with two layers, a small vocabulary and a short window."""
    small = {**settings, "num_hidden_layers": _LAYERS, "vocab_size": _ROWS}
    for name in ("layer_types", "no_rope_layers"):
        if small.get(name):
            small[name] = _both(small[name])
    if small.get("sliding_window"):
        small["sliding_window"] = _WINDOW
    for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
        small[name] = None
    return small


def _both(kinds: list[Any]) -> list[Any]:
    """One layer of each kind, where there are two."""
    different = list(dict.fromkeys(kinds))
    return (different + different)[:_LAYERS]


def _other(config: ModelConfig, where: Path, why: str) -> UserError:
    return UserError(
        f"{config.language.get('model_type')} computes in a way of its own ({why})",
        where=where,
        expected="a language model of a family as LLaMA, SmolLM2, Qwen 2.5 or 3, Mistral or Gemma",
    )
