"""A reference from the user's own recording: one cycle, made periodic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.dofs import DOF_NAMES, MIRROR_INDEX, MIRROR_SIGN, FloatArray
from qevd_bio.exercise.trajectory import FPS
from qevd_bio.store.errors import UserError

HARMONICS = 12
"""Fourier terms kept: with 12 a cycle of one second keeps what is below 12 Hz."""
MIN_FRAMES = 10
MIN_OBSERVED = 0.8


@dataclass(frozen=True)
class Recorded:
    """A cycle (N, 46) radians at 30 frames a second.

    Degrees of freedom that the recording does not show: filled from an earlier reference, mirrored from the other side,
    or unobserved, which stand at zero and mean nothing.
    """

    angles: FloatArray
    filled: tuple[str, ...] = ()
    mirrored: tuple[str, ...] = ()
    unobserved: tuple[str, ...] = ()


def cycle_from(
    angles: FloatArray,
    observed: NDArray[np.bool_],
    time_s: FloatArray,
    span: tuple[float, float],
    fallback: FloatArray | None,
    in_turn: bool = False,
) -> Recorded:
    """Cut the cycle `span` (start, end in seconds) out of a recording and close it.

    angles (T, 46) radians, observed (T, 46), time_s (T,) increasing; fallback (M, 46) is a whole cycle that stands in
    for degrees of freedom observed in less than 80 % of the frames. Without one the other side stands in for its mirror
    image, half a cycle later where the sides work `in_turn`. What is left of a gap between the cycle's ends
    is spread over it, and a Fourier series of 12 terms makes position and velocity seamless.
    UserError for a span outside the recording or with fewer than ten frames.
    """
    start, end = span
    inside = (time_s >= start) & (time_s <= end)
    if not (time_s[0] - 1e-6 <= start < end <= time_s[-1] + 1e-6):
        raise UserError(
            f"the cycle {start:g} .. {end:g} s is not in the recording",
            expected=f"times between {time_s[0]:.2f} and {time_s[-1]:.2f} s, start before end",
        )
    if inside.sum() < MIN_FRAMES:
        raise UserError(f"only {int(inside.sum())} frames in the cycle", expected=f"{MIN_FRAMES} or more")
    frames = round((end - start) * FPS) + 1
    at = np.linspace(start, end, frames)
    known = observed & np.isfinite(angles)
    course = np.empty((frames, len(DOF_NAMES)))
    seen = known[inside].mean(axis=0) >= MIN_OBSERVED
    for i in np.flatnonzero(seen):
        course[:, i] = np.interp(at, time_s[known[:, i]], angles[known[:, i], i])
    filled: list[str] = []
    mirrored: list[str] = []
    unobserved: list[str] = []
    for i in np.flatnonzero(~seen):
        other = int(MIRROR_INDEX[i])
        if fallback is not None:
            course[:, i] = np.interp(np.linspace(0, 1, frames), np.linspace(0, 1, len(fallback)), fallback[:, i])
            filled.append(DOF_NAMES[i])
        elif other != i and seen[other]:
            image = MIRROR_SIGN[i] * course[:, other]
            course[:, i] = np.append(np.roll(image[:-1], (frames - 1) // 2), np.nan) if in_turn else image
            course[-1, i] = course[0, i] if in_turn else image[-1]
            mirrored.append(DOF_NAMES[i])
        else:
            course[:, i] = 0.0
            unobserved.append(DOF_NAMES[i])
    return Recorded(closed(course), tuple(filled), tuple(mirrored), tuple(unobserved))


def closed(course: FloatArray, harmonics: int = HARMONICS) -> FloatArray:
    """The course (N, C) with its last frame equal to its first and no jump in velocity.

    The difference between the ends is spread evenly, then only the first Fourier terms are kept.
    """
    ramp = np.linspace(-0.5, 0.5, len(course))[:, None]
    level = course - ramp * (course[-1] - course[0])
    spectrum = np.fft.rfft(level[:-1], axis=0)
    spectrum[harmonics + 1 :] = 0
    periodic = np.fft.irfft(spectrum, n=len(level) - 1, axis=0)
    return np.asarray(np.vstack([periodic, periodic[:1]]))
