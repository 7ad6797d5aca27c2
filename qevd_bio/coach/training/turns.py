"""Training of a turn-based model: each five seconds with feedback are a question and its answer (QEVD, Sec. 5.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from qevd_bio.coach.model.checkpoint import Coach, save_coach
from qevd_bio.coach.model.tokens import text_ids
from qevd_bio.coach.model.turn_based import TurnVLM
from qevd_bio.coach.options import STEP_HZ
from qevd_bio.coach.segments.data import SegmentSource
from qevd_bio.coach.streaming.turns import Question, ask, turn_model
from qevd_bio.coach.training.coach import about_after
from qevd_bio.coach.training.examples import Features, features_of, targets_of
from qevd_bio.coach.training.options import CoachData
from qevd_bio.coach.training.sequence import IGNORED
from qevd_bio.learning.batches import hold_out
from qevd_bio.learning.options import LoopOptions
from qevd_bio.learning.precision import mixed
from qevd_bio.store.errors import ItemError, UserError


@dataclass(frozen=True)
class Turn:
    """One question with the answer's ids (its end token included), and the frames that are shown."""

    key: str
    group: str
    question: Question
    answer: tuple[int, ...]
    features: Features

    def __len__(self) -> int:
        return len(self.question.ids) + len(self.answer)


def turns_of(
    key: str, prompt: str, steps: int, feedbacks: Sequence[tuple[float, str]], coach: Coach, features: Features
) -> list[Turn]:
    """The turns of a segment of `steps` that have feedback; `feedbacks`: (seconds from its start, text).

    Of several feedbacks within one interval the last is the answer; the history is what was to be said before.
    """
    frames = coach.config.turns.frames
    found: list[Turn] = []
    history: list[str] = []
    for turn in range(1, steps // frames + 1):
        begin, end = (turn - 1) * frames / STEP_HZ, turn * frames / STEP_HZ
        texts = [text for time, text in feedbacks if begin < time <= end or (turn == 1 and time <= 0)]
        if not texts:
            continue
        answer = (*text_ids(coach.tokenizer, texts[-1]), coach.tokens.end)
        found.append(Turn(f"{key}/{turn}", key.rsplit("/", 1)[0], ask(coach, prompt, turn, history), answer, features))
        history.append(texts[-1])
    return found


def prepare_turns(sources: Sequence[SegmentSource], coach: Coach, data: CoachData) -> tuple[list[Turn], dict[str, int]]:
    """Turns of all segments, and why others are left out: reason -> number. UserError where there is none."""
    found: list[Turn] = []
    missing: dict[str, int] = {}
    problem = ""
    longest = min(data.max_tokens, coach.model.max_positions)
    for source in sources:
        try:
            loaded = source.load()
        except (ItemError, UserError) as error:
            reason = error.reason if isinstance(error, ItemError) else "bad_input"
            missing[reason] = missing.get(reason, 0) + 1
            problem = problem or str(error)
            continue
        turns = turns_of(
            loaded.key, loaded.prompt, len(loaded.features), targets_of(source.segment), coach, features_of(source)
        )
        fitting = [turn for turn in turns if len(turn) <= longest]
        if len(fitting) < len(turns):
            missing["text_too_long"] = missing.get("text_too_long", 0) + len(turns) - len(fitting)
        found += fitting
    if not found:
        raise UserError(
            f"no turn to train on: {problem or 'no segment has feedback in five seconds of video'}",
            expected="features of the training videos, made with the encoder that this model sees",
            fix="qevd-bio features --encoder image --weights FOLDER",
        )
    return found, missing


@dataclass
class TurnBatch:
    """Turns side by side: ids (B, L), targets (B, L), places of the frames and these themselves, (T, N, C) each."""

    ids: Tensor
    targets: Tensor
    places: tuple[int, ...]
    ends: tuple[int, ...]
    frames: tuple[Tensor, ...]

    def to(self, device: torch.device) -> TurnBatch:
        """The same on `device`."""
        moved = tuple(one.to(device) for one in self.frames)
        return replace(self, ids=self.ids.to(device), targets=self.targets.to(device), frames=moved)


class TurnLoss(nn.Module):
    """A batch of turns to the sum of cross-entropies of their answers."""

    def __init__(self, model: TurnVLM) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: TurnBatch) -> Tensor:
        rows = []
        for ids, place, end, frames in zip(batch.ids, batch.places, batch.ends, batch.frames, strict=True):
            rows.append(torch.cat((self.model.with_frames(ids[:end], place, frames), self.model.embedded(ids[end:]))))
        positions = torch.arange(batch.ids.shape[1], device=batch.ids.device).expand(len(batch.ids), -1)
        state = self.model.read(torch.stack(rows), positions)
        kept = batch.targets != IGNORED
        return nn.functional.cross_entropy(self.model.logits(state[kept]).float(), batch.targets[kept], reduction="sum")


class TurnTask:
    """A turn-based model, its turns, and what is held out of them."""

    name, chooses = "turns", "loss"
    advice: Sequence[str] = ("a smaller --max-tokens (later turns are left out)",)

    def __init__(self, coach: Coach, turns: Sequence[Turn], options: LoopOptions, parts: Sequence[str]) -> None:
        train, held = hold_out([turn.group for turn in turns], options.validation_share, options.seed)
        self.coach, self._options, self._parts = coach, options, tuple(parts)
        self._turns, self._held = [turns[index] for index in train], [turns[index] for index in held]
        self.trained = coach.model.train_only(parts)
        self.module: nn.Module = TurnLoss(turn_model(coach))
        self.lengths: Sequence[int] = [len(turn) for turn in self._turns]

    def collate(self, indices: Sequence[int]) -> TurnBatch:
        """The batch of these training items."""
        return self._collate([self._turns[index] for index in indices])

    def _collate(self, turns: Sequence[Turn]) -> TurnBatch:
        length = max(map(len, turns))
        ids = np.full((len(turns), length), self.coach.tokens.pad)
        targets = np.full((len(turns), length), IGNORED)
        for row, turn in enumerate(turns):
            asked, end = len(turn.question.ids), len(turn)
            ids[row, :end] = [*turn.question.ids, *turn.answer]
            targets[row, asked - 1 : end - 1] = turn.answer
        return TurnBatch(
            torch.from_numpy(ids),
            torch.from_numpy(targets),
            tuple(turn.question.place for turn in turns),
            tuple(len(turn.question.ids) for turn in turns),
            tuple(torch.from_numpy(np.ascontiguousarray(turn.features(0)[turn.question.steps])) for turn in turns),
        )

    def weight(self, indices: Sequence[int]) -> float:
        """What the summed loss of these items is divided by."""
        return float(sum(len(self._turns[index].answer) for index in indices))

    def better(self, new: float, old: float) -> bool:
        """Whether `new` is the better value."""
        return new < old

    @torch.no_grad()
    def validate(self) -> Mapping[str, float]:
        """Loss of a token of the held-out answers."""
        if not self._held:
            return {}
        size = self._options.micro_batch or self._options.batch
        loss = 0.0
        with mixed(self.coach.model.device, self._options.precision):
            for first in range(0, len(self._held), size):
                batch = self._collate(self._held[first : first + size]).to(self.coach.model.device)
                loss += float(self.module(batch))
        return {"loss": loss / sum(len(turn.answer) for turn in self._held)}

    def save(self, folder: Path, about: Mapping[str, Any], tensors: dict[str, Tensor] | None = None) -> None:
        """Write a checkpoint; `tensors` are the weights where they are spread over processes."""
        coach = self.coach
        whole = {**about_after(coach, self._parts), "trained": self.name, **about}
        if tensors is not None:
            tensors = {name.removeprefix("model."): value for name, value in tensors.items()}
        save_coach(folder, coach.model, coach.tokenizer, ablations=coach.ablations, about=whole, tensors=tensors)
