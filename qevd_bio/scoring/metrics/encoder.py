"""Contextual token embeddings for BERTScore: which model, where it lies, and sentences through it in batches."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qevd_bio.scoring.options import BertScoreOptions
from qevd_bio.store.errors import UserError
from qevd_bio.store.extras import is_installed
from qevd_bio.store.hashing import hash_file, hash_json

if TYPE_CHECKING:
    import torch

# Layers with the best correlation to people in the BERTScore paper, as the bert_score package lists them.
USUAL_LAYER = {
    "roberta-large": 17,
    "FacebookAI/roberta-large": 17,
    "roberta-base": 10,
    "FacebookAI/roberta-base": 10,
    "bert-base-uncased": 9,
    "distilroberta-base": 5,
    "microsoft/deberta-xlarge-mnli": 40,
}
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
_REST = ("config.json", "tokenizer*.json", "vocab.*", "merges.txt", "*.model")


@dataclass(frozen=True)
class Encoded:
    """One sentence: unit-length token embeddings (tokens, width), and a weight per token (0 for the special ones)."""

    embeddings: torch.Tensor
    weights: torch.Tensor


def find_model(name: str) -> Path | None:
    """Folder of the model: `name` itself if it is one, else its snapshot in the Hugging Face cache; else None."""
    folder = Path(name).expanduser()
    if (folder / "config.json").is_file():
        return folder
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    hub = Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
    owners = [name] if "/" in name else [name, f"FacebookAI/{name}", f"google-bert/{name}"]
    for owner in owners:
        snapshots = sorted(hub.glob(f"models--{owner.replace('/', '--')}/snapshots/*/config.json"))
        whole = [file.parent for file in snapshots if any(list(file.parent.glob(kind)) for kind in _WEIGHTS)]
        if whole:
            return max(whole, key=lambda path: path.stat().st_mtime)
    return None


def missing_for_bertscore(options: BertScoreOptions) -> str | None:
    """What is missing to compute BERTScore, with the command that mends it; None if all is there."""
    absent = [package for package in ("torch", "transformers", "safetensors") if not is_installed(package)]
    if absent:
        return f"needs {', '.join(absent)}: pip install 'qevd-bio[bertscore]'"
    if find_model(options.model) is None:
        return (
            f"model {options.model} is not on this machine: hf download {options.model}, "
            "or name a folder with --bert-model"
        )
    return None


def resolve_layer(options: BertScoreOptions, folder: Path) -> int:
    """The layer to take; raises UserError where the model has no usual one and none was chosen."""
    layer = options.layer if options.layer is not None else USUAL_LAYER.get(options.model)
    if layer is None:
        raise UserError(
            "no layer is known for this model",
            where=folder,
            expected="--bert-layer N, the hidden layer to compare",
            fix="qevd-bio score --bert-model MODEL --bert-layer 17 …",
        )
    return layer


def hash_model(folder: Path) -> str:
    """Hash of configuration, tokenizer and weights: any other model gives another one."""
    files = sorted(file for kind in (*_REST, *_WEIGHTS) for file in folder.glob(kind))
    return hash_json([(file.name, hash_file(file)) for file in files])


class TextEncoder:
    """A model cut after one layer. `encode` gives what bert_score computes, each sentence once."""

    def __init__(self, folder: Path, layer: int, *, prefix_space: bool, batch_tokens: int) -> None:
        import torch
        from transformers import AutoModel, AutoTokenizer

        self._torch = torch
        self._prefix_space = prefix_space
        self._batch_tokens = batch_tokens
        try:
            # The slow tokenizer where there are two, as bert_score chooses it.
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, use_fast=False, local_files_only=True)
            model: Any = AutoModel.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
            raise UserError(
                f"the model cannot be loaded ({str(error).splitlines()[0][:200]})",
                where=folder,
                expected="a BERT-like model in Hugging Face's layout",
                fix="name another model with --bert-model",
            ) from error
        self._model = _cut(model.eval(), layer, folder)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._model.to(self._device)
        limit = getattr(model.config, "max_position_embeddings", None) or 10**9
        # RoBERTa counts positions from the padding index: two of them are never used.
        offset = 2 if "roberta" in str(model.config.model_type) else 0
        self._longest = int(min(self._tokenizer.model_max_length, limit - offset))

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Embeddings of the texts, in their order; batches hold sentences of like length."""
        torch = self._torch
        tokens = [self._tokens(text) for text in texts]
        order = sorted(range(len(texts)), key=lambda i: len(tokens[i]), reverse=True)
        found: dict[int, Encoded] = {}
        start = 0
        while start < len(order):
            longest = len(tokens[order[start]])
            batch = order[start : start + max(1, self._batch_tokens // longest)]
            start += len(batch)
            ids = torch.full((len(batch), longest), self._padding(), dtype=torch.long)
            mask = torch.zeros((len(batch), longest), dtype=torch.long)
            for row, index in enumerate(batch):
                ids[row, : len(tokens[index])] = torch.tensor(tokens[index])
                mask[row, : len(tokens[index])] = 1
            with torch.inference_mode():
                hidden = self._model(ids.to(self._device), attention_mask=mask.to(self._device))[0].cpu().float()
            for row, index in enumerate(batch):
                rows = hidden[row, : len(tokens[index])]
                found[index] = Encoded(rows / rows.norm(dim=-1, keepdim=True), self._weights(tokens[index]))
        return [found[i] for i in range(len(texts))]

    def _tokens(self, text: str) -> list[int]:
        text = text.strip()
        if self._prefix_space and text:
            text = " " + text
        ids = self._tokenizer.encode(text, add_special_tokens=True, max_length=self._longest, truncation=True)
        return [int(i) for i in ids]

    def _padding(self) -> int:
        padding = self._tokenizer.pad_token_id
        return 0 if padding is None else int(padding)

    def _weights(self, tokens: Sequence[int]) -> torch.Tensor:
        special = {self._tokenizer.cls_token_id, self._tokenizer.sep_token_id}
        return self._torch.tensor([0.0 if token in special else 1.0 for token in tokens])


def _cut(model: Any, layer: int, folder: Path) -> Any:
    """The model without the layers after `layer`."""
    parent: Any = getattr(model, "encoder", None) or getattr(model, "transformer", None)
    layers = getattr(parent, "layer", None)
    if layers is None:
        raise UserError(
            "this model's layers cannot be cut",
            where=folder,
            expected="a BERT-like encoder (BERT, RoBERTa, DeBERTa, DistilBERT, …)",
            fix="name another model with --bert-model",
        )
    if not 0 <= layer <= len(layers):
        raise UserError(
            f"the model has no layer {layer}",
            where=folder,
            expected=f"--bert-layer from 0 to {len(layers)}",
            fix=f"qevd-bio score --bert-layer {len(layers)} …",
        )
    parent.layer = layers[:layer]
    return model
