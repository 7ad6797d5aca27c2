"""Stream-VLM on short clips: a question or a request for feedback after the clip, and its answer (QEVD, App. D.2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qevd_bio.coach.model.action_tokens import ActionTokens, text_ids
from qevd_bio.coach.model.checkpoint import Coach
from qevd_bio.coach.segments.data import SegmentSource
from qevd_bio.coach.segments.prompts import published
from qevd_bio.coach.training.examples import Example, Prepared, features_of
from qevd_bio.coach.training.options import CoachData
from qevd_bio.coach.training.sequence import IGNORED, TrainingSequence
from qevd_bio.dataset.short_clips import ShortClip
from qevd_bio.store.errors import ItemError, UserError


def short_sequence(
    prompt: Sequence[int], steps: int, question: Sequence[int], answer: Sequence[int], tokens: ActionTokens
) -> TrainingSequence:
    """Prompt, `steps` vision tokens, question, answer between the feedback tokens.

    Learnt are `<next>` (after the first, which is given) and the answer with its end; all weigh 1, as published.
    The question, and that it is answered then, are given.
    """
    ids = [*prompt, *[tokens.next] * steps, *question, tokens.feedback, *answer, tokens.end]
    first_answer = len(prompt) + steps + len(question) + 1
    following = [*ids[1:], IGNORED]
    learnt = [
        (len(prompt) <= place < len(prompt) + steps - 1) or (first_answer - 1 <= place < len(ids) - 1)
        for place in range(len(ids))
    ]
    count = len(ids)
    return TrainingSequence(
        ids=np.array(ids, np.int64),
        positions=np.arange(count),
        targets=np.where(learnt, following, IGNORED).astype(np.int64),
        weights=np.array(learnt, np.float32),
        steps=np.array([p - len(prompt) if 0 <= p - len(prompt) < steps else -1 for p in range(count)], np.int64),
        version=np.full(count, -1),
        reads=np.full(count, -1),
    )


def pairs_of(clip: ShortClip) -> list[tuple[str, str]]:
    """Questions with answers; for each feedback the published request stands in the question's place."""
    asked = [(question.query, question.response) for question in clip.questions]
    return asked + [(published("short_clip_request").strip(), feedback) for feedback in clip.feedbacks]


def prepare_short(
    sources: Sequence[SegmentSource], clips: Sequence[ShortClip], coach: Coach, data: CoachData, split: str = "train"
) -> Prepared:
    """One example for each question and feedback of the clips of `split`. UserError where there is none."""
    by_stem = {clip.stem: clip for clip in clips if clip.split == split}
    prompt = [coach.tokens.bos, *text_ids(coach.tokenizer, published("short_clip").strip())]
    found = Prepared([], [], {})
    for source in sources:
        clip = by_stem.get(source.segment.video)
        if clip is None:
            continue
        try:
            steps = len(source.load().features)
        except (ItemError, UserError) as error:
            reason = error.reason if isinstance(error, ItemError) else "bad_input"
            found.missing[reason] = found.missing.get(reason, 0) + 1
            found.first_problem = found.first_problem or str(error)
            continue
        for number, (question, answer) in enumerate(pairs_of(clip)):
            asked, said = text_ids(coach.tokenizer, question), text_ids(coach.tokenizer, answer)
            sequence = short_sequence(prompt, steps, asked, said, coach.tokens)
            if len(sequence) > min(data.max_tokens, coach.model.max_positions):
                found.missing["text_too_long"] = found.missing.get("text_too_long", 0) + 1
                continue
            key = f"{source.segment.key}/{number}"
            group = clip.participant or clip.stem
            found.examples.append(Example(key, group, sequence, features_of(source)))
    if not found.examples:
        raise UserError(
            f"no short clip to train on: {found.first_problem or 'none has a question or feedback'}",
            expected="QEVD-FIT-300K with questions.json or feedbacks_short_clips.json, and features of its clips",
            fix="qevd-bio features --data FOLDER --weights FILE",
        )
    return found
