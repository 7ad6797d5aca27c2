"""The reward stage: what is rewarded, which choices are made likelier, and that the reward rises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from qevd_bio.cli.app import app
from typer.testing import CliRunner

from qevd_bio.coach.model.checkpoint import Coach, load_coach, save_coach
from qevd_bio.coach.options import GenerateOptions
from qevd_bio.coach.segments.data import SegmentInput, SegmentOutput
from qevd_bio.coach.streaming.decoding import Streamer
from qevd_bio.coach.training.collate import collate
from qevd_bio.coach.training.examples import Example, morphs_of
from qevd_bio.coach.training.options import RewardOptions
from qevd_bio.coach.training.reward import RewardLoss, RewardTask, Sampled, advantages, reward_of, sequence_of, usable
from qevd_bio.coach.training.sequence import IGNORED
from qevd_bio.coach.training.stage import TrainingPlace, training_sources
from qevd_bio.learning.loop import train
from qevd_bio.learning.options import LoopOptions
from qevd_bio.scoring.metrics.lexical import rouge_likeness
from qevd_bio.tables.workspace import Workspace

from .conftest import VISION, segment
from .data_set import write_training_split

ALIKE = rouge_likeness()
PARTS = ("language", "xattn", "fusion")


def test_a_reward_is_timing_times_meaning_in_order() -> None:
    truth = [(2.0, "bend the knees"), (8.0, "knees up")]

    def worth(*said: tuple[float, str]) -> float:
        return reward_of(truth, said, ALIKE, 3.0)

    assert worth(*truth) == pytest.approx(1.0)
    assert worth() == 0.0 and reward_of([], [], ALIKE, 3.0) == 1.0 and reward_of([], [(1.0, "x")], ALIKE, 3.0) == 0.0
    assert worth((3.5, "bend the knees"), (8.0, "knees up")) == pytest.approx((0.5 + 1) * 2 / 4)
    assert worth((2.0, "bend the knees")) == pytest.approx(2 / 3)  # the second is missing
    assert worth((2.0, "bend the knees"), (2.5, "well"), (8.0, "knees up")) == pytest.approx(2 * 2 / 5)
    assert worth((2.0, "knees up"), (8.0, "bend the knees")) == pytest.approx(0.4)  # one word is the same
    half = ALIKE("bend the knees", "bend the arms")
    assert 0 < half < 1 and worth((2.0, "bend the arms"), (8.0, "knees up")) == pytest.approx((half + 1) * 2 / 4)


def test_a_group_is_compared_with_itself() -> None:
    found = advantages([0.0, 0.5, 1.0])
    assert sum(found) == pytest.approx(0.0) and np.std(found) == pytest.approx(1.0) and found[2] > 0
    assert advantages([0.3, 0.3]) == [0.0, 0.0]


def talkative(make_coach: Callable[..., Coach]) -> Coach:
    """A coach that now and then speaks."""
    coach = make_coach(seed=2)
    with torch.no_grad():
        head = coach.model.causal_lm.lm_head.weight
        head.mul_(20)
        for token in (coach.tokens.feedback, coach.tokens.end):
            head[token] *= 3
    coach.model.eval()
    return coach


def streamed(coach: Coach, given: SegmentInput, options: GenerateOptions) -> tuple[SegmentOutput, Example]:
    (output,) = Streamer(coach, options).run([given])
    assert isinstance(output, SegmentOutput)
    sequence = sequence_of(given, output.output, coach, options)
    return output, Example("k", "g", sequence, lambda crop: given.features, *morphs_of(given, coach))


@pytest.mark.parametrize("ablations", [{}, {"no_motion_context": True}])
def test_the_sequence_of_a_stream_is_read_as_it_was_streamed(
    make_coach: Callable[..., Coach], ablations: dict[str, bool]
) -> None:
    coach = talkative(lambda **more: make_coach(**more, **ablations))
    tokens = coach.tokens
    options = coach.settled(GenerateOptions(timing="corrected", max_tokens=5), 6)
    given = segment(3, 40)
    if not coach.front:
        given = replace(given, motion=[])
    output, example = streamed(coach, given, options)
    assert output.feedbacks and example.sequence.steps.max() == 39
    batch = collate([example], tokens.pad, (VISION.tokens, VISION.dim))
    loss = RewardLoss(coach, 0.0)
    with torch.no_grad():
        logits, kept = loss._loss.logits(batch)
        chances, _ = loss.chances(batch)
    best, took, reading = logits.argmax(-1).tolist(), batch.targets[kept].tolist(), batch.ids[kept].tolist()
    for wish, choice, before in zip(best, took, reading, strict=True):
        if before in (tokens.next, tokens.end):
            assert choice == (tokens.feedback if wish == tokens.feedback else tokens.next)
        else:
            assert choice == (tokens.end if wish in (tokens.next, tokens.feedback) else wish)
    assert bool((chances <= 0).all())
    # What is said by rule (a feedback that is cut) is no choice.
    words = [one.tokens for one in output.feedbacks]
    forced = sum(count == 5 for count in words)
    stream = example.sequence.ids[example.sequence.version == -1]
    free = int((example.sequence.targets != IGNORED).sum())
    assert free == len(stream) - len(coach.prompt_ids(given.prompt)) - forced


def test_chances_of_what_can_be_chosen_add_up(make_coach: Callable[..., Coach]) -> None:
    coach = talkative(make_coach)
    _, example = streamed(coach, segment(1, 24), coach.settled(GenerateOptions(timing="corrected", max_tokens=5), 6))
    batch = collate([example], coach.tokens.pad, (VISION.tokens, VISION.dim))
    loss = RewardLoss(coach, 0.0)
    outside = [n for n, token in enumerate(batch.ids[batch.targets != IGNORED].tolist())
               if token in (coach.tokens.next, coach.tokens.end)]  # fmt: skip
    found = []
    for choice in (coach.tokens.feedback, coach.tokens.next):
        other = replace(batch, targets=torch.where(batch.targets == IGNORED, IGNORED, choice))
        with torch.no_grad():
            found.append(loss.chances(other)[0][outside].exp())
    torch.testing.assert_close(sum(found), torch.ones(len(outside)))  # type: ignore[arg-type]


def test_what_did_better_becomes_likelier_and_the_rest_is_held(make_coach: Callable[..., Coach]) -> None:
    coach = talkative(make_coach)
    options = coach.settled(GenerateOptions(timing="corrected", max_tokens=5, temperature=1.0, seed=4), 6)
    examples = [streamed(coach, replace(segment(1, 24), key=f"s/v/0#{n}"), options)[1] for n in range(2)]
    batch = collate(examples, coach.tokens.pad, (VISION.tokens, VISION.dim))
    coach.model.train_only(PARTS)
    loss = RewardLoss(coach, 0.0)
    before, rows = loss.chances(batch)
    sampled = Sampled(batch, torch.tensor([1.0, -1.0]))
    loss(sampled).backward()
    with torch.no_grad():
        for parameter in coach.model.parameters():
            if parameter.grad is not None:
                parameter -= 1e-3 * parameter.grad
        after, _ = loss.chances(batch)
        moved = [float((after - before)[rows == row].mean()) for row in range(2)]
        assert moved[0] > moved[1]
        held = RewardLoss.__new__(RewardLoss)
        torch.nn.Module.__init__(held)
        held.__dict__.update({key: value for key, value in loss.__dict__.items() if key not in ("_modules",)})
        held.model, held._loss, held._kl = loss.model, loss._loss, 1.0
        even = Sampled(batch, torch.zeros(2))
        assert float(held(even)) > 0  # away from the supervised model it costs
        assert float(loss(even)) == pytest.approx(0.0, abs=1e-6)


def taught(workspace: Workspace, tmp_path: Path, coach: Coach) -> tuple[Coach, Path]:
    """A coach after a few supervised steps, and its data set."""
    data = write_training_split(tmp_path / "data", workspace)
    save_coach(tmp_path / "start", coach.model, coach.tokenizer, about={"untrained": True})
    few = ("--steps", "60", "--batch", "3", "--validation", "0", "--generate", "0", "--lr", "0.01", "--alpha", "0.3")
    done = CliRunner().invoke(app, ["train", "coach", "--model", str(tmp_path / "start"), "--targets", "original",
                                    "--data", str(data), "--workspace", str(workspace.root), "--context-every", "4",
                                    "--out", str(tmp_path / "taught"), *few])  # fmt: skip
    assert done.exit_code == 0, done.output
    return load_coach(tmp_path / "taught" / "coach" / "last"), data


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_reward_rises(make_coach: Callable[..., Coach], workspace: Workspace, tmp_path: Path) -> None:
    _, data = taught(workspace, tmp_path, make_coach(seed=1))
    place = TrainingPlace(data, workspace, None, tmp_path)
    rises = []
    for seed in range(3):
        coach = load_coach(tmp_path / "taught" / "coach" / "last")
        found, missing = usable(training_sources(coach, place, coach.reads), coach)
        assert len(found) == 6 and not missing
        options = LoopOptions(
            learning_rate=1e-3, batch=1, steps=25, validation_share=0.0, seed=seed, device="cpu", save_every=1000
        )
        task = RewardTask(coach, found[:1], options, RewardOptions(samples=16, max_tokens=12), PARTS)
        train(task, options, tmp_path / f"reward-{seed}", {}, lambda line: None)
        rises.append(float(np.mean(task.rewards[-8:]) - np.mean(task.rewards[:5])))
    assert np.mean(rises) > 0.02, rises


def test_from_the_command_line(make_coach: Callable[..., Coach], workspace: Workspace, tmp_path: Path) -> None:
    data = write_training_split(tmp_path / "data", workspace)
    coach = make_coach(seed=1)
    save_coach(tmp_path / "start", coach.model, coach.tokenizer)
    args = ["train", "coach", "--stage", "reward", "--model", str(tmp_path / "start"), "--targets", "original",
            "--data", str(data), "--workspace", str(workspace.root), "--out", str(tmp_path / "out"), "--steps", "1",
            "--samples", "2", "--batch", "1", "--validation", "0.34"]  # fmt: skip
    done = CliRunner().invoke(app, args)
    assert done.exit_code == 0, done.output
    assert "reward: 6 segments; trains fusion" in done.output and "reward 0" in done.output
    assert load_coach(tmp_path / "out" / "reward" / "last").about["trained"] == "reward"
    again = CliRunner().invoke(app, args)
    assert "reward: continues after step 1" in again.output
