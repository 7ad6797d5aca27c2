"""Any phone's video: true times and upright pixels, or one sentence."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from qevd_bio.store.errors import ItemError
from qevd_bio.video.probe import probe
from qevd_bio.video.reader import VideoReader
from tests.video.phones import encode, numbered, read_number, restamped, sound_only, with_edit_list


@pytest.fixture(autouse=True)
def _ordinary_priority() -> Iterator[None]:
    """The AV1 encoder makes its process real-time where it may (as root); then everything after it starves the rest."""
    yield
    if hasattr(os, "sched_setscheduler"):
        for thread in Path("/proc/self/task").iterdir():
            with contextlib.suppress(ProcessLookupError):
                os.sched_setscheduler(int(thread.name), os.SCHED_OTHER, os.sched_param(0))
        assert os.sched_getscheduler(0) == os.SCHED_OTHER


def frames_of(path: Path) -> tuple[list[int], list[float], list[np.ndarray], list[str]]:
    with VideoReader(path) as video:
        found = list(video)
        return [read_number(f.image) for f in found], [f.time_s for f in found], [f.image for f in found], video.flags


def upright(image: np.ndarray) -> bool:
    top, low = image[2, 2].astype(int), image[-3, -3].astype(int)
    return bool(top[0] > 150 and top[2] < 110 and low[2] > 150 and low[0] < 110)


def check(path: Path, frames: int = 30, rate: float = 30.0, tolerance: int = 2) -> None:
    numbers, times, images, _ = frames_of(path)
    assert len(numbers) == frames
    assert np.abs(np.array(numbers) - np.arange(frames)).max() <= tolerance
    assert times == pytest.approx(np.arange(frames) / rate, abs=1e-3)
    assert all(upright(image) for image in images)


def encoder(name: str) -> str:
    try:
        av.codec.Codec(name, "w")
    except (av.codec.codec.UnknownCodecError, ValueError):
        pytest.skip(f"{name} is not in this build")
    return name


def hlg(context: Any) -> None:
    context.color_primaries, context.color_trc, context.colorspace = 9, 18, 9  # BT.2020, ARIB STD-B67


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("plain.mp4", {}),
        ("bframes.mp4", {"options": {"bf": "3", "b_strategy": "0"}}),
        ("vp9.webm", {"codec": "libvpx-vp9"}),
        ("av1.mp4", {"codec": "libsvtav1"}),
        ("hevc.mov", {"codec": "libx265", "options": {"x265-params": "log-level=none"}}),
        ("mjpeg.avi", {"codec": "mjpeg", "pixels": "yuvj420p"}),
        ("mpeg4.mkv", {"codec": "mpeg4"}),
        ("mpeg2.ts", {"codec": "mpeg2video"}),
        ("444.mp4", {"pixels": "yuv444p"}),
        ("UPPER.MP4", {}),
        ("fast.mp4", {"rate": 240}),
        ("ntsc.mov", {"rate": 24}),
    ],
)
def test_codecs_and_rates(name: str, how: dict[str, Any], tmp_path: Path) -> None:
    encoder(how.get("codec", "libx264"))
    check(encode(tmp_path / name, **how), rate=how.get("rate", 30), tolerance=3)


def test_ten_bit_hlg(tmp_path: Path) -> None:
    encoder("libx265")
    path = encode(
        tmp_path / "hlg.mov",
        codec="libx265",
        pixels="yuv420p10le",
        setting=hlg,
        options={"x265-params": "log-level=none"},
    )
    numbers, times, images, _ = frames_of(path)
    assert len(numbers) == 30 and times == pytest.approx(np.arange(30) / 30, abs=1e-3)
    assert all(image.dtype == np.uint8 and upright(image) for image in images) and numbers == sorted(numbers)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotated_files_show_the_upright_pictures(rotation: int, tmp_path: Path) -> None:
    """A phone held another way stores turned pixels and says by how much."""
    turned = {0: 0, 90: 1, 180: 2, 270: 3}[rotation]  # the flag turns anticlockwise, so the pixels lie clockwise
    size = (96, 64) if rotation % 180 == 0 else (64, 96)

    def lying(index: int, *_: int) -> np.ndarray:
        return np.ascontiguousarray(np.rot90(numbered(index), -turned))

    path = tmp_path / "turned.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        if rotation:
            stream.set_display_rotation(rotation)
        for index in range(10):
            frame = av.VideoFrame.from_ndarray(lying(index), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 30)
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    check(path, 10)
    info = probe(path)
    assert (info.width, info.height) == (96, 64)


@pytest.mark.parametrize("cut", [0.4, 0.5])
def test_an_edit_list_shows_just_its_visible_frames(cut: float, tmp_path: Path) -> None:
    source = encode(tmp_path / "whole.mp4", 60, options={"g": "60", "bf": "0"})
    path = with_edit_list(source, tmp_path / "cut.mp4", cut)
    numbers, times, images, _ = frames_of(path)
    first = round(cut * 30)
    assert [abs(n - k) <= 2 for n, k in zip(numbers, range(first, 60), strict=True)] == [True] * (60 - first)
    assert times[0] == 0 and times == pytest.approx(np.arange(60 - first) / 30, abs=2e-3)
    assert probe(path).frames == 60 - first and all(upright(image) for image in images)


def test_variable_rate_keeps_each_frames_time(tmp_path: Path) -> None:
    times_ms = np.cumsum([0, *np.random.default_rng(0).integers(33, 500, 29)]).tolist()
    numbers, times, _, flags = frames_of(encode(tmp_path / "vfr.mp4", times_ms=times_ms))
    assert times == pytest.approx(np.array(times_ms) / 1000, abs=2e-3) and "variable_frame_rate" in flags
    assert np.abs(np.array(numbers) - np.arange(30)).max() <= 2


@pytest.mark.parametrize(("shift_ms", "name"), [(5000, "b.mkv"), (90_000_000, "b.mkv")])
def test_times_count_from_the_first_frame(shift_ms: int, name: str, tmp_path: Path) -> None:
    source = encode(tmp_path / "a.mkv", options={"bf": "0"})
    path = restamped(source, tmp_path / name, lambda index, pts: pts + shift_ms)
    assert probe(path).pts[0] == shift_ms
    numbers, times, _, _ = frames_of(path)
    assert times[0] == 0 and times == pytest.approx(np.arange(len(numbers)) / 30, abs=2e-3)


def test_repeating_stamps_cost_a_frame_or_are_said(tmp_path: Path) -> None:
    source = encode(tmp_path / "a.mkv", options={"bf": "0"})
    path = restamped(source, tmp_path / "b.mkv", lambda index, pts: pts - 33 * (index == 10))
    try:
        _, times, _, _ = frames_of(path)
    except ItemError as error:
        assert error.reason == "timestamps_not_rising" and "frame 10" in error.detail
    else:
        assert len(times) in (29, 30) and (np.diff(times) > 0).all()


def test_a_file_without_an_index_says_so(tmp_path: Path) -> None:
    data = encode(tmp_path / "a.mp4").read_bytes()
    (tmp_path / "b.mp4").write_bytes(data[: data.rindex(b"moov") - 4])
    with pytest.raises(ItemError, match="video_unreadable"):
        probe(tmp_path / "b.mp4")


def test_a_file_that_ends_early_gives_its_first_part(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    data = encode(path, 60, options={"bf": "0"}).read_bytes()
    path.write_bytes(data[: int(0.6 * len(data))])
    numbers, times, _, flags = frames_of(path)
    assert 5 < len(numbers) < 60 and times == pytest.approx(np.arange(len(numbers)) / 30, abs=2e-3)
    assert numbers[0] <= 2 and isinstance(flags, list)


def test_raw_h264(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.h264", container_format="h264", options={"bf": "0"})
    numbers, times, _, _ = frames_of(path)
    assert len(numbers) == 30 and (np.diff(times) > 0).all()


def test_sound_alone_says_so(tmp_path: Path) -> None:
    with pytest.raises(ItemError, match="no_video_stream"):
        probe(sound_only(tmp_path / "a.mp4"))


@pytest.mark.parametrize("size", [(97, 65), (2, 2), (16, 16), (1, 1), (1920, 16)])
def test_odd_and_tiny_sizes(size: tuple[int, int], tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mkv", 5, codec="ffv1", pixels="yuv444p", size=size)
    with VideoReader(path) as video:
        images = [frame.image for frame in video]
    assert [image.shape for image in images] == [(size[1], size[0], 3)] * 5


def test_pixels_that_are_not_square_become_square(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", 5, aspect=Fraction(4, 3))
    info = probe(path)
    assert (info.width, info.height) == (128, 64)
    _, _, images, _ = frames_of(path)
    assert images[0].shape == (64, 128, 3) and upright(images[0])


def test_interlaced_pictures_are_read(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", options={"x264-params": "interlaced=1:tff=1"})
    numbers, times, images, _ = frames_of(path)
    assert len(numbers) == 30 and times == pytest.approx(np.arange(30) / 30, abs=1e-3) and upright(images[5])


def test_grey(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mkv", 5, codec="ffv1", pixels="gray")
    _, _, images, _ = frames_of(path)
    assert images[0].shape == (64, 96, 3) and np.ptp(images[0].astype(int), axis=2).max() == 0


def test_one_frame(tmp_path: Path) -> None:
    numbers, times, images, _ = frames_of(encode(tmp_path / "a.mp4", 1))
    assert len(numbers) == 1 and times == [0.0] and upright(images[0])


def test_very_long_paths_links_and_odd_names(tmp_path: Path) -> None:
    source = encode(tmp_path / "a.mp4", 5)
    deep = tmp_path
    for k in range(15):
        deep = deep / (f"{k:02d}" + "x" * 120)
        deep.mkdir()
    long = deep / ("ü ö (1) #&'%[x]~;" + "y" * 100 + ".MP4")
    os.link(source, long)
    assert len(str(long)) > 1900
    check(long, 5)
    link = tmp_path / "link.mp4"
    link.symlink_to(long)
    check(link, 5)
    broken = tmp_path / "broken.mp4"
    broken.symlink_to(tmp_path / "nowhere.mp4")
    with pytest.raises(ItemError, match="video_missing"):
        probe(broken)
