"""A training split and short clips in the official layouts, with features and contexts in a workspace."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from qevd_bio.coach.vision.feature_files import feature_paths
from qevd_bio.dataset.opening import open_dataset
from qevd_bio.dataset.stage import write_segments
from qevd_bio.exercise.catalogue import get
from qevd_bio.exercise.reference import load_reference
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.motion import CONTEXTS
from qevd_bio.tables.workspace import Workspace

SPLIT = "QEVD-FIT-COACH"
ZERO = 1.6e9
GRID = (16, 2, 2)
VIDEOS = ("0000", "0001", "0002")
SHOWN = (("First up are squats!", 1, 3, True), ("Bend the knees!", 20, 25, False), ("Lower!", 45, 48, False),
         ("Moving on to high knees!", 60, 65, True), ("Knees up!", 80, 85, False), ("Faster.", 100, 102, False),
         ("And that's the end!", 115, 118, True))  # fmt: skip


def write_features(workspace: Workspace, split: str, stem: str, steps: int, seed: int, start: float = ZERO) -> None:
    paths = feature_paths(workspace, split, stem)
    paths.features.parent.mkdir(parents=True, exist_ok=True)
    np.save(paths.features, np.random.default_rng(seed).normal(size=(steps, *GRID)).astype(np.float32))
    np.save(paths.times, start + 0.25 * (1 + np.arange(steps)))


def write_training_split(root: Path, workspace: Workspace) -> Path:
    """Three videos of 12 s at 10 Hz, squats and then high knees, two corrections each."""
    folder = root / SPLIT
    (folder / "long_range_videos").mkdir(parents=True)
    records = []
    for number, stem in enumerate(VIDEOS):
        dense = [""] * 120
        for text, start, end, _ in SHOWN:
            dense[start : end + 1] = [text] * (end - start + 1)
        records.append({
            "long_range_video_file": f"./long_range_videos/{stem}.mp4",
            "video_timestamps": f"./long_range_videos/{stem}_timestamps.npy",
            "feedbacks": dense,
            "feedback_timestamps": [ZERO + start / 10 for _, start, _, _ in SHOWN],
            "is_transition": [flag for *_, flag in SHOWN],
        })  # fmt: skip
        times = ((int(ZERO) - 28800) * 10 + np.arange(120)) * 100_000_000
        np.save(folder / "long_range_videos" / f"{stem}_timestamps.npy", times)
        write_features(workspace, SPLIT, stem, 48, number)
        write_contexts(workspace, stem, "Form issues: none.")
    (folder / "feedbacks_long_range.json").write_text(json.dumps(records), encoding="utf-8")
    return root


def write_contexts(workspace: Workspace, stem: str, issues: str) -> None:
    """C_motion that changes each second, and one C_morph."""
    rows = [
        {"split": SPLIT, "video": stem, "segment": segment, "exercise": "squats", "step": step,
         "time_s": start + 0.25 * step, "morph": "User body: height 1.80m.", "tokens": 9, "cycle": -1,
         "pose_known": True, "motion": f"Current pose: right knee {step // 4}°.\n{issues}"}
        for segment, start in ((0, 0.1), (1, 6.0)) for step in range(28)
    ]  # fmt: skip
    CONTEXTS.write(workspace.contexts(SPLIT, stem), rows)


def write_clips(root: Path, workspace: Workspace) -> Path:
    """Three clips of QEVD-FIT-300K with a feedback, a question or both; the last is of the test split."""
    root.mkdir(parents=True)
    names = [f"0000000{number}.mp4" for number in range(3)]
    splits = ("train", "train", "test")
    labels, feedbacks, questions = [], [], []
    for number, (name, split) in enumerate(zip(names, splits, strict=True)):
        about = {"video_path": f"./short_clips/{name}", "split": split}
        labels.append({**about, "labels": ["squats - deep"], "labels_descriptive": ["deep squats"]})
        feedbacks.append({**about, "feedback": ["Nice depth!"]})
        asked = {"query": ["What is shown?"], "response": ["Squats."], "query_type": ["exercise"]}
        none: dict[str, list[str]] = {"query": [], "response": [], "query_type": []}
        questions.append({**about, "high_level": asked, "fine_grain": asked if number == 0 else none})
        write_features(workspace, "short_clips", name.removesuffix(".mp4"), 8, number, 0.0)
    for file, rows in (("fine_grained_labels", labels), ("feedbacks_short_clips", feedbacks), ("questions", questions)):
        (root / f"{file}.json").write_text(json.dumps(rows), encoding="utf-8")
    return root


def write_kinematics(root: Path, workspace: Workspace) -> None:
    """Squats, from 6 s on high knees, in every video, and the table of segments: what contexts are made of."""
    write_segments(open_dataset(root), workspace)
    halves = []
    for name in ("squats", "high_knees"):
        cycle = load_reference(get(name)).angles[:-1]
        halves.append(np.concatenate([cycle] * (1 + 180 // len(cycle)))[:180])
    angles = np.concatenate(halves).astype(np.float32)
    for stem in VIDEOS:
        Kinematics(
            split=SPLIT, video=stem, fps=30.0, frame=np.arange(360, dtype=np.int32), time_s=np.arange(360) / 30.0,
            angles=angles, raw=angles, observed=np.ones(angles.shape, bool), confidence=np.full(360, 0.9, np.float32),
            status=np.zeros(360, np.uint8), root=np.zeros((360, 3), np.float32),
            body={"height": {"value": 1.8, "unit": "m", "sd": 0.0, "method": "entered", "source": "test"}},
            meta={"backend": "files"},
        ).write(workspace.kinematics(SPLIT, stem))  # fmt: skip
