"""Short films of moments: the right pictures, small, kept between pages, and left out where they do not fit."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import pytest

from qevd_bio.dataset.items import VideoItem
from qevd_bio.dataset.opening import open_dataset
from qevd_bio.reporting.content.clips import Moment, clips
from qevd_bio.reporting.options import ReportOptions
from qevd_bio.simulation.drawing.mp4 import write_mp4
from qevd_bio.store.errors import ItemError
from tests.reporting.conftest import Made
from tests.reporting.page.test_report import write

BIG = 1_000_000


@pytest.fixture
def item(tmp_path: Path) -> VideoItem:
    """Six seconds at 30 frames a second, 320 by 240, each second brighter than the one before."""
    folder = tmp_path / "data"
    folder.mkdir()
    frames = (np.full((240, 320, 3), 30 + 35 * (k // 30), np.uint8) for k in range(180))
    write_mp4(folder / "a.mp4", frames)
    return open_dataset(folder).videos()[0]


def greys(mp4: bytes) -> list[float]:
    with av.open(io.BytesIO(mp4)) as container:
        return [float(frame.to_ndarray(format="rgb24").mean()) for frame in container.decode(video=0)]


def test_a_clip_shows_its_moment(item: VideoItem, tmp_path: Path) -> None:
    found = clips(item, [Moment(0, 3.0, "first"), Moment(2, 5.5, "late")], BIG, tmp_path / "cache")
    assert (found[0].width, found[0].height, found[0].about) == (192, 144, "first")
    seen = greys(found[0].mp4)
    assert len(seen) == pytest.approx(26, abs=1)
    assert seen[0] == pytest.approx(30 + 35, abs=4) and seen[-1] == pytest.approx(30 + 35 * 3, abs=4)
    assert len(greys(found[2].mp4)) < len(seen), "the video ends before the second one does"


def test_what_is_too_large_or_beyond_the_end_is_left_out(item: VideoItem, tmp_path: Path) -> None:
    assert clips(item, [Moment(0, 3.0, "")], 100, tmp_path / "cache") == {}
    assert clips(item, [Moment(0, 30.0, "")], BIG, tmp_path / "cache") == {}
    item.path.write_bytes(b"no video")
    with pytest.raises(ItemError):
        clips(item, [Moment(0, 3.0, "")], BIG, tmp_path / "other")


def test_clips_are_kept_and_damaged_ones_made_again(item: VideoItem, tmp_path: Path) -> None:
    moments = [Moment(0, 3.0, "")]
    first = clips(item, moments, BIG, tmp_path / "cache")[0].mp4
    (kept,) = (tmp_path / "cache").iterdir()
    stamp = kept.stat().st_mtime_ns
    assert clips(item, moments, BIG, tmp_path / "cache")[0].mp4 == first and kept.stat().st_mtime_ns == stamp
    kept.write_bytes(b"nothing")
    assert clips(item, moments, BIG, tmp_path / "cache")[0].mp4 == first


def test_the_page_holds_clips_only_where_they_are_wanted(made: Made) -> None:
    plain = write(made)[1]
    assert "<video" not in plain and "media-src" not in plain
    page = write(made, options=ReportOptions(clips=True))[1]
    assert page.count("<video ") == 1 and "media-src data:" in page  # one of the two videos has faults
    assert write(made, options=ReportOptions(clips=True))[1] == page
    unknown = write(made, options=ReportOptions(clips=True), dataset=None, rewritten=None)[1]
    assert "No clips: the video is not known" in unknown and "<video" not in unknown
