"""A small data set with real video files whose frames tell their number: by 16s in the upper half, ones below."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

SPLIT = "QEVD-FIT-COACH-Benchmark"
ZERO = 1_600_000_000
FPS = 5
LENGTH_S = 32
LEVEL = 15
EXERCISES = ("squats", "high knees")
STARTS = (1.0, 15.0)


def write_videos(root: Path, stems: tuple[str, ...] = ("0200",)) -> Path:
    """Videos of 32 s at 5 frames a second: squats from 1 s to 15.4 s, then high knees to 29.4 s."""
    folder = root / SPLIT / "long_range_videos"
    folder.mkdir(parents=True)
    spans = [("First up are squats!", 1.0, 1.8, True), ("Lower!", 5.0, 6.0, False),
             ("Moving on to high knees!", 15.0, 15.8, True), ("Faster.", 20.0, 21.0, False),
             ("And that's the end!", 29.0, 29.8, True)]  # fmt: skip
    records = []
    for stem in stems:
        frames = LENGTH_S * FPS
        dense = [""] * frames
        for text, start, end, _ in spans:
            dense[round(start * FPS) : round(end * FPS) + 1] = [text] * (round((end - start) * FPS) + 1)
        _write_video(folder / f"{stem}.mp4", frames)
        ns = (ZERO - 28800) * 10**9 + np.arange(frames) * (10**9 // FPS)
        np.save(folder / f"{stem}_timestamps.npy", ns)
        records.append({
            "long_range_video_file": f"./long_range_videos/{stem}.mp4",
            "video_timestamps": f"./long_range_videos/{stem}_timestamps.npy",
            "feedbacks": dense,
            "feedback_timestamps": [ZERO + start for _, start, _, _ in spans],
            "is_transition": [flag for *_, flag in spans],
        })  # fmt: skip
    (folder.parent / "feedbacks_long_range.json").write_text(json.dumps(records), encoding="utf-8")
    return root


def _write_video(path: Path, frames: int) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt, stream.options = 64, 96, "yuv420p", {"preset": "ultrafast"}
        for number in range(frames):
            image = np.full((96, 64, 3), LEVEL * (number // 16), np.uint8)
            image[48:] = LEVEL * (number % 16)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))


def shown(body: dict[str, Any]) -> tuple[list[float], str]:
    """Seconds of the frames in a question, read from their pixels, and its text."""
    content = body["messages"][0]["content"]
    times, text = [], content if isinstance(content, str) else ""
    for part in () if isinstance(content, str) else content:
        if part["type"] == "text":
            text = part["text"]
            continue
        data = base64.b64decode(part["image_url"]["url"].split(",", 1)[1])
        picture = np.asarray(Image.open(io.BytesIO(data)).convert("L"), dtype=float)
        upper, lower = (round(float(half.mean()) / LEVEL) for half in (picture[:44], picture[52:]))
        times.append((16 * upper + lower) / FPS)
    return times, text
