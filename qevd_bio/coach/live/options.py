"""Options of `qevd-bio coach live`; nothing heavy is imported here."""

from __future__ import annotations

from dataclasses import dataclass

LIVE_HZ = 16.0
"""Frames a second that are looked at, as the visual features are made of."""


@dataclass(frozen=True)
class LiveOptions:
    """How a live session runs. Times in seconds.

    fast: take frames of a file as they can be worked on, not when they would happen. late_s: a frame that has
    waited longer is dropped. seconds: the session ends then. window_s: frames that the pose of the newest ones is
    fitted to. shown_s: how long a feedback stays in the picture. camera_hz: pictures a second of a recording made of
    a camera. stature_m: of the person, where known. countdown_s: time to step back before the coach looks; None: 3 s
    before a camera, none for a file. debug: latency and dropped frames in the picture and at the end.
    """

    fast: bool = False
    late_s: float = 0.5
    seconds: float | None = None
    window_s: float = 1.5
    shown_s: float = 4.0
    camera_hz: float = 30.0
    stature_m: float | None = None
    countdown_s: float | None = None
    debug: bool = False
