"""The parts around the pose model, in closed form: regions, crops, decoding, refinement, the steady filter."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from qevd_bio.pose.backends.blazepose import detection, heads
from qevd_bio.pose.backends.blazepose.crop import Cropper, letterbox
from qevd_bio.pose.backends.blazepose.region import Region, region_around, whole_picture
from qevd_bio.pose.backends.blazepose.steady import SteadyPoints


def ramp(height: int, width: int) -> np.ndarray:
    """Red counts columns, green rows."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = np.arange(width)
    image[..., 1] = np.arange(height)[:, None]
    return image


def test_region_of_an_upright_body_stands_upright() -> None:
    region = region_around(np.array([50.0, 80.0]), np.array([50.0, 40.0]))
    assert (region.x, region.y, region.side, region.angle) == (50, 80, pytest.approx(100), pytest.approx(0))
    assert region.corner == pytest.approx([0, 30])


def test_region_turns_with_the_body() -> None:
    lying = region_around(np.array([50.0, 50.0]), np.array([90.0, 50.0]))
    assert lying.angle == pytest.approx(math.pi / 2), "the head points right: the picture is turned back by 90 degrees"
    assert lying.to_picture(np.array([[0.5, 0.1]])) == pytest.approx(np.array([[90.0, 50.0]])), "above is to the right"
    assert lying.turned(np.array([[0.0, -1.0]])) == pytest.approx(np.array([[1.0, 0.0]]))
    for angle in np.linspace(-3, 3, 7):
        rim = np.array([math.sin(angle), -math.cos(angle)])
        assert region_around(np.zeros(2), rim).angle == pytest.approx(angle)


def test_crop_reads_the_picture_where_the_region_lies() -> None:
    image = ramp(200, 240)
    region = Region(120.0, 100.0, 64.0, 0.4)
    crop = Cropper(64)(image, region)
    assert crop.shape == (1, 64, 64, 3) and crop.dtype == np.float32
    grid = np.stack(np.meshgrid(np.arange(64), np.arange(64)), axis=-1).reshape(-1, 2) / 64
    expected = region.to_picture(grid).reshape(64, 64, 2)
    assert crop[0, ..., :2] * 255 == pytest.approx(expected, abs=0.5 + 1 / 32)
    assert not crop[..., 2].any()


def test_crop_goes_on_past_the_border_and_letterbox_is_black_there() -> None:
    image = np.full((40, 40, 3), 200, np.uint8)
    image[:, -1] = 80
    crop = Cropper(32)(image, Region(40.0, 20.0, 32.0))
    assert crop[0, 16, :14] == pytest.approx(200 / 255) and crop[0, 16, 20:] == pytest.approx(80 / 255)
    wide = np.full((20, 40, 3), 100, np.uint8)
    boxed = letterbox(wide, whole_picture(40, 20), 40)
    assert boxed[0, 11:29] == pytest.approx(100 / 255) and not boxed[0, :10].any() and not boxed[0, 31:].any()


def test_crop_is_what_opencv_makes_of_it() -> None:
    cv2 = pytest.importorskip("cv2")
    rng = np.random.default_rng(2)
    image = np.kron(rng.integers(0, 255, (30, 40, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    region = Region(150.0, 130.0, 260.0, -0.3)
    corners = cv2.boxPoints(((region.x, region.y), (region.side, region.side), math.degrees(region.angle)))
    square = np.array([[0, 256], [0, 0], [256, 0], [256, 256]], np.float32)
    transform = cv2.getPerspectiveTransform(corners, square)
    if int(cv2.__version__.split(".")[0]) < 5:
        warped = cv2.warpPerspective(image, transform, (256, 256), borderMode=cv2.BORDER_REPLICATE)
    else:
        # OpenCV 5 interpolates at exact positions; OpenCV 4, which MediaPipe uses, rounds them to 1/32 pixel.
        rows, columns = np.mgrid[:256, :256]
        at = np.linalg.inv(transform) @ np.stack([columns.ravel(), rows.ravel(), np.ones(rows.size)])
        x, y = np.round(at[:2] / at[2] * 32) / 32
        channels = [map_coordinates(image[..., c].astype(float), [y, x], order=1, mode="nearest") for c in range(3)]
        warped = np.round(np.stack(channels, axis=-1).reshape(256, 256, 3))
    difference = np.abs(Cropper(256)(image, region)[0] * 255 - warped)
    assert (difference > 0.5).mean() < 0.05 and difference.max() < 12, "rounding of positions at a few edges"


def test_every_anchor_has_its_place() -> None:
    anchors = detection.anchors()
    assert anchors.shape == (2254, 2)
    assert anchors[0] == pytest.approx([0.5 / 28, 0.5 / 28]) and anchors[1] == pytest.approx(anchors[0])
    assert anchors[28 * 28 * 2] == pytest.approx([0.5 / 14, 0.5 / 14])
    assert anchors[-1] == pytest.approx([6.5 / 7, 6.5 / 7])


def test_detections_are_decoded_and_merged() -> None:
    boxes, logits = np.zeros((2254, 12), np.float32), np.full(2254, -9.0, np.float32)
    first, near, far = 0, 1, 28 * 27 * 2  # the first two share a cell, the third lies in the lowest row
    boxes[[first, near, far], 2:4] = 40
    boxes[first, 4:8] = (10, 20, 10, -80)  # hip and rim, from the anchor
    boxes[near, 4:8] = (10, 30, 10, -70)
    logits[[first, near, far]] = (2.0, 2.0, 1.0)
    found = detection.decode(boxes, logits, 0.5, whole_picture(448, 224))
    assert [person.score for person in found] == pytest.approx([1 / (1 + math.exp(-2)), 1 / (1 + math.exp(-1))])
    # the picture is twice as wide as high: two pixels a step, and 112 rows of bars above
    assert found[0].hip == pytest.approx([(4 + 10) * 2, (4 + 25) * 2 - 112])
    assert found[0].region.side == pytest.approx(2 * 1.25 * 100 * 2)
    assert detection.decode(boxes, logits, 0.9, whole_picture(448, 224)) == []


def test_heat_map_moves_a_point_only_where_it_is_sure() -> None:
    heatmap = np.full((64, 64, 4), -20.0, np.float32)
    heatmap[12, 11, 0] = heatmap[12, 12, 0] = 6.0  # two cells near the first point
    heatmap[30, 30, 1] = -0.1  # not sure enough
    heatmap[50, 50, 2] = 6.0  # too far from the third
    points = np.array([[10.5, 10.5], [30.5, 30.5], [40.5, 40.5], [70.0, 10.0]], np.float32) / 64
    found = heads.refined(points, heatmap) * 64
    assert found[0] == pytest.approx([11.5, 12.0], abs=1e-3)
    assert found[1:] == pytest.approx(points[1:] * 64)


def test_landmarks_come_out_in_pixels_and_camera_axes() -> None:
    points = np.zeros((heads.POINTS, 5), np.float32)
    points[:, :2] = 128
    points[0, :2] = (128, 64)
    points[:, 3:] = (2.0, -2.0)
    world = np.zeros((heads.POINTS, 3), np.float32)
    world[0] = (0.0, -1.0, 0.3)
    raw = heads.RawLandmarks(points, np.full((64, 64, heads.POINTS), -20.0, np.float32), world)
    found, alignment = heads.in_picture(raw, Region(100.0, 80.0, 40.0, math.pi / 2))
    assert found.shape == (33, 7) and alignment == pytest.approx(np.array([[100.0, 80.0]] * 2))
    assert found[0, :5] == pytest.approx([110.0, 80.0, 1.0, 0.0, 0.3], abs=1e-5), (
        "up in the region is right in the picture"
    )
    assert found[0, 5:] == pytest.approx([1 / (1 + math.exp(-2)), 1 / (1 + math.exp(2))])


def test_steady_points_hold_still_and_follow_fast_moves() -> None:
    rng = np.random.default_rng(0)
    steady, still = SteadyPoints(), []
    for k in range(60):
        still.append(steady(np.array([[100.0, 100.0]]) + rng.normal(0, 0.5, (1, 2)), 200.0, k / 30))
    assert np.std(still[10:]) < 0.25
    moved = steady(np.array([[200.0, 100.0]]), 200.0, 2.0)
    assert moved[0, 0] > 180, "half a body in one frame is followed at once"
    steady.reset()
    assert steady(np.array([[0.0, 0.0]]), 200.0, 3.0) == pytest.approx(np.zeros((1, 2)))
