"""One person's bone lengths over several videos: every video's word counts, and all of them get the same body."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from qevd_bio.dataset.opening import open_dataset
from qevd_bio.pose.fit.chain import LENGTHS
from qevd_bio.pose.fit.clip import clip_proportions, fit_clip
from qevd_bio.pose.fit.lengths import Proportions, shared_logs
from qevd_bio.pose.fit.options import FitOptions
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.pose.proportions import read_shared
from qevd_bio.pose.stage import extract
from qevd_bio.store.errors import UserError
from qevd_bio.store.work import RunOptions
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.workspace import Workspace
from tests.pose.seen import SIZE, landmarks_of, squats

Videos = Callable[..., Path]
THIGH, SHANK = LENGTHS.index("thigh"), LENGTHS.index("shank")


def test_the_clip_that_knows_a_length_decides_it() -> None:
    def clip(thigh: float, known: float) -> Proportions:
        logs, information = np.zeros(len(LENGTHS)), np.zeros((len(LENGTHS),) * 2)
        logs[THIGH], logs[SHANK] = thigh, -thigh
        information[THIGH, THIGH] = information[SHANK, SHANK] = known
        return Proportions(logs, information)

    shared = shared_logs([clip(0.04, 4e5), clip(-0.04, 4e3)])
    assert 0.03 < shared[THIGH] < 0.041 and -0.041 < shared[SHANK] < -0.03
    even = shared_logs([clip(0.04, 4e5), clip(-0.04, 4e5)])
    assert abs(even[THIGH]) < 0.002


def test_known_proportions_are_kept() -> None:
    time_s, truth = squats(heading=60.0)
    values, size = landmarks_of(truth), SIZE
    own = clip_proportions(values, time_s, size, FitOptions())
    assert own is not None and np.isfinite(own.information).all()
    known = np.zeros(len(LENGTHS))
    known[THIGH], known[SHANK] = 0.06, -0.06
    lengths = fit_clip(values, time_s, size, FitOptions(), known_logs=known).skeleton_lengths
    plain = fit_clip(values, time_s, size, FitOptions(), known_logs=np.zeros(len(LENGTHS))).skeleton_lengths
    assert np.log(lengths["thigh_r"] / plain["thigh_r"]) == pytest.approx(0.06, abs=0.01)
    assert np.log(lengths["shank_l"] / plain["shank_l"]) == pytest.approx(-0.06, abs=0.01)


def test_nobody_says_nothing() -> None:
    assert clip_proportions(np.full((9, 33, 7), np.nan), np.arange(9) / 30, (360, 504), FitOptions()) is None


@pytest.mark.usefixtures("pose_model")
def test_videos_of_one_participant_share_a_body(
    squat_clip: Path, jack_clip: Path, videos: Videos, workspace: Workspace
) -> None:
    data = videos(a=squat_clip, b=jack_clip, other=jack_clip)
    (data / "participants.csv").write_text("video,participant\na,anna\nb,anna\nother,otto\n")
    options = ExtractOptions(lengths="participant", every=3)
    summary = extract(open_dataset(data), workspace, options, RunOptions())
    assert (summary.done, summary.failed) == (3, {})
    found = {name: Kinematics.read(workspace.kinematics("videos", name)) for name in ("a", "b", "other")}
    first, second, alone = (found[name].skeleton_lengths for name in ("a", "b", "other"))
    ratio = {name: body["thigh_r"] / body["shank_r"] for name, body in (("a", first), ("b", second), ("o", alone))}
    assert ratio["a"] == pytest.approx(ratio["b"], abs=0.005)
    assert found["a"].meta["source"]["lengths_from"] == "all videos of the participant"
    assert found["other"].meta["source"]["lengths_from"] == "this video"
    logs = read_shared(workspace.path("proportions", "anna.json"))
    assert logs.shape == (len(LENGTHS),)
    assert not workspace.path("proportions", "otto.json").exists()
    again = extract(open_dataset(data), workspace, options, RunOptions())
    assert (again.done, again.kept) == (0, 3)


@pytest.mark.usefixtures("pose_model")
def test_sharing_without_participants_is_refused(jack_clip: Path, videos: Videos, workspace: Workspace) -> None:
    with pytest.raises(UserError, match="no video has a participant"):
        extract(open_dataset(videos(a=jack_clip)), workspace, ExtractOptions(lengths="participant"))
    with pytest.raises(UserError, match="for videos and the pose model"):
        extract(None, workspace, ExtractOptions(backend="files", lengths="participant"))
