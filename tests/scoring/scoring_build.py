"""A small benchmark in QEVD's layout, and predictions for it, made from seeded random numbers."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np

SPLIT = "QEVD-FIT-COACH-Benchmark"
EXERCISES = ("squats", "high knees", "jumping jacks", "pushups", "lunge jumps", "butt kickers")
WORDS = [
    "keep",
    "going",
    "great",
    "job",
    "nice",
    "work",
    "lower",
    "your",
    "body",
    "bend",
    "knees",
    "knee",
    "hips",
    "hip",
    "back",
    "straight",
    "chest",
    "up",
    "faster",
    "slower",
    "higher",
    "arms",
    "legs",
    "push",
    "pull",
    "breathe",
    "almost",
    "there",
    "ten",
    "nine",
    "eight",
    "more",
    "reps",
    "form",
    "looking",
    "good",
    "squat",
    "squats",
    "squatting",
    "deeper",
    "jump",
    "jumping",
    "jacks",
    "excellent",
    "amazing",
    "pace",
    "steady",
    "right",
    "left",
    "shoulder",
    "elbows",
    "stay",
    "tight",
    "core",
    "control",
    "landing",
    "softly",
    "good",
    "morning",
    "it",
    "you",
    "are",
    "doing",
    "well",
    "don't",
    "stop",
    "moving",
    "let's",
    "see",
]


def sentence(random_: random.Random, words: int) -> str:
    """A coach-like sentence of about `words` words."""
    chosen = [random_.choice(WORDS) for _ in range(max(1, round(random_.gauss(words, 2))))]
    text = " ".join(chosen).capitalize()
    return text + random_.choice(["!", ".", "!", ", keep going.", ". Nice!"])


def write_benchmark(
    root: Path,
    *,
    videos: int = 4,
    segments: int = 3,
    feedbacks: int | Callable[[int], int] = 5,
    seed: int = 0,
    words: int = 7,
    pool: int = 40,
) -> Path:
    """Write annotations and timestamps (no videos) of a benchmark below `root`; returns `root`.

    `feedbacks` is the number in each segment, or gives it for the number of the segment in the benchmark.
    """
    random_ = random.Random(seed)
    sentences = [sentence(random_, words) for _ in range(pool)]
    split = root / SPLIT
    (split / "long_range_videos").mkdir(parents=True)
    records = []
    for video in range(videos):
        track = Track()
        for segment in range(segments):
            lead = "First up are " if segment == 0 else "Moving on to "
            track.say(f"{lead}{EXERCISES[segment % len(EXERCISES)]}!", 45, transition=True)
            number = feedbacks if isinstance(feedbacks, int) else feedbacks(video * segments + segment)
            gap = max(20, 900 // (number + 1) - 40)
            for _ in range(number):
                track.dense.extend([""] * random_.randint(gap // 2, gap))
                track.say(random_.choice(sentences), 30)
        track.say("That's it, we are done!", 30, transition=True)
        records.append(track.write(split, f"{video:04d}", 1_600_000_000 + 1000 * video))
    (split / "feedbacks_long_range.json").write_text(json.dumps(records))
    return root


class Track:
    """The dense feedback of one video, frame by frame."""

    def __init__(self) -> None:
        self.dense: list[str] = []
        self.starts: list[int] = []
        self.transitions: list[bool] = []

    def say(self, text: str, frames: int, transition: bool = False) -> None:
        self.starts.append(len(self.dense))
        self.transitions.append(transition)
        self.dense.extend([text] * frames + [""] * 10)

    def write(self, split: Path, name: str, start: int) -> dict:
        """Write the timestamps (30 frames a second) and return the record."""
        times = np.array([int((start + i / 30) * 1e9) for i in range(len(self.dense))], np.int64)
        np.save(split / "long_range_videos" / f"{name}_timestamps.npy", times)
        seconds = times / 1e9 + 28800.0
        return {
            "long_range_video_file": f"./long_range_videos/{name}.mp4",
            "video_timestamps": f"./long_range_videos/{name}_timestamps.npy",
            "feedbacks": self.dense,
            "feedback_timestamps": [float(seconds[i]) for i in self.starts],
            "is_transition": self.transitions,
        }


def predictions_for(root: Path, *, seed: int = 1, jitter: float = 1.0, copy: float = 0.3, words: int = 7) -> list[dict]:
    """Predictions near the ground truth's times, some with its text."""
    from qevd_bio.scoring.pairing.references import load_references

    random_ = random.Random(seed)
    lines = []
    for reference in load_references(root, SPLIT).segments:
        said = []
        for time, text in zip(reference.times, reference.texts, strict=True):
            moved = max(0.0, time + random_.gauss(0, jitter))
            said.append(
                {"time": round(moved, 3), "text": text if random_.random() < copy else sentence(random_, words)}
            )
        said.sort(key=lambda item: item["time"])
        lines.append(
            {"video": reference.video, "segment": reference.segment, "exercise": reference.exercise, "feedbacks": said}
        )
    return lines


def write_lines(path: Path, lines: list[dict]) -> Path:
    """Write a predictions file."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path
