"""What is learnt: the right positions with the right weights, whatever stands beside it in the batch."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from qevd_bio.coach.model.biocoach import BioCoach
from qevd_bio.coach.model.checkpoint import Coach
from qevd_bio.coach.training.coach import SequenceLoss
from qevd_bio.coach.training.collate import collate
from qevd_bio.coach.training.examples import make_example
from qevd_bio.coach.training.options import CoachData
from qevd_bio.coach.training.sequence import TrainingSequence
from qevd_bio.store.errors import ItemError
from tests.coach.training.conftest import FEEDBACKS, VISION, segment


def test_loss_of_one_sequence_by_hand(make_coach: Callable[..., Coach]) -> None:
    coach = make_coach()
    coach.model.eval()
    given = segment(0)
    example = make_example(given, FEEDBACKS, coach, CoachData(alpha=0.25, context_every=6), lambda _: given.features)
    own = example.sequence
    batch = collate([example], coach.tokens.pad, (VISION.tokens, VISION.dim))
    loss = SequenceLoss(coach.model)
    with torch.no_grad():
        found = float(loss(batch))
        features = coach.model.fuse(batch.features, batch.morph, batch.known, batch.runs)  # type: ignore[operator]
        from qevd_bio.coach.model.cross_attention import Vision

        mask = torch.from_numpy(own.mask())[None, None]
        logits = coach.model(batch.ids, batch.positions, mask, Vision(batch.rows, batch.columns, features))[0]
    expected, learnt = 0.0, 0
    stream = [place for place in range(len(own)) if own.version[place] == -1]
    first = next(place for place in stream if own.ids[place] == coach.tokens.next)
    for place in stream:
        if place < first:
            assert own.weights[place] == 0
            continue
        target = int(own.ids[place + 1]) if place + 1 < len(own) else coach.tokens.next
        weight = 0.25 if target == coach.tokens.next else 1.0
        expected -= weight * float(logits[place].log_softmax(-1)[target])
        learnt += 1
    assert found == pytest.approx(expected, rel=1e-4)
    assert learnt == int((batch.targets != -100).sum())
    assert example.weight == pytest.approx(float(batch.weights.sum()))


def test_padding_and_neighbours_change_nothing(make_coach: Callable[..., Coach]) -> None:
    coach = make_coach()
    coach.model.eval()
    loss, data = SequenceLoss(coach.model), CoachData(context_every=6)
    given = [segment(number, 12 + 5 * number) for number in range(3)]
    examples = [make_example(s, FEEDBACKS, coach, data, lambda _, s=s: s.features) for s in given]  # type: ignore[misc]
    size = (VISION.tokens, VISION.dim)
    with torch.no_grad():
        alone = sum(float(loss(collate([example], 0, size))) for example in examples)
        together = float(loss(collate(examples, coach.tokens.pad, size)))
    assert together == pytest.approx(alone, rel=1e-4) and math.isfinite(together)


@pytest.mark.parametrize("ablation", ["no_motion_context", "no_morphology", "no_action_tokens"])
def test_ablations_train_on_what_is_left(make_coach: Callable[..., Coach], ablation: str) -> None:
    coach = make_coach(**{ablation: True})
    given = segment(1)
    example = make_example(given, FEEDBACKS, coach, CoachData(context_every=6), lambda _: given.features)
    assert (example.sequence.version >= 0).any() == (ablation != "no_motion_context")
    assert bool(example.morphs) == (ablation != "no_morphology")
    if ablation == "no_action_tokens":
        learnt = set(example.sequence.targets.tolist())
        assert not learnt & {coach.tokens.next, coach.tokens.feedback}
    batch = collate([example], coach.tokens.pad, (VISION.tokens, VISION.dim))
    SequenceLoss(coach.model)(batch).backward()


def test_of_long_segments_the_last_steps_are_left_out(make_coach: Callable[..., Coach]) -> None:
    coach, given = make_coach(), segment(0)

    def made(limit: int) -> TrainingSequence:
        return make_example(given, FEEDBACKS, coach, CoachData(max_tokens=limit), lambda _: given.features).sequence

    whole = made(4096)
    short = made(len(whole) - 1)
    assert len(short) < len(whole) and short.steps.max() == 13 and whole.steps.max() == 15
    assert (short.weights > 0).any()
    with pytest.raises(ItemError, match="fill the 20 tokens"):
        made(20)


def test_blocks_compute_what_the_dense_mask_says(make_coach: Callable[..., Coach]) -> None:
    coach = make_coach()
    coach.model.eval()
    given = [segment(number, 9 + 6 * number) for number in range(3)]
    examples = [make_example(s, FEEDBACKS, coach, CoachData(context_every=4), lambda _, s=s: s.features) for s in given]  # type: ignore[misc]
    batch = collate(examples, coach.tokens.pad, (VISION.tokens, VISION.dim))
    assert len(batch.blocks) == 2 and batch.blocks[0].queries.shape[0] > 3
    length = batch.ids.shape[1]
    mask = torch.eye(length, dtype=torch.bool).repeat(3, 1, 1, 1)
    for row, example in enumerate(examples):
        end = len(example.sequence)
        mask[row, 0, :end, :end] = torch.from_numpy(example.sequence.mask())
    with torch.no_grad():
        dense = coach.model.hidden(batch.ids, batch.positions, mask)
        blocks = coach.model.hidden(batch.ids, batch.positions, None, blocks=batch.blocks)
    for row, example in enumerate(examples):
        end = len(example.sequence)
        torch.testing.assert_close(blocks[row, :end], dense[row, :end], atol=1e-5, rtol=1e-4)


def test_runs_of_one_text_are_fused_as_each_row_alone(make_coach: Callable[..., Coach]) -> None:
    model = make_coach().model
    assert isinstance(model, BioCoach)
    for parameter in model.fusion.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    torch.manual_seed(1)
    features = torch.randn(7, VISION.tokens, VISION.dim)
    ids, runs = torch.randint(6, 300, (3, 5)), (2, 4, 1)
    known = torch.tensor([[True] * 5, [True] * 3 + [False] * 2, [False] * 5])
    which = torch.repeat_interleave(torch.arange(3), torch.tensor(runs))
    found = []
    for arguments in ((ids, known, runs), (ids[which], known[which], None)):
        model.zero_grad()
        fused = model.fuse(features, *arguments)
        fused.square().sum().backward()
        found.append([fused.detach(), *(p.grad for p in model.fusion.parameters())])
    assert torch.equal(found[0][0][6], features[6]) and not torch.equal(found[0][0][0], features[0])
    for together, alone in zip(*found, strict=True):
        torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-3)


def test_positions_end_where_the_language_model_does(make_coach: Callable[..., Coach]) -> None:
    coach, given = make_coach(), segment(0)
    whole = make_example(given, FEEDBACKS, coach, CoachData(), lambda _: given.features).sequence
    coach.model.causal_lm.config.max_position_embeddings = int(whole.positions.max())
    short = make_example(given, FEEDBACKS, coach, CoachData(), lambda _: given.features).sequence
    assert short.steps.max() < whole.steps.max() and short.positions.max() < whole.positions.max()
