"""Turn-based models, fine-tuned: how frames become tokens, what is asked and learnt, and train, run and validate."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from qevd_bio.cli.app import app
from typer.testing import CliRunner

from qevd_bio.coach.baselines.turns import Talk, vision_prompt
from qevd_bio.coach.model.checkpoint import Coach, load_coach
from qevd_bio.coach.model.config import TurnConfig, VisionConfig
from qevd_bio.coach.model.new import new_coach
from qevd_bio.coach.model.presets import read_preset
from qevd_bio.coach.model.prompts import segment_prompt, turn_question
from qevd_bio.coach.model.turn_based import FrameProjector
from qevd_bio.coach.options import GenerateOptions
from qevd_bio.coach.segments.data import SegmentInput, SegmentOutput
from qevd_bio.coach.streaming.turns import TurnSpeaker, ask, turn_model
from qevd_bio.coach.training.turns import TurnTask, turns_of
from qevd_bio.learning.log import read_log
from qevd_bio.learning.options import LoopOptions
from qevd_bio.scoring.pairing.predictions import read_predictions
from qevd_bio.store.errors import UserError
from qevd_bio.tables.workspace import Workspace
from tests.coach.language_models import CHAT, save_language

from .data_set import write_training_split

STYLES = ("video-chatgpt", "llama-vid")
MakeTurns = Callable[..., Path]


@pytest.fixture
def make_turns(tmp_path: Path) -> MakeTurns:
    """`make_turns("llama-vid", lora=2)`: the folder of a small turn-based model for features of 16 values in 4 cells."""

    def make(style: str, lora: int = 2, **turns: object) -> Path:
        config = read_preset(style)
        config = replace(
            config, vision=VisionConfig(16, 4), turns=replace(config.turns, **turns), lora=replace(config.lora, r=lora)
        )
        preset = tmp_path / f"{style}.yaml"
        preset.write_text(yaml.safe_dump(json.loads(json.dumps(config.as_json()))), encoding="utf-8")
        if not (tmp_path / "language").exists():
            save_language(tmp_path / "language", chat=CHAT, max_position_embeddings=2048)
        new_coach(str(tmp_path / "language"), "random", preset, tmp_path / style)
        return tmp_path / style

    return make


def segment(steps: int = 50) -> SegmentInput:
    features = np.random.default_rng(0).normal(size=(steps, 4, 16)).astype(np.float32)
    return SegmentInput("s/v/0", features, 0.25 * (1 + np.arange(steps)), segment_prompt("squats"))


def test_frames_and_patches_are_averaged_as_in_video_chatgpt() -> None:
    torch.manual_seed(0)
    projector, frames = FrameProjector(TurnConfig("video-chatgpt"), 16, 8), torch.randn(20, 4, 16)
    found = projector(frames, torch.randn(3, 8))
    assert found.shape == (projector.tokens(20, 4), 8) == (24, 8)
    torch.testing.assert_close(found[5], projector.content(frames[5].mean(0)))
    torch.testing.assert_close(found[20 + 2], projector.content(frames[:, 2].mean(0)))


def test_a_frame_is_two_tokens_as_in_llama_vid_and_the_question_matters() -> None:
    torch.manual_seed(0)
    projector, frames, asked = FrameProjector(TurnConfig("llama-vid"), 16, 8), torch.randn(20, 4, 16), torch.randn(3, 8)
    found, other = projector(frames, asked), projector(frames, 3 * asked)
    assert found.shape == (projector.tokens(20, 4), 8) == (40, 8)
    torch.testing.assert_close(found[2 * 7 + 1], projector.content(frames[7].mean(0)))
    by_hand = torch.zeros(16)
    for word in asked:
        weights = (frames[7] @ projector.query(word) / 4.0).softmax(0)
        by_hand += weights @ frames[7] / 3
    torch.testing.assert_close(found[2 * 7], projector.context(by_hand))
    assert torch.equal(found[1::2], other[1::2]) and not torch.allclose(found[::2], other[::2])


def test_the_question_is_the_published_one() -> None:
    theirs = vision_prompt(Talk("k", "squats", 30.0, said=[(5.0, "Lower!")]), 3)
    assert turn_question(segment_prompt("squats"), 10.0, ["Lower!"]) == theirs
    assert "(nothing)" in turn_question(segment_prompt("squats"), 0.0, [])


@pytest.mark.parametrize("style", STYLES)
def test_what_is_learnt_of_a_segment(style: str, make_turns: MakeTurns) -> None:
    coach = load_coach(make_turns(style))
    said = [(1.0, "Lower!"), (4.0, "Bend the knees."), (12.0, "Good."), (22.0, "Too late.")]
    shown = segment()
    turns = turns_of("s/v/0", shown.prompt, 50, said, coach, lambda crop: shown.features)
    # Two whole intervals of five seconds; the last feedback of each is the answer, and 12 s lies in neither.
    assert [turn.key for turn in turns] == ["s/v/0/1"]
    turns = turns_of("s/v/0", shown.prompt, 60, said, coach, lambda crop: shown.features)
    assert [turn.key for turn in turns] == ["s/v/0/1", "s/v/0/3"]
    decode = coach.tokenizer.decode
    assert decode(turns[0].answer) == "Bend the knees." + coach.tokens.names.end
    assert "Bend the knees." in decode(turns[1].question.ids) and "(nothing)" in decode(turns[0].question.ids)
    assert turns[1].question.steps == slice(0, 60)
    task = TurnTask(coach, [turns[0]], LoopOptions(device="cpu"), ("projector", "actions"))
    batch = task.collate([0])
    asked = len(turns[0].question.ids)
    kept = (batch.targets[0] != -100).nonzero().flatten().tolist()
    assert kept == list(range(asked - 1, asked - 1 + len(turns[0].answer)))
    loss = task.module(batch)
    model = turn_model(coach)
    with torch.no_grad():
        row = torch.cat((model.with_frames(batch.ids[0, :asked], turns[0].question.place, batch.frames[0]),
                         model.embedded(batch.ids[0, asked:])))  # fmt: skip
        scores = model.logits(model.read(row[None], torch.arange(len(row))[None])[0]).log_softmax(-1)
    by_hand = -sum(float(scores[asked - 1 + n, token]) for n, token in enumerate(turns[0].answer))
    assert float(loss) == pytest.approx(by_hand, rel=1e-5)
    loss.backward()
    reached = {name.split(".")[0] for name, value in model.named_parameters() if value.grad is not None}
    assert reached == {"projector", "actions"}


def test_only_the_latest_frames_where_they_are_not_kept(make_turns: MakeTurns) -> None:
    coach = load_coach(make_turns("video-chatgpt", accumulate=False))
    assert ask(coach, segment().prompt, 2, []).steps == slice(20, 40)


@pytest.mark.parametrize("style", STYLES)
def test_what_is_said_word_by_word_is_what_the_whole_text_gives(style: str, make_turns: MakeTurns) -> None:
    coach = load_coach(make_turns(style))
    model = turn_model(coach)
    shown = segment()
    (output,) = TurnSpeaker(coach, GenerateOptions(max_tokens=6)).run([shown])
    assert isinstance(output, SegmentOutput) and [one.time_s for one in output.feedbacks] == [5.0, 10.0]
    question = ask(coach, shown.prompt, 1, [])
    words = output.output[: output.output.index(coach.tokens.end)]
    frames = torch.from_numpy(shown.features[:20])
    with torch.no_grad():
        row = torch.cat((model.with_frames(torch.tensor(question.ids), question.place, frames),
                         model.embedded(torch.tensor(words))))  # fmt: skip
        best = model.logits(model.read(row[None], torch.arange(len(row))[None])[0]).argmax(-1).tolist()
    assert best[len(question.ids) - 1 : len(question.ids) - 1 + len(words)] == words


@pytest.mark.parametrize("style", STYLES)
def test_train_and_run(style: str, make_turns: MakeTurns, tmp_path: Path, workspace: Workspace) -> None:
    data = write_training_split(tmp_path / "data", workspace)
    model, out = make_turns(style), tmp_path / "out"
    place = ["--data", str(data), "--workspace", str(workspace.root)]
    few = ["--steps", "30", "--batch", "2", "--validation", "0.34", "--validate-every", "10", "--lr", "0.01"]

    def call(*args: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, [*args, *place])
        assert done.exit_code == code, done.output
        return " ".join(done.output.split())

    said = call("train", "coach", "--model", str(model), "--targets", "original", "--out", str(out), *few)
    assert "trains projector+lora+actions" in said and "6 turns" in said
    rows = read_log(out / "coach")
    losses = [row["loss"] for row in rows if row["kind"] == "train"]
    assert losses[-1] < 0.5 * losses[0] and {"loss"} <= rows[-1].keys()
    said = call(
        "run", "--model", str(out / "coach" / "last"), "--out", str(tmp_path / "run.jsonl"), "--max-tokens", "12"
    )
    assert "6 done" in said and read_predictions(tmp_path / "run.jsonl")
    spoken = [one["text"] for line in (tmp_path / "run.jsonl").read_text().splitlines()
              for one in json.loads(line)["feedbacks"]]  # fmt: skip
    assert set(spoken) & {"Bend the knees!", "Lower!", "Knees up!", "Faster."}  # words that it was taught
    refused = call("train", "--model", str(model), "--targets", "original", "--out", str(tmp_path / "x"), code=2)
    assert "is asked in turns" in refused and "qevd-bio train coach" in refused
    refused = call(
        "train", "stream-vlm", "--model", str(model), "--clips", str(data), "--out", str(tmp_path / "x"), code=2
    )
    assert "with --clips" in refused


def test_presets_that_mix_kinds_are_refused(tmp_path: Path) -> None:
    values = json.loads(json.dumps(read_preset("llama-vid").as_json()))
    for change in (
        {"kind": "stream-vlm"},
        {"turns": {"style": "none"}},
        {"turns": {"style": "llama-vid", "frames": 0}},
    ):
        path = tmp_path / "odd.yaml"
        path.write_text(yaml.safe_dump({**values, **change}), encoding="utf-8")
        with pytest.raises(UserError, match="a style and at least one frame for a turn-based model"):
            read_preset(path)


def test_a_turn_model_is_a_coach_like_others(make_turns: MakeTurns) -> None:
    coach: Coach = load_coach(make_turns("llama-vid", lora=0))
    assert coach.in_turns and coach.front == 0 and coach.begins == ("projector", "actions")
    assert coach.config.prompt.before == "<|turn|>user\n"
