"""The pose model on drawn figures: landmarks follow, the subject is chosen, everything is closed."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qevd_bio.pose.backends.base import Clip, Picture
from qevd_bio.pose.backends.detector import PersonDetector
from qevd_bio.pose.backends.mediapipe import MediapipeBackend, only_inside
from qevd_bio.pose.backends.mediapipe_task import MediapipeTaskBackend
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.store.errors import ItemError, UserError

pytest.importorskip("mediapipe")
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
    found = MediapipeBackend(ExtractOptions()).estimate(clip_of(images))
    assert found.values.shape == (40, 33, 7) and np.isfinite(found.values[..., :6]).all()
    assert np.isnan(found.values[..., 6]).all(), "the wheel's model states no presence, and none is made up"
    assert found.flags == () and found.subject["candidates"] == 1
    height, width = images[0].shape[:2]
    assert found.image_size == (width, height)
    hips = found.values[:, 23:25, :2].mean(1)
    assert (hips > 0.2 * np.array([width, height])).all() and (hips < 0.9 * np.array([width, height])).all()


def test_same_clip_same_numbers(jack_clip: Path, frames_of: Callable[[Path], Frames]) -> None:
    images = frames_of(jack_clip)[:12]
    backend = MediapipeBackend(ExtractOptions())
    first, second = (backend.estimate(clip_of(images)).values for _ in range(2))
    assert np.array_equal(first, second, equal_nan=True)


def test_every_pose_is_closed(jack_clip: Path, frames_of: Callable[[Path], Frames], monkeypatch: object) -> None:
    from mediapipe.python.solutions.pose import Pose

    closed = []
    assert isinstance(monkeypatch, pytest.MonkeyPatch)
    close = Pose.close
    monkeypatch.setattr(Pose, "close", lambda self: (closed.append(self), close(self))[1])
    backend = MediapipeBackend(ExtractOptions())
    backend.estimate(clip_of(frames_of(jack_clip)[:2]))
    with pytest.raises(ItemError, match="no_person"):
        backend.estimate(clip_of([np.zeros((64, 64, 3), np.uint8)]))
    assert len(closed) == 2


def test_nobody(empty_room: Callable[[int], Frames]) -> None:
    with pytest.raises(ItemError, match="no_person: no person found in 5 frames"):
        MediapipeBackend(ExtractOptions()).estimate(clip_of(empty_room(5)))


def test_the_larger_of_two_is_followed_and_the_clip_flagged(two_people: Frames) -> None:
    found = MediapipeBackend(ExtractOptions()).estimate(clip_of(two_people))
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
    found = MediapipeBackend(ExtractOptions()).estimate(clip_of(alone + two_people))
    assert found.flags == ("several_people", "subject_followed_in_second_pass")
    late = found.values[12:]
    seen = np.isfinite(late[:, 0, 0])
    assert seen.mean() > 0.8 and (late[seen, 23:25, 0] > middle).all()


def test_detector_lists_everyone(two_people: Frames) -> None:
    with PersonDetector() as detector:
        boxes = sorted(detector(two_people[0]), key=lambda found: found[0][0])
        assert detector(np.zeros((100, 100, 3), np.uint8)) == []
    assert len(boxes) == 2 and all(0.5 <= score <= 1 for _, score in boxes)
    (left, _), (right, _) = boxes
    assert left[2] < right[0] + 0.3 * (right[2] - right[0]) and right[3] - right[1] > left[3] - left[1]


def test_mask() -> None:
    image = np.full((100, 100, 3), 9, np.uint8)
    masked = only_inside(image, np.array([40.0, 40.0, 60.0, 60.0]))
    assert masked[50, 50, 0] == 9 and masked[34, 34, 0] == 9 and masked[30, 50, 0] == 0 and masked[70, 50, 0] == 0


@pytest.fixture(scope="module")
def task_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A .task bundle of the two models that lie in the wheel."""
    import mediapipe
    from mediapipe.tasks.python.metadata.metadata_writers import metadata_writer

    models = Path(mediapipe.__file__).parent / "modules"
    parts = {
        "pose_detector.tflite": (models / "pose_detection" / "pose_detection.tflite", [127.5]),
        "pose_landmarks_detector.tflite": (models / "pose_landmark" / "pose_landmark_full.tflite", [0.0]),
    }
    path = tmp_path_factory.mktemp("model") / "pose.task"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as bundle:
        for name, (model, mean) in parts.items():
            writer = metadata_writer.MetadataWriter.create(bytearray(model.read_bytes()))
            writer.add_image_input(mean, [127.5] if mean[0] else [255.0])
            bundle.writestr(name, bytes(writer.populate()[0]))
    return path


def test_task_file_follows_several_people(task_file: Path, two_people: Frames) -> None:
    options = ExtractOptions(pose_model=task_file)
    found = MediapipeTaskBackend(options).estimate(clip_of(two_people[:20]))
    assert found.flags == ("several_people",) and found.subject["candidates"] == 2
    seen = np.isfinite(found.values[:, 0, 0])
    assert seen.mean() > 0.8
    assert (found.values[seen, 23:25, 0] > border(two_people)).all()
    alone = MediapipeTaskBackend(replace(options, max_people=1)).estimate(clip_of(two_people[:3]))
    assert alone.subject["candidates"] <= 1


def test_task_file_without_anybody(task_file: Path, empty_room: Callable[[int], Frames]) -> None:
    with pytest.raises(ItemError, match="no_person"):
        MediapipeTaskBackend(ExtractOptions(pose_model=task_file)).estimate(clip_of(empty_room(3)))


def test_bad_task_files(tmp_path: Path, empty_room: Callable[[int], Frames]) -> None:
    with pytest.raises(UserError, match="no such file"):
        MediapipeTaskBackend(ExtractOptions(pose_model=tmp_path / "none.task"))
    bad = tmp_path / "bad.task"
    bad.write_text("no model")
    with pytest.raises(UserError, match="cannot use this model"):
        MediapipeTaskBackend(ExtractOptions(pose_model=bad)).estimate(clip_of(empty_room(1)))
