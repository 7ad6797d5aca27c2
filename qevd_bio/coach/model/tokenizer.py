"""Tokenizers: those beside a checkpoint, and the small one of the `tiny` preset, built offline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from qevd_bio.coach.model.config import TokensConfig
from qevd_bio.coach.segments.prompts import published, segment_prompt
from qevd_bio.store.errors import UserError
from qevd_bio.store.plain_data import read_yaml
from qevd_bio.store.resources import refs_path

SPECIAL = ("<pad>", "<s>", "</s>")
_CONTEXT = (
    "User body: height 1.78m, mass 73kg (estimated), chest 1.0m (estimated), waist 0.8m, hips 0.98m. not known.",
    "Warning: pose confidence is low, the last valid pose is kept.",
    "Current pose: right knee 85°, left hip 75°, right elbow 90°, left shoulder 120°, lumbar 5°, right ankle 10°.",
    "Cycle: none completed. Cycle: 3 completed, last 2.1s, score 0.87.",
    "Form issues: none. Right knee flexion insufficient (85° detected, 90° required).",
    "excessive unstable (12° detected, at most 5° required); 40% detected",
)
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json")


def read_tokenizer(folder: Path) -> Any:
    """The tokenizer whose files lie in `folder`; nothing is downloaded and no code of the folder is run."""
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


def tiny_tokenizer(size: int, tokens: TokensConfig, texts: Iterable[str] = ()) -> Any:
    """A byte-level BPE of at most `size` entries, learnt from the shipped exercises, prompts, contexts and `texts`.

    The same texts give the same tokenizer. Digits stand alone; any text comes back as it was.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    actions = list(dict.fromkeys((tokens.next, tokens.feedback, tokens.end)))
    bpe = Tokenizer(models.BPE(unk_token=None))
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[*SPECIAL, *actions],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator([*shipped_texts(), *texts], trainer)
    pad, bos, eos = SPECIAL
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=bpe,
        pad_token=pad,
        bos_token=bos,
        eos_token=eos,
        additional_special_tokens=actions,
        clean_up_tokenization_spaces=False,
    )


def shipped_texts() -> list[str]:
    """Every text of the exercise catalogue, the prompts and examples of contexts: what the coach talks about."""
    texts = [*_CONTEXT, published("segment"), published("short_clip")]
    for path in sorted(refs_path("exercises").glob("*.yaml")):
        content = read_yaml(path)
        texts.append(segment_prompt(str(content["name"])))
        texts.extend(_strings(content))
    return texts


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
