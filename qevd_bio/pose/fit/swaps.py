"""Left and right taken for each other: decided over the whole clip, before anything is fitted.

In every frame either the pose model's sides are right, or legs, arms or everything are the wrong way round. A swap
makes all its landmarks jump at once; of all sequences of these four states the one is taken that moves least, where
each frame that is not as the model says costs something too (Viterbi).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.pose.backends.landmarks import LANDMARKS, MARKER_LANDMARKS, VISIBILITY, WORLD
from qevd_bio.pose.fit.chain import ANKLES, ELBOWS, HEELS, HIPS, KNEES, SHOULDERS, TOES, WRISTS
from qevd_bio.pose.fit.rotations import Float

STATES = ("none", "legs", "arms", "all")
_PARTS = ((KNEES, ANKLES, HEELS, TOES), (ELBOWS, WRISTS), (SHOULDERS, HIPS))
"""Markers that swap together; which parts are swapped in each state:"""
_SWAPPED = ((False, False, False), (True, False, False), (False, True, False), (True, True, True))

# In body heights: how far a marker usually moves in a thirtieth of a second, and from where on it does not matter.
STEP, MOST_STEPS = 0.02, 4.0
DEPTH_SHARE = 0.3  # the model's depth says little
DOUBT = 0.25  # price of a frame that is not as the model says
SWITCH = 6.0  # price of changing the state
LONGEST_GAP_S = 0.4

_LIMBS = {"legs": ("knee", "ankle", "heel", "foot_index"), "arms": ("elbow", "wrist", "pinky", "index", "thumb")}


def decide_swaps(landmarks: Float, time_s: NDArray[np.float64]) -> NDArray[np.intp]:
    """State (T,), index in STATES, of landmarks (T, 33, 7); 0 in frames without a person."""
    out = np.zeros(len(landmarks), dtype=np.intp)
    rows = np.flatnonzero(np.isfinite(landmarks[..., :5]).all((1, 2)))
    if len(rows) < 2:
        return out
    markers = landmarks[rows][:, MARKER_LANDMARKS]
    spread = markers[..., :2].std(1).mean((1, 2))
    size = max(float(4.0 * np.median(spread)), 1e-6)
    places = np.concatenate([markers[..., :2] / size, DEPTH_SHARE * markers[..., WORLD][..., 2:] / 1.7], axis=-1)
    seen = np.clip(markers[..., VISIBILITY].min(-1), 0.1, 1.0)
    steps = np.maximum(np.diff(time_s[rows]), 1e-3)
    same, other = _moves(places, seen, steps, crossed=False), _moves(places, seen, steps, crossed=True)
    bound = steps <= LONGEST_GAP_S
    price = np.empty((len(rows) - 1, len(STATES), len(STATES)))
    for a, before in enumerate(_SWAPPED):
        for b, after in enumerate(_SWAPPED):
            parts = [(other if x != y else same)[:, k] for k, (x, y) in enumerate(zip(before, after, strict=True))]
            price[:, a, b] = np.where(bound, np.sum(parts, axis=0) + SWITCH * (a != b), 0.0)
    out[rows] = _cheapest(price, DOUBT * (np.arange(len(STATES)) > 0) * np.append(steps[:1], steps)[:, None] * 30.0)
    return out


def _moves(places: Float, seen: Float, steps: Float, crossed: bool) -> Float:
    """Price (T - 1, 3) of each part's move between frames, to its own place or to the other side's."""
    after = places[1:, :, ::-1] if crossed else places[1:]
    usual = STEP * np.sqrt(np.maximum(steps * 30.0, 1.0))[:, None, None]
    moved = np.minimum(np.linalg.norm(after - places[:-1], axis=-1) / usual, MOST_STEPS)
    weight = np.minimum(seen[1:], seen[:-1])
    price = 0.5 * weight * (moved**2).sum(-1)
    return np.stack([price[:, list(part)].sum(1) for part in _PARTS], axis=1)


def _cheapest(price: Float, own: Float) -> NDArray[np.intp]:
    """States (T,) of the cheapest way: price (T - 1, S, S) of each step and own (T, S) of each state."""
    total, back = own[0].copy(), np.zeros((len(own), own.shape[1]), dtype=np.intp)
    for i in range(1, len(own)):
        ways = total[:, None] + price[i - 1]
        back[i] = ways.argmin(0)
        total = ways.min(0) + own[i]
    way = np.empty(len(own), dtype=np.intp)
    way[-1] = total.argmin()
    for i in range(len(own) - 1, 0, -1):
        way[i - 1] = back[i, way[i]]
    return way


def swapped_back(landmarks: Float, states: NDArray[np.intp]) -> Float:
    """Landmarks (T, 33, 7) with the sides put right."""
    out = landmarks.copy()
    for number, name in enumerate(STATES[1:], start=1):
        rows = np.flatnonzero(states == number)
        if len(rows):
            out[rows] = landmarks[rows][:, _ORDERS[name]]
    return out


def _order(name: str) -> NDArray[np.intp]:
    """Where each landmark comes from when the sides of a state are put right."""
    index = {mark: i for i, mark in enumerate(LANDMARKS)}
    order = np.arange(len(LANDMARKS))
    for mark, i in index.items():
        if name != "all" and not mark.endswith(_LIMBS[name]):
            continue
        twin = mark.replace("left", "~").replace("right", "left").replace("~", "right")
        order[i] = index[twin]
    return order


_ORDERS = {name: _order(name) for name in STATES[1:]}


def swap_flags(states: NDArray[np.intp], time_s: NDArray[np.float64]) -> list[dict[str, Any]]:
    """One flag for every stretch in which sides were put right: what, from when to when."""
    edges = np.flatnonzero(np.diff(states)) + 1
    flags: list[dict[str, Any]] = []
    for run in np.split(np.arange(len(states)), edges):
        if len(run) and states[run[0]]:
            span = {"start_s": float(time_s[run[0]]), "end_s": float(time_s[run[-1]])}
            flags.append({"kind": "sides_swapped", "what": STATES[states[run[0]]], **span})
    return flags
