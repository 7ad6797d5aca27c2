"""A trained turn-based model in a segment: asked every five seconds, with all frames so far and what it has said."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from qevd_bio.coach.model.checkpoint import Coach
from qevd_bio.coach.model.prompts import turn_question
from qevd_bio.coach.model.tokens import text_ids, text_of
from qevd_bio.coach.model.turn_based import TurnVLM, question_ids
from qevd_bio.coach.options import STEP_HZ, GenerateOptions
from qevd_bio.coach.segments.data import SegmentInput, SegmentOutput, Spoken
from qevd_bio.store.errors import ItemError
from qevd_bio.store.hashing import hash_json


@dataclass(frozen=True)
class Question:
    """One turn: ids with room for the visual tokens from `place` on, and the steps (from 0) whose frames are shown."""

    ids: list[int]
    place: int
    steps: slice


def ask(coach: Coach, prompt: str, turn: int, said: Sequence[str]) -> Question:
    """The question of a turn (from 1) with the published words; `prompt` is the segment's system prompt."""
    model, config = turn_model(coach), coach.config
    frames = config.turns.frames
    first = 0 if config.turns.accumulate else (turn - 1) * frames
    steps = slice(first, turn * frames)
    words = turn_question(prompt, (turn - 1) * frames / STEP_HZ, said)
    before = text_ids(coach.tokenizer, config.prompt.before)
    if before[:1] != [coach.tokens.bos]:
        before = [coach.tokens.bos, *before]
    after = text_ids(coach.tokenizer, f"\n{words}{config.prompt.after or chr(10)}")
    visual = model.projector.tokens(steps.stop - steps.start, config.vision.tokens)
    ids, place = question_ids(before, visual, after, coach.tokens.pad)
    return Question(ids, place, steps)


def turn_model(coach: Coach) -> TurnVLM:
    """The coach's model, which must be one that is asked in turns."""
    assert isinstance(coach.model, TurnVLM)
    return coach.model


class TurnSpeaker:
    """Speaks in segments one after the other, once in every interval; an answer without words is a silent turn."""

    def __init__(self, coach: Coach, options: GenerateOptions) -> None:
        self._coach, self._options = coach, options
        self._model = turn_model(coach).eval()

    def run(self, segments: Iterable[SegmentInput]) -> Iterator[SegmentOutput | tuple[str, ItemError]]:
        """What is said in each segment; for one that cannot be asked its key and the reason."""
        for segment in segments:
            try:
                yield self._talk(segment)
            except ItemError as error:
                yield segment.key, error

    @torch.inference_mode()
    def _talk(self, segment: SegmentInput) -> SegmentOutput:
        began = time.perf_counter()
        generator = None
        if self._options.temperature > 0:
            # Each segment has its own generator, so that its neighbours do not change what is said.
            generator = torch.Generator().manual_seed(int(hash_json([self._options.seed, segment.key])[:15], 16))
        frames = self._coach.config.turns.frames
        spoken: list[Spoken] = []
        output: list[int] = []
        for turn in range(1, len(segment.features) // frames + 1):
            question = ask(self._coach, segment.prompt, turn, [one.text for one in spoken])
            ids = self._answer(segment.key, question, segment.features, generator)
            output += [*ids, self._coach.tokens.end]
            text = text_of(self._coach.tokenizer, ids).strip()
            if text:
                spoken.append(Spoken(turn * frames / STEP_HZ, text, len(ids)))
        return SegmentOutput(segment.key, spoken, output, False, 0, time.perf_counter() - began)

    def _answer(
        self, key: str, question: Question, features: NDArray[np.float32], generator: torch.Generator | None
    ) -> list[int]:
        from transformers import DynamicCache

        model, tokens = self._model, self._coach.tokens
        room = min(self._options.max_tokens, model.max_positions - len(question.ids))
        if room < 1:
            raise ItemError(
                "text_too_long",
                f"{key}: a question of {len(question.ids)} tokens, the model reads {model.max_positions}",
            )
        shown = torch.from_numpy(np.ascontiguousarray(features[question.steps])).to(model.device)
        asked = model.with_frames(torch.tensor(question.ids, device=model.device), question.place, shown)[None]
        cache = DynamicCache()
        positions = torch.arange(asked.shape[1], device=model.device)[None]
        said: list[int] = []
        while len(said) < room:
            state = model.read(asked, positions, cache)
            token = self._next(model.logits(state[0, -1]), generator)
            if token in (tokens.end, self._coach.tokenizer.eos_token_id):
                break
            said.append(token)
            asked = model.embedded(torch.tensor([[token]], device=model.device))
            positions = positions[:, -1:] + 1
        return said

    def _next(self, logits: torch.Tensor, generator: torch.Generator | None) -> int:
        if generator is None:
            return int(logits.argmax())
        chances = (logits.float().cpu() / self._options.temperature).softmax(dim=-1)
        return int(torch.multinomial(chances, 1, generator=generator))
