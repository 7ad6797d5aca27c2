"""What a verdict is given on: a cycle of the video, seen by a camera that cannot be trusted everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.motion.cycles.curves import Window
from qevd_bio.tables.motion import SegmentPlace
from qevd_bio.tables.rows import NAN


@dataclass(frozen=True)
class Occasion:
    """The cycle that is judged: its segment and number, its times, and the video's frames that it consists of.

    times (T,) seconds from the video's first frame;  frames (T,) their numbers;  T may be 0
    """

    place: SegmentPlace
    number: int
    start_s: float
    end_s: float
    times: NDArray[np.float64]
    frames: NDArray[np.int32]

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s

    def columns(self, rule: str, side: str, at: int) -> dict[str, Any]:
        """What a verdict on a rule and side says of the cycle; `at`: the frame of the cycle it was measured at."""
        place, known = self.place, len(self.frames) > 0
        name = f"{place.split}/{place.video}/{place.segment}/{self.number}/{rule}"
        return {
            "id": f"{name}/{side}" if side else name,
            "split": place.split,
            "video": place.video,
            "segment": place.segment,
            "exercise": place.exercise,
            "cycle": self.number,
            "rule": rule,
            "side": side,
            "start_s": self.start_s,
            "end_s": self.end_s,
            "at_s": float(self.times[at]) if known else NAN,
            "at_frame": int(self.frames[at]) if known else None,
            "first_frame": int(self.frames[0]) if known else None,
            "last_frame": int(self.frames[-1]) if known else None,
        }


@dataclass(frozen=True)
class Rest:
    """The frames between the last repetition and this one: their curves, times in seconds and numbers, (T,) each."""

    window: Window
    times: NDArray[np.float64]
    frames: NDArray[np.int32]


@dataclass(frozen=True)
class CameraView:
    """Where the camera stands: the subject's heading in degrees, 0 facing it; None where not known."""

    heading_deg: float | None = None

    def sees_badly(self, plane: str, within_deg: float) -> bool:
        """Whether the camera's axis lies nearly in the plane of the motion, so that depth hides it.

        A level camera looks along the transverse plane from everywhere.
        """
        if self.heading_deg is None:
            return False
        away = abs((self.heading_deg + 180.0) % 360.0 - 180.0)  # 0 front, 180 back
        if plane == "sagittal":
            return min(away, 180.0 - away) <= within_deg
        if plane == "frontal":
            return abs(away - 90.0) <= within_deg
        return plane == "transverse"
