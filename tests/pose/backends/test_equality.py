"""Landmarks of the pose runtime against MediaPipe's own, with the same model. Skips where mediapipe is not installed.

`make equality` brings it. Printed with -s: the table of docs/extract.md. Figures are in per cent of the body's height in the
picture, frame by frame, all 33 landmarks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from qevd_bio.pose.backends.blazepose.backend import BlazePoseBackend
from qevd_bio.pose.backends.blazepose.region import Region
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.simulation.truth_clip import write_truth_clip
from qevd_bio.video.reader import VideoReader

pytest.importorskip("mediapipe.python.solutions.pose")
pytestmark = [pytest.mark.usefixtures("pose_model"), pytest.mark.slow]
FRAMES = 120
SIMULATED = (("squats", "oblique"), ("jumping_jacks", "front"))
Values = np.ndarray


def theirs(images: list[np.ndarray]) -> Values:
    """(T, 33, 6): image x, y in pixels, world x, y, z, visibility, by MediaPipe, its filter of landmarks off."""
    from mediapipe.python.solutions.pose import Pose

    found = np.full((len(images), 33, 6), np.nan)
    with Pose(model_complexity=1, smooth_landmarks=False) as pose:
        for k, image in enumerate(images):
            result = pose.process(image)
            if result.pose_landmarks is not None:
                pairs = zip(result.pose_landmarks.landmark, result.pose_world_landmarks.landmark, strict=True)
                found[k] = [(a.x, a.y, b.x, b.y, b.z, a.visibility) for a, b in pairs]
                found[k, :, :2] *= (image.shape[1], image.shape[0])
    return found


def ours(images: list[np.ndarray]) -> Values:
    tracker = BlazePoseBackend(ExtractOptions()).tracker()
    # MediaPipe takes every video for one of 30 frames a second
    return np.stack([tracker.process(image, k / 30)[:, :6] for k, image in enumerate(images)])


def frames(path: Path) -> list[np.ndarray]:
    with VideoReader(path, select=lambda index, time_s: index < FRAMES) as video:
        return [frame.image for frame in video]


def compare(name: str, images: list[np.ndarray]) -> None:
    a, b = ours(images), theirs(images)
    seen = np.isfinite(a[:, 0, 0])
    assert (seen == np.isfinite(b[:, 0, 0])).mean() > 0.97, "both find the person in the same frames"
    both = seen & np.isfinite(b[:, 0, 0])
    height = np.ptp(b[both, :, 1], axis=1)[:, None]
    apart = 100 * np.linalg.norm(a[both, :, :2] - b[both, :, :2], axis=2) / height
    deep = 1000 * np.linalg.norm(a[both, :, 2:5] - b[both, :, 2:5], axis=2)
    print(
        f"| {name} | {both.sum()} | {np.median(apart):.2f} | {np.percentile(apart, 99):.2f} | "
        f"{np.median(deep):.1f} | {np.percentile(deep, 99):.0f} |"
    )
    assert np.median(apart) <= 0.5
    assert np.percentile(apart, 95) <= 3.0


@pytest.mark.parametrize("number", range(6))
def test_real_clips(number: int, shared: Callable[..., Path]) -> None:
    folder = shared("data", "realmini", "QEVD-FIT-COACH-Benchmark", "long_range_videos")
    path = sorted(folder.glob("*.mp4"))[number]
    compare(f"real {path.stem}", frames(path))


@pytest.mark.parametrize(("exercise", "view"), SIMULATED)
def test_simulated_clips(exercise: str, view: str, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_truth_clip(path, exercise, view, seed=11, seconds=4.0)
    compare(f"simulated {exercise}, {view}", frames(path))


_GRAPH = """
input_stream: "image"
output_stream: "landmarks"
output_stream: "region"
node {
  calculator: "ConstantSidePacketCalculator"
  output_side_packet: "PACKET:0:complexity"
  output_side_packet: "PACKET:1:smooth"
  output_side_packet: "PACKET:2:follow"
  options { [mediapipe.ConstantSidePacketCalculatorOptions.ext] {
    packet { int_value: 1 } packet { bool_value: false } packet { bool_value: false }
  } }
}
node {
  calculator: "PoseLandmarkCpu"
  input_side_packet: "MODEL_COMPLEXITY:complexity"
  input_side_packet: "SMOOTH_LANDMARKS:smooth"
  input_side_packet: "USE_PREV_LANDMARKS:follow"
  input_stream: "IMAGE:image"
  output_stream: "LANDMARKS:landmarks"
  output_stream: "ROI_FROM_DETECTION:region"
}
"""


@contextmanager
def their_graph() -> Iterator[Callable[[np.ndarray], tuple[np.ndarray, Region]]]:
    """Landmarks (33, 2) in pixels and the region they were found in, each frame detected anew."""
    from mediapipe.python import packet_creator, packet_getter
    from mediapipe.python._framework_bindings import calculator_graph, image_frame, resource_util
    from mediapipe.python.solutions import pose

    resource_util.set_resource_dir(str(pose.__file__).split("/mediapipe/python/", 1)[0])
    graph, found, step = calculator_graph.CalculatorGraph(graph_config=_GRAPH), {}, 0
    for stream in ("landmarks", "region"):
        graph.observe_output_stream(stream, lambda name, packet: found.__setitem__(name, packet))
    graph.start_run()

    def look(image: np.ndarray) -> tuple[np.ndarray, Region]:
        nonlocal step
        step += 1
        height, width = image.shape[:2]
        packet = packet_creator.create_image_frame(image_format=image_frame.ImageFormat.SRGB, data=image)
        graph.add_packet_to_input_stream("image", packet.at(step))
        graph.wait_until_idle()
        points = packet_getter.get_proto(found["landmarks"]).landmark
        box = packet_getter.get_proto(found["region"])
        region = Region(box.x_center * width, box.y_center * height, box.width * width, box.rotation)
        return np.array([(p.x * width, p.y * height) for p in points]), region

    yield look
    graph.close()


def test_in_the_same_region_landmarks_are_the_same(tmp_path: Path) -> None:
    """What is left apart in a clip comes from regions that differ by hundredths of a pixel, not from the landmarks."""
    path = tmp_path / "clip.mp4"
    write_truth_clip(path, "squats", "oblique", seed=11, seconds=0.5)
    tracker = BlazePoseBackend(ExtractOptions()).tracker()
    with their_graph() as look:
        for image in frames(path)[::3]:
            expected, region = look(image)
            found = tracker.inside(image, region)
            assert found is not None
            apart = np.linalg.norm(found[0][:, :2] - expected, axis=1) / np.ptp(expected[:, 1])
            assert np.median(apart) < 0.0003 and apart.max() < 0.01
