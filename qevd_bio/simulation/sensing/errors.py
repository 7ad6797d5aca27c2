"""Landmarks as a pose model would find them: exact ones with the errors that were measured on known bodies.

Thousands of sequences can be made so without drawing a picture. In the picture each landmark has a place of its own
in each clip, wanders, and trembles; covered ones do so more, and snap to the other side. World landmarks keep their
bones' lengths about right and lose half of their depth. Sides swap, landmarks jump, and now and then nobody is found.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import yaml

from qevd_bio.anatomy.dofs import FloatArray
from qevd_bio.pose.backends.landmarks import LANDMARK_INDEX, LANDMARKS
from qevd_bio.pose.fit.swaps import STATES, swapped_back
from qevd_bio.simulation.sensing.exact import Sight
from qevd_bio.store.resources import refs_path

_SIDES = ("right", "left")
_CHAINS = {
    "hip": (("thigh", "knee"), ("shank", "ankle")),
    "shoulder": (("upper_arm", "elbow"), ("forearm", "wrist")),
}
_LIMBS = (("knee", "ankle", "heel", "foot_index"), ("elbow", "wrist", "pinky", "index", "thumb"))
_HANDS = ("pinky", "index", "thumb")


@cache
def error_model() -> dict[str, Any]:
    """The figures of refs/simulation/landmark_errors.yaml."""
    found: dict[str, Any] = yaml.safe_load(refs_path("simulation", "landmark_errors.yaml").read_text(encoding="utf-8"))
    return found


def sense(
    sight: Sight, time_s: FloatArray, draw: np.random.Generator, model: Mapping[str, Any] | None = None
) -> FloatArray:
    """Landmarks (T, 33, 7) of a body in `sight`: image x, y in pixels, world x, y, z in metres, visibility, presence.

    Camera axes (x right, y down, z away), origin between the hips; NaN in frames in which nobody is found. `model`
    takes the place of `error_model()`.
    """
    model = error_model() if model is None else model
    step = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 1.0 / 30.0
    noise = _Noise(len(time_s), step, draw)
    hidden = np.maximum(sight.hidden, _behind_the_other(sight))
    out = np.ones((len(time_s), len(LANDMARKS), 7))
    out[..., :2] = sight.pixels + _image_errors(sight, hidden, noise, model["image"])
    out[..., 2:5] = _world(sight, noise, model["world"])
    about = model["visibility"]
    seen = about["seen"] + about["seen_spread"] * noise.walk(0.5, (33,))
    covered = about["hidden"] + about["hidden_spread"] * noise.walk(0.5, (33,))
    out[..., 5] = np.clip(seen + (covered - seen) * hidden, 0.01, 0.9999)
    return _failures(out, hidden, sight, noise, model["failures"])


class _Noise:
    """Random courses over T frames."""

    def __init__(self, frames: int, step_s: float, draw: np.random.Generator) -> None:
        self.frames, self.step_s, self.draw = frames, step_s, draw

    def walk(self, memory_s: float, shape: tuple[int, ...], between: float = 0.0) -> FloatArray:
        """(T, *shape) of unit variance that forgets within `memory_s`; the share `between` is constant."""
        keep = float(np.exp(-self.step_s / memory_s))
        out = self.draw.standard_normal((self.frames, *shape))
        for i in range(1, self.frames):
            out[i] = keep * out[i - 1] + np.sqrt(1.0 - keep**2) * out[i]
        own = self.draw.standard_normal(shape)
        return np.asarray(np.sqrt(between) * own + np.sqrt(1.0 - between) * out)

    def bursts(self, a_minute: float, seconds: tuple[float, float]) -> list[slice]:
        """Stretches that begin at random moments."""
        count = self.draw.poisson(a_minute * self.frames * self.step_s / 60.0)
        starts = self.draw.integers(0, max(self.frames, 1), count)
        lengths = np.maximum(1, np.round(self.draw.uniform(*seconds, count) / self.step_s).astype(int))
        return [slice(int(a), int(a + n)) for a, n in zip(starts, lengths, strict=True)]


def _behind_the_other(sight: Sight) -> FloatArray:
    """(T, 33) 0..1: how far a limb's landmark lies behind the other side's limb."""
    out = np.zeros(sight.hidden.shape)
    for names in _LIMBS:
        for side, other in (_SIDES, _SIDES[::-1]):
            for name in names:
                k, twin = LANDMARK_INDEX[f"{side}_{name}"], LANDMARK_INDEX[f"{other}_{name}"]
                apart = sight.inside[:, k] - sight.inside[:, twin]
                near = np.clip(3.0 - np.linalg.norm(apart[:, :2], axis=-1) / (0.05 * sight.stature), 0.0, 1.0)
                out[:, k] = near * np.clip(apart[:, 2] / (0.05 * sight.stature), 0.0, 1.0)
    return out


def _image_errors(sight: Sight, hidden: FloatArray, noise: _Noise, about: dict[str, Any]) -> FloatArray:
    """(T, 33, 2) pixels."""
    draw = noise.draw
    scale = np.linalg.norm(sight.pixels[:, 11:13].mean(1) - sight.pixels[:, 23:25].mean(1), axis=-1)
    true = np.linalg.norm((sight.inside[:, 11:13].mean(1) - sight.inside[:, 23:25].mean(1))[:, :2], axis=-1)
    pixels = np.median(scale / np.maximum(true, 1e-6)) * sight.stature  # a stature in pixels
    place = np.array([about["place"].get(name.split("_", 1)[-1], 0.008) for name in LANDMARKS])
    factor = np.ones(33)
    for names in _LIMBS:
        for side in _SIDES:
            rows = [LANDMARK_INDEX[f"{side}_{name}"] for name in names]
            factor[rows] = np.exp(about["limb_spread"] * draw.standard_normal())
    wander = about["slow"] * (1.0 + (about["hidden"] - 1.0) * hidden) * factor
    error = place[:, None] * draw.standard_normal((33, 2)) + wander[..., None] * noise.walk(about["memory"], (33, 2))
    error += (about["fast"] * factor)[:, None] * draw.standard_normal((noise.frames, 33, 2))
    return np.asarray(pixels * error)


def _world(sight: Sight, noise: _Noise, about: dict[str, Any]) -> FloatArray:
    """(T, 33, 3) metres: the trunk leans and turns a little, bones hang on it with too little depth."""
    memory, between = about["memory"], about["between"]
    true = sight.inside
    middle = true[:, 23:25].mean(1, keepdims=True)
    own = true - middle
    lean = about["trunk_lean"]
    line = own[:, 24] - own[:, 23]
    front = (line[:, 0] ** 2) / np.maximum((line[:, :2] ** 2).sum(-1) + line[:, 2] ** 2, 1e-9)
    degrees = lean["side"] + (lean["front"] - lean["side"]) * front
    degrees = degrees + lean["pitch"] * (np.rad2deg(sight.pitch_rad) - 8.0)
    degrees = degrees + lean["spread"] * noise.walk(memory, (), between)
    out = _turned_x(own, -np.deg2rad(degrees))
    turn = np.deg2rad(about["line_spread"]) * noise.walk(memory, (2,), between)
    for k, name in enumerate(("shoulder", "hip")):
        rows = [LANDMARK_INDEX[f"{side}_{name}"] for side in _SIDES]
        centre = out[:, rows].mean(1, keepdims=True)
        out[:, rows] = centre + _turned_y(out[:, rows] - centre, turn[:, k])
    for root, bones in _CHAINS.items():
        for side in _SIDES:
            start = LANDMARK_INDEX[f"{side}_{root}"]
            for bone, name in bones:
                end = LANDMARK_INDEX[f"{side}_{name}"]
                out[:, end] = out[:, start] + _bone(true[:, end] - true[:, start], noise, about[bone], memory, between)
                start = end
            if root == "hip":
                heel, toe = (LANDMARK_INDEX[f"{side}_{name}"] for name in ("heel", "foot_index"))
                out[:, heel] = out[:, start] + true[:, heel] - true[:, start]
                out[:, toe] = out[:, heel] + _bone(true[:, toe] - true[:, heel], noise, about["foot"], memory, between)
            else:
                hand = [LANDMARK_INDEX[f"{side}_{name}"] for name in _HANDS]
                out[:, hand] = out[:, [start]] + true[:, hand] - true[:, [start]]
    return out


def _bone(true: FloatArray, noise: _Noise, about: dict[str, float], memory: float, between: float) -> FloatArray:
    """A bone (T, 3) as the model gives it."""
    length = np.linalg.norm(true, axis=-1)
    depth = about["gain"] * true[:, 2] / length + about["bias"] + about["noise"] * noise.walk(memory, (), between)
    depth = np.clip(depth, -0.97, 0.97)
    plane = true[:, :2] / length[:, None] + about["plane"] * noise.walk(memory, (2,), between)
    plane *= (np.sqrt(1.0 - depth**2) / np.maximum(np.linalg.norm(plane, axis=-1), 0.05))[:, None]
    long = about["length"] * np.exp(about["length_noise"] * noise.walk(memory, (), between))
    return np.asarray(np.concatenate([plane, depth[:, None]], axis=1) * (length * long)[:, None])


def _failures(found: FloatArray, hidden: FloatArray, sight: Sight, noise: _Noise, about: dict[str, Any]) -> FloatArray:
    out = found.copy()
    for names in _LIMBS:
        for side, other in (_SIDES, _SIDES[::-1]):
            rows, twins = ([LANDMARK_INDEX[f"{s}_{name}"] for name in names] for s in (side, other))
            covered = hidden[:, rows].mean(1) > 0.5
            for burst in noise.bursts(about["snaps"], about["snap_s"]):
                where = np.flatnonzero(covered[burst]) + burst.start
                out[np.ix_(where, rows, range(5))] = found[np.ix_(where, twins, range(5))]
    for burst in noise.bursts(about["jumps"], about["jump_s"]):
        k = int(noise.draw.integers(11, 33))
        size = np.ptp(sight.pixels[burst][..., 1])
        out[burst, k, :2] += noise.draw.uniform(-1.0, 1.0, 2) * about["jump"] * size
    states = np.zeros(noise.frames, dtype=np.intp)
    for burst in noise.bursts(about["swaps"], about["swap_s"]):
        states[burst] = int(noise.draw.integers(1, len(STATES)))
    out = swapped_back(out, states)
    for burst in noise.bursts(about["lost"], about["lost_s"]):
        out[burst] = np.nan
    return out


def _turned_x(points: FloatArray, angle: FloatArray) -> FloatArray:
    """Points (T, N, 3) turned about the camera's x axis by angles (T,)."""
    c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack([x, c * y - s * z, s * y + c * z], axis=-1)


def _turned_y(points: FloatArray, angle: FloatArray) -> FloatArray:
    """Points (T, N, 3) turned about the camera's y axis by angles (T,)."""
    c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack([c * x + s * z, y, c * z - s * x], axis=-1)
