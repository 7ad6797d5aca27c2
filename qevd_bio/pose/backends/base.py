"""What a pose backend is, and what it hands over: landmarks to be fitted, or finished angles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

N_DOFS = 46

# A flag is its kind, or the kind with more to say (`kind`, `detail`, …).
Flag = str | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Picture:
    """One decoded frame: its index in the video, seconds from the first frame, upright RGB (H, W, 3) uint8."""

    index: int
    time_s: float
    image: NDArray[np.uint8]


@dataclass(frozen=True)
class Clip:
    """One video as backends see it: upright frames with times, as often as they are asked for.

    `open` starts reading from the first frame and closes the file when its context ends; it gives only the frames
    that are to be analysed. `size` is (width, height) of the upright picture, `frame_times` the seconds of all
    frames; None where they are not known (recordings without a video).
    """

    split: str
    stem: str
    path: Path | None
    size: tuple[int, int] | None = None
    duration_s: float | None = None
    frame_times: NDArray[np.float64] | None = None
    open: Callable[[], AbstractContextManager[Iterator[Picture]]] | None = None


@dataclass(frozen=True)
class Landmarks:
    """33 landmarks in each of T frames, of the one person chosen.

    values (T, 33, 7): image x, y in pixels, world x, y, z in metres as the estimator gives them (camera axes,
    origin at mid-hip), visibility, presence; NaN where nobody was found. `subject` records the choice.
    """

    frame: NDArray[np.int32]
    time_s: NDArray[np.float64]
    values: NDArray[np.float32]
    image_size: tuple[int, int]
    subject: Mapping[str, Any]
    flags: tuple[Flag, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    fit: Mapping[str, Any] = field(default_factory=dict)
    """Options of the fit that differ for this source of landmarks."""


@dataclass(frozen=True)
class Points:
    """M named points in space in each of T frames, of one person: markers of a laboratory, joints of an estimator.

    values (T, M, 3) metres in a level frame (y up), NaN where a point is missing; trust (T, M) 0..1; `set` names the
    table of refs/markers that says which place of the body each point is. stature_m where the file states it.
    """

    frame: NDArray[np.int32]
    time_s: NDArray[np.float64]
    names: tuple[str, ...]
    values: NDArray[np.float64]
    trust: NDArray[np.float64]
    set: str
    stature_m: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    flags: tuple[Flag, ...] = ()
    subject: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Angles:
    """46 angles in each of T frames from a backend that estimates them itself, level and unwrapped.

    raw (T, 46) radians, NaN where there is no pose; observed (T, 46); confidence (T,) 0..1; root (T, 3) metres
    or NaN. `details` goes into the file's metadata.
    """

    frame: NDArray[np.int32]
    time_s: NDArray[np.float64]
    raw: NDArray[np.float64]
    observed: NDArray[np.bool_]
    confidence: NDArray[np.float64]
    root: NDArray[np.float64]
    subject: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    flags: tuple[Flag, ...] = ()


class Backend(Protocol):
    """An estimator or importer."""

    name: str
    observes: str
    """In words, which degrees of freedom it sees; the mask in each file says it frame by frame."""

    def identity(self) -> dict[str, str]:
        """Version and content hash of the model, for the file's metadata."""

    def estimate(self, clip: Clip) -> Landmarks | Angles | Points:
        """Landmarks, angles or points of the clip. Raises ItemError where this clip cannot be done."""
