"""Angles do not depend on how a phone stores its pictures: turned files, files whose first part an edit list hides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from qevd_bio.dataset.opening import open_dataset
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.pose.stage import extract
from qevd_bio.store.work import RunOptions
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.workspace import Workspace
from tests.video.phones import with_edit_list

pytestmark = pytest.mark.usefixtures("pose_model")
Frames = list[np.ndarray]


def lossless(path: Path, images: Sequence[np.ndarray], rotation: int = 0) -> Path:
    """The pictures as they are, so that turned files can be compared pixel by pixel; each frame a key frame."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264rgb", rate=30, options={"qp": "0", "g": "1", "bf": "0"})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "rgb24"
        if rotation:
            stream.set_display_rotation(rotation)
        for index, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 30)
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


@pytest.fixture
def pictures(squat_clip: Path, frames_of: Callable[[Path], Frames]) -> Frames:
    return frames_of(squat_clip)[:24]


def angles_of(data: Path, workspace: Workspace) -> dict[str, Kinematics]:
    summary = extract(open_dataset(data), workspace, ExtractOptions(), RunOptions())
    assert not summary.failed
    return {path.stem: Kinematics.read(workspace.kinematics("videos", path.stem)) for path in data.iterdir()}


def test_a_turned_file_gives_the_angles_of_the_upright_one(
    pictures: Frames, tmp_path: Path, workspace: Workspace
) -> None:
    data = tmp_path / "phone"
    data.mkdir()
    lossless(data / "upright.mp4", pictures)
    for rotation, turns in ((90, 1), (180, 2), (270, 3)):
        lossless(data / f"turned{rotation}.mp4", [np.rot90(image, -turns) for image in pictures], rotation)
    found = angles_of(data, workspace)
    upright = found.pop("upright")
    assert len(found) == 3 and np.isfinite(upright.raw).all()
    for name, turned in found.items():
        assert np.array_equal(turned.raw, upright.raw) and np.array_equal(turned.time_s, upright.time_s), name


def test_an_edit_list_gives_the_angles_of_its_visible_frames(
    pictures: Frames, tmp_path: Path, workspace: Workspace
) -> None:
    data = tmp_path / "phone"
    data.mkdir()
    hidden = 6
    source = lossless(tmp_path / "whole.mp4", pictures)
    with_edit_list(source, data / "cut.mp4", hidden / 30)
    lossless(data / "visible.mp4", pictures[hidden:])
    found = angles_of(data, workspace)
    assert len(found["cut"]) == len(pictures) - hidden
    assert found["cut"].time_s == pytest.approx(found["visible"].time_s, abs=2e-3)
    assert np.rad2deg(found["cut"].raw) == pytest.approx(np.rad2deg(found["visible"].raw), abs=0.05)
