"""Generating a comment: a mask token is appended, its word is read, and so on until the end (as SwinBERT)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from qevd_bio.techcoach.model.vocabulary import Vocabulary
from qevd_bio.techcoach.model.whole import Inputs, TechCoach


@torch.no_grad()
def generate(
    model: TechCoach, inputs: Inputs, vocabulary: Vocabulary, prompts: Sequence[Sequence[int]] | None = None
) -> tuple[list[str], Tensor]:
    """Comments and scores (B,) of a batch, the likeliest word at each place.

    `prompts` are tokens that stand before the comment (one prompt for each instance); instances with prompts are
    generated one by one, since these differ in length.
    """
    model.eval()
    read = model.read(inputs)
    states, scores = model.assessor.read_context(read.quality, read.video)
    if read.grouped is not None:
        scores = read.grouped[0]
    if prompts is None:
        start = torch.full((len(scores), 1), vocabulary.first, device=scores.device)
        ids = _continue(model, start, states, vocabulary, model.config.longest)
        return [vocabulary.decode(row) for row in ids.tolist()], scores
    texts = []
    for place, prompt in enumerate(prompts):
        own = [state[place : place + 1] for state in states]
        start = torch.tensor([[*prompt, vocabulary.first]], device=scores.device)
        ids = _continue(model, start, own, vocabulary, model.config.longest)
        texts.append(vocabulary.decode(ids[0, len(prompt) :].tolist()))
    return texts, scores


def _continue(model: TechCoach, ids: Tensor, states: list[Tensor], vocabulary: Vocabulary, longest: int) -> Tensor:
    """`ids` (B, n) continued up to the last end mark, or by `longest` tokens."""
    ended = torch.zeros(len(ids), dtype=torch.bool, device=ids.device)
    reader = model.assessor.open_text(states)
    reader.add(ids)
    room = min(longest - 1, model.config.assessor.positions - ids.shape[1])
    for _ in range(room):
        logits = reader.ask(vocabulary.mask)
        logits[:, list(vocabulary.never)] = -torch.inf
        word = torch.where(ended, vocabulary.last, logits.argmax(dim=-1))
        ids = torch.cat([ids, word[:, None]], dim=1)
        ended |= word == vocabulary.last
        if bool(ended.all()):
            break
        reader.add(word[:, None])
    return ids
