"""A pretrained language model that answers in words, run here by `transformers`; nothing is sent anywhere."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from qevd_bio.learning.language import check_memory, make_language_model
from qevd_bio.learning.language_source import language_place, open_language
from qevd_bio.store.errors import UserError
from qevd_bio.store.hashing import hash_file, hash_json


class TextModel:
    """Answers to questions, one after the other; read from disk when the first is asked.

    Raises UserError where the language model cannot be used, or does not fit into memory.
    """

    def __init__(self, name: str, device: str = "auto") -> None:
        self.place = language_place(name)
        self._device = device
        self._loaded: tuple[Any, Any] | None = None

    @property
    def fingerprint(self) -> str:
        """What names the model in a run's settings: its configuration, and names and sizes of its weights."""
        if self.place.is_file():
            return hash_file(self.place)
        weights = [*self.place.glob("*.safetensors"), *self.place.glob("pytorch_model*.bin")]
        sizes = sorted((path.name, path.stat().st_size) for path in weights)
        config = self.place / "config.json"
        return hash_json([hash_file(config) if config.is_file() else "", sizes])

    def say(self, question: str, max_tokens: int, temperature: float = 0.0, seed: int | None = None) -> str:
        """The answer's text, empty where the model says nothing. `temperature` 0 is greedy."""
        model, tokenizer = self._read()
        ids = _asked(tokenizer, question, model.device)
        longest = int(model.config.max_position_embeddings) - max_tokens
        if ids.shape[1] > longest:
            ids = ids[:, -longest:]  # the newest words matter most
        if temperature > 0 and seed is not None:
            torch.manual_seed(seed)
        ends = _ends(tokenizer, model)
        sampling: dict[str, Any] = {"do_sample": True, "temperature": temperature} if temperature > 0 else {}
        with torch.inference_mode():
            said = model.generate(
                ids, attention_mask=torch.ones_like(ids), max_new_tokens=max_tokens, eos_token_id=ends,
                pad_token_id=ends[0], **(sampling or {"do_sample": False}),
            )  # fmt: skip
        return str(tokenizer.decode(said[0, ids.shape[1] :], skip_special_tokens=True)).strip()

    def _read(self) -> tuple[Any, Any]:
        if self._loaded is None:
            found = open_language(str(self.place))
            device = "cuda" if torch.cuda.is_available() else "cpu"
            device = device if self._device == "auto" else self._device
            kind: torch.dtype = torch.float32 if device == "cpu" else getattr(torch, found.dtype)
            with torch.device("meta"):
                shape = make_language_model(found.settings, str(self.place), "eager")
            check_memory(shape, self.place.name, kind, device, self.place)
            self._loaded = _loaded(self.place, kind, device), found.tokenizer
        return self._loaded


def _loaded(place: Path, kind: torch.dtype, device: str) -> Any:
    from transformers import AutoModelForCausalLM

    whole = {"gguf_file": place.name} if place.is_file() else {}
    with contextlib.redirect_stderr(io.StringIO()):  # progress bars
        model: Any = AutoModelForCausalLM.from_pretrained(
            place.parent if place.is_file() else place,
            dtype=kind,
            local_files_only=True,
            trust_remote_code=False,
            **whole,
        )
    try:
        return model.to(device).eval()
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"no device {device!r}", expected="auto, cpu, cuda or cuda:0") from error


def _asked(tokenizer: Any, question: str, device: Any) -> torch.Tensor:
    """Ids (1, L) of a question in the family's own form of a conversation."""
    text = question
    if tokenizer.chat_template:
        text = str(
            tokenizer.apply_chat_template(
                [{"role": "user", "content": question}], tokenize=False, add_generation_prompt=True
            )
        )
    ids: Sequence[int] = tokenizer.encode(text, add_special_tokens=not tokenizer.chat_template)
    return torch.tensor([list(ids)], device=device)


def _ends(tokenizer: Any, model: Any) -> list[int]:
    """Tokens that end an answer."""
    named = model.generation_config.eos_token_id
    ids = [*(named if isinstance(named, list) else [named]), tokenizer.eos_token_id]
    return [int(token) for token in dict.fromkeys(ids) if token is not None] or [0]
