"""Pictures show what the table holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.dataset.opening import open_dataset
from qevd_bio.pose.show import Band, Shot, choose_dofs, contact_sheet, curve_of, pick_rows, plot_curves
from qevd_bio.pose.show_stage import find_kinematics, find_video, show
from qevd_bio.store.errors import UserError
from qevd_bio.tables.kinematics import HELD, MISSING, Kinematics
from qevd_bio.tables.workspace import Workspace

T = 40
KNEE = DOF_INDEX["knee_angle_r"]


def kinematics(**changes: object) -> Kinematics:
    angles = np.zeros((T, 46), np.float32)
    angles[:, KNEE] = np.linspace(0, 1.5, T)
    angles[:, DOF_INDEX["hip_flexion_r"]] = np.linspace(0, 0.5, T)
    angles[:, DOF_INDEX["pelvis_rotation"]] = np.linspace(0, 3.0, T)
    angles[:, DOF_INDEX["wrist_flexion_l"]] = np.linspace(0, 2.0, T)
    observed = np.ones((T, 46), bool)
    observed[:, DOF_INDEX["wrist_flexion_l"]] = False
    status = np.zeros(T, np.uint8)
    status[10:14], status[14:18] = HELD, MISSING
    landmarks = np.zeros((T, 33, 7), np.float32)
    landmarks[:, :, :2] = np.random.default_rng(0).uniform(20, 80, (33, 2))
    landmarks[:, :, 5] = 1.0
    base = Kinematics(
        "videos", "a", 30.0, np.arange(T, dtype=np.int32), np.arange(T) / 30, angles, angles.copy(), observed,
        np.full(T, 0.9, np.float32), status, np.full((T, 3), np.nan, np.float32), landmarks,
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


def test_chosen_are_the_observed_ones_that_move_most() -> None:
    assert choose_dofs(kinematics(), 2) == ["hip_flexion_r", "knee_angle_r"]
    assert choose_dofs(kinematics(observed=np.zeros((T, 46), bool))) == []


def test_curves_in_degrees_and_derived() -> None:
    curve = curve_of(kinematics(), "knee_angle_r")
    assert curve.values[-1] == pytest.approx(np.rad2deg(1.5)) and curve.unit == "°" and curve.raw is not None
    lean = curve_of(kinematics(), "trunk_lean_deg")
    assert lean.values.shape == (T,) and lean.raw is None
    assert curve.sigma is None and lean.sigma is None
    sure = kinematics(sigma=np.full((T, 46), np.deg2rad(3.0), np.float32))
    assert curve_of(sure, "knee_angle_r").sigma == pytest.approx(np.full(T, 3.0))
    assert curve_of(sure, "trunk_lean_deg").sigma.shape == (T,)
    band = plot_curves(sure, [curve_of(sure, "knee_angle_r")]).axes[0].collections
    assert "± 1 sigma" in [patch.get_label() for patch in band]
    with pytest.raises(UserError, match="no angle 'knee'"):
        curve_of(kinematics(), "knee")


def test_plot_has_a_panel_a_curve_and_one_for_confidence() -> None:
    found = kinematics()
    figure = plot_curves(found, [curve_of(found, "knee_angle_r")], [Band(0.1, 0.5, "rep 1")])
    panel, confidence = figure.axes
    smooth = panel.lines[1].get_ydata()
    assert np.allclose(smooth, np.rad2deg(found.angles[:, KNEE]))
    assert panel.texts[0].get_text() == "rep 1" and confidence.get_ylabel() == "confidence"
    assert len(panel.lines[2].get_xdata()) == 4, "held frames are marked"


def test_rows_avoid_frames_without_a_pose() -> None:
    rows = pick_rows(kinematics(), 5)
    assert len(rows) == 5 and not {10, 11, 12, 13, 14, 15, 16, 17} & set(rows)
    assert (
        pick_rows(kinematics(), 500) == [t for t in range(T) if not 10 <= t < 18]
        or len(pick_rows(kinematics(), 500)) <= T
    )


def test_skeleton_is_drawn_where_the_landmarks_are() -> None:
    found = kinematics()
    image = np.zeros((100, 100, 3), np.uint8)
    sheet = np.asarray(contact_sheet(found, [Shot(0, image), Shot(20, image)]))
    assert sheet.shape == (300, 600, 3)
    assert found.landmarks is not None
    x, y = found.landmarks[0, 25, :2] * 3  # the left knee, three times as large
    near = sheet[int(y) - 3 : int(y) + 4, int(x) - 3 : int(x) + 4].reshape(-1, 3)
    assert (near[:, 2].astype(int) - near[:, 0] > 100).any(), "left limbs are blue"


def test_without_frames_a_figure_is_drawn() -> None:
    sheet = np.asarray(contact_sheet(kinematics(landmarks=None), [Shot(0, None)]))
    assert sheet.shape == (300, 300, 3) and (sheet < 200).any()


def test_pictures_are_written(tmp_path: Path, workspace: Workspace) -> None:
    found = kinematics()
    found.write(workspace.kinematics("videos", "a"))
    path = find_kinematics(workspace, "a")
    assert path == find_kinematics(workspace, "videos/a") == find_kinematics(workspace, "folder/a.mp4")
    paths, reason = show(Kinematics.read(path), tmp_path / "show")
    assert [p.name for p in paths] == ["a-angles.png", "a-frames.png"] and "--data" in reason
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in paths)


def test_frames_of_the_video(tmp_path: Path, jack_clip: Path) -> None:
    from PIL import Image

    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a.mp4").write_bytes(jack_clip.read_bytes())
    found = kinematics().between(0.0, 1.0)
    paths, reason = show(found, tmp_path, video=find_video(open_dataset(folder), found), frames=4)
    assert reason == ""
    picture = np.asarray(Image.open(paths[1]))
    assert picture.std() > 20


def test_unknown_video(workspace: Workspace) -> None:
    with pytest.raises(UserError, match="no kinematics of '0007'"):
        find_kinematics(workspace, "0007")
    for split in ("x", "y"):
        kinematics().write(workspace.kinematics(split, "a"))
    with pytest.raises(UserError, match="several splits"):
        find_kinematics(workspace, "a")
