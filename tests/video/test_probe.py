from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from qevd_bio.store.errors import ItemError
from qevd_bio.video.probe import is_variable, measure, probe

Make = Callable[..., Path]


def test_facts(video: Make) -> None:
    info = probe(video(45))
    assert (info.frames, info.width, info.height, info.rotation_deg, info.codec) == (45, 96, 64, 0, "h264")
    assert (info.vfr, info.truncated, info.notes) == (False, "", ())
    assert info.fps == pytest.approx(30)
    assert info.duration_s == pytest.approx(1.5)
    np.testing.assert_allclose(info.times_s, np.arange(45) / 30, atol=1e-9)
    assert measure(info.path) == (45, pytest.approx(44 / 30))


@pytest.mark.parametrize(
    ("flag", "clockwise", "size"), [(0, 0, (96, 64)), (-90, 90, (64, 96)), (90, 270, (64, 96)), (180, 180, (96, 64))]
)
def test_rotation_flag_of_phones(video: Make, flag: int, clockwise: int, size: tuple[int, int]) -> None:
    info = probe(video(3, rotation=flag))
    assert (info.rotation_deg, info.notes) == (clockwise, ())
    assert (info.width, info.height) == size


def test_a_rotation_that_is_no_quarter_turn_is_not_followed(video: Make) -> None:
    info = probe(video(3, rotation=45))
    assert (info.rotation_deg, info.notes) == (0, ("odd_rotation",))


def test_variable_frame_rate(video: Make) -> None:
    times = [0, 33, 66, 200, 233, 266, 500, 533, 600, 633]
    info = probe(video(10, times_ms=times))
    assert info.vfr
    np.testing.assert_allclose(info.times_s, np.array(times) / 1000, atol=1e-9)
    assert info.fps == pytest.approx(1 / 0.033)


def test_when_a_rate_counts_as_variable() -> None:
    even = np.arange(301) / 30
    assert not is_variable(even)
    assert not is_variable(np.round(even, 3))
    assert not is_variable(np.concatenate([even, even[-1] + 1 + even]))  # one gap in 600 intervals
    assert is_variable(np.cumsum([1 / 30, 1 / 15] * 50))
    assert not is_variable(np.array([0.0, 5.0]))


def test_one_frame(video: Make) -> None:
    info = probe(video(1))
    assert (info.frames, info.vfr, info.truncated) == (1, False, "")
    assert info.duration_s == pytest.approx(1 / 30)


def test_cut_off_file_with_its_index_in_front(video: Make) -> None:
    path = video(120, faststart=True)
    data = path.read_bytes()
    path.write_bytes(data[: int(0.8 * len(data))])
    info = probe(path)
    assert 40 < info.frames < 110
    assert info.truncated == f"{120 - info.frames} of 120 frames are missing at its end"
    assert info.notes == ("truncated",)
    np.testing.assert_allclose(info.times_s, np.arange(info.frames) / 30, atol=1e-9)


def test_cut_off_file_with_its_index_at_the_end(video: Make) -> None:
    path = video(60)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ItemError) as error:
        probe(path)
    assert error.value.reason == "video_unreadable"
    assert str(path) in error.value.detail


@pytest.mark.parametrize("faststart", [True, False])
def test_no_cut_goes_unnoticed(video: Make, faststart: bool) -> None:
    path = video(60, faststart=faststart)
    data = path.read_bytes()
    for size in range(0, len(data), 97):
        path.write_bytes(data[:size])
        try:
            info = probe(path)
        except ItemError as error:
            assert error.reason in {"video_empty", "video_unreadable", "no_video_stream", "no_frames", "unknown_codec"}
        else:
            assert bool(info.truncated) == (info.frames < 60)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "video_empty"),
        (b"this is no video\n" * 50, "video_unreadable"),
        (b"\x00" * 5000, "video_unreadable"),
        (b"ffconcat version 1.0\nfile other.mp4\n", "video_unreadable"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nother.mp4\n#EXT-X-ENDLIST\n", "video_unreadable"),
    ],
)
def test_files_that_are_no_videos(video: Make, tmp_path: Path, content: bytes, reason: str) -> None:
    video(3, name="other.mp4")
    path = tmp_path / "x.mp4"
    path.write_bytes(content)
    with pytest.raises(ItemError) as error:
        probe(path)
    assert error.value.reason == reason
    assert str(path) in error.value.detail


def test_missing_and_folder(tmp_path: Path) -> None:
    with pytest.raises(ItemError, match=r"video_missing: no such file: .*none\.mp4"):
        probe(tmp_path / "none.mp4")
    with pytest.raises(ItemError, match="video_is_folder"):
        probe(tmp_path)


def test_sound_without_pictures(tmp_path: Path) -> None:
    import av

    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(ItemError, match="no_video_stream"):
        probe(path)
