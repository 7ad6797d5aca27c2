"""Training sequences, written out by hand, and against what streaming computes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from qevd_bio.coach.model.cross_attention import Vision
from qevd_bio.coach.model.tokens import PAPER, ActionTokens, text_ids
from qevd_bio.coach.options import GenerateOptions, SequenceOptions
from qevd_bio.coach.segments.data import SegmentInput
from qevd_bio.coach.streaming.decoding import Streamer
from qevd_bio.coach.training.sequence import IGNORED, TimedText, build_sequence
from tests.coach.conftest import MakeCoach

N, F, E = 3, 4, 5
TOKENS = ActionTokens(next=N, feedback=F, end=E, bos=1, pad=0, names=PAPER)
PROMPT = [1, 50, 51]
TIMES = [0.25, 0.5, 0.75, 1.0]


def test_a_sequence_written_by_hand() -> None:
    said = [TimedText(0.3, (60, 61)), TimedText(0.4, (62,))]
    made = build_sequence(PROMPT, TIMES, said, TOKENS, SequenceOptions())
    x = IGNORED
    assert made.ids.tolist() == [1, 50, 51, N, N, F, 60, 61, E, N, F, 62, E, N]
    assert made.targets.tolist() == [x, x, x, N, F, 60, 61, E, N, F, 62, E, N, N]
    a = pytest.approx(0.1)
    assert made.weights.tolist() == [0, 0, 0, a, 1, 1, 1, 1, a, 1, 1, 1, a, a]
    assert made.steps.tolist() == [-1, -1, -1, 0, 1, -1, -1, -1, -1, 2, -1, -1, -1, 3]
    assert made.positions.tolist() == list(range(14))
    assert np.array_equal(made.mask(), np.tri(14, dtype=bool))


@pytest.mark.parametrize(("time", "step"), [(-1.0, 0), (0.25, 0), (0.26, 1), (1.0, 3), (99.0, 3)])
def test_a_feedback_follows_the_first_step_at_or_after_its_time(time: float, step: int) -> None:
    made = build_sequence(PROMPT, TIMES, [TimedText(time, (60,))], TOKENS, SequenceOptions())
    assert made.steps[made.ids.tolist().index(F) - 1] == step


def test_at_fixed_intervals_only_the_words_are_learnt() -> None:
    options = SequenceOptions(interval_steps=2)
    made = build_sequence(PROMPT, TIMES, [TimedText(0.3, (60,))], TOKENS, options)
    assert made.ids.tolist() == [*PROMPT, N, N, F, 60, E, N, N, F, E]
    learnt = made.targets != IGNORED
    assert made.targets[learnt].tolist() == [60, E, E]


def test_contexts_stand_in_front_and_each_token_sees_its_own() -> None:
    contexts = [[1, 70], [1, 70], [1, 71, 72], [1, 71, 72]]
    said = [TimedText(0.6, (60,))]
    made = build_sequence([50], TIMES, said, TOKENS, SequenceOptions(), contexts=contexts, front=4)
    assert made.ids.tolist() == [1, 70, 1, 71, 72, 50, N, N, N, F, 60, E, N]
    assert made.positions.tolist() == [2, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert made.targets[:6].tolist() == [IGNORED] * 6
    mask = made.mask()
    first, second = slice(0, 2), slice(2, 5)
    assert mask[5:8, first].all() and not mask[5:8, second].any()
    assert mask[8:, second].all() and not mask[8:, first].any()
    assert np.array_equal(mask[5:, 5:], np.tri(8, dtype=bool))
    assert np.array_equal(mask[second, second], np.tri(3, dtype=bool))
    assert not mask[:5, 5:].any() and not mask[second, first].any()
    kept = build_sequence([50], TIMES, said, TOKENS, SequenceOptions(context="start"), contexts=contexts, front=4)
    assert kept.ids.tolist()[:3] == [1, 70, 50] and (kept.reads[2:] == 0).all()
    every = SequenceOptions(context_every=4)
    assert build_sequence([50], TIMES, said, TOKENS, every, contexts=contexts, front=4).ids[:3].tolist() == [1, 70, 50]


def test_streaming_computes_what_training_computes(
    make_coach: MakeCoach, make_segment: Callable[..., SegmentInput]
) -> None:
    """The `fast` reading of contexts in the cache and the training mask give the same next tokens."""
    coach = make_coach(seed=1)
    segment = make_segment(2, 19)
    streamer = Streamer(coach, GenerateOptions(timing="corrected", rows=1, max_tokens=5, tokens_per_second=1e9))
    seen: list[torch.Tensor] = []
    head = coach.model.causal_lm.lm_head
    hook = head.register_forward_hook(lambda _m, _i, output: seen.append(output.detach().clone()[0]))
    result = next(iter(streamer.run([segment])))
    hook.remove()
    assert not isinstance(result, tuple)
    spoken = result.output[:-1]
    steps, step = [], -1
    for token in spoken:
        if token == coach.tokens.next:
            step += 1
        steps.append(step if token == coach.tokens.next else -1)
    said = _said(spoken, coach.tokens, segment.times.tolist())
    assert len(said) >= 2 and max(len(one.ids) for one in said) == 5
    contexts = [[coach.tokens.bos, *text_ids(coach.tokenizer, text + "\n")] for text in segment.motion]
    made = build_sequence(
        text_ids(coach.tokenizer, segment.prompt), segment.times.tolist()[: step + 1], said, coach.tokens,
        SequenceOptions(), contexts=contexts[: step + 1], front=coach.config.context_tokens,
    )  # fmt: skip
    stream = made.ids[-len(spoken) :].tolist()
    assert stream == spoken
    where = np.flatnonzero(made.steps >= 0)
    morph = torch.tensor([text_ids(coach.tokenizer, segment.morph[0])]).expand(len(where), -1)
    features = torch.from_numpy(segment.features[made.steps[where]])
    fused = coach.model.fuse(features, morph, torch.ones_like(morph, dtype=torch.bool))  # type: ignore[operator]
    vision = Vision(torch.zeros(len(where), dtype=torch.long), torch.from_numpy(where), fused)
    with torch.no_grad():
        logits = coach.model(
            torch.from_numpy(made.ids)[None], torch.from_numpy(made.positions)[None],
            torch.from_numpy(made.mask())[None, None], vision,
        )[0, -len(spoken) :]  # fmt: skip
    torch.testing.assert_close(torch.stack(seen), logits, rtol=1e-3, atol=1e-3)


def _said(spoken: list[int], tokens: ActionTokens, times: list[float]) -> list[TimedText]:
    said, step, words = [], -1, None
    for token in spoken:
        if token == tokens.next:
            step += 1
        elif token == tokens.feedback:
            words = []
        elif token == tokens.end:
            said.append(TimedText(times[step], tuple(words or ())))
            words = None
        elif words is not None:
            words.append(token)
    return said
