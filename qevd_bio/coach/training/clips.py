"""Short clips as training examples, each made when its batch comes: a million sequences would not fit into memory."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import overload

import numpy as np
from numpy.typing import NDArray

from qevd_bio.coach.model.checkpoint import Coach
from qevd_bio.coach.model.prompts import published
from qevd_bio.coach.model.tokens import text_ids
from qevd_bio.coach.segments.data import SegmentSource
from qevd_bio.coach.training.examples import Example, Prepared, features_of
from qevd_bio.coach.training.options import CoachData
from qevd_bio.coach.training.sequence import short_sequence
from qevd_bio.coach.vision.feature_files import count_features
from qevd_bio.dataset.short_clips import ShortClip
from qevd_bio.store.errors import UserError

_CHARACTERS_A_TOKEN = 4
"""Of English text, roughly: batches need lengths that are alike, not exact."""


def pairs_of(clip: ShortClip) -> list[tuple[str, str]]:
    """Questions with answers; for each feedback the published request stands in the question's place."""
    asked = [(question.query, question.response) for question in clip.questions]
    return asked + [(published("short_clip_request").strip(), feedback) for feedback in clip.feedbacks]


class ClipExamples(Sequence[Example]):
    """One example for each row: which clip, which of its pairs, how many steps.

    rows (E, 3) int; `lengths` are estimates of the sequences' tokens, `groups` who is seen.
    """

    def __init__(
        self,
        coach: Coach,
        sources: Sequence[SegmentSource],
        clips: Sequence[ShortClip],
        rows: NDArray[np.int32],
        lengths: NDArray[np.int32],
    ) -> None:
        self._coach, self._sources, self._clips = coach, sources, clips
        self._rows, self._lengths = rows, lengths
        self._prompt = coach.prompt_ids(published("short_clip").strip())
        self._made = lru_cache(maxsize=512)(self._make)

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> ClipExamples: ...
    def __getitem__(self, index: int | slice) -> Example | ClipExamples:
        if isinstance(index, slice):
            return self.part(range(*index.indices(len(self))))
        return self._made(int(index))

    def part(self, indices: Sequence[int]) -> ClipExamples:
        """The examples of these numbers."""
        at = np.asarray(indices, dtype=np.int64)
        return ClipExamples(self._coach, self._sources, self._clips, self._rows[at], self._lengths[at])

    @property
    def lengths(self) -> list[int]:
        return [int(length) for length in self._lengths]

    @property
    def groups(self) -> list[str]:
        return [clip.participant or clip.stem for clip in (self._clips[number] for number in self._rows[:, 0].tolist())]

    def _make(self, index: int) -> Example:
        number, pair, steps = self._rows[index].tolist()
        source, clip, coach = self._sources[number], self._clips[number], self._coach
        question, answer = (text_ids(coach.tokenizer, text) for text in pairs_of(clip)[pair])
        sequence = short_sequence(self._prompt, steps, question, answer, coach.tokens)
        group = clip.participant or clip.stem
        return Example(f"{source.segment.key}/{pair}", group, sequence, features_of(source))


def prepare_short(
    sources: Sequence[SegmentSource], clips: Sequence[ShortClip], coach: Coach, data: CoachData, split: str = "train"
) -> Prepared:
    """One example for each question and feedback of the clips of `split`; of features the headers alone are read.

    UserError where there is none.
    """
    by_stem = {clip.stem: clip for clip in clips if clip.split == split}
    longest = min(data.max_tokens, coach.model.max_positions)
    prompt = len(coach.prompt_ids(published("short_clip").strip()))
    found = Prepared([], [], {})
    used: list[tuple[SegmentSource, ShortClip]] = []
    rows: list[tuple[int, int, int]] = []
    lengths: list[int] = []
    for source in sources:
        clip = by_stem.get(source.segment.video)
        if clip is None:
            continue
        try:
            steps = count_features(source.features, source.sees.dim, source.sees.tokens)
        except UserError as error:
            found.leave_out("no_features" if not source.features.exist else "bad_input", str(error))
            continue
        for pair, (question, answer) in enumerate(pairs_of(clip)):
            if _tokens(coach, question, answer, longest - prompt - steps - 2) is None:
                found.leave_out("text_too_long", f"{source.segment.key}: longer than {longest} tokens")
                continue
            rows.append((len(used), pair, steps))
            lengths.append(prompt + steps + (len(question) + len(answer)) // _CHARACTERS_A_TOKEN)
        used.append((source, clip))
    if not rows:
        raise UserError(
            f"no short clip to train on: {found.first_problem or 'none has a question or feedback'}",
            expected="QEVD-FIT-300K with questions.json or feedbacks_short_clips.json, and features of its clips",
            fix="qevd-bio features --data FOLDER --weights FILE",
        )
    found.examples = ClipExamples(
        coach, [one for one, _ in used], [one for _, one in used], np.array(rows, np.int32), np.array(lengths, np.int32)
    )
    return found


def _tokens(coach: Coach, question: str, answer: str, room: int) -> int | None:
    """Tokens of both texts at most, None where these are more than `room`; tokenised only where it may matter."""
    most = len(question.encode()) + len(answer.encode())  # a token is at least a byte
    if most > room:
        most = len(text_ids(coach.tokenizer, question)) + len(text_ids(coach.tokenizer, answer))
    return most if most <= room else None
