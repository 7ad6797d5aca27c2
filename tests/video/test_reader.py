from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import qevd_bio.video.reader as reader_module
from qevd_bio.store.errors import ItemError
from qevd_bio.video.orient import orientation
from qevd_bio.video.probe import read_matrix
from qevd_bio.video.reader import Frame, VideoReader, grab, longest_rise
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
            np.where(np.arange(30) % 4 == 3, 0.1, np.arange(30) / 30),
            "timestamps_not_rising",
            "6 frame(s) do not come after the one before, first frame 7 (0.200000 s, then 0.100000 s)",
        ),
        (np.arange(30) / 30e3, "timestamps_scale", "probably not in nanoseconds"),
        (np.arange(30) / 30e-3, "timestamps_scale", "probably not in nanoseconds"),
        (np.full(30, 5.0), "timestamps_not_rising", "29 frame(s)"),
    ],
)
def test_timestamps_that_do_not_fit(video: Make, times: np.ndarray, reason: str, detail: str) -> None:
    with pytest.raises(ItemError) as error:
        VideoReader(video(30), times=times)
    assert error.value.reason == reason
    assert detail in error.value.detail


@pytest.mark.parametrize(
    ("change", "left_out"),
    [
        ({12: 11 / 30}, {12}),
        ({12: 0.1}, {12}),
        ({12: 0.9}, {12}),
        ({}, set()),
    ],
)
def test_a_time_that_does_not_rise_costs_its_frame(video: Make, change: dict[int, float], left_out: set[int]) -> None:
    times = np.arange(30) / 30
    for frame, time in change.items():
        times[frame] = time
    path = video(30)
    frames, reader = read(path, times=times)
    assert {frame.index for frame in frames} == set(range(30)) - left_out
    assert ("timestamps_repeated" in reader.flags) == bool(left_out)
    if left_out:
        with pytest.raises(ItemError, match="timestamps_not_rising"):
            VideoReader(path, times=times, strict_times=True)


@given(st.lists(st.integers(0, 30), max_size=24))
def test_the_longest_rise(values: list[int]) -> None:
    chosen = longest_rise(np.array(values, dtype=float))
    picked = [values[i] for i in chosen]
    assert chosen == sorted(set(chosen)) and picked == sorted(set(picked))
    best = [1] * len(values)
    for i, value in enumerate(values):
        best[i] = 1 + max((best[j] for j in range(i) if values[j] < value), default=0)
    assert len(chosen) == max(best, default=0)


@pytest.mark.parametrize(
    ("rows", "turn", "mirrored", "odd"),
    [
        ((1, 0, 0, 1), 0, False, False),
        ((0, 1, -1, 0), 90, False, False),
        ((-1, 0, 0, -1), 180, False, False),
        ((0, -1, 1, 0), 270, False, False),
        ((-1, 0, 0, 1), 0, True, False),
        ((1, 0, 0, -1), 180, True, False),
        ((0, 1, 1, 0), 270, True, False),
        ((0, -1, -1, 0), 90, True, False),
        ((0.7, 0.7, -0.7, 0.7), 0, False, True),
        ((0, 0, 0, 0), 0, False, True),
    ],
)
def test_display_matrices(rows: tuple[float, ...], turn: int, mirrored: bool, odd: bool) -> None:
    a, b, c, d = (round(value * 65536) for value in rows)
    matrix = np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], dtype=np.int32).tobytes()
    display = read_matrix(matrix)
    assert (display.clockwise_deg, display.mirrored, display.odd) == (turn, mirrored, odd)
    if not odd:
        # The matrix maps (x, y) to (a x + c y, b x + d y), up to a shift: the picture must land there, too.
        image = np.arange(12, dtype=np.uint8).reshape(3, 4, 1)
        shown = orientation(turn, mirrored=mirrored).apply(image)
        for y in range(3):
            for x in range(4):
                place = np.array([rows[0] * x + rows[2] * y, rows[1] * x + rows[3] * y])
                shift = [3 * (rows[0] < 0) + 2 * (rows[2] < 0), 3 * (rows[1] < 0) + 2 * (rows[3] < 0)]
                column, row = (place + shift).astype(int)
                assert shown[row, column, 0] == image[y, x, 0]


def test_a_raw_stream_takes_the_rate_of_its_own_header(tmp_path: Path) -> None:
    path = tmp_path / "raw.h264"
    with av.open(str(path), "w", format="h264") as out:
        stream = out.add_stream("libx264", rate=50)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for shade in range(25):
            picture = av.VideoFrame.from_ndarray(np.full((64, 64, 3), shade * 9, np.uint8), format="rgb24")
            out.mux(stream.encode(picture))
        out.mux(stream.encode())
    frames, reader = read(path)
    assert len(frames) == 25 and reader.info.fps == pytest.approx(50)
    assert frames[-1].time_s == pytest.approx(24 / 50)


def test_short_memory_is_an_error_and_no_truncated_video(video: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The decoder runs out of memory at its tenth packet: the video must not pass for one that ends there."""
    real = reader_module.open_container

    class Packet:
        def __init__(self, packet: object, number: int) -> None:
            self.packet, self.number = packet, number

        def decode(self) -> list[object]:
            if self.number == 10:
                raise av.error.MemoryError(12, "Cannot allocate memory")
            return self.packet.decode()  # type: ignore[attr-defined, no-any-return]

    class Container:
        def __init__(self, container: object) -> None:
            self.container = container

        def demux(self, stream: object) -> Iterator[Packet]:
            for number, packet in enumerate(self.container.demux(stream)):  # type: ignore[attr-defined]
                yield Packet(packet, number)

        def __enter__(self) -> Container:
            return self

        def __exit__(self, *_: object) -> None:
            self.container.close()  # type: ignore[attr-defined]

    def short(path: Path) -> tuple[Container, object]:
        container, stream = real(path)
        return Container(container), stream

    path = video(60)
    monkeypatch.setattr(reader_module, "open_container", short)
    with pytest.raises(ItemError, match="out_of_memory"):
        read(path)


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
