"""What turns frames into features: the 3D CNN, or a per-frame image encoder in its place (an ablation)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from qevd_bio.coach.options import RANDOM
from qevd_bio.coach.vision.backbone import FEATURE_DIM, FRAMES_PER_FEATURE, GRID, Backbone
from qevd_bio.coach.vision.backbone_state import FeatureStream
from qevd_bio.coach.vision.backbone_weights import load_backbone
from qevd_bio.store.errors import UserError


class Stream(Protocol):
    """Takes the frames of one video in order and gives features (n, C, H, W) now and then."""

    def push(self, frame: Tensor) -> Tensor | None: ...

    def finish(self) -> Tensor | None: ...


class Encoder(Protocol):
    """Shape of the features, and a stream for each video."""

    dim: int
    grid: tuple[int, int]

    def stream(self, warm_up: int) -> Stream: ...


class CnnEncoder:
    """The 3D CNN: a feature every four frames, of all that was seen.

    `chunk` frames go through it together: four stay in a processor's caches, a GPU wants more.
    """

    dim, grid = FEATURE_DIM, GRID

    def __init__(self, backbone: Backbone) -> None:
        self._backbone = backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        on_cpu = next(backbone.parameters()).device.type == "cpu"
        self._chunk = FRAMES_PER_FEATURE if on_cpu else 16 * FRAMES_PER_FEATURE

    def stream(self, warm_up: int) -> FeatureStream:
        return FeatureStream(self._backbone, warm_up, self._chunk)


@dataclass(frozen=True)
class Normal:
    """Mean and standard deviation of each colour that an image encoder was trained with, on values in 0..1."""

    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)


PREPROCESSOR = "preprocessor_config.json"


def read_normal(folder: Path) -> Normal:
    """What `preprocessor_config.json` in a model's folder says, 0.5 each where there is none.

    UserError for one that cannot be read or names something else than three numbers each.
    """
    path = folder / PREPROCESSOR
    if not path.is_file():
        return Normal()
    expected = "image_mean and image_std with three numbers each, as transformers writes them"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if not values.get("do_normalize", True):
            return Normal((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
        mean, std = (tuple(float(value) for value in values[name]) for name in ("image_mean", "image_std"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"cannot be used ({error})", where=path, expected=expected) from error
    if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
        raise UserError(f"image_mean {mean}, image_std {std}", where=path, expected=expected)
    return Normal(mean, std)


class ImageEncoder:
    """A vision transformer of `transformers` (CLIP, SigLIP, DINOv2 …) on every fourth frame alone.

    Its patches are averaged to the same 7 x 5 cells, so that only what an encoder sees of motion differs.
    """

    grid = GRID

    def __init__(self, model: Any, normal: Normal | None = None) -> None:
        self._model = model.eval()
        config = getattr(model.config, "vision_config", model.config)
        self.dim = int(config.hidden_size)
        self._size = int(config.image_size)
        normal = normal or Normal()
        self._mean, self._std = (torch.tensor(values)[:, None, None] for values in (normal.mean, normal.std))

    def stream(self, warm_up: int) -> _ImageStream:
        return _ImageStream(self)

    @torch.inference_mode()
    def encode(self, frame: Tensor) -> Tensor:
        """(3, H, W) in 0..1 to (1, C, 7, 5)."""
        size = (self._size, self._size)
        pixels = torch.nn.functional.interpolate(frame[None], size=size, mode="bilinear", antialias=True)
        pixels = (pixels - self._mean) / self._std
        state = self._model(pixel_values=pixels.to(next(self._model.parameters()).device)).last_hidden_state[0]
        side = int((state.shape[0]) ** 0.5)
        patches = state[-side * side :].float().cpu()
        image = patches.T.unflatten(-1, (side, side))[None]
        return torch.nn.functional.adaptive_avg_pool2d(image, self.grid)


class _ImageStream:
    def __init__(self, encoder: ImageEncoder) -> None:
        self._encoder, self._seen = encoder, 0

    def push(self, frame: Tensor) -> Tensor | None:
        self._seen += 1
        return None if self._seen % FRAMES_PER_FEATURE else self._encoder.encode(frame)

    def finish(self) -> Tensor | None:
        return None


@lru_cache(maxsize=1)
def load_encoder(kind: str, weights: str, seed: int, device: str) -> Encoder:
    """The encoder from its weights: a file (3D CNN), a folder of transformers' (image), or `random`.

    Kept for the next video of the same process. UserError for what cannot be used.
    """
    if kind == "3d-cnn":
        backbone = Backbone().initialise(seed) if weights == RANDOM else load_backbone(Path(weights))
        return CnnEncoder(backbone.to(device).eval())
    return ImageEncoder(_vision_model(Path(weights)).to(device), read_normal(Path(weights)))


def _vision_model(folder: Path) -> Any:
    if not (folder / "config.json").is_file():
        raise UserError(
            "no image encoder here", where=folder, expected="a folder of transformers (config.json, model.safetensors)"
        )
    from transformers import AutoModel

    try:
        model = AutoModel.from_pretrained(folder, local_files_only=True, trust_remote_code=False, use_safetensors=True)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"cannot be read ({str(error).splitlines()[0][:160]})",
            where=folder,
            expected="a vision model saved by transformers, with safetensors",
        ) from error
    return getattr(model, "vision_model", model)
