"""Pictures of motion: written for every segment with cycles, and clear errors where there is nothing to draw."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from qevd_bio.motion.options import MotionOptions
from qevd_bio.motion.show import reference_course, show_motion
from qevd_bio.motion.stage import analyze
from qevd_bio.store.errors import UserError
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.workspace import Workspace
from tests.motion.conftest import MakeFrames, exercise_of
from tests.motion.test_stage import SPLIT, put

pytest.importorskip("matplotlib")


def test_one_picture_a_segment(workspace: Workspace, make_frames: MakeFrames, tmp_path: Path) -> None:
    path = put(workspace, make_frames("squats", change={"knee_angle_r": 0.6}))
    analyze(workspace, MotionOptions(exercise="squats"))
    [picture] = show_motion(workspace, Kinematics.read(path), tmp_path / "out")
    assert picture.name == "0001-motion-0.png"
    with Image.open(picture) as image:
        assert image.size[0] > 800 and len(set(image.convert("L").tobytes())) > 20


def test_nothing_to_draw_says_why(workspace: Workspace, make_frames: MakeFrames, tmp_path: Path) -> None:
    path = put(workspace, make_frames("squats", reps=0, rest=60))
    with pytest.raises(UserError, match="no such table"):
        show_motion(workspace, Kinematics.read(path), tmp_path)
    analyze(workspace, MotionOptions(exercise="squats"))
    with pytest.raises(UserError, match=f"no cycles of {SPLIT}/0001"):
        show_motion(workspace, Kinematics.read(path), tmp_path)


def test_the_reference_is_drawn_from_rest_to_rest(tmp_path: Path) -> None:
    squats = exercise_of("squats")
    course = reference_course(squats, squats.signal.expression, tmp_path)
    assert course is not None
    assert course.max() > 90 and course[0] < 25 and course[-1] < 25
    assert reference_course(squats, "knee_angle_r", tmp_path) is None
