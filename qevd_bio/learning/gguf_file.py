"""Language models in one GGUF file, dequantised by `transformers`."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from qevd_bio.learning.pretrained import (
    PretrainedLanguage,
    check_decoder,
    check_room,
    check_vocabulary,
    plain_settings,
)
from qevd_bio.store import extras
from qevd_bio.store.errors import UserError

_EXPECTED = "a language model in GGUF: LLaMA, SmolLM2, Qwen, Mistral or Gemma, quantised by llama.cpp"
_FAULTS = (OSError, ValueError, KeyError, IndexError, TypeError, RuntimeError, NotImplementedError, OverflowError)


def open_gguf(path: Path) -> PretrainedLanguage:
    """The language model in a GGUF file. All weights are dequantised to float32 at once when they are read.

    Raises UserError for a file that is none or cut off, an architecture or quantisation that is not known, and where
    the memory is too small.
    """
    extras.need("gguf", what="a .gguf file")
    needed = _check_types(path)
    check_room(needed, path)
    from transformers import AutoConfig, AutoTokenizer

    try:
        config = AutoConfig.from_pretrained(path.parent, gguf_file=path.name, local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name, local_files_only=True)
    except _FAULTS as error:
        raise _unknown(path, error) from error
    settings = plain_settings(config.to_dict())
    wanted = set(check_decoder(settings, path))
    found = PretrainedLanguage(path, settings, tokenizer, "float32", needed, lambda: _read(path, wanted))
    check_vocabulary(found)
    return found


def _check_types(path: Path) -> int:
    """Bytes of the model once dequantised. UserError for a quantisation that cannot be undone."""
    import gguf

    try:
        reader = gguf.GGUFReader(path)
    except _FAULTS as error:
        raise _unknown(path, error) from error
    tried: set[Any] = set()
    values = 0
    for tensor in reader.tensors:
        values += int(tensor.n_elements)
        if tensor.tensor_type in tried:
            continue
        tried.add(tensor.tensor_type)
        try:
            gguf.dequantize(tensor.data[:1], tensor.tensor_type)
        except _FAULTS as error:
            raise UserError(
                f"quantised as {tensor.tensor_type.name}, which cannot be undone here",
                where=path,
                expected="F32, F16, BF16, Q4_0 to Q8_0, or Q2_K to Q6_K",
                fix="take another quantisation of the same model",
            ) from error
    # The file's weights and their float32 form lie in memory together.
    return values * 4 + path.stat().st_size


def _unknown(path: Path, error: BaseException) -> UserError:
    reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
    return UserError(f"cannot be read ({reason})", where=path, expected=_EXPECTED)


def _read(path: Path, wanted: set[str]) -> Iterator[tuple[str, Tensor]]:
    from transformers import AutoModelForCausalLM

    try:
        # Its progress bars cannot be switched off otherwise.
        with contextlib.redirect_stderr(io.StringIO()):
            model = AutoModelForCausalLM.from_pretrained(
                path.parent, gguf_file=path.name, local_files_only=True, dtype=torch.float32
            )
    except _FAULTS as error:
        raise _unknown(path, error) from error
    yield from ((name, value) for name, value in model.state_dict().items() if name in wanted)
