from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qevd_bio.store.errors import ItemError
from qevd_bio.video.reader import Frame, VideoReader, grab
from qevd_bio.video.sampling import at_rate, every_nth

Make = Callable[..., Path]
Number = Callable[[np.ndarray], int]
RED, BLUE = np.array([255, 0, 0]), np.array([0, 0, 255])


def read(path: Path, **options: Any) -> tuple[list[Frame], VideoReader]:
    with VideoReader(path, **options) as video:
        return list(video), video


def test_every_frame_in_order_with_its_time(video: Make, number: Number) -> None:
    frames, reader = read(video(60))
    assert [frame.index for frame in frames] == list(range(60))
    assert all(abs(number(frame.image) - frame.index) <= 1 for frame in frames)
    np.testing.assert_allclose([frame.time_s for frame in frames], np.arange(60) / 30, atol=1e-9)
    assert (reader.decoded, reader.flags, reader.truncated) == (60, [], "")


def near(pixel: np.ndarray, colour: np.ndarray) -> bool:
    return bool(np.abs(pixel.astype(int) - colour).max() < 40)


@pytest.mark.parametrize(("flag", "red"), [(0, (5, 5)), (-90, (5, -5)), (180, (-5, -5)), (90, (-5, 5))])
def test_flagged_rotation_is_followed(video: Make, flag: int, red: tuple[int, int]) -> None:
    """A flag of -90 (counter-clockwise) asks for a quarter turn clockwise: top left becomes top right."""
    frames, reader = read(video(2, rotation=flag))
    image = frames[0].image
    assert near(image[red], RED)
    assert near(image[-red[0], -red[1]], BLUE)
    assert reader.size == image.shape[1::-1]


def test_a_wrong_flag_can_be_overridden(video: Make) -> None:
    path = video(2, rotation=-90)
    assert near(read(path, rotate=0)[0][0].image[5, 5], RED)
    assert near(read(path, rotate=180)[0][0].image[-5, -5], RED)
    assert near(read(path, rotate=-90)[0][0].image[-5, 5], RED)
    _, reader = read(video(2, rotation=45))
    assert reader.flags == ["odd_rotation"]
    assert read(video(2, rotation=45), rotate=0)[1].flags == []


def test_lying_benchmark_video(video: Make) -> None:
    frames, reader = read(video(2), lying=True)
    image = frames[0].image
    assert image.shape == (96, 96, 3) and reader.size == (96, 96)
    assert not image[:, :16].any() and not image[:, 80:].any()
    assert near(image[5, 75], RED) and near(image[-5, 20], BLUE)


def test_bgr(video: Make) -> None:
    assert near(read(video(1), order="bgr")[0][0].image[5, 5], RED[::-1])


def test_variable_frame_rate_keeps_true_times(video: Make) -> None:
    times = [0, 33, 66, 200, 233, 266, 500, 533, 600, 633]
    frames, reader = read(video(10, times_ms=times))
    np.testing.assert_allclose([frame.time_s for frame in frames], np.array(times) / 1000, atol=1e-9)
    assert reader.flags == ["variable_frame_rate"]


def test_given_timestamps_replace_those_of_the_file(video: Make) -> None:
    times = 1.6e9 + np.cumsum(np.full(30, 0.04))
    frames, reader = read(video(30), times=times)
    np.testing.assert_allclose([frame.time_s for frame in frames], np.arange(30) * 0.04, atol=1e-6)
    assert reader.flags == []


@pytest.mark.parametrize(
    ("count", "kept", "flags"), [(28, 28, ["timestamps_shorter"]), (32, 30, ["timestamps_longer"])]
)
def test_timestamps_a_little_off_are_flagged(video: Make, count: int, kept: int, flags: list[str]) -> None:
    frames, reader = read(video(30), times=np.arange(count) / 30)
    assert len(frames) == kept
    assert reader.flags == flags


@pytest.mark.parametrize(
    ("times", "reason", "detail"),
    [
        (np.arange(27) / 30, "timestamps_too_short", "has 30 frames, but 27 timestamps"),
        (np.array([]), "timestamps_too_short", "has 30 frames, but 0 timestamps"),
        (np.arange(33) / 30, "timestamps_too_long", "has 30 frames, but 33 timestamps"),
        (
            np.where(np.arange(30) == 12, 0.1, np.arange(30) / 30),
            "timestamps_not_rising",
            "1 frame(s) do not come after the one before, first frame 12 (0.366667 s, then 0.100000 s)",
        ),
        (np.full(30, 5.0), "timestamps_not_rising", "29 frame(s)"),
    ],
)
def test_timestamps_that_do_not_fit(video: Make, times: np.ndarray, reason: str, detail: str) -> None:
    with pytest.raises(ItemError) as error:
        VideoReader(video(30), times=times)
    assert error.value.reason == reason
    assert detail in error.value.detail


def test_cut_off_video_gives_what_decodes_and_says_so(video: Make, number: Number) -> None:
    path = video(120, faststart=True)
    data = path.read_bytes()
    path.write_bytes(data[: int(0.8 * len(data))])
    frames, reader = read(path, times=np.arange(120) / 25)
    assert 40 < len(frames) < 110
    assert [frame.index for frame in frames] == list(range(len(frames)))
    assert all(abs(number(frame.image) - frame.index) <= 2 for frame in frames)
    np.testing.assert_allclose([f.time_s for f in frames], np.arange(len(frames)) / 25, atol=1e-9)
    assert reader.truncated.endswith("of 120 frames are missing at its end")
    assert reader.flags[0] == "truncated"


def test_damage_in_the_middle_never_shifts_times(video: Make, number: Number) -> None:
    """Whatever the decoder makes of overwritten bytes, a frame keeps its own index and time."""
    path = video(120)
    data = bytearray(path.read_bytes())
    start = data.find(b"mdat") + 2000
    data[start : start + 40] = bytes(40)
    path.write_bytes(data)
    frames, reader = read(path)
    assert set(reader.flags) & {"truncated", "frames_lost", "damaged_frames"} or len(frames) == 120
    assert len(frames) > 30
    late = [frame for frame in frames if frame.index > 100]
    assert all(frame.time_s == pytest.approx(frame.index / 30) for frame in frames)
    assert all(abs(number(frame.image) - frame.index) <= 25 for frame in late)


def test_sampling(video: Make) -> None:
    path = video(60)
    assert [f.index for f in read(path, select=every_nth(20))[0]] == [0, 20, 40]
    assert [f.index for f in read(path, select=at_rate(4))[0]] == [0, 8, 15, 23, 30, 38, 45, 53]


def test_grab_reads_single_frames(video: Make, number: Number) -> None:
    frames = grab(video(60), [50, 3, 3, 99])
    assert [frame.index for frame in frames] == [3, 50]
    assert [abs(number(f.image) - f.index) <= 1 for f in frames] == [True, True]
    assert grab(video(60), []) == []


def test_leaving_early_stops_the_thread(video: Make) -> None:
    others = set(threading.enumerate())
    with VideoReader(video(120)) as reader:
        first = next(iter(reader))
    assert first.index == 0
    assert reader.decoded < 120
    assert not any(thread.name == "decode" for thread in set(threading.enumerate()) - others)


def test_one_frame(video: Make) -> None:
    frames, reader = read(video(1))
    assert [(frame.index, frame.time_s) for frame in frames] == [(0, 0.0)]
    assert reader.flags == []


def test_other_container_and_codec(video: Make) -> None:
    frames, reader = read(video(20, name="clip.avi", codec="mpeg4"))
    assert len(frames) == 20 and reader.info.codec == "mpeg4"


def test_a_name_that_looks_like_an_address(video: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video(3, name="http:x.mp4")
    monkeypatch.chdir(tmp_path)
    assert len(read(Path("http:x.mp4"))[0]) == 3


def test_realmini_decodes_to_as_many_frames_as_it_has_timestamps(shared: Callable[..., Path]) -> None:
    folder = shared("data", "realmini") / "QEVD-FIT-COACH-Benchmark/long_range_videos"
    for path in sorted(folder.glob("020[134].mp4")):
        times = np.load(path.with_name(f"{path.stem}_timestamps.npy")).astype(float) / 1e9
        frames, reader = read(path, times=times)
        assert len(frames) == len(times) and reader.flags == []
        own, _ = read(path)
        np.testing.assert_allclose([f.time_s for f in own], times - times[0], atol=1e-3)
