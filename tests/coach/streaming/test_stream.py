"""Segments side by side say what each says alone, and what a plain loop without any cache says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from qevd_bio.coach.model.block_attention import causal_mask
from qevd_bio.coach.model.checkpoint import Coach
from qevd_bio.coach.model.cross_attention import Vision
from qevd_bio.coach.model.tokens import text_ids
from qevd_bio.coach.options import Ablations, GenerateOptions
from qevd_bio.coach.segments.data import SegmentInput, SegmentOutput
from qevd_bio.coach.streaming.decoding import Streamer
from qevd_bio.coach.streaming.speaker import Speaker
from tests.coach.conftest import MakeCoach

MakeSegment = Callable[..., SegmentInput]
SHORT = GenerateOptions(timing="corrected", max_tokens=5, rows=1)


def run(coach: Coach, segments: list[SegmentInput], options: GenerateOptions) -> dict[str, SegmentOutput]:
    found = {}
    for result in Streamer(coach, options).run(segments):
        assert isinstance(result, SegmentOutput), result
        found[result.key] = result
    return found


def plain_loop(coach: Coach, segment: SegmentInput, options: GenerateOptions) -> list[int]:
    """One segment, everything read again for each token: no cache, no positions but 0, 1, 2, …"""
    model, tokens = coach.model, coach.tokens
    speaker = Speaker(tokens, len(segment.features), options)
    ids = [tokens.bos, *text_ids(coach.tokenizer, segment.prompt)]
    steps = [-1] * len(ids)
    while speaker.pending is not None:
        ids.append(speaker.pending)
        steps.append(speaker.step if speaker.sees else -1)
        columns = torch.tensor([n for n, step in enumerate(steps) if step >= 0])
        features = torch.from_numpy(segment.features[[step for step in steps if step >= 0]])
        with torch.no_grad():
            logits = model(
                torch.tensor([ids]), torch.arange(len(ids))[None], causal_mask(len(ids)),
                Vision(torch.zeros_like(columns), columns, features),
            )  # fmt: skip
        speaker.take(int(logits[0, -1].argmax()))
    return speaker.output


def test_the_plain_loop_says_the_same(make_coach: MakeCoach, make_segment: MakeSegment) -> None:
    coach = make_coach("stream-vlm", seed=6)
    segments = [make_segment(n, 9 + 5 * n, contexts=False) for n in range(3)]
    found = run(coach, segments, replace(SHORT, rows=2))
    for segment in segments:
        assert found[segment.key].output == plain_loop(coach, segment, SHORT)
    assert sum(len(result.feedbacks) for result in found.values()) >= 3


@pytest.mark.parametrize("context", ["fast", "exact", "start"])
@pytest.mark.parametrize("kind", ["biocoach", "stream-vlm"])
def test_side_by_side_says_the_same(kind: str, context: str, make_coach: MakeCoach, make_segment: MakeSegment) -> None:
    coach = make_coach(kind, seed=1 if kind == "biocoach" else 6)
    segments = [make_segment(n, 7 + 4 * n) for n in range(4)]
    options = replace(SHORT, context=context)
    alone = run(coach, segments, options)
    together = run(coach, segments, replace(options, rows=3))
    assert {key: one.output for key, one in alone.items()} == {key: one.output for key, one in together.items()}
    assert sum(len(one.feedbacks) for one in alone.values()) >= 3
    changes = alone["split/video/3"].context_updates
    assert (changes > 0) == (kind == "biocoach" and context != "start")


def first_logits(coach: Coach, segment: SegmentInput, step: int) -> torch.Tensor:
    """Logits after the given step's vision token, in a silent stream."""
    seen: list[torch.Tensor] = []
    head = coach.model.causal_lm.lm_head
    hook = head.register_forward_hook(lambda _m, _i, output: seen.append(output.detach().clone()[0]))
    run(coach, [segment], replace(SHORT, interval_steps=10_000))
    hook.remove()
    return seen[step]


def test_the_motion_context_is_read_from_its_own_step_on(make_coach: MakeCoach, make_segment: MakeSegment) -> None:
    coach, segment = make_coach(seed=1), make_segment(3, 12)
    changed = [text if n < 6 else text.replace("knee", "hip") for n, text in enumerate(segment.motion)]
    other = replace(segment, motion=changed)
    for step, same in ((5, True), (6, False), (11, False)):
        assert torch.equal(first_logits(coach, segment, step), first_logits(coach, other, step)) == same
    deaf = make_coach(seed=1, ablations=Ablations(no_motion_context=True))
    assert torch.equal(first_logits(deaf, segment, 11), first_logits(deaf, other, 11))


def test_without_morphology_the_body_is_not_seen(make_coach: MakeCoach, make_segment: MakeSegment) -> None:
    segment = make_segment(1, 12)
    coach = make_coach(seed=1, ablations=Ablations(no_morphology=True))
    bare = run(coach, [replace(segment, morph=())], SHORT)[segment.key].output
    assert run(coach, [segment], SHORT)[segment.key].output == bare


def test_sampling_is_reproducible_and_does_not_depend_on_neighbours(
    make_coach: MakeCoach, make_segment: MakeSegment
) -> None:
    coach = make_coach("stream-vlm", seed=6)
    segments = [make_segment(n, 10, contexts=False) for n in range(3)]
    warm = replace(SHORT, temperature=1.5, seed=7)
    first, second = run(coach, segments, warm), run(coach, segments[::-1], replace(warm, rows=3))
    assert {k: v.output for k, v in first.items()} == {k: v.output for k, v in second.items()}
    assert {k: v.output for k, v in run(coach, segments, replace(warm, seed=8)).items()} != {
        k: v.output for k, v in first.items()
    }


def test_a_feedback_without_end_stops_where_the_model_can_read_no_further(
    make_coach: MakeCoach, make_segment: MakeSegment
) -> None:
    coach = make_coach("stream-vlm", seed=6)
    with torch.no_grad():
        coach.model.causal_lm.lm_head.weight[coach.tokens.end] = 0
        coach.model.causal_lm.lm_head.weight[coach.tokens.next] = 0
    coach.model.causal_lm.config.max_position_embeddings = 80
    found = run(coach, [make_segment(n, 20, contexts=False) for n in range(4)], GenerateOptions(rows=4))
    assert any(one.cut for one in found.values())
    assert all(len(one.output) <= 80 for one in found.values())


def test_faults_of_one_segment_do_not_stop_the_others(make_coach: MakeCoach, make_segment: MakeSegment) -> None:
    coach = make_coach(seed=1)
    good = make_segment(0, 8)
    empty = replace(make_segment(1, 8), features=good.features[:0], motion=[], morph=[])
    few = replace(make_segment(2, 8), motion=good.motion[:3])
    late = replace(make_segment(3, 8), motion=[*good.motion[:5], *["Current pose: " + "knee 85°, " * 200] * 3])
    body = replace(make_segment(4, 8), morph=["User body: " + "height 1.78m " * 60] * 8)
    long = replace(make_segment(5, 8), prompt="squats " * 900)
    reasons = {}
    for result in Streamer(coach, replace(SHORT, rows=2)).run([empty, few, late, body, long, good]):
        if isinstance(result, SegmentOutput):
            assert result.key == good.key
        else:
            reasons[result[0].rsplit("/", 1)[-1]] = (result[1].reason, result[1].detail)
    assert {key: reason for key, (reason, _) in reasons.items()} == {
        "1": "no_features", "2": "contexts_missing", "3": "context_too_long", "4": "context_too_long",
        "5": "text_too_long",
    }  # fmt: skip
    assert "the model keeps 160 for it" in reasons["3"][1] and "the model reads 700 in all" in reasons["5"][1]
