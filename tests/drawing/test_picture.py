"""Annotated pictures: geometry in closed form, words that never cover the body, what is not sure half transparent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qevd_bio.drawing.body import MARK_COLOURS, joint_place, seen_box
from qevd_bio.drawing.key_angle import key_angle
from qevd_bio.drawing.letters import block, plain, wrapped
from qevd_bio.drawing.picture import Layout, Painter, fitted
from qevd_bio.drawing.scene import Dial, Scene, marks_of
from qevd_bio.drawing.strokes import Ring, disc, rings, stroke, strokes
from qevd_bio.exercise.catalogue import get, load
from qevd_bio.pose.backends.landmarks import LANDMARK_INDEX
from tests.made_rows import verdict

SENTENCE = "Right knee flexion 78° at the bottom (target: 90°). Bend the knees further and let the thighs come lower."
PLACES = {
    "nose": (0.5, 0.08), "shoulder": (0.42, 0.25), "elbow": (0.35, 0.4), "wrist": (0.3, 0.52), "index": (0.29, 0.56),
    "hip": (0.45, 0.55), "knee": (0.44, 0.75), "ankle": (0.43, 0.93), "heel": (0.44, 0.96), "foot_index": (0.4, 0.97),
    "ear": (0.47, 0.09), "eye": (0.48, 0.07),
}  # fmt: skip


def body(width: int, height: int, left: float, top: float, size: float) -> np.ndarray:
    """Landmarks (33, 7) of somebody standing in a box of `size` by `size` pixels."""
    values = np.zeros((33, 7), np.float32)
    values[:, :2] = (left + 0.5 * size, top + 0.1 * size)
    for name, (x, y) in PLACES.items():
        for side, mirror in (("right", x), ("left", 1 - x)):
            index = LANDMARK_INDEX.get(name if name == "nose" else f"{side}_{name}")
            if index is not None:
                values[index, :2] = (left + mirror * size, top + y * size)
    values[:, 5:] = 1.0
    return values


def test_a_line_covers_its_width_and_fades_at_its_edge() -> None:
    image = np.zeros((40, 60, 3), np.uint8)
    stroke(image, (10.0, 20.0), (50.0, 20.0), 6.0, (255, 255, 255))
    column = image[:, 30, 0].astype(float) / 255
    assert column.sum() == pytest.approx(6.0, abs=0.5) and column[20] == 1.0 and column[26] == 0.0
    assert image[20, 5].max() == 0 and image[20, 8].max() == 255  # a round end reaches half its width further


def test_many_lines_are_each_line_and_nothing_doubles() -> None:
    draw = np.random.default_rng(0)
    lines = draw.uniform(-20, 120, (30, 2, 2))
    many, single = np.full((100, 100, 3), 90, np.uint8), np.zeros((100, 100, 3), np.uint8)
    strokes(many, lines, 5.0, (255, 255, 255), 0.5, 0.0)
    for line in lines:
        stroke(single, tuple(line[0]), tuple(line[1]), 5.0, (255, 255, 255))
    inside = single[..., 0] == 255
    assert abs(many[inside].astype(int) - (90 + 255) // 2).max() <= 1
    assert (many[single[..., 0] == 0] == 90).all()
    strokes(many, np.full((2, 2, 2), np.nan), 5.0, (0, 0, 0), 1.0, 1.0)  # unknown places are left out
    strokes(many, lines + 1e4, 5.0, (0, 0, 0), 1.0, 1.0)


def test_a_ring_covers_its_angle() -> None:
    image = np.zeros((101, 101, 3), np.uint8)
    rings(image, (50.0, 50.0), [Ring(20, 40, 0.0, np.pi / 2, (255, 255, 255))])
    assert image[80, 60, 0] == 255 and image[20, 60, 0] == 0 and image[80, 40, 0] == 0  # from the right down
    assert image[..., 0].sum() / 255 == pytest.approx(np.pi / 4 * (40**2 - 20**2), rel=0.02)
    back = np.zeros_like(image)
    rings(back, (50.0, 50.0), [Ring(20, 40, np.pi / 2, -np.pi / 2, (255, 255, 255))])
    assert abs(back.astype(int) - image).max() <= 1
    rings(image, (-400.0, 50.0), [Ring(20, 40, 0.0, 1.0, (9, 9, 9))])


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (720, 1280), (640, 480), (361, 505), (96, 64)])
def test_words_stand_beside_the_picture_and_never_over_the_body(width: int, height: int) -> None:
    scene = Scene(
        sentence=SENTENCE, count=12, unit="squats", state="counting", dial=Dial("knee_angle_r", 78, (90, 120))
    )
    draw = np.random.default_rng(1)
    placed = 0
    for _ in range(12):
        size = float(draw.uniform(0.4, 1.3)) * min(width, height)
        left, top = draw.uniform(-0.2, 0.7) * width, draw.uniform(-0.2, 0.4) * height
        landmarks = body(width, height, left, top, size)
        painter = Painter(width, height)
        frame = np.full((height, width, 3), 128, np.uint8)
        told = painter.paint(frame, replace(scene, landmarks=landmarks))
        silent = painter.paint(frame, replace(scene, landmarks=landmarks, sentence=""))
        at = painter.layout
        assert told.shape == (at.size[1], at.size[0], 3) and told.shape[0] % 2 == told.shape[1] % 2 == 0
        np.testing.assert_array_equal(told[: at.height], silent[: at.height])  # the sentence left the frame alone
        assert (told[at.height :] != silent[at.height :]).any()
        around, label = seen_box(landmarks), painter.dial_box
        assert around is not None
        if label is not None:
            placed += 1
            assert label[2] <= around[0] or label[0] >= around[2]  # the value lies beside the body, too
            assert label[0] >= 0 and label[2] <= at.width and label[1] >= 0 and label[3] <= at.height
    assert placed or width < 400


@pytest.mark.parametrize("ground", [8, 128, 248])
def test_a_skeleton_shows_on_any_ground(ground: int) -> None:
    frame = np.full((480, 640, 3), ground, np.uint8)
    landmarks = body(640, 480, 100, 20, 430)
    picture = Painter(640, 480).paint(frame, Scene(landmarks=landmarks))[:480]
    x, y = landmarks[LANDMARK_INDEX["right_knee"], :2].astype(int)
    row = picture[y + 30, x - 12 : x + 12].astype(int)
    assert row.max() - row.min() > 130  # a light line with a dark edge


def test_what_is_not_sure_is_half_transparent() -> None:
    frame = np.zeros((480, 640, 3), np.uint8)
    landmarks = body(640, 480, 100, 20, 430)
    x, y = (round(value) for value in joint_place(landmarks, "knee_r") or ())
    colours = {}
    for mark in ("kept", "broken", "unsure"):
        picture = Painter(640, 480).paint(frame, Scene(landmarks=landmarks, marks={"knee_r": mark}))
        colours[mark] = picture[y, x].astype(int)
    assert abs(colours["broken"] - MARK_COLOURS["broken"]).max() <= 2
    assert abs(colours["kept"] - MARK_COLOURS["kept"]).max() <= 2
    assert colours["unsure"].max() > 100 and not np.allclose(colours["unsure"], MARK_COLOURS["unsure"], atol=2)
    sure, held = (Painter(640, 480).paint(frame, Scene(landmarks=landmarks, sure=s))[:480].max() for s in (True, False))
    assert held < 0.7 * sure


def test_without_a_person_the_frame_is_left_alone() -> None:
    frame = np.random.default_rng(0).integers(0, 255, (120, 160, 3), dtype=np.uint8)
    for landmarks in (None, np.full((33, 7), np.nan, np.float32)):
        picture = Painter(160, 120).paint(frame, Scene(landmarks=landmarks, dial=Dial("knee_angle_r", 50.0)))
        np.testing.assert_array_equal(picture[:120, :160], frame)


def test_the_reference_stands_in_its_own_panel() -> None:
    layout = Layout.of(640, 480, reference=True)
    assert layout.beside > 0 and layout.size[0] == 640 + layout.beside
    reference = fitted(np.full((90, 60, 3), 200, np.uint8), layout)
    frame = np.zeros((480, 640, 3), np.uint8)
    picture = Painter(640, 480, reference=True).paint(frame, Scene(), reference)
    assert picture[300, 640:].min() == 200 and picture[:480, :640].max() == 0


def test_texts_are_wrapped_fitted_and_harmless() -> None:
    assert wrapped("one two three", len, 7, 4) == ["one two", "three"]
    assert wrapped("a b c d e f", len, 1, 3) == ["a", "b", "c …"]
    assert plain("go\x1b[31m \u202elower\n\tnow") == "go [31m lower now"
    large, small = block("Go lower", 30, 400, 100), block(SENTENCE, 30, 200, 60)
    assert large.shape[0] > 30 and small.shape[0] <= 70 and small.shape[1] <= 216
    disc(np.zeros((9, 9, 3), np.uint8), (float("nan"), 0.0), 3.0, (1, 1, 1))


def test_marks_are_the_worst_of_each_joint() -> None:
    rows = [
        verdict(joint="knee", side="r", verdict="pass", severity=0.0),
        verdict(joint="knee", side="r", raised=True),
        verdict(joint="knee", side="l", raised=False),
        verdict(joint="lumbar", side="", verdict="not_sure"),
        verdict(joint="hip", side="", verdict="pass"),
        verdict(joint="ankle", side="l", verdict="not_judged", reason="not_observed"),
    ]
    assert marks_of(rows) == {
        "knee_r": "broken", "knee_l": "unsure", "lumbar": "unsure", "hip_r": "kept", "hip_l": "kept",
    }  # fmt: skip


def test_every_exercise_has_a_key_angle_and_the_squat_its_depth() -> None:
    assert all(key_angle(exercise) for exercise in load().values())
    squat = key_angle(get("squats"))
    assert squat is not None and (squat.quantity, squat.band, squat.name) == ("knee_angle", (90, 120), "knee flexion")
