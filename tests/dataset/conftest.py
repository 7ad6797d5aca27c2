"""Small QEVD splits made for tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

OFFSET_S = 28800.0
Shown = Sequence[tuple[str, int, int, bool]]

SQUATS: Shown = (
    ("First up are squats!", 2, 6, True),
    ("Go lower!", 20, 25, False),
    ("Nice.", 40, 44, False),
    ("And that's the end!", 80, 90, True),
)


@pytest.fixture
def record() -> Callable[..., dict[str, Any]]:
    """A record in QEVD's layout with a 100-frame dense list, made from (text, first frame, last frame, flag)."""

    def make(stem: str = "0200", shown: Shown = SQUATS, frames: int = 100, zero: float = 1.6e9) -> dict[str, Any]:
        dense = [""] * frames
        for text, start, end, _ in shown:
            dense[start : end + 1] = [text] * (end - start + 1)
        return {
            "long_range_video_file": f"./long_range_videos/{stem}.mp4",
            "video_timestamps": f"./long_range_videos/{stem}_timestamps.npy",
            "feedbacks": dense,
            "feedback_timestamps": [zero + start / 10 for _, start, _, _ in shown],
            "is_transition": [flag for *_, flag in shown],
        }

    return make


@pytest.fixture
def split(tmp_path: Path) -> Callable[..., Path]:
    """Write records (and 10 Hz timestamps for each) as a split folder; videos are left out."""

    def make(
        records: Sequence[Any],
        name: str = "QEVD-FIT-COACH-Benchmark",
        frames: int = 100,
        times: np.ndarray | None = None,
    ) -> Path:
        folder = tmp_path / "data" / name
        (folder / "long_range_videos").mkdir(parents=True, exist_ok=True)
        (folder / "feedbacks_long_range.json").write_text(json.dumps(list(records)), encoding="utf-8")
        values = times
        if values is None:
            values = ((1_600_000_000 - 28800) * 10 + np.arange(frames)) * 100_000_000
        for each in records:
            if isinstance(each, dict) and isinstance(each.get("video_timestamps"), str):
                path = folder / each["video_timestamps"]
                if ".." not in path.parts and folder in path.parents:
                    np.save(path, values)
        return folder

    return make
