"""Short clips: sequences by hand, left and right in mirrored labels, and the 3D CNN trained on two of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from qevd_bio.cli.app import app
from typer.testing import CliRunner

from qevd_bio.coach.model.config import TokensConfig
from qevd_bio.coach.model.tokens import ActionTokens
from qevd_bio.coach.training.clips import pairs_of
from qevd_bio.coach.training.sequence import IGNORED, short_sequence
from qevd_bio.coach.training.vision import LabelledClip, crop_batch, mirror_classes, swapped
from qevd_bio.coach.vision.weights import load_backbone
from qevd_bio.dataset.short_clips import Question, ShortClip
from qevd_bio.learning.log import read_log
from qevd_bio.simulation.drawing.mp4 import write_mp4

TOKENS = ActionTokens(3, 4, 5, 1, 0, TokensConfig())


def test_a_short_sequence_learns_next_and_the_answer() -> None:
    found = short_sequence([1, 10], 3, [20, 21], [30, 31], TOKENS)
    assert found.ids.tolist() == [1, 10, 3, 3, 3, 20, 21, 4, 30, 31, 5]
    assert found.steps.tolist() == [-1, -1, 0, 1, 2, -1, -1, -1, -1, -1, -1]
    x = IGNORED
    assert found.targets.tolist() == [x, x, 3, 3, x, x, x, 30, 31, 5, x]
    assert found.weights.tolist() == [0, 0, 1, 1, 0, 0, 0, 1, 1, 1, 0]
    assert (found.mask() == np.tri(11, dtype=bool)).all()


def test_feedback_answers_the_published_request() -> None:
    clip = ShortClip(
        "a.mp4", "train", feedbacks=("Nice!",), questions=(Question("high_level", "What?", "Squats.", "x"),)
    )
    assert pairs_of(clip) == [("What?", "Squats."), ("Please provide a feedback for the user.", "Nice!")]


def test_mirrored_labels() -> None:
    assert swapped("lunge - Left leg, right arm") == "lunge - Right leg, left arm"
    assert swapped("squats - bright light") == "squats - bright light"
    assert mirror_classes(["kick - left", "kick - right", "hold - left", "squats"]) == [1, 0, None, 3]


def test_crops_flip_with_their_labels(tmp_path: Path) -> None:
    frames = np.zeros((12, 3, 4, 6), np.uint8)
    frames[..., 0] = 255
    np.save(tmp_path / "a.npy", frames)
    clip = LabelledClip("a", "a", tmp_path / "a.npy", 12, (0,))
    plain = crop_batch([clip], 2, [1, 0], 8, False)
    assert plain.frames.shape == (1, 8, 3, 4, 6) and plain.targets.tolist() == [[1.0, 0.0]]
    seen = set()
    for seed in range(12):
        torch.manual_seed(seed)
        batch = crop_batch([clip], 2, [1, 0], 64, True)
        assert batch.frames.shape[1] == 12 and batch.frames.min() >= 0 and batch.frames.max() <= 1
        flipped = bool(batch.frames[..., -1].mean() > batch.frames[..., 0].mean())
        assert batch.targets.tolist() == [[0.0, 1.0] if flipped else [1.0, 0.0]]
        seen.add(flipped)
    assert seen == {True, False}
    torch.manual_seed(0)
    assert all(crop_batch([clip], 2, [None, 0], 8, True).targets[0, 0] == 1 for _ in range(8))


def test_the_3d_cnn_is_trained_and_can_be_used(tmp_path: Path) -> None:
    root = tmp_path / "clips"
    (root / "short_clips").mkdir(parents=True)
    records = []
    for number in range(3):
        generator = np.random.default_rng(number)
        frames = [generator.integers(0, 255, (64, 48, 3)).astype(np.uint8) for _ in range(12)]
        write_mp4(root / "short_clips" / f"0000000{number}.mp4", frames, 30.0)
        labels = [f"squats - {'deep' if number else 'shallow'}"]
        file = f"./short_clips/0000000{number}.mp4"
        records.append({"video_path": file, "split": "train", "labels": labels, "labels_descriptive": labels})
    (root / "fine_grained_labels.json").write_text(json.dumps(records))

    def command(data: Path, out: Path, *more: str) -> Any:
        place = ["--data", str(data), "--out", str(out), "--batch", "2", "--steps", "1", "--validation", "0.34"]
        return CliRunner().invoke(app, ["train", "vision", *place, "--device", "cpu", *more])

    out = tmp_path / "out"
    done = command(root, out)
    assert done.exit_code == 0 and "vision: 3 clips, 2 labels" in done.output, done.output
    assert f"qevd-bio features --weights {out / 'best' / 'backbone.safetensors'}" in done.output.replace("\n", "")
    assert load_backbone(out / "best" / "backbone.safetensors").classifier.out_features == 2
    assert json.loads((out / "best" / "label2int.json").read_text()) == {"squats - deep": 0, "squats - shallow": 1}
    rows = read_log(out)
    assert rows[0]["loss"] == pytest.approx(np.log(2), abs=0.5) and 0 <= rows[1]["accuracy"] <= 1
    again = command(root, out)
    assert "continues after step 1" in again.output and read_log(out) == rows
    missing = command(root, tmp_path / "other", "--weights", str(tmp_path / "no.pth"))
    assert missing.exit_code == 2 and "no such file" in missing.output
    (root / "fine_grained_labels.json").write_text(json.dumps([{**record, "split": "test"} for record in records]))
    nothing = command(root, tmp_path / "other")
    assert nothing.exit_code == 2 and "no labelled clip to train on" in nothing.output
