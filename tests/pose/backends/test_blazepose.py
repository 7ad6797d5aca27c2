"""The pose model on drawn figures: landmarks follow, the subject is chosen, bad models are refused."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from qevd_bio.pose.backends.base import Clip, Picture
from qevd_bio.pose.backends.blazepose.backend import BlazePoseBackend
from qevd_bio.pose.backends.blazepose.models import model_paths, open_model
from qevd_bio.pose.backends.blazepose.runtime import Engine
from qevd_bio.pose.backends.blazepose.tracker import PersonDetector
from qevd_bio.pose.backends.follow import only_inside
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.store.errors import ItemError, UserError

pytestmark = pytest.mark.usefixtures("pose_model")
Frames = list[np.ndarray]


def clip_of(images: Frames) -> Clip:
    @contextmanager
    def pictures() -> Iterator[Iterator[Picture]]:
        yield (Picture(k, k / 30, image) for k, image in enumerate(images))

    height, width = images[0].shape[:2]
    return Clip("videos", "clip", None, (width, height), len(images) / 30, None, pictures)


@pytest.fixture(scope="module")
def two_people(jack_clip: Path) -> Frames:
    """A figure at 0.7 of its size on the left for the whole clip, the same at full size on the right."""
    from PIL import Image

    from qevd_bio.video.reader import VideoReader

    frames = []
    with VideoReader(jack_clip) as video:
        for frame in video:
            margin = frame.image.shape[1] // 6
            large = frame.image[:, margin:-margin]
            small = Image.fromarray(large).resize((large.shape[1] * 7 // 10, large.shape[0] * 7 // 10))
            left = np.full((large.shape[0], small.width, 3), 200, dtype=np.uint8)
            left[-small.height :] = np.asarray(small)
            frames.append(np.ascontiguousarray(np.concatenate([left, large], axis=1)))
    return frames


def border(two_people: Frames) -> int:
    """Where the small figure's picture ends."""
    return two_people[0].shape[1] * 7 // 17


def test_one_person(squat_clip: Path, frames_of: Callable[[Path], Frames]) -> None:
    images = frames_of(squat_clip)[:40]
    found = BlazePoseBackend(ExtractOptions()).estimate(clip_of(images))
    assert found.values.shape == (40, 33, 7) and np.isfinite(found.values).all()
    assert found.values[..., 5:].min() >= 0 and found.values[..., 5:].max() <= 1, "visibility and presence"
    assert found.flags == () and found.subject["candidates"] == 1
    height, width = images[0].shape[:2]
    assert found.image_size == (width, height)
    hips = found.values[:, 23:25, :2].mean(1)
    assert (hips > 0.2 * np.array([width, height])).all() and (hips < 0.9 * np.array([width, height])).all()


def test_same_clip_same_numbers(jack_clip: Path, frames_of: Callable[[Path], Frames]) -> None:
    images = frames_of(jack_clip)[:12]
    backend = BlazePoseBackend(ExtractOptions())
    first, second = (backend.estimate(clip_of(images)).values for _ in range(2))
    assert np.array_equal(first, second, equal_nan=True)


def test_threads_and_what_came_before_change_nothing(jack_clip: Path, frames_of: Callable[[Path], Frames]) -> None:
    images = frames_of(jack_clip)[:6]
    one, two = BlazePoseBackend(ExtractOptions(), threads=1), BlazePoseBackend(ExtractOptions(), threads=2)
    with pytest.raises(ItemError, match="no_person"):
        two.estimate(clip_of([np.zeros((64, 64, 3), np.uint8)]))
    assert np.array_equal(one.estimate(clip_of(images)).values, two.estimate(clip_of(images)).values)


def test_litert_sees_the_same(jack_clip: Path, frames_of: Callable[[Path], Frames]) -> None:
    pytest.importorskip("ai_edge_litert")
    images = frames_of(jack_clip)[:3]
    one = BlazePoseBackend(ExtractOptions()).estimate(clip_of(images)).values
    backend = BlazePoseBackend(ExtractOptions(runtime="litert"))
    assert backend.estimate(clip_of(images)).values == pytest.approx(one, abs=1.0)
    assert backend.identity()["version"].startswith("litert ")


def test_nobody(empty_room: Callable[[int], Frames]) -> None:
    with pytest.raises(ItemError, match="no_person: no person found in 5 frames"):
        BlazePoseBackend(ExtractOptions()).estimate(clip_of(empty_room(5)))


def test_the_larger_of_two_is_followed_and_the_clip_flagged(two_people: Frames) -> None:
    found = BlazePoseBackend(ExtractOptions()).estimate(clip_of(two_people))
    assert "several_people" in found.flags and found.subject["candidates"] == 2
    middle = border(two_people)
    seen = np.isfinite(found.values[:, 0, 0])
    assert seen.mean() > 0.9
    assert (found.values[seen, 23:25, 0] > middle).all(), "hips of the large figure on the right"


def test_a_tracker_on_the_wrong_person_is_put_right(two_people: Frames) -> None:
    """The large figure enters after the tracker has locked on to the small one: a second pass follows it."""
    middle = border(two_people)
    alone = []
    for image in two_people[:6]:
        hidden = image.copy()
        hidden[:, middle:] = 200
        alone.append(hidden)
    found = BlazePoseBackend(ExtractOptions()).estimate(clip_of(alone + two_people))
    assert found.flags == ("several_people", "subject_followed_in_second_pass")
    late = found.values[12:]
    seen = np.isfinite(late[:, 0, 0])
    assert seen.mean() > 0.8 and (late[seen, 23:25, 0] > middle).all()


def test_detector_lists_everyone(two_people: Frames) -> None:
    detector = PersonDetector(open_model("full"), Engine(), 0.5)
    height, width = two_people[0].shape[:2]
    found = sorted(detector(two_people[0]), key=lambda person: person.hip[0])
    assert detector(np.zeros((100, 100, 3), np.uint8)) == []
    assert len(found) == 2 and all(0.5 <= person.score <= 1 for person in found)
    left, right = (person.box(width, height) for person in found)
    assert left[2] < right[0] + 0.3 * (right[2] - right[0]) and right[3] - right[1] > left[3] - left[1]


def test_mask() -> None:
    image = np.full((100, 100, 3), 9, np.uint8)
    masked = only_inside(image, np.array([40.0, 40.0, 60.0, 60.0]))
    assert masked[50, 50, 0] == 9 and masked[34, 34, 0] == 9 and masked[30, 50, 0] == 0 and masked[70, 50, 0] == 0


@pytest.fixture
def task_file(tmp_path: Path) -> Path:
    """A .task bundle of the two models, as the model store gives them."""
    landmarks, detector = model_paths("full")
    path = tmp_path / "pose_landmarker_full.task"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as bundle:
        bundle.write(detector, "pose_detector.tflite")
        bundle.write(landmarks, "pose_landmarks_detector.tflite")
    return path


def test_a_task_file_and_a_tflite_file_give_what_the_name_gives(
    task_file: Path, jack_clip: Path, frames_of: Callable[[Path], Frames]
) -> None:
    images = frames_of(jack_clip)[:3]
    named = BlazePoseBackend(ExtractOptions())
    expected = named.estimate(clip_of(images)).values
    for path in (task_file, model_paths("full")[0]):
        backend = BlazePoseBackend(ExtractOptions(pose_model=str(path)))
        assert np.array_equal(backend.estimate(clip_of(images)).values, expected)
        assert backend.identity()["model"] == path.stem
        assert backend.identity()["model_hash"] == named.identity()["model_hash"]


def bundle(path: Path, **content: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(f"{name}.tflite", data)
    return path


def test_bad_models_are_refused_by_name(tmp_path: Path) -> None:
    def refused(choice: object, match: str) -> None:
        with pytest.raises(UserError, match=match) as caught:
            backend = BlazePoseBackend(ExtractOptions(pose_model=str(choice)))
            backend.estimate(clip_of([np.zeros((64, 64, 3), np.uint8)]))
        assert caught.value.fix

    refused(tmp_path / "none.task", "no such file")
    refused("hevy", "no pose model is called hevy")
    (tmp_path / "text.task").write_text("no model")
    refused(tmp_path / "text.task", "cannot be read as a bundle")
    hands = bundle(tmp_path / "hand.task", hand_detector=b"", hand_landmarks_detector=b"")
    refused(hands, "another kind: it holds hand_detector.tflite, hand_landmarks_detector.tflite")
    refused(bundle(tmp_path / "empty.task", pose_detector=b"", pose_landmarks_detector=b""), "no TensorFlow Lite model")
    (tmp_path / "text.tflite").write_text("this is no model either")
    refused(tmp_path / "text.tflite", "no TensorFlow Lite model")
    cut = tmp_path / "cut.tflite"
    cut.write_bytes(model_paths("full")[0].read_bytes()[:5000])
    refused(cut, "OpenVINO cannot use this model")
    refused(model_paths("full")[1], "another kind of model: its outputs are 2254 x 1, 2254 x 12")


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(UserError, match="no device NPU9 on this machine"):
        BlazePoseBackend(ExtractOptions(device="NPU9"))
    pytest.importorskip("ai_edge_litert")
    with pytest.raises(UserError, match="LiteRT runs on the CPU"):
        BlazePoseBackend(ExtractOptions(device="GPU", runtime="litert"))


def test_a_missing_model_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QEVD_BIO_MODELS", str(tmp_path))
    with pytest.raises(UserError, match="qevd-bio models fetch pose-lite"):
        BlazePoseBackend(ExtractOptions(pose_model="lite"))
    (tmp_path / "pose-lite").mkdir()
    (tmp_path / "pose-lite" / "pose_landmark_lite.tflite").write_bytes(b"something else")
    with pytest.raises(UserError, match="not the file that the model pose-lite needs: SHA-256"):
        BlazePoseBackend(ExtractOptions(pose_model="lite"))
