"""Frozen features of texts: technical points and comments on them, one vector a text.

Published: DeBERTa-xlarge. Own: the mean of the last layer without padding; "words", which needs no model, for trials.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from qevd_bio.scoring.metrics.encoder import find_model, hash_model
from qevd_bio.store.atomic import atomic_path
from qevd_bio.store.errors import UserError
from qevd_bio.store.hashing import hash_json

WORDS, PUBLISHED = "words", "microsoft/deberta-xlarge"
_BATCH = 16
_WORD = re.compile(r"[a-z0-9']+")
_COMMON = frozenset(
    ("a", "an", "and", "are", "as", "at", "be", "for", "from", "in", "is", "it", "of", "on", "the", "to")
)


class TextEncoder(Protocol):
    """Texts to vectors; `name` and `digest` say which encoder it is."""

    name: str
    digest: str
    width: int

    def encode(self, texts: Sequence[str]) -> Tensor:
        """(n, width), zero for an empty text."""


class WordEncoder:
    """Each word has a fixed random vector; a text is their mean, scaled to unit size a channel. Common words are left
    out.
    """

    def __init__(self, width: int) -> None:
        self.name, self.width, self.digest = WORDS, width, f"{WORDS}-{width}"

    def encode(self, texts: Sequence[str]) -> Tensor:
        return torch.stack([self._one(text) for text in texts]) if texts else torch.zeros(0, self.width)

    def _one(self, text: str) -> Tensor:
        words = [word for word in _WORD.findall(text.lower()) if word not in _COMMON]
        if not words:
            return torch.zeros(self.width)
        drawn = [np.random.default_rng(zlib.crc32(word.encode())).normal(size=self.width) for word in words]
        mean = torch.from_numpy(np.mean(drawn, axis=0)).float()
        return mean / mean.square().mean().sqrt().clamp(min=1e-6)


class PretrainedEncoder:
    """A text encoder saved by `transformers`, found by folder or by name in the Hugging Face cache."""

    def __init__(self, name: str) -> None:
        folder = find_model(name)
        if folder is None:
            raise UserError(
                "no such text encoder on this machine", where=name,
                expected=f"a folder with config.json and weights, a model in the Hugging Face cache, or {WORDS}",
                fix=f"hf download {name}",
            )  # fmt: skip
        from transformers import AutoModel, AutoTokenizer

        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            self._model: Any = AutoModel.from_pretrained(folder, local_files_only=True).eval().requires_grad_(False)
        except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
            raise UserError(
                f"the text encoder cannot be loaded ({str(error).splitlines()[0][:160]})", where=folder,
                expected="an encoder in Hugging Face's layout",
            ) from error  # fmt: skip
        self._model.to("cuda" if torch.cuda.is_available() else "cpu")
        self.name, self.digest = name, hash_model(folder)
        self.width = int(self._model.config.hidden_size)
        self._longest = int(min(self._tokenizer.model_max_length, 512))

    @torch.no_grad()
    def encode(self, texts: Sequence[str]) -> Tensor:
        found = torch.zeros(len(texts), self.width)
        filled = [place for place, text in enumerate(texts) if text.strip()]
        for first in range(0, len(filled), _BATCH):
            places = filled[first : first + _BATCH]
            tokens = self._tokenizer(
                [texts[p] for p in places], padding=True, truncation=True, max_length=self._longest, return_tensors="pt"
            ).to(self._model.device)
            hidden = self._model(**tokens).last_hidden_state.float()
            weights = tokens["attention_mask"].unsqueeze(-1).float()
            found[places] = ((hidden * weights).sum(dim=1) / weights.sum(dim=1)).cpu()
        return found


def make_encoder(name: str, width: int) -> TextEncoder:
    """`words` of the wanted width, or a pretrained encoder, whose width is its own."""
    return WordEncoder(width) if name == WORDS else PretrainedEncoder(name)


def encode_once(texts: Sequence[str], encoder: TextEncoder, folder: Path) -> dict[str, Tensor]:
    """Vectors of the distinct texts, kept in `folder` under the encoder's digest and the texts'."""
    from safetensors.torch import load_file, save_file

    distinct = sorted(set(texts))
    path = folder / f"text-{hash_json([encoder.digest, distinct])[:16]}.safetensors"
    if path.is_file():
        vectors = load_file(path)["vectors"]
    else:
        vectors = encoder.encode(distinct)
        with atomic_path(path) as temporary:
            save_file({"vectors": vectors.contiguous()}, temporary)
    return dict(zip(distinct, vectors, strict=True))
