"""Short clips are streamed: before the first step headers are read, not features; sequences are made batch by batch."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.lib import format as npy

from qevd_bio.coach.model.checkpoint import Coach
from qevd_bio.coach.segments.data import sources
from qevd_bio.coach.training.clips import ClipExamples, prepare_short
from qevd_bio.coach.training.coach import CoachTask, parts_to_train
from qevd_bio.coach.training.options import CoachData
from qevd_bio.coach.vision.feature_files import FeaturePaths, FeatureShape, feature_paths
from qevd_bio.dataset.opening import Dataset, open_dataset
from qevd_bio.learning.loop import train
from qevd_bio.learning.options import LoopOptions
from qevd_bio.tables.workspace import Workspace

CLIPS, STEPS = 10_000, 24
SHAPE = (STEPS, 16, 2, 2)
WIDE = FeatureShape("3d-cnn", 16, 4)


def hollow_features(paths: FeaturePaths) -> None:
    """A feature file with a whole header whose values are a hole in the file: it takes no room, and zeros are read."""
    with paths.features.open("wb") as file:
        npy.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": SHAPE})
        file.truncate(file.tell() + 4 * int(np.prod(SHAPE)))
    np.save(paths.times, 0.25 * (1 + np.arange(STEPS)))


@pytest.fixture
def many(tmp_path: Path, workspace: Workspace) -> Dataset:
    """10,000 clips of six seconds, a feedback each."""
    root = tmp_path / "clips"
    root.mkdir()
    names = [f"{number:08d}" for number in range(CLIPS)]
    rows = [
        {"video_path": f"./short_clips/{name}.mp4", "split": "train", "feedback": [f"Lower, number {name[-3:]}!"]}
        for name in names
    ]
    (root / "feedbacks_short_clips.json").write_text(json.dumps(rows), encoding="utf-8")
    feature_paths(workspace, "short_clips", names[0]).features.parent.mkdir(parents=True)
    for name in names:
        hollow_features(feature_paths(workspace, "short_clips", name))
    return open_dataset(root)


@pytest.mark.slow
def test_the_first_step_comes_soon_and_memory_does_not_grow(
    many: Dataset, workspace: Workspace, make_stream_vlm: Callable[..., Coach], tmp_path: Path
) -> None:
    coach, data = make_stream_vlm(), CoachData(generate=0)
    found = sources(many, workspace, WIDE)
    clips = many.clips
    options = LoopOptions(batch=8, steps=1, validation_share=0.0, device="cpu")
    prepare_short(found[:10], clips, coach, data)  # what is imported and cached once
    tracemalloc.start()
    prepared = prepare_short(found, clips, coach, data)
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    began = time.process_time()  # tracemalloc would triple it
    prepared = prepare_short(found, clips, coach, data)
    assert len(prepared.examples) == CLIPS
    assert held < 4_000_000 and most < 12_000_000  # some 100 bytes a clip; their features are 61 MB, sequences 40 MB
    task = CoachTask(coach, prepared, data, options, parts_to_train(coach, "short"), "short")
    done = train(task, options, tmp_path / "out", {}, lambda line: None)
    assert done.steps == 1 and time.process_time() - began < 10


def test_examples_are_made_once_asked_for(
    workspace: Workspace, make_stream_vlm: Callable[..., Coach], tmp_path: Path
) -> None:
    from .data_set import write_clips

    dataset = open_dataset(write_clips(tmp_path / "clips", workspace))
    coach = make_stream_vlm()
    prepared = prepare_short(sources(dataset, workspace, WIDE), dataset.clips, coach, CoachData())
    examples = prepared.examples
    assert (
        isinstance(examples, ClipExamples) and len(examples) == 5
    )  # clip 0: two questions and a feedback; clip 1: two
    assert examples[3] is examples[3] and examples[-1].key.startswith("short_clips/00000001")
    assert [e.key for e in examples.part([4, 0])] == [examples[4].key, examples[0].key]
    assert [e.key for e in examples[1:3]] == [examples[1].key, examples[2].key]
    assert examples.groups == [example.group for example in examples]
    for example, estimate in zip(examples, examples.lengths, strict=True):
        assert abs(len(example.sequence) - estimate) < 0.5 * estimate
        assert example.features(0).shape == (8, 4, 16)
    assert len(
        prepare_short(sources(dataset, workspace, WIDE), dataset.clips, coach, CoachData(max_tokens=10**6)).examples
    )


def test_clips_without_whole_features_are_counted(
    workspace: Workspace, make_stream_vlm: Callable[..., Coach], tmp_path: Path
) -> None:
    from .data_set import write_clips

    dataset = open_dataset(write_clips(tmp_path / "clips", workspace))
    paths = feature_paths(workspace, "short_clips", "00000000")
    paths.features.write_bytes(paths.features.read_bytes()[:-10])
    prepared = prepare_short(sources(dataset, workspace, WIDE), dataset.clips, make_stream_vlm(), CoachData())
    assert prepared.missing == {"bad_input": 1} and "00000000_features.npy" in prepared.first_problem
    paths.times.unlink()
    assert prepare_short(sources(dataset, workspace, WIDE), dataset.clips, make_stream_vlm(), CoachData()).missing
