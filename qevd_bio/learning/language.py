"""Language models from `transformers`: tokenizer, architecture, LoRA, memory. Nothing is downloaded, no code is run."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from qevd_bio.store.errors import UserError

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json")


def read_tokenizer(folder: Path) -> Any:
    """The tokenizer whose files lie in `folder`. UserError where there is none, or it cannot be read."""
    if not any((folder / name).is_file() for name in _TOKENIZER_FILES):
        raise UserError(
            "no tokenizer here",
            where=folder,
            expected=" or ".join(_TOKENIZER_FILES[:2]),
            fix="copy the tokenizer files that came with the checkpoint into this folder",
        )
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise UserError(
            f"the tokenizer cannot be read ({(str(error).splitlines() or ['?'])[0][:160]})",
            where=folder,
            expected="the tokenizer files that came with the checkpoint, whole",
        ) from error


def make_language_model(settings: Mapping[str, Any], name: str, attention: str = "sdpa") -> Any:
    """A causal language model of random weights from the settings of its `transformers` configuration.

    `model_type` is llama where none is named; `attention` is a name that `transformers` knows. UserError for a
    type that it does not know; `name` is what the message calls the model.
    """
    from transformers import AutoConfig, AutoModelForCausalLM

    given = dict(settings)
    try:
        config = AutoConfig.for_model(given.pop("model_type", "llama"), **given)
    except ValueError as error:
        raise UserError(
            f"language.model_type: {str(error).splitlines()[0][:160]}",
            where=Path(name),
            expected="a model type of the LLaMA family that transformers knows, as llama or mistral",
        ) from error
    return AutoModelForCausalLM.from_config(config, attn_implementation=attention)  # type: ignore[no-untyped-call]


def add_lora(model: Any, r: int, alpha: int, dropout: float, targets: Sequence[str]) -> Any:
    """`model` with low-rank adapters of rank `r` on the layers called `targets` (peft); r = 0 leaves it as it is."""
    if not r:
        return model
    from peft import LoraConfig, get_peft_model

    settings = LoraConfig(r=r, lora_alpha=alpha, lora_dropout=dropout, target_modules=list(targets), bias="none")
    with warnings.catch_warnings():
        # peft asks transformers for a name that a later version will drop; nothing a user could mend.
        warnings.simplefilter("ignore", FutureWarning)
        return get_peft_model(model, settings)


def padded(vocabulary: int, multiple: int = 64) -> int:
    """Rows of the embedding for a vocabulary: padded to a multiple of 64."""
    return -(-vocabulary // multiple) * multiple


def restore_buffers(decoder: Any, device: torch.device | str = "cpu") -> None:
    """Make what is computed and not learnt anew, in float32: rotary frequencies, scales of the embedding.

    A model from the meta device lacks these values, and rounded to bf16 the angles of a rotary embedding would be
    wrong by radians at the end of a long text.
    """
    from accelerate import init_empty_weights

    with init_empty_weights(include_buffers=False):
        fresh = type(decoder)(decoder.config)
    for name, module in fresh.named_modules():
        kept = {key for key, value in module.named_buffers(recurse=False) if value is not None}
        for key in kept & set(module._non_persistent_buffers_set):
            decoder.get_submodule(name).register_buffer(key, module.get_buffer(key).to(device), persistent=False)


def tie(causal_lm: Any) -> None:
    """Let the output layer use the embedding's weights where the model is built so; loading takes them apart."""
    if causal_lm.config.tie_word_embeddings:
        head = getattr(causal_lm.lm_head, "base_layer", causal_lm.lm_head)
        head.weight = causal_lm.model.embed_tokens.weight


def lora_targets(model: Any, wanted: Sequence[str]) -> tuple[str, ...]:
    """Those of the layers called `wanted` that this family has.

    Where query, key and value are one layer (`qkv_proj`) it stands for them. An output layer that shares the
    embedding's weights is left out: low-rank weights there would change the embedding's meaning as well.
    """
    names = {name.rsplit(".", 1)[-1] for name, module in model.named_modules() if isinstance(module, nn.Linear)}
    if model.config.tie_word_embeddings:
        names.discard("lm_head")
    found = tuple(name for name in wanted if name in names)
    asked = {"q_proj", "k_proj", "v_proj"} & set(wanted)
    return (*found, "qkv_proj") if asked and not asked & set(found) and "qkv_proj" in names else found


def check_memory(model: nn.Module, name: str, kind: torch.dtype, device: torch.device | str, folder: Path) -> None:
    """UserError where a model would not fit into main memory: the system would end the process without a word."""
    room = available_memory()
    needed = sum(parameter.numel() for parameter in model.parameters()) * kind.itemsize
    if torch.device(device).type == "cpu" and room is not None and needed > room:
        raise UserError(
            f"{name} takes {needed / 2**30:.0f} GiB of main memory in {str(kind).removeprefix('torch.')}, "
            f"{room / 2**30:.0f} GiB are free",
            where=folder,
            expected="a machine with more memory, or a GPU",
            fix="--dtype bfloat16 takes half of float32 (qevd-bio run); preset tiny runs anywhere",
        )


def available_memory() -> int | None:
    """Bytes of main memory that a process may still take; None where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = next((line for line in lines if line.startswith("MemAvailable:")), None)
    return int(found.split()[1]) * 1024 if found else None
