"""The released Stream-VLM checkpoint: one `state_dict` of `vision`, `adapter` and `lang`, beside its tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from qevd_bio.coach.model.biocoach import make_model
from qevd_bio.coach.model.checkpoint import save_coach
from qevd_bio.coach.model.config import ModelConfig
from qevd_bio.coach.model.stream_vlm import StreamVLM
from qevd_bio.coach.model.tokens import find_action_tokens
from qevd_bio.learning.language import padded, read_tokenizer
from qevd_bio.learning.weights import fill, read_tensors
from qevd_bio.store.errors import UserError
from qevd_bio.store.hashing import hash_file

_PEFT = "base_model.model."
_EMBEDDING = "model.embed_tokens.weight"
_PATTERNS = ("state_dict.pth.tar", "*.pth.tar", "*.pth", "*.pt", "*.safetensors", "*.bin")


@dataclass(frozen=True)
class Imported:
    """What was imported: tensors by kind, the tokens' names, and notes on what was odd."""

    folder: Path
    tensors: int
    lora: int
    tokens: tuple[str, str, str]
    notes: tuple[str, ...]


def import_stream_vlm(source: Path, folder: Path, config: ModelConfig) -> Imported:
    """Turn a released checkpoint (a folder, or its file) into one of our checkpoint folders.

    `config` says which architecture it is (preset stream-vlm-7b); every weight of it must be there with the right
    shape. Raises UserError for a missing or partial file, another model's tokenizer, or one that holds code.
    """
    path = find_weights(source)
    tokenizer = read_tokenizer(path.parent)
    tokens = find_action_tokens(tokenizer, path.parent)
    tensors = read_tensors(path)
    lang, notes = language_tensors(tensors, path)
    rows = _check_vocabulary(lang, len(tokenizer), path)
    settings = {**config.language, "vocab_size": rows}
    has_lora = any(".lora_" in name for name in lang)
    config = replace(config, language=settings, tokens=tokens.names, tokenizer="")
    if not has_lora:
        config = replace(config, lora=replace(config.lora, r=0))
        notes = (*notes, "no LoRA weights: taken as merged into the language model")
    model = make_model(config, device="meta")
    renamed = our_names(lang, model)
    fill(model, renamed, path, f"preset {config.name}")
    about = {"imported_from": path.name, "sha256": hash_file(path), "notes": list(notes)}
    save_coach(folder, model, tokenizer, about=about)
    lora = sum(1 for name in renamed if ".lora_" in name)
    names = (tokens.names.next, tokens.names.feedback, tokens.names.end)
    return Imported(folder, len(renamed), lora, names, notes)


def find_weights(source: Path) -> Path:
    """The weights file of a released checkpoint: `source` itself, or the one in this folder."""
    if source.is_file():
        return source
    if not source.is_dir():
        raise UserError("no such file or folder", where=source, expected="the unpacked Stream-VLM checkpoint")
    for pattern in _PATTERNS:
        found = sorted(source.glob(pattern))
        if found:
            return found[0]
    parts = sorted(source.glob("*.tar.gz.a?"))
    raise UserError(
        "no weights file here" + (f", but {len(parts)} parts of an archive" if parts else ""),
        where=source,
        expected="state_dict.pth.tar with the tokenizer's files beside it",
        fix="cat streamvlm_weights.tar.gz.* | tar xf -" if parts else "name the folder that holds it",
    )


def language_tensors(tensors: Mapping[str, Tensor], where: Path) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The language model's weights under plain names (`model.layers…`, `lm_head…`), and notes.

    The prefixes of peft (old and new) and of the three modules are taken off, `.base_layer` too; the `adapter`'s
    copy of the embedding stands in where `lang` has none. Anything that belongs to no module is refused.
    """
    lang: dict[str, Tensor] = {}
    adapter: Tensor | None = None
    unknown = []
    for name, value in tensors.items():
        module, _, rest = name.partition(".")
        if module == "lang":
            while rest.startswith(_PEFT):
                rest = rest.removeprefix(_PEFT)
            lang[rest.replace(".base_layer.", ".")] = value
        elif module == "adapter" and rest.startswith("embed_tokens."):
            adapter = value
        elif module not in ("vision", "adapter"):
            unknown.append(name)
    if unknown or not lang:
        raise UserError(
            f"not a Stream-VLM checkpoint (it holds {(unknown or list(tensors))[0]!r})",
            where=where,
            expected="modules vision, adapter and lang",
            fix="name the file state_dict.pth.tar of the released Stream-VLM weights",
        )
    # Rotary frequencies were saved by older versions of transformers; they are computed, not learnt.
    lang = {name: value for name, value in lang.items() if not name.endswith("rotary_emb.inv_freq")}
    notes: tuple[str, ...] = ()
    if adapter is not None and _EMBEDDING not in lang:
        lang[_EMBEDDING] = adapter
        notes = ("token embedding taken from the adapter's copy",)
    elif adapter is not None and not _same(adapter, lang[_EMBEDDING]):
        notes = ("the adapter's copy of the token embedding differs from the language model's, which is used",)
    return lang, notes


def _same(first: Tensor, second: Tensor) -> bool:
    return first.shape == second.shape and bool(torch.equal(first, second))


def _check_vocabulary(lang: Mapping[str, Tensor], entries: int, where: Path) -> int:
    if _EMBEDDING not in lang:
        raise UserError("no token embedding in it", where=where, expected=f"lang.…{_EMBEDDING}")
    rows = int(lang[_EMBEDDING].shape[0])
    if rows not in (entries, padded(entries)):
        raise UserError(
            f"the embedding has {rows} rows, the tokenizer beside it {entries} entries",
            where=where,
            expected=f"{padded(entries)} rows (the entries, padded to a multiple of 64)",
            fix="put the tokenizer files that came with the checkpoint beside it",
        )
    return rows


def names_of(model: StreamVLM) -> dict[str, str]:
    """Plain names of the language model's weights, and those in `model`: with peft's prefix and `.base_layer`."""
    names = [name for name in model.state_dict() if name.startswith("lang.")]
    return {name.removeprefix("lang.").removeprefix(_PEFT).replace(".base_layer.", "."): name for name in names}


def our_names(lang: Mapping[str, Tensor], model: StreamVLM) -> dict[str, Tensor]:
    """The tensors of `lang` under the names of `model`."""
    ours = names_of(model)
    return {ours.get(name, f"lang.{name}"): value for name, value in lang.items()}


def released_layout(model: StreamVLM) -> dict[str, Any]:
    """The model's weights as the released file holds them (peft 0.5's names, the adapter's copy)."""
    tensors = {name.replace(".base_layer.", "."): value for name, value in model.state_dict().items()}
    embedding = next(value for name, value in tensors.items() if name.endswith(_EMBEDDING))
    return {"adapter.embed_tokens.weight": embedding, **tensors}
