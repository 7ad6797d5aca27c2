"""The causal, temporally strided EfficientNet-Lite-4 of the `sense` library: frames at 16 Hz, features at 4 Hz.

Architecture: QEVD, App. D.1 and the released extraction. Parameter names are those of the released checkpoint.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

FRAMES_PER_FEATURE = 4
FEATURE_DIM = 1280
GRID = (7, 5)
CLASSES = 3031


@dataclass(frozen=True)
class BlockSpec:
    """One inverted residual block; `temporal` = causal 3x1x1 expansion, `halves` = it has temporal stride 2."""

    inputs: int
    outputs: int
    kernel: int
    stride: int = 1
    expand: int = 6
    temporal: bool = False
    halves: bool = False


def _stage(outputs: int, kernel: int, inputs: int, kinds: str, stride: int = 1) -> list[BlockSpec]:
    """Blocks of one width: '.' plain, 'T' temporal, 'S' temporal with stride; the first changes width and size."""
    specs = []
    for index, kind in enumerate(kinds):
        first = index == 0
        specs.append(
            BlockSpec(
                inputs if first else outputs, outputs, kernel, stride if first else 1, 6, kind in "TS", kind == "S"
            )
        )
    return specs


BLOCKS: tuple[BlockSpec, ...] = (
    BlockSpec(32, 24, 3, expand=1),
    *_stage(32, 3, 24, ".T..", stride=2),
    *_stage(56, 5, 32, ".S..", stride=2),
    *_stage(112, 3, 56, ".T..S.", stride=2),
    *_stage(160, 5, 112, ".T..T."),
    *_stage(272, 5, 160, ".T.T....", stride=2),
    BlockSpec(272, 448, 3),
)


class TemporalConv(nn.Conv2d):
    """Causal 3x1x1 convolution, held as a 1x1 convolution over three stacked frames, the oldest first.

    It remembers the frames before the current ones (two, or one with stride 2); at the start they are zeros.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__(3 * inputs, outputs, 1)
        self.step = stride
        self.remembered = 3 - stride

    def stack(self, frames: Tensor, memory: Tensor | None) -> tuple[Tensor, Tensor]:
        """(B, T, C, H, W) to (B, T/step, 3C, H, W), and the memory for the frames that follow."""
        if memory is None:
            memory = frames.new_zeros(frames.shape[0], self.remembered, *frames.shape[2:])
        seen = torch.cat((memory, frames), dim=1)
        windows = seen.shape[1] - 2
        stacked = torch.cat([seen[:, shift : shift + windows : self.step] for shift in range(3)], dim=2)
        return stacked, seen[:, -self.remembered :]


def _conv_relu(conv: nn.Conv2d) -> nn.Sequential:
    return nn.Sequential(conv, nn.ReLU6(inplace=True))


class ResidualBlock(nn.Module):
    """Inverted residual: expansion (maybe temporal), depthwise convolution, projection."""

    def __init__(self, spec: BlockSpec) -> None:
        super().__init__()
        hidden = spec.inputs * spec.expand
        parts: list[nn.Module] = []
        if spec.expand != 1:
            stride = 2 if spec.halves else 1
            expansion = (
                TemporalConv(spec.inputs, hidden, stride) if spec.temporal else nn.Conv2d(spec.inputs, hidden, 1)
            )
            parts.append(_conv_relu(expansion))
        depthwise = nn.Conv2d(hidden, hidden, spec.kernel, spec.stride, spec.kernel // 2, groups=hidden)
        self.conv = nn.Sequential(*parts, _conv_relu(depthwise), nn.Conv2d(hidden, spec.outputs, 1))
        self.adds = spec.stride == 1 and spec.inputs == spec.outputs
        self.halves = spec.halves

    def forward(self, frames: Tensor, memory: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """(B, T, C, H, W) and the memory of earlier calls to the output and the memory for the next."""
        flow, kept = frames, memory
        first = next(self.conv[0].children())
        if isinstance(first, TemporalConv):
            flow, kept = first.stack(frames, memory)
        flow = over_frames(self.conv, flow)
        if self.adds:
            flow = flow + (frames[:, 1::2] if self.halves else frames)
        return flow, kept


def over_frames(module: nn.Module, frames: Tensor) -> Tensor:
    """Apply a 2D module to each frame of (B, T, C, H, W); channels lie last in memory, a third faster on a CPU."""
    flat: Tensor = module(frames.flatten(0, 1).contiguous(memory_format=torch.channels_last))
    return flat.reshape(*frames.shape[:2], *flat.shape[1:])


class Backbone(nn.Module):
    """Frames (B, T, 3, 224, 160) in 0..1, RGB, to features (B, T/4, 1280, 7, 5); T is a multiple of 4.

    The feature is the last 1x1 convolution's output before its activation. `memory` carries what earlier frames
    left in each block (None at a video's start), so that a clip in pieces gives the same features.
    """

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__()
        stem = _conv_relu(nn.Conv2d(3, 32, 3, 2, 1))
        self.cnn = nn.ModuleList([stem, *map(ResidualBlock, BLOCKS), _conv_relu(nn.Conv2d(448, FEATURE_DIM, 1))])
        self.classifier = nn.Linear(FEATURE_DIM, classes)

    def forward(self, frames: Tensor, memory: list[Tensor | None] | None = None) -> tuple[Tensor, list[Tensor | None]]:
        if frames.shape[1] % FRAMES_PER_FEATURE:
            raise ValueError(f"{frames.shape[1]} frames, expected a multiple of {FRAMES_PER_FEATURE}")
        before = memory if memory is not None else [None] * len(BLOCKS)
        after: list[Tensor | None] = []
        flow = over_frames(self.cnn[0], frames)
        for block, kept in zip(self.cnn[1:-1], before, strict=True):
            flow, left = block(flow, kept)
            after.append(left)
        last = next(self.cnn[-1].children())
        return over_frames(last, flow), after

    def logits(self, features: Tensor) -> Tensor:
        """(B, T, 1280, 7, 5) to class scores (B, T, classes): activation, mean over space, linear."""
        pooled = nn.functional.relu6(features).mean(dim=(-2, -1))
        scores: Tensor = self.classifier(pooled)
        return scores

    def initialise(self, seed: int) -> Backbone:
        """Random weights whose signal neither dies out nor explodes over the 32 stages; the same for a seed."""
        generator = torch.Generator().manual_seed(seed)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan_in = module.weight[0].numel()
                scale = 0.5 if module.groups == 1 and module.out_channels < module.in_channels else 2.0
                with torch.no_grad():
                    module.weight.normal_(0.0, (scale / fan_in) ** 0.5, generator=generator)
                    if module.bias is not None:
                        module.bias.zero_()
        return self


class FeatureStream:
    """Frame by frame through the backbone: takes preprocessed frames (3, H, W) of one video, one at a time.

    The first frame is fed `warm_up` extra times, and what the network gives for these is dropped. `chunk`
    frames go through the network together; it changes speed alone.
    """

    def __init__(self, backbone: Backbone, warm_up: int = 12, chunk: int = FRAMES_PER_FEATURE) -> None:
        if warm_up % FRAMES_PER_FEATURE or chunk % FRAMES_PER_FEATURE:
            raise ValueError(f"warm-up and chunk must be multiples of {FRAMES_PER_FEATURE}")
        self._backbone = backbone.eval()
        self._warm_up, self._chunk = warm_up, chunk
        self._memory: list[Tensor | None] | None = None
        self._waiting: list[Tensor] = []
        self._started = False

    def push(self, frame: Tensor) -> Tensor | None:
        """Features (n, 1280, 7, 5) where a chunk is complete, else None."""
        if not self._started:
            self._started = True
            if self._warm_up:
                self._run([frame] * self._warm_up)
        self._waiting.append(frame)
        return self._flush(self._chunk) if len(self._waiting) == self._chunk else None

    def finish(self) -> Tensor | None:
        """Features of the frames still waiting; up to three frames at the end give none."""
        return self._flush(len(self._waiting) // FRAMES_PER_FEATURE * FRAMES_PER_FEATURE)

    def _flush(self, frames: int) -> Tensor | None:
        taken, self._waiting = self._waiting[:frames], self._waiting[frames:]
        return self._run(taken) if taken else None

    @torch.inference_mode()
    def _run(self, frames: list[Tensor]) -> Tensor:
        device = next(self._backbone.parameters()).device
        features, self._memory = self._backbone(torch.stack(frames)[None].to(device), self._memory)
        found: Tensor = features[0].float().cpu()
        return found
