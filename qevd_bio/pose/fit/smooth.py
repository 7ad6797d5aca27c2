"""Angles over time: unwrapping, zero-phase smoothing at a stated cut-off, and flags for flips."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.continuity import continuous_angles, other_triple, wrap
from qevd_bio.anatomy.dofs import DOF_INDEX, DOFS, JOINT_DOFS, JOINTS
from qevd_bio.pose.fit.options import SmoothOptions

Float = NDArray[np.float64]
TRUNCATE = 4.0  # standard deviations, as in the reference filter


def cutoff_hz(options: SmoothOptions) -> float:
    """Frequency at which the Gaussian halves the power: sqrt(ln 2) / (2 pi sigma); 1.99 Hz for 2 frames at 30 fps."""
    return float(np.sqrt(np.log(2.0)) / (2.0 * np.pi * options.sigma_s))


def unwrap_angles(angles: Float) -> Float:
    """Angles (T, 46) without jumps of a full turn; ball joints that may pass a half turn keep a continuous triple.

    NaN frames stay NaN and are bridged. Of the two equal forms of a triple, and of turns that differ by full turns,
    the whole clip takes the one that most of it has in plain form, so that a bad start changes nothing later.
    """
    out = continuous_angles(angles)
    for joint in JOINTS:
        dofs = list(JOINT_DOFS[joint.name])
        if len(dofs) == 3 and any(DOFS[k].wraps for k in dofs):
            if np.cos(_median(out[:, dofs[1]])) < 0.0:
                out[:, dofs] = other_triple(out[:, dofs])
            for k in dofs:
                out[:, k] -= 2.0 * np.pi * np.round(_median(out[:, k]) / (2.0 * np.pi))
    return out


def _median(values: Float) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else 0.0


def smooth_angles(raw: Float, time_s: NDArray[np.float64], options: SmoothOptions) -> Float:
    """Gaussian mean over time of angles (T, D), sigma in seconds, at the frames' own times.

    Each frame is the weighted mean of its neighbours within four sigma, the weights a Gaussian of the time between
    times the neighbour's share of time; so a varying frame rate shifts nothing, the filter has no phase, and a
    constant stays constant up to the clip's ends. NaN frames are left out and stay NaN; nothing is mixed across a
    gap longer than `options.hold_s`.
    """
    raw = np.asarray(raw, dtype=float)
    out = np.full_like(raw, np.nan)
    for rows in runs(np.asarray(np.isfinite(raw).all(axis=1)), time_s, options.hold_s):
        out[rows] = _gaussian(raw[rows], time_s[rows], options.sigma_s)
    return out


# Seconds: the narrow filter's sigma (applied twice, so that it is flat up to 3 Hz), and the stretch over which is seen
# whether a joint moves. Radians: least and most that passes for noise of the band between both filters.
FAST_S, AROUND_S = 0.042, 0.2
LEAST_NOISE, MOST_NOISE = np.deg2rad(0.3), np.deg2rad(2.0)
CAUTION = 2.0


def follow_angles(raw: Float, slow: Float, time_s: NDArray[np.float64], options: SmoothOptions) -> Float:
    """Angles (T, D) smoothed as far as each joint's movement at the time allows; zero phase, NaN where `raw` is.

    What `slow` = `smooth_angles(raw, ...)` takes off and a narrow filter keeps is the band in which fast movement and
    noise both lie. It is given back in the share by which its energy nearby exceeds the noise of the clip's quiet
    quarter (a Wiener filter's gain): all of it at the peak of a kick, next to nothing in a held pose.
    """
    out = np.array(slow, dtype=float)
    for rows in runs(np.asarray(np.isfinite(raw).all(axis=1)), time_s, options.hold_s):
        values, times = raw[rows], time_s[rows]
        once = _gaussian(values, times, FAST_S)
        band: Float = once + _gaussian(values - once, times, FAST_S) - slow[rows]
        energy = _gaussian(band**2, times, AROUND_S)
        noise = CAUTION * np.clip(np.quantile(energy, 0.25, axis=0), LEAST_NOISE**2, MOST_NOISE**2)
        out[rows] += np.maximum(1.0 - noise / np.maximum(energy, 1e-12), 0.0) * band
    return out


def runs(valid: NDArray[np.bool_], time_s: NDArray[np.float64], longest_gap_s: float) -> list[NDArray[np.intp]]:
    """Rows that are valid, cut where two neighbours lie more than `longest_gap_s` apart."""
    rows = np.flatnonzero(valid)
    if not len(rows):
        return []
    return np.split(rows, np.flatnonzero(np.diff(time_s[rows]) > longest_gap_s) + 1)


def _gaussian(values: Float, time_s: NDArray[np.float64], sigma_s: float) -> Float:
    if len(values) < 2 or sigma_s <= 0.0:
        return values.copy()
    step = np.gradient(time_s)
    reach = int(np.ceil(TRUNCATE * sigma_s / max(float(np.median(step)), 1e-6)))
    reach = min(reach, len(values) - 1)
    total, weight = values * step[:, None], step[:, None].copy()
    for k in range(1, reach + 1):
        w = np.exp(-0.5 * ((time_s[k:] - time_s[:-k]) / sigma_s) ** 2)[:, None]
        total[k:] += w * values[:-k] * step[:-k, None]
        total[:-k] += w * values[k:] * step[k:, None]
        weight[k:] += w * step[:-k, None]
        weight[:-k] += w * step[k:, None]
    return np.asarray(total / weight)


FLIP_RAD, FLIP_S = np.deg2rad(100.0), 0.15


def flip_flags(angles: Float, time_s: NDArray[np.float64]) -> list[dict[str, object]]:
    """Moments when the body's heading turns by more than 100 degrees within 0.15 s: nobody turns so fast.

    Such a jump is the estimator taking front for back or left for right. It is flagged, never repaired.
    """
    heading = np.asarray(angles, dtype=float)[:, DOF_INDEX["pelvis_rotation"]]
    rows = np.flatnonzero(np.isfinite(heading))
    ends = np.searchsorted(time_s[rows], time_s[rows] + FLIP_S, side="right") - 1
    turn = np.asarray(wrap(heading[rows[ends]] - heading[rows]))
    flags: list[dict[str, object]] = []
    last = -np.inf
    for i in np.flatnonzero(np.abs(turn) > FLIP_RAD):
        start, end = float(time_s[rows[i]]), float(time_s[rows[ends[i]]])
        if start - last > 0.5:
            last = start
            flags.append(
                {
                    "kind": "facing_flip",
                    "start_s": start,
                    "end_s": end,
                    "turn_deg": round(float(np.rad2deg(turn[i])), 1),
                }
            )
    return flags
