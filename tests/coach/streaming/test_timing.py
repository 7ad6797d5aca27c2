"""Official times by hand, and the rules of a stream token by token."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from qevd_bio.coach.model.tokens import PAPER, ActionTokens
from qevd_bio.coach.options import GenerateOptions
from qevd_bio.coach.streaming.speaker import Speaker, official_times, steps_while_speaking

N, F, E = 3, 4, 5
TOKENS = ActionTokens(next=N, feedback=F, end=E, bos=1, pad=0, names=PAPER)


def words(ids: Sequence[int]) -> str:
    return " ".join(str(i) for i in ids)


def test_official_times_by_hand() -> None:
    output = [1, 50, N, N, N, N, F, 60, 61, 62, E, N, N, F, 63, E, N]
    spoken = official_times(output, TOKENS, words)
    assert [one.time_s for one in spoken] == pytest.approx([2 / 4, 2 / 4 + 2 / 4 + 4 / 12])
    assert [(one.text, one.tokens) for one in spoken] == [("60 61 62", 3), ("63", 1)]


def test_a_feedback_at_the_first_step_is_before_the_start() -> None:
    assert official_times([N, F, 60, E, N], TOKENS, words)[0].time_s == -0.25


def test_an_empty_feedback_is_dropped_with_its_gap_and_silences_the_one_before() -> None:
    output = [N, N, N, F, 60, 61, E, N, N, N, F, E, N, N, F, 62, E, N]
    spoken = official_times(output, TOKENS, words)
    assert [one.text for one in spoken] == ["60 61", "62"]
    assert [one.time_s for one in spoken] == pytest.approx([1 / 4, 1 / 4 + 2 / 4])


def test_a_feedback_that_never_ends_is_dropped() -> None:
    assert official_times([N, N, F, 60, 61], TOKENS, words) == []
    assert official_times([50, 51], TOKENS, words) == []


@pytest.mark.parametrize(("tokens", "steps"), [(0, 0), (2, 0), (3, 1), (12, 4), (35, 11), (128, 42)])
def test_steps_that_pass_while_speaking(tokens: int, steps: int) -> None:
    assert steps_while_speaking(tokens) == steps


def play(speaker: Speaker, wishes: Sequence[int]) -> list[int]:
    for wish in wishes:
        if speaker.pending is None:
            break
        speaker.take(wish)
    return speaker.output


def test_outside_a_feedback_only_next_or_feedback_follow() -> None:
    speaker = Speaker(TOKENS, 5, GenerateOptions(timing="corrected"))
    assert speaker.sees
    assert play(speaker, [99, E, F, 60, E]) == [N, N, N, F, 60, E]
    assert speaker.step == 2 and speaker.pending == E


@pytest.mark.parametrize("wish", [N, F])
def test_an_action_token_ends_a_feedback(wish: int) -> None:
    speaker = Speaker(TOKENS, 5, GenerateOptions(timing="official"))
    assert play(speaker, [F, 60, wish, N]) == [N, F, 60, E, N]


def test_corrected_skips_steps_cuts_and_tells_the_video_time() -> None:
    speaker = Speaker(TOKENS, 12, GenerateOptions(timing="corrected", max_tokens=6))
    output = play(speaker, [N, F, *[60] * 20, N, N])
    assert output[:3] == [N, N, F] and output[3:10] == [60] * 6 + [E]
    assert speaker.step == 1 + 2 + (len(output) - 10)  # floor(6 / 12 * 4) = 2 steps pass unseen
    times = [0.25 * (n + 1) for n in range(12)]
    assert [(one.time_s, one.tokens) for one in speaker.feedbacks(times, words)] == [(0.5, 6)]


def test_official_neither_skips_nor_cuts() -> None:
    speaker = Speaker(TOKENS, 12, GenerateOptions(timing="official", max_tokens=6))
    play(speaker, [N, F, *[60] * 20, E, N])
    assert speaker.step == 2
    assert speaker.feedbacks([0.0] * 12, words)[0].tokens == 20


@pytest.mark.parametrize(("timing", "seen"), [("official", 4), ("corrected", 5)])
def test_a_silent_segment_ends_with_its_features(timing: str, seen: int) -> None:
    speaker = Speaker(TOKENS, 5, GenerateOptions(timing=timing))  # type: ignore[arg-type]
    reads = 0
    while speaker.pending is not None:
        reads += 1
        speaker.take(N)
    assert reads == seen  # the released loop stops one step before the end
    assert speaker.feedbacks([0.0] * 5, words) == []


def test_without_action_tokens_it_speaks_at_fixed_times() -> None:
    speaker = Speaker(TOKENS, 7, GenerateOptions(timing="corrected", interval_steps=3))
    assert play(speaker, [F, F, N, 60, E, F, N, F, N, 61, E, N, N]) == [N, N, N, F, 60, E, N, N, N, F, 61, E, N, N]


def test_a_segment_that_is_stopped_drops_what_is_not_said() -> None:
    speaker = Speaker(TOKENS, 9, GenerateOptions(timing="corrected"))
    play(speaker, [F, 60, E, N, F, 61])
    speaker.stop()
    assert speaker.cut and [one.text for one in speaker.feedbacks([0.25] * 9, words)] == ["60"]
