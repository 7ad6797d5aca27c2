"""The learning experiment runs: its data through every stage, two steps of training, streaming, scores, table."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from qevd_bio.coach.segments.data import SegmentInput

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def experiment(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import learning_experiment

    return learning_experiment


def test_two_steps_end_in_a_table(experiment: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = experiment.DataOptions(train=1, test=1, minutes=0.6)
    workspace = experiment.make_data(tmp_path / "data", data)
    training = experiment.Training(steps=2, batch=2)
    assert experiment.run("full", 0, workspace, data, training, tmp_path) > 0
    written = json.loads((tmp_path / "full-0" / "scores.json").read_text())
    assert written["rewritten"] > 0 and written["settings"]["training"]["steps"] == 2
    assert experiment.copied(workspace, data)["rewritten_matched"] > 0
    assert set(experiment.reachable(workspace)) <= {"same_fault", "commonest_fault"}
    capsys.readouterr()
    experiment.summary(tmp_path)
    table = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in table] == [
        ["variant", "seeds"], ["full", "1"], ["no-morphology", "0"], ["no-motion-context", "0"],
    ]  # fmt: skip


def test_pieces_keep_every_step_and_feedback_once(experiment: ModuleType) -> None:
    import learning_data

    steps = 36
    times = 0.25 * (1 + np.arange(steps))
    features = np.arange(steps, dtype=np.float32)[:, None, None] * np.ones((1, 4, 64), np.float32)
    segment = SegmentInput("made/0/0", features, times, "prompt", [str(n) for n in range(steps)], ["body"] * steps)
    said = [learning_data.Said(time, str(time), True) for time in (0.1, 4.0, 4.1, 8.0, 8.5)]
    first, second = learning_data.pieces(segment, said, 4.0)
    assert [one.text for one in first.said] == ["0.1", "4.0"]
    assert [one.time_s for one in second.said] == pytest.approx([0.1, 4.0])
    assert second.segment.times.tolist() == first.segment.times.tolist() == times[:16].tolist()
    assert second.segment.motion[0] == "16" and second.segment.features[-1, 0, 0] == 31
    silent = replace(first, said=())
    assert learning_data.to_train([first, *[silent] * 9, second, first, second], 0) == [
        first, second, first, second, silent,
    ]  # fmt: skip


def test_vision_sees_the_angles_of_four_frames(experiment: ModuleType) -> None:
    import learning_data

    times = np.arange(61) / 30
    angles = np.zeros((61, 46))
    angles[:, 3] = times
    values, moments = learning_data.see(angles, times, 0, 0.0)
    assert values.shape == (8, 64, 2, 2) and values.dtype == np.float32
    assert moments == pytest.approx(0.1875 + 0.25 * np.arange(8))
    # One angle that grows in time: all tokens are multiples of one direction, the later the longer.
    tokens = values.transpose(0, 2, 3, 1).reshape(-1, 64)
    lengths = np.linalg.norm(tokens, axis=1)
    assert (np.diff(lengths) > 0).all() and lengths[0] == 0
    assert np.linalg.matrix_rank(tokens) == 1
    noisy, _ = learning_data.see(angles, times, 0, 10.0)
    again, _ = learning_data.see(angles, times, 0, 10.0)
    assert np.array_equal(noisy, again) and not np.allclose(noisy, values)


def test_interval_over_seeds_is_students(experiment: ModuleType) -> None:
    mean, half = experiment.interval([0.5, 0.6, 0.7])
    assert mean == pytest.approx(0.6)
    assert half == pytest.approx(4.302653 * 0.1 / math.sqrt(3), rel=1e-5)
    assert math.isnan(experiment.interval([0.5])[1]) and math.isnan(experiment.interval([])[0])
