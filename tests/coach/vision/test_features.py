"""Videos to feature files: which frames, which times, which rotation; and reading them back with checks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
import torch
from qevd_bio.cli.app import app
from typer.testing import CliRunner

from qevd_bio.coach.options import FeatureOptions
from qevd_bio.coach.vision.encoders import ImageEncoder
from qevd_bio.coach.vision.feature_files import (
    feature_paths,
    other_crops,
    paths_in,
    read_features,
    with_zero_in_front,
)
from qevd_bio.coach.vision.frames import crop_box, other_crop, prepare
from qevd_bio.coach.vision.stage import write_video_features
from qevd_bio.learning.encoders import Normal, read_normal
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.tables.workspace import Workspace

OPTIONS = FeatureOptions()


@pytest.mark.parametrize(
    ("height", "width", "box"),
    [(1920, 1080, (204, 1716, 0, 1080)), (480, 640, (0, 480, 149, 491)), (224, 160, (0, 224, 0, 160))],
)
def test_the_crop_is_the_released_one(height: int, width: int, box: tuple[int, int, int, int]) -> None:
    assert crop_box(height, width, 1.4) == box


def test_frames_agree_with_an_image_library() -> None:
    cv2 = pytest.importorskip("cv2")
    image = np.random.default_rng(0).integers(0, 256, (360, 480, 3), dtype=np.uint8)
    top, bottom, left, right = crop_box(360, 480, 1.4)
    theirs = cv2.resize(image[top:bottom, left:right], (160, 224), interpolation=cv2.INTER_LINEAR)
    ours = prepare(image, OPTIONS)
    assert ours.shape == (3, 224, 160) and ours.dtype == torch.float32
    assert np.abs(ours.permute(1, 2, 0).numpy() * 255 - theirs).max() <= 1


class Quarters:
    """An encoder that reports the mean of each frame's quarters instead of features; a feature every 4 frames."""

    dim, grid = 4, (1, 1)

    def stream(self, warm_up: int) -> Quarters:
        self.frames: list[torch.Tensor] = []
        return self

    def push(self, frame: torch.Tensor) -> torch.Tensor | None:
        self.frames.append(frame)
        if len(self.frames) % 4:
            return None
        quarters = (frame[:, :112, :80], frame[:, :112, 80:], frame[:, 112:, :80], frame[:, 112:, 80:])
        return torch.tensor([float(quarter.mean()) for quarter in quarters])[None, :, None, None]

    def finish(self) -> None:
        return None


def make_video(path: Path, frames: int, size: tuple[int, int] = (96, 64)) -> Path:
    """A 30 fps video whose top left quarter is white, black elsewhere."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.options = *size, {"preset": "ultrafast"}
        image = np.zeros((size[1], size[0], 3), np.uint8)
        image[: size[1] // 2, : size[0] // 2] = 255
        for _ in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def test_times_are_those_of_the_last_of_four_sampled_frames(tmp_path: Path) -> None:
    video = make_video(tmp_path / "0200.mp4", 61)
    stamps = tmp_path / "0200_timestamps.npy"
    zero = 1_600_000_000 - 28800
    np.save(stamps, zero * 10**9 + np.arange(61) * 10**9 // 30)
    encoder, out = Quarters(), paths_in(tmp_path, "0200")
    counted = write_video_features(video, stamps, False, encoder, OPTIONS, out)
    found = read_features(out)
    assert counted.frames == len(encoder.frames) == 33 and len(found.times) == counted.features == 8
    assert found.values.dtype == np.float32 and found.times.dtype == np.float64
    assert np.abs(found.times - 1.6e9 - [1 / 30 * -(-(4 * n + 3) * 30 // 16) for n in range(8)]).max() < 1e-5
    plain = write_video_features(video, None, False, Quarters(), OPTIONS, paths_in(tmp_path, "other"))
    assert plain.features == 8
    assert read_features(paths_in(tmp_path, "other")).times[0] == pytest.approx(6 / 30, abs=1e-6)


@pytest.mark.parametrize(("lying", "corner"), [(False, 0), (True, 1)])
def test_a_lying_video_is_turned_clockwise(lying: bool, corner: int, tmp_path: Path) -> None:
    video = make_video(tmp_path / "0001.mp4", 10, (160, 224))
    out = paths_in(tmp_path, "0001")
    write_video_features(video, None, lying, Quarters(), OPTIONS, out)
    values = read_features(out).values[0, :, 0, 0]
    assert int(values.argmax()) == corner and values[corner] > 0.5


def test_a_video_cut_off_keeps_what_was_decoded(tmp_path: Path) -> None:
    video = make_video(tmp_path / "0200.mp4", 61)
    stamps = tmp_path / "t.npy"
    np.save(stamps, np.arange(62) * 33_333_333)
    assert write_video_features(video, stamps, False, Quarters(), OPTIONS, paths_in(tmp_path, "a")).features == 8
    with pytest.raises(ItemError, match="too_short"):
        write_video_features(
            make_video(tmp_path / "s.mp4", 4), None, False, Quarters(), OPTIONS, paths_in(tmp_path, "b")
        )
    assert not paths_in(tmp_path, "b").features.exists()


def write(root: Path, values: np.ndarray, times: np.ndarray) -> None:
    paths = paths_in(root, "0200")
    paths.features.parent.mkdir(parents=True, exist_ok=True)
    np.save(paths.features, values)
    np.save(paths.times, times)


def test_a_segment_begins_after_its_start_and_ends_with_its_end(tmp_path: Path) -> None:
    write(tmp_path, np.arange(20 * 6, dtype=np.float32).reshape(20, 2, 3, 1), 100 + 0.25 * np.arange(20))
    found = read_features(paths_in(tmp_path, "0200"), 2, 3)
    part = found.segment(101.0, 102.0)
    assert part.times.tolist() == [101.25, 101.5, 101.75, 102.0]
    assert part.tokens()[0].tolist() == [[30, 33], [31, 34], [32, 35]]
    front = with_zero_in_front(part.tokens())
    assert front.shape == (5, 3, 2) and not front[0].any() and np.array_equal(front[1:], part.tokens())
    with pytest.raises(ItemError, match=r"no feature between 300.00 s and 301.00 s"):
        found.segment(300, 301)


@pytest.mark.parametrize(
    ("shape", "times", "message"),
    [
        ((4, 2, 3), np.arange(4) / 4, r"holds float32 \(4, 2, 3\)"),
        ((4, 5, 3, 1), np.arange(4) / 4, "features of 5 values in 3 cells"),
        ((4, 2, 3, 1), np.arange(5) / 4, r"\(5,\) times for 4 features"),
        ((4, 2, 3, 1), np.arange(4) / 8, "8.00 features a second"),
        ((4, 2, 3, 1), np.zeros(4), "do not rise"),
    ],
)
def test_faulty_features_are_explained(shape: tuple[int, ...], times: np.ndarray, message: str, tmp_path: Path) -> None:
    write(tmp_path, np.zeros(shape, np.float32), times)
    with pytest.raises(UserError, match=message):
        read_features(paths_in(tmp_path, "0200"), 2, 3)


def test_missing_and_damaged_features_are_explained(tmp_path: Path) -> None:
    paths = paths_in(tmp_path, "0200")
    with pytest.raises(UserError, match=r"no such file[\s\S]*next: qevd-bio features"):
        read_features(paths)
    write(tmp_path, np.zeros((4, 2, 3, 1), np.float32), np.arange(4) / 4)
    paths.features.write_bytes(paths.features.read_bytes()[:90])
    with pytest.raises(UserError, match="cannot be read"):
        read_features(paths)
    np.save(paths.features, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match="cannot be read"):
        read_features(paths)


def test_an_image_encoder_sees_each_frame_alone(tmp_path: Path) -> None:
    from transformers import CLIPVisionConfig, CLIPVisionModel

    from qevd_bio.coach.vision.encoders import load_encoder

    config = CLIPVisionConfig(hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
                              image_size=32, patch_size=8)  # fmt: skip
    CLIPVisionModel(config).save_pretrained(tmp_path / "clip")
    encoder = load_encoder("image", str(tmp_path / "clip"), 0, "cpu")
    assert isinstance(encoder, ImageEncoder) and encoder.dim == 16
    frames = torch.rand(8, 3, 28, 20)
    stream = encoder.stream(12)
    found = [stream.push(frame) for frame in frames]
    assert [feature is None for feature in found] == [True, True, True, False] * 2
    alone = encoder.stream(12)
    assert torch.equal(found[7], [alone.push(frames[7]) for _ in range(4)][3])
    with pytest.raises(UserError, match="no image encoder here"):
        load_encoder("image", str(tmp_path), 0, "cpu")


def test_colours_are_normalised_as_the_encoder_was_trained(tmp_path: Path) -> None:
    from transformers import CLIPImageProcessor

    assert read_normal(tmp_path) == Normal()
    CLIPImageProcessor().save_pretrained(tmp_path)
    found = read_normal(tmp_path)
    assert found.mean == pytest.approx((0.48145466, 0.4578275, 0.40821073))
    assert found.std == pytest.approx((0.26862954, 0.26130258, 0.27577711))

    class Model:
        config = type("C", (), {"hidden_size": 3, "image_size": 4})()

        def eval(self) -> Model:
            return self

        def parameters(self) -> Iterator[torch.Tensor]:
            return iter([torch.zeros(1)])

        def __call__(self, pixel_values: torch.Tensor) -> SimpleNamespace:
            return SimpleNamespace(last_hidden_state=pixel_values.flatten(2).transpose(1, 2))

    seen = ImageEncoder(Model(), found).encode(torch.full((3, 28, 20), 0.5))
    assert seen[0, :, 3, 2].tolist() == pytest.approx(
        [(0.5 - m) / s for m, s in zip(found.mean, found.std, strict=True)], abs=1e-5
    )
    (tmp_path / "preprocessor_config.json").write_text('{"do_normalize": false}')
    assert read_normal(tmp_path).std == (1.0, 1.0, 1.0)
    for text in ("{", "[]", '{"image_mean": [1, 2], "image_std": [1, 2]}', '{"image_mean": 1}'):
        (tmp_path / "preprocessor_config.json").write_text(text)
        with pytest.raises(UserError, match=r"preprocessor_config.json[\s\S]*three numbers each"):
            read_normal(tmp_path)


def test_the_command_writes_the_official_layout(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "QEVD-FIT-COACH-Benchmark" / "long_range_videos"
    make_video(folder / "0200.mp4", 9)
    np.save(folder / "0200_timestamps.npy", (1_600_000_000 - 28800) * 10**9 + np.arange(9) * 33_333_333)
    args = ["features", "--data", str(tmp_path / "data"), "--workspace", str(tmp_path / "ws"), "--weights", "random"]
    first = CliRunner().invoke(app, args)
    assert first.exit_code == 0, first.output
    assert "features: 1 done" in first.output
    root = tmp_path / "ws" / "features" / "QEVD-FIT-COACH-Benchmark"
    made = root / "efficientnet_features" / "long_range_videos"
    assert sorted(path.name for path in made.iterdir()) == ["0200_features.npy", "0200_timestamps.npy"]
    assert np.load(made / "0200_features.npy").shape == (1, 1280, 7, 5)
    assert "1 kept" in CliRunner().invoke(app, args).output
    other = CliRunner().invoke(app, [*args, "--seed", "1"])
    assert other.exit_code == 2
    marker = json.loads((tmp_path / "ws/manifests/features/QEVD-FIT-COACH-Benchmark/0200.json").read_text())
    assert marker["settings"]["weights"] == "random:0" and marker["result"]["features"] == 1


def test_other_crops_lie_within_the_picture_and_follow_from_the_video() -> None:
    image = np.random.default_rng(0).integers(0, 256, (360, 480, 3), dtype=np.uint8)
    seen = {}
    for number in range(1, 9):
        crop = other_crop("split/0200", number)
        top, bottom, left, right = crop.box(360, 480, 1.4)
        assert 0 <= top < bottom <= 360 and 0 <= left < right <= 480
        assert bottom - top > 0.79 * 360 and (bottom - top) / (right - left) == pytest.approx(1.4, abs=0.01)
        found = prepare(image, OPTIONS, crop)
        assert found.shape == (3, 224, 160) and float(found.min()) >= 0 and float(found.max()) <= 1
        assert torch.equal(found, prepare(image, OPTIONS, other_crop("split/0200", number)))
        seen[number] = (top, left, bottom)
    assert len(set(seen.values())) == 8 and other_crop("split/0201", 1) != other_crop("split/0200", 1)


def test_the_command_writes_crops_beside_the_middle(tmp_path: Path) -> None:
    make_video(tmp_path / "data" / "one.mp4", 9)
    args = ["features", "--data", str(tmp_path / "data"), "--workspace", str(tmp_path / "ws"), "--weights", "random"]
    done = CliRunner().invoke(app, [*args, "--crops", "3"])
    assert done.exit_code == 0 and "features-crop-2: 1 done" in done.output, done.output
    middle = feature_paths(Workspace(tmp_path / "ws"), "videos", "one")
    found = [np.load(paths.features) for paths in (middle, *other_crops(middle))]
    assert len(found) == 3 and {values.shape for values in found} == {(1, 1280, 7, 5)}
    assert not np.array_equal(found[0], found[1]) and not np.array_equal(found[1], found[2])
    again = CliRunner().invoke(app, args)
    assert "features: 0 done, 1 kept" in again.output  # those of the middle are the same with and without crops


def test_the_command_asks_for_weights(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["features", "--data", str(tmp_path)])
    assert result.exit_code == 2 and "no weights named" in result.output
