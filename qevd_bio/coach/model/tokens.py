"""Tokenizers and the action tokens in them, in both vocabularies: the paper's and the released tokenizer's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qevd_bio.coach.model.config import PromptForm, TokensConfig
from qevd_bio.coach.model.prompts import published, segment_prompt
from qevd_bio.store.errors import UserError
from qevd_bio.store.plain_data import read_yaml
from qevd_bio.store.resources import refs_path

PAPER = TokensConfig("<next>", "<feedback>", "<answer/>")
RELEASED = TokensConfig("<vision>", "<answer>", "<answer/>")


@dataclass(frozen=True)
class ActionTokens:
    """Ids of the tokens that steer a stream: the next step, the start and the end of a feedback; and padding."""

    next: int
    feedback: int
    end: int
    bos: int
    pad: int
    names: TokensConfig


def find_action_tokens(tokenizer: Any, where: Path, names: TokensConfig | None = None) -> ActionTokens:
    """The action tokens of `tokenizer`, in the vocabulary `names` or in whichever of the two it has.

    Raises UserError where a role has no token of its own: another model's tokenizer.
    """
    for candidate in [names] if names else [RELEASED, PAPER]:
        ids = [_single(tokenizer, token) for token in (candidate.next, candidate.feedback, candidate.end)]
        if None not in ids and tokenizer.bos_token_id is not None:
            pad = tokenizer.pad_token_id
            pad = tokenizer.eos_token_id if pad is None else pad
            after, feedback, end = (int(i) for i in ids if i is not None)
            return ActionTokens(after, feedback, end, int(tokenizer.bos_token_id), int(pad or 0), candidate)
    wanted = [" ".join((n.next, n.feedback, n.end)) for n in ([names] if names else [RELEASED, PAPER])]
    raise UserError(
        "the tokenizer has no action tokens: not the one this model was trained with",
        where=where,
        expected=f"single tokens {' or '.join(wanted)}, and a start token",
        fix="put the tokenizer files that came with the checkpoint beside it",
    )


def _single(tokenizer: Any, token: str) -> int | None:
    ids = tokenizer.encode(token, add_special_tokens=False)
    known = tokenizer.convert_tokens_to_ids(token)
    return int(ids[-1]) if ids and ids[-1] == known and known != tokenizer.unk_token_id else None


def text_ids(tokenizer: Any, text: str) -> list[int]:
    """Token ids of plain text, without start token."""
    return list(tokenizer.encode(text, add_special_tokens=False))


def prompt_ids(tokenizer: Any, tokens: ActionTokens, form: PromptForm, prompt: str, *, first: bool) -> list[int]:
    """Ids of a system prompt in its family's form; `first`: nothing stands before it, so the start token does."""
    ids = text_ids(tokenizer, f"{form.before}{prompt}{form.after}")
    return [tokens.bos, *ids] if first and ids[:1] != [tokens.bos] else ids


def text_of(tokenizer: Any, ids: Sequence[int]) -> str:
    """The text of a feedback's tokens, as the released evaluation decodes it."""
    return str(tokenizer.decode(list(ids))) if len(ids) else ""


SPECIAL = ("<pad>", "<s>", "</s>")
_CONTEXT = (
    "User body: height 1.78m, mass 73kg (estimated), chest 1.0m (estimated), waist 0.8m, hips 0.98m. not known.",
    "Warning: pose confidence is low, the last valid pose is kept.",
    "Current pose: right knee 85°, left hip 75°, right elbow 90°, left shoulder 120°, lumbar 5°, right ankle 10°.",
    "Cycle: none completed. Cycle: 3 completed, last 2.1s, score 0.87.",
    "Form issues: none. Right knee flexion insufficient (85° detected, 90° required).",
    "excessive unstable (12° detected, at most 5° required); 40% detected",
)


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
