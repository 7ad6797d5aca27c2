"""What turns frames into features: the 3D CNN, or a per-frame image encoder in its place (an ablation)."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from qevd_bio.coach.options import RANDOM
from qevd_bio.coach.vision.backbone import FEATURE_DIM, FRAMES_PER_FEATURE, GRID, Backbone, FeatureStream
from qevd_bio.coach.vision.weights import load_backbone
from qevd_bio.learning.encoders import Normal, read_normal, read_vision_model


class FeatureSource(Protocol):
    """Takes the frames of one video in order and gives features (n, C, H, W) now and then."""

    def push(self, frame: Tensor) -> Tensor | None: ...

    def finish(self) -> Tensor | None: ...


class FrameEncoder(Protocol):
    """Shape of the features, and a stream for each video."""

    dim: int
    grid: tuple[int, int]

    def stream(self, warm_up: int) -> FeatureSource: ...


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
def load_encoder(kind: str, weights: str, seed: int, device: str) -> FrameEncoder:
    """The encoder from its weights: a file (3D CNN), a folder of transformers' (image), or `random`.

    Kept for the next video of the same process. UserError for what cannot be used.
    """
    if kind == "3d-cnn":
        backbone = Backbone().initialise(seed) if weights == RANDOM else load_backbone(Path(weights))
        return CnnEncoder(backbone.to(device).eval())
    return ImageEncoder(read_vision_model(Path(weights)).to(device), read_normal(Path(weights)))
