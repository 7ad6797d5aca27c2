"""`qevd-bio coach live`: a coach that watches a video or a camera and speaks as it goes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qevd_bio.coach.baselines.rules import RulesCoach
from qevd_bio.coach.live.motion import LiveMotion
from qevd_bio.coach.live.options import LIVE_HZ, LiveOptions
from qevd_bio.coach.live.source import FrameSource, LiveFrame
from qevd_bio.drawing.letters import plain
from qevd_bio.drawing.picture import Painter
from qevd_bio.drawing.scene import Scene
from qevd_bio.video.sampling import at_rate

Said = list[tuple[float, str]]


class Watcher(Protocol):
    """A coach that is shown frames at 16 Hz; `stepped` tells whether the last one completed a 4 Hz step.

    `scene` is what the picture shows at a time, without words.
    """

    stepped: bool

    def see(self, frame: LiveFrame) -> Said: ...

    def scene(self, now: float) -> Scene: ...


class RulesWatcher:
    """Speaks the gravest fault of each repetition when it is completed."""

    def __init__(self, motion: LiveMotion, coach: RulesCoach) -> None:
        self._motion, self._coach = motion, coach
        self.stepped = False

    def see(self, frame: LiveFrame) -> Said:
        step = self._motion.see(frame.index, frame.time_s, frame.image)
        self.stepped = step is not None
        if step is None:
            return []
        text = self._coach.hear(frame.time_s, [verdict for verdict in step.verdicts if verdict.is_fault])
        return [(frame.time_s, text)] if text else []

    def scene(self, now: float) -> Scene:
        return self._motion.scene(now)


@dataclass
class Session:
    """What a live session came to. Latency: seconds from a frame's arrival until a 4 Hz step was worked on."""

    frames: int = 0
    looked_at: int = 0
    dropped: int = 0
    seconds: float = 0.0
    said: Said = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)

    counted: str = ""

    def describe(self, debug: bool = False) -> str:
        """One line of figures; with `debug` those of the program, too."""
        line = f"{self.seconds:.1f} s, {self.counted}{len(self.said)} feedbacks"
        if not debug:
            return line
        late = np.array(self.latencies or [0.0]) * 1e3
        return (
            f"{line}; {self.looked_at} frames looked at, {self.dropped} dropped; "
            f"a step took {np.median(late):.0f} ms (median), {np.percentile(late, 95):.0f} ms (95 %)"
        )


def coach_live(
    source: FrameSource,
    watcher: Watcher,
    options: LiveOptions,
    session: Session,
    say: Callable[[str], None],
    ended: Callable[[], bool] = lambda: False,
    speak: Callable[[str], None] = lambda text: None,
) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Run a session until the frames or `seconds` are over or it has `ended`: gives each frame, annotated, with its
    time; fills `session`, says each feedback and speaks it.

    Frames are looked at 16 times a second, after the countdown. One that has waited longer than `late_s` is only shown,
    and dropped for the coach; the frames after it then follow closer, so that a step stays a quarter of a second.
    """
    take, painter = at_rate(LIVE_HZ), None
    begins: float | None = None
    for frame in source:
        if begins is None:  # a camera's clock runs while models are loaded
            begins = frame.time_s + (options.countdown_s or 0.0)
        if ended() or (options.seconds is not None and frame.time_s >= begins + options.seconds):
            break
        late = time.monotonic() - frame.arrived
        session.frames += 1
        session.seconds = frame.time_s
        if frame.time_s < begins:
            scene = Scene(notice=str(math.ceil(begins - frame.time_s)))
        elif not options.fast and late > options.late_s:
            session.dropped += 1
            scene = watcher.scene(frame.time_s)
        else:
            if take(frame.index, frame.time_s):
                _look(frame, watcher, session, say, speak)
            scene = watcher.scene(frame.time_s)
        if scene.unit:
            session.counted = f"{scene.count:g} {scene.unit}, "
        scene = replace(scene, sentence=_shown(session, frame.time_s, options))
        if options.debug:
            scene = replace(scene, footnote=_figures(session))
        if painter is None:
            painter = Painter(frame.image.shape[1], frame.image.shape[0])
        yield frame.time_s, painter.paint(frame.image, scene)
    session.dropped += source.dropped


def _look(
    frame: LiveFrame, watcher: Watcher, session: Session, say: Callable[[str], None], speak: Callable[[str], None]
) -> None:
    session.looked_at += 1
    for at, text in watcher.see(frame):
        session.said.append((at, plain(text)))
        say(f"{_clock(at)}  {plain(text)}")
        speak(plain(text))
    if watcher.stepped:
        session.latencies.append(time.monotonic() - frame.arrived)


def _shown(session: Session, now: float, options: LiveOptions) -> str:
    if not session.said:
        return ""
    at, text = session.said[-1]
    return text if now - at <= options.shown_s else ""


def _figures(session: Session) -> str:
    late = f"{1e3 * float(np.mean(session.latencies[-8:])):.0f} ms" if session.latencies else "-"
    return f"{_clock(session.seconds)} · latency {late} · {session.dropped} dropped"


def _clock(seconds: float) -> str:
    return f"{int(seconds // 60):02d}:{seconds % 60:04.1f}"
