"""Damaged bytes anywhere in a video: frames, or one clear reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qevd_bio.store.errors import ItemError
from qevd_bio.video.reader import VideoReader


@given(
    patches=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), min_size=1, max_size=4),
    faststart=st.booleans(),
)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_videos(video: Callable[..., Path], patches: list[tuple[float, bytes]], faststart: bool) -> None:
    path = video(20, name=f"{faststart}.mp4", faststart=faststart)
    data = bytearray(path.read_bytes())
    for place, patch in patches:
        start = int(place * len(data))
        data[start : start + len(patch)] = patch
    path.write_bytes(bytes(data))
    try:
        with VideoReader(path) as reader:
            frames = [(frame.index, frame.time_s, frame.image.shape) for frame in reader]
    except ItemError as error:
        assert error.detail and str(path) in error.detail
    else:
        assert frames == sorted(frames)
        assert {shape for *_, shape in frames} == {(*reader.size[::-1], 3)}


@pytest.mark.parametrize("at", ["ftyp", "moov", "mdat", "stsd", "stts", "stsz", "stco", "avc1", "tkhd"])
def test_damaged_boxes(video: Callable[..., Path], at: str) -> None:
    path = video(20)
    good = path.read_bytes()
    start = good.find(at.encode())
    assert start > 0
    for patch in (bytes(8), b"\xff" * 8, b"junk" + bytes(range(12))):
        for shift in (-4, 0, 4, 12):
            data = bytearray(good)
            data[start + shift : start + shift + len(patch)] = patch
            path.write_bytes(bytes(data))
            try:
                with VideoReader(path) as reader:
                    assert sum(1 for _ in reader) == reader.decoded > 0
            except ItemError as error:
                assert error.reason in {
                    "video_unreadable", "no_video_stream", "no_frames", "timestamps_not_rising", "unknown_codec",
                    "out_of_memory",
                }  # fmt: skip
