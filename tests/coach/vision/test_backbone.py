"""The 3D CNN: causal, the same in pieces, and loaded by the released names."""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from qevd_bio.coach.vision.backbone import BLOCKS, Backbone, FeatureStream, TemporalConv
from qevd_bio.coach.vision.weights import load_backbone, released_names
from qevd_bio.store.errors import UserError


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return Backbone(11).initialise(0).eval()


@pytest.fixture(scope="module")
def frames() -> torch.Tensor:
    return torch.rand(1, 16, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def test_the_blocks_are_the_documented_ones() -> None:
    assert len(BLOCKS) == 30
    assert [n for n, b in enumerate(BLOCKS, 1) if b.temporal] == [3, 7, 11, 14, 17, 20, 23, 25]
    assert [n for n, b in enumerate(BLOCKS, 1) if b.halves] == [7, 14]
    assert [n for n, b in enumerate(BLOCKS, 1) if b.stride == 2] == [2, 6, 10, 22]
    assert all(b.inputs == a.outputs for a, b in pairwise(BLOCKS))


def test_a_full_frame_gives_35_tokens(backbone: Backbone) -> None:
    with torch.no_grad():
        features, _ = backbone(torch.rand(1, 4, 3, 224, 160))
    assert features.shape == (1, 1, 1280, 7, 5)
    assert 0.05 < float(features.std()) < 50
    assert backbone.logits(features).shape == (1, 1, 11)


@pytest.mark.parametrize("stride", [1, 2])
def test_a_temporal_convolution_is_a_causal_3d_convolution(stride: int) -> None:
    conv = TemporalConv(5, 7, stride)
    clip = torch.rand(2, 8, 5, 3, 3)
    stacked, memory = conv.stack(clip, None)
    ours = conv(stacked.flatten(0, 1)).unflatten(0, (2, 8 // stride))
    weight = conv.weight.reshape(7, 3, 5, 1, 1).transpose(1, 2)
    padded = torch.nn.functional.pad(clip.transpose(1, 2), (0, 0, 0, 0, 3 - stride, 0))
    theirs = torch.nn.functional.conv3d(padded, weight, conv.bias, stride=(stride, 1, 1)).transpose(1, 2)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    assert torch.equal(memory, clip[:, -(3 - stride) :])


@pytest.mark.parametrize("sizes", [(4, 4, 4, 4), (8, 8), (12, 4)])
def test_pieces_give_the_features_of_the_whole(
    backbone: Backbone, frames: torch.Tensor, sizes: tuple[int, ...]
) -> None:
    with torch.no_grad():
        whole, _ = backbone(frames)
        memory, parts = None, []
        for piece in frames.split(sizes, dim=1):
            found, memory = backbone(piece, memory)
            parts.append(found)
    assert whole.shape[1] == 4
    torch.testing.assert_close(torch.cat(parts, 1), whole, rtol=1e-5, atol=1e-5)


def test_the_future_changes_nothing(backbone: Backbone, frames: torch.Tensor) -> None:
    other = frames.clone()
    other[:, 8:] = 0
    with torch.no_grad():
        first, second = backbone(frames)[0], backbone(other)[0]
    torch.testing.assert_close(first[:, :2], second[:, :2])
    assert not torch.allclose(first[:, 2:], second[:, 2:], atol=1e-3)


def test_a_stream_warms_up_and_starts_afresh(backbone: Backbone, frames: torch.Tensor) -> None:
    def run(chunk: int) -> torch.Tensor:
        stream = FeatureStream(backbone, 12, chunk)
        found = [stream.push(frame) for frame in frames[0, :14]] + [stream.finish()]
        return torch.cat([part for part in found if part is not None])

    with torch.no_grad():
        expected, _ = backbone(torch.cat((frames[:, :1].expand(-1, 12, -1, -1, -1), frames[:, :12]), dim=1))
    assert run(4).shape[0] == 3  # the last two of 14 frames give no feature
    torch.testing.assert_close(run(4), expected[0, 3:], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(run(8), run(4), rtol=1e-5, atol=1e-5)


def test_a_clip_of_another_length_is_refused(backbone: Backbone) -> None:
    with pytest.raises(ValueError, match="multiple of 4"):
        backbone(torch.rand(1, 6, 3, 32, 32))


def with_prefix(tensors: dict[str, torch.Tensor]) -> OrderedDict[str, torch.Tensor]:
    return OrderedDict((f"module.{name}" if n % 2 else f"0.module.{name[2:]}", value)
                       for n, (name, value) in enumerate(tensors.items()) if name.startswith("0.")) | {
        f"module.{name}": value for name, value in tensors.items() if not name.startswith("0.")
    }  # fmt: skip


def test_released_names_load(backbone: Backbone, frames: torch.Tensor, tmp_path: Path) -> None:
    names = released_names(backbone)
    assert {"0.cnn.0.0.weight", "0.cnn.1.conv.0.0.weight", "0.cnn.1.conv.1.bias", "0.cnn.31.0.weight"} <= set(names)
    assert {"0.cnn.3.conv.0.0.weight", "0.cnn.3.conv.1.0.weight", "0.cnn.3.conv.2.bias", "2.1.weight"} <= set(names)
    torch.save({"state_dict": with_prefix(names)}, tmp_path / "efficientnet.checkpoint")
    save_file({name: value.contiguous() for name, value in names.items()}, tmp_path / "weights.safetensors")
    with torch.no_grad():
        expected, _ = backbone(frames)
        for name in ("efficientnet.checkpoint", "weights.safetensors"):
            loaded = load_backbone(tmp_path / name)
            assert torch.equal(loaded(frames)[0], expected)
            assert torch.equal(loaded.logits(expected), backbone.logits(expected))


def test_faulty_checkpoints_are_explained(backbone: Backbone, tmp_path: Path) -> None:
    names = released_names(backbone)
    path = tmp_path / "weights.pth"
    with pytest.raises(UserError, match="no such file"):
        load_backbone(path)
    partial = dict(names)
    del partial["0.cnn.5.conv.1.0.weight"]
    torch.save(partial, path)
    with pytest.raises(UserError, match=r"1 of \d+ weights missing: cnn.5.conv.1.0.weight"):
        load_backbone(path)
    torch.save({**names, "0.cnn.0.0.weight": torch.zeros(32, 3, 5, 5)}, path)
    with pytest.raises(UserError, match=r"cnn.0.0.weight has shape \(32, 3, 5, 5\)"):
        load_backbone(path)
    torch.save({"something.weight": torch.zeros(2)}, path)
    with pytest.raises(UserError, match="no vision backbone in it"):
        load_backbone(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UserError, match=r"cannot be read|refused"):
        load_backbone(path)


class Touch:
    """A pickle that would make a file when it is loaded."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (self.path, "w")


def test_a_file_that_holds_code_is_refused(tmp_path: Path) -> None:
    torch.save({"0.cnn.0.0.weight": Touch(str(tmp_path / "made"))}, tmp_path / "bad.pth")
    with pytest.raises(UserError, match="refused: not a plain file of tensors"):
        load_backbone(tmp_path / "bad.pth")
    assert not (tmp_path / "made").exists()
