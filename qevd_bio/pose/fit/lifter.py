"""A small temporal network from landmarks to bones and angles, each with its spread: what bodies usually do.

Convolutions over about two seconds on either side of a frame, at 15 Hz. It has learnt from simulated bodies and
simulated landmarks alone (`qevd-bio train lifter`). Plain numpy: the network is small.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qevd_bio.pose.fit.chain import HIPS
from qevd_bio.pose.fit.rotations import Float
from qevd_bio.pose.fit.seen import SeenClip
from qevd_bio.pose.fit.smooth import runs
from qevd_bio.pose.fit.world import BONES
from qevd_bio.store import extras
from qevd_bio.store.errors import UserError
from qevd_bio.store.resources import refs_path

HZ = 15.0
WIDTH, DILATIONS = 128, (1, 2, 4, 8, 16)
N_BONES, N_ANGLES = len(BONES), 46
N_INPUTS = 32 + 48 + 15 + 16 + 5
N_OUTPUTS = 6 * N_BONES + 3 * N_ANGLES
LEAST_LOG, MOST_LOG = -4.6, 0.7  # of a bone's spread in statures
LEAST_KAPPA, MOST_KAPPA = -1.0, 8.0  # logarithm of a von Mises distribution's concentration
_GAP_S = 0.5


@dataclass(frozen=True)
class Lifted:
    """What the network says of K frames.

    bones (K, 13, 3) in statures, camera axes (x right, y up, z to the camera), and their spread; angles (K, 46) and
    their spread in radians, the pelvis' heading against the camera.
    """

    bones: Float
    bones_sd: Float
    angles: Float
    angles_sd: Float

    def take(self, rows: NDArray[np.intp]) -> Lifted:
        """What it says of chosen frames."""
        return Lifted(self.bones[rows], self.bones_sd[rows], self.angles[rows], self.angles_sd[rows])

    def scaled(self, metres: float) -> Lifted:
        """The same with bones in metres."""
        return replace(self, bones=self.bones * metres, bones_sd=self.bones_sd * metres)


def inputs_of(clip: SeenClip, focal: float) -> Float:
    """What the network sees of each frame (K, N_INPUTS): where landmarks are, without the person's size and place."""
    frames = len(clip)
    size = max(float(np.median(4.0 * np.sqrt(clip.image.var((1, 2)).sum(-1)))), 1e-6)
    middle = clip.image[:, HIPS].mean(1)
    bones = BONES @ clip.world.reshape(frames, 16, 3)
    scale = max(float(np.median(np.linalg.norm(bones, axis=-1), axis=0).sum()), 1e-6) / _SUM_OF_BONES
    head = clip.head - clip.world[:, HIPS].mean(1)[:, None]
    world = clip.world - clip.world[:, HIPS].mean(1)[:, None, None]
    parts = [
        (clip.image - middle[:, None, None]) / (0.25 * size),
        world / (0.25 * scale),
        head / (0.25 * scale),
        2.0 * clip.visibility - 1.0,
        (middle - np.median(middle, axis=0)) / (0.25 * size),
        3.0 * middle / focal,
        np.full((frames, 1), size / focal),
    ]
    return np.concatenate([part.reshape(frames, -1) for part in parts], axis=1)


_SUM_OF_BONES = 2.2  # of a body's 13 bones, in statures


def read_lifter(path: Path | None) -> Mapping[str, NDArray[np.float32]]:
    """The weights of a file of `qevd-bio train lifter` by name, of the shipped one where `path` is None.

    Raises UserError where it is no such file.
    """
    path = refs_path("pose", "lifter.safetensors") if path is None else path.expanduser()
    if not path.is_file():
        raise UserError("no such file", where=path, expected="weights of the lifter (.safetensors)", fix=_TRAIN)
    extras.need("safetensors", what="the lifter")
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _read(path: Path, changed_ns: int) -> Mapping[str, NDArray[np.float32]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        found = {name: value.astype(np.float32) for name, value in load_file(path).items()}
    except (SafetensorError, OSError, ValueError) as error:
        said = str(error).splitlines()[0][:120]
        raise UserError(
            f"cannot be read ({said})", where=path, expected="a whole safetensors file", fix=_TRAIN
        ) from error
    if {name: value.shape for name, value in found.items()} != _shapes():
        raise UserError("holds another network", where=path, expected="weights of this version's lifter", fix=_TRAIN)
    return found


_TRAIN = "qevd-bio train lifter makes one"


def _shapes() -> dict[str, tuple[int, ...]]:
    layers = {"first": (WIDTH, N_INPUTS, 3), "last": (N_OUTPUTS, WIDTH, 1)}
    for k in range(len(DILATIONS)):
        layers |= {f"wide.{k}": (WIDTH, WIDTH, 3), f"narrow.{k}": (WIDTH, WIDTH, 1)}
    found: dict[str, tuple[int, ...]] = {f"{name}.weight": shape for name, shape in layers.items()}
    return found | {f"{name}.bias": shape[:1] for name, shape in layers.items()}


def lift(weights: Mapping[str, NDArray[np.float32]], clip: SeenClip, focal: float) -> Lifted:
    """Bones and angles of a clip's frames."""
    found = np.empty((len(clip), N_OUTPUTS))
    inputs = inputs_of(clip, focal)
    for rows in runs(np.ones(len(clip), dtype=bool), clip.time_s, _GAP_S):
        times = clip.time_s[rows]
        grid = np.arange(times[0], times[-1] + 1.0 / HZ, 1.0 / HZ)
        even = np.stack([np.interp(grid, times, column) for column in inputs[rows].T], axis=1)
        out = forward(weights, even.astype(np.float32))
        found[rows] = np.stack([np.interp(times, grid, column) for column in out.T], axis=1)
    return _split(found)


def forward(weights: Mapping[str, NDArray[np.float32]], inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Outputs (T, N_OUTPUTS) of the network for inputs (T, N_INPUTS) at HZ; the same as the trained module's."""
    x = _relu(_convolve(weights, "first", inputs, 1))
    for k, dilation in enumerate(DILATIONS):
        inner = _relu(_convolve(weights, f"wide.{k}", x, dilation))
        x = x + _relu(_convolve(weights, f"narrow.{k}", inner, 1))
    return _convolve(weights, "last", x, 1)


def _convolve(
    weights: Mapping[str, NDArray[np.float32]], name: str, x: NDArray[np.float32], dilation: int
) -> NDArray[np.float32]:
    """A convolution over time, kernel 1 or 3, zeros beyond the ends: weight (out, in, kernel), bias (out,)."""
    weight, out = weights[f"{name}.weight"], weights[f"{name}.bias"][None]
    if weight.shape[2] == 1:
        return np.asarray(x @ weight[:, :, 0].T + out)
    total = x @ weight[:, :, 1].T + out
    if len(x) > dilation:
        total[dilation:] += x[:-dilation] @ weight[:, :, 0].T
        total[:-dilation] += x[dilation:] @ weight[:, :, 2].T
    return np.asarray(total)


def _relu(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.maximum(x, 0.0)


def _split(found: Float) -> Lifted:
    bones, log_sd, cosine, sine, log_kappa = np.split(
        found, np.cumsum([3 * N_BONES, 3 * N_BONES, N_ANGLES, N_ANGLES]), axis=1
    )
    return Lifted(
        bones=bones.reshape(-1, N_BONES, 3),
        bones_sd=np.exp(np.clip(log_sd, LEAST_LOG, MOST_LOG)).reshape(-1, N_BONES, 3),
        angles=np.arctan2(sine, cosine),
        angles_sd=np.exp(-0.5 * np.clip(log_kappa, LEAST_KAPPA, MOST_KAPPA)),
    )
