"""Action tokens by role, with both vocabularies: the paper's and the released tokenizer's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qevd_bio.coach.model.config import TokensConfig
from qevd_bio.store.errors import UserError

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


def text_of(tokenizer: Any, ids: Sequence[int]) -> str:
    """The text of a feedback's tokens, as the released evaluation decodes it."""
    return str(tokenizer.decode(list(ids))) if len(ids) else ""
