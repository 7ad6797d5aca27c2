"""Segments as training examples: sequences made once, features mapped from disk until a batch needs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevd_bio.coach.model.checkpoint import Coach
from qevd_bio.coach.model.tokens import text_ids
from qevd_bio.coach.options import STEP_HZ, SequenceOptions
from qevd_bio.coach.segments.contexts import fitted
from qevd_bio.coach.segments.data import SegmentInput, SegmentSource
from qevd_bio.coach.training.options import BIOCOACH_ALPHA, CoachData
from qevd_bio.coach.training.sequence import TimedText, TrainingSequence, build_sequence
from qevd_bio.dataset.workout import Segment
from qevd_bio.store.errors import ItemError, UserError

Features = Callable[[int], NDArray[np.float32]]


@dataclass(frozen=True)
class Example:
    """One sequence with what its vision tokens see.

    features: gives (T, N, C) of a crop when called, of which there are `crops`. morph: C_morph's ids of each step, as
    number into `morphs`. cut: whether its last steps were left out.
    """

    key: str
    group: str
    sequence: TrainingSequence
    features: Features
    morphs: tuple[tuple[int, ...], ...] = ()
    morph_of_step: NDArray[np.int64] | None = None
    crops: int = 1
    cut: bool = False

    @property
    def weight(self) -> float:
        """Sum of the weights of what is learnt from it."""
        return float(self.sequence.weights.sum())


def make_example(
    segment: SegmentInput,
    feedbacks: Sequence[tuple[float, str]],
    coach: Coach,
    data: CoachData,
    features: Features,
    crops: int = 1,
) -> Example:
    """The example of one segment. ItemError where a context is longer than the place that the model keeps for it."""
    front = coach.front
    reads = bool(front)
    contexts = contexts_of(segment, coach, front, data.context_every) if reads else []
    prompt = coach.prompt_ids(segment.prompt)
    options = SequenceOptions(
        alpha=alpha_of(coach, data),
        context="fast" if reads else "none",
        context_every=data.context_every,
        interval_steps=coach.interval_steps,
    )
    said = [TimedText(time, tuple(text_ids(coach.tokenizer, text))) for time, text in feedbacks]

    def first(steps: int) -> TrainingSequence:
        times = segment.times[:steps].tolist()
        heard = said if steps == len(segment.times) else [one for one in said if one.time_s <= times[-1]]
        return build_sequence(prompt, times, heard, coach.tokens, options, contexts=contexts[:steps], front=front)

    reach = coach.model.max_positions
    sequence = longest_within(first, len(segment.times), data.max_tokens, reach, segment.key)
    morphs, of_step = morphs_of(segment, coach)
    group = segment.key.rsplit("/", 1)[0]
    cut = int((sequence.steps >= 0).sum()) < len(segment.times)
    return Example(segment.key, group, sequence, features, morphs, of_step, crops, cut)


def alpha_of(coach: Coach, data: CoachData) -> float:
    """Weight of `<next>`: as asked, else 0.1 for BioCoach (Sec. 3.6) and 1 for Stream-VLM (plain cross-entropy)."""
    if data.alpha is not None:
        return data.alpha
    return BIOCOACH_ALPHA if coach.config.kind == "biocoach" else 1.0


def contexts_of(segment: SegmentInput, coach: Coach, front: int, every: int) -> list[list[int]]:
    """Ids of the C_motion that holds at each step. ItemError for one longer than its place of `front` tokens."""
    known: dict[str, list[int]] = {}
    for step in range(0, len(segment.motion), every):
        text = segment.motion[step]
        if text not in known:
            shorter = fitted(text, front, lambda read: 1 + len(text_ids(coach.tokenizer, read + "\n")))
            known[text] = [coach.tokens.bos, *text_ids(coach.tokenizer, shorter + "\n")]
        if len(known[text]) > front:
            raise ItemError(
                "context_too_long",
                f"{segment.key}: C_motion of {len(known[text])} tokens, the model keeps {front} for it "
                "(qevd-bio analyze --max-tokens makes it shorter)",
            )
    return [known[segment.motion[step // every * every]] for step in range(len(segment.motion))]


def morphs_of(segment: SegmentInput, coach: Coach) -> tuple[tuple[tuple[int, ...], ...], NDArray[np.int64] | None]:
    """Ids of each C_morph and its number at each step, nothing where none is read. ItemError for one too long."""
    if not segment.morph or not coach.reads_morph:
        return (), None
    texts = list(dict.fromkeys(segment.morph))
    number = {text: index for index, text in enumerate(texts)}
    ids = tuple(tuple(text_ids(coach.tokenizer, text)) for text in texts)
    longest = max(map(len, ids))
    if longest > coach.config.morph_tokens:
        raise ItemError(
            "context_too_long", f"{segment.key}: C_morph of {longest} tokens, at most {coach.config.morph_tokens}"
        )
    return ids, np.array([number[text] for text in segment.morph], dtype=np.int64)


SAME_BODY = (
    "C_morph is the same in all videos, so nothing can be learnt from it; what tells people apart: "
    "qevd-bio extract --people, --mesh or --camera-height, then qevd-bio analyze"
)


def same_body(examples: Sequence[Example]) -> bool:
    """Whether several videos (`Example.group`) are read with a C_morph that is the same in all; False without one."""
    read = [example for example in examples if example.morphs]
    return len({example.group for example in read}) > 1 and len({example.morphs[0] for example in read}) == 1


def longest_within(
    first: Callable[[int], TrainingSequence], steps: int, limit: int, reach: int, key: str
) -> TrainingSequence:
    """The sequence of all `steps`, or of as many of the first ones (in tenths) as fit into `limit` tokens and into
    the `reach` positions that the language model knows.

    ItemError where less than a second fits.
    """
    for tenths in range(10, 0, -1):
        kept = steps * tenths // 10
        if kept < STEP_HZ and kept < steps:
            break
        sequence = first(kept)
        if len(sequence) <= limit and sequence.positions.max(initial=0) < reach:
            return sequence
    raise ItemError(
        "text_too_long",
        f"{key}: prompt and contexts alone fill the {limit} tokens of a sequence, or the model's {reach} positions",
    )


@dataclass
class Prepared:
    """Examples of a data set, their segments, and why others are missing: reason -> number."""

    examples: Sequence[Example]
    sources: list[SegmentSource]
    missing: dict[str, int]
    first_problem: str = ""

    @property
    def cut(self) -> int:
        """How many examples lost their last steps; 0 for those that are made one by one."""
        return sum(example.cut for example in self.examples) if isinstance(self.examples, list) else 0

    def leave_out(self, reason: str, detail: str) -> None:
        """Count one that cannot be used."""
        self.missing[reason] = self.missing.get(reason, 0) + 1
        self.first_problem = self.first_problem or detail


def prepare(sources: Sequence[SegmentSource], coach: Coach, data: CoachData) -> Prepared:
    """Examples of all segments that have what is needed. UserError where none has."""
    examples: list[Example] = []
    found = Prepared(examples, [], {})
    for source in sources:
        try:
            loaded = source.load()
            said = targets_of(source.segment)
            example = make_example(loaded, said, coach, data, features_of(source), 1 + len(source.crops))
        except (ItemError, UserError) as error:
            found.leave_out(error.reason if isinstance(error, ItemError) else "bad_input", str(error))
            continue
        examples.append(example)
        found.sources.append(source)
    if not found.examples:
        raise UserError(
            f"no segment to train on: {found.first_problem or 'the data set has none'}",
            expected="features, and for BioCoach contexts, of the training videos",
            fix="qevd-bio features, then qevd-bio extract and qevd-bio analyze",
        )
    return found


def targets_of(segment: Segment) -> list[tuple[float, str]]:
    """What the coach should say: time in seconds from the segment's start, and text as the official reader has it."""
    return [(feedback.time_s, feedback.official_text) for feedback in segment.feedbacks]


def features_of(source: SegmentSource) -> Features:
    """The features of a segment, mapped from disk: nothing is held in memory between two batches."""

    def load(crop: int) -> NDArray[np.float32]:
        values = source.mapped(crop).values
        return values.reshape(*values.shape[:2], -1).transpose(0, 2, 1)

    return load
