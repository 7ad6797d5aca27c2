"""Turn-based models: asked every five seconds, with what they said before (QEVD, App. E.2 and E.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.annotation.frames import encode
from qevd_bio.coach.baselines.options import TURN_S, BaselineOptions, ShownFrames
from qevd_bio.coach.baselines.source import video_info
from qevd_bio.coach.model.prompts import NOTHING_SAID
from qevd_bio.dataset.items import VideoItem
from qevd_bio.dataset.timestamps import read_timestamps
from qevd_bio.dataset.workout import Segment
from qevd_bio.language.client import complete_many
from qevd_bio.language.options import ClientOptions
from qevd_bio.language.request import Image, Message, Reply, Request, Sampling
from qevd_bio.store.errors import ItemError
from qevd_bio.store.plain_data import read_yaml
from qevd_bio.store.resources import prompts_path
from qevd_bio.video.reader import VideoReader
from qevd_bio.video.sampling import at_indices

_WORDLESS = frozenset({"empty", "refusal", "cut_off"})


@dataclass
class Talk:
    """One segment being coached: its key, exercise and length, and what was said.

    `shown(turn)` gives the pictures of a turn (from 1); `activity` are lines (seconds, text) for the Socratic model.
    `silent` counts turns in which the model said nothing that can be used, by reason; `broken` is why a turn could
    not be asked: no further one is then.
    """

    key: str
    exercise: str
    duration_s: float
    shown: Callable[[int], Sequence[Image]] | None = None
    activity: Sequence[tuple[float, str]] = ()
    said: list[tuple[float, str]] = field(default_factory=list)
    silent: dict[str, int] = field(default_factory=dict)
    broken: ItemError | None = None

    @property
    def turns(self) -> int:
        return int(self.duration_s / TURN_S + 1e-6)


Answers = Callable[[Sequence[Request]], AbstractContextManager[Iterable[Reply]]]
"""Replies to some requests, in any order."""


def hold_talks(talks: Sequence[Talk], options: BaselineOptions, answers: Answers | None = None) -> None:
    """Fill `said` of each talk, turn by turn; the talks' turns are asked side by side.

    A reply without words (empty, refused, cut off) is a silent turn. Where the endpoint gave no reply at all the
    talk is broken off: later turns would be asked, and paid, with a history that a second try would change.
    `answers` is who is asked in the place of the endpoint. Raises StopRun where that cannot be used.
    """
    client = ClientOptions(
        url=options.url or "", model=options.llm, stage="run", cache=options.cache, structured="text"
    )
    ask = answers or (lambda asked: complete_many(asked, client))
    by_key = {talk.key: talk for talk in talks}
    for turn in range(1, max((talk.turns for talk in talks), default=0) + 1):
        asked = [request_of(talk, turn, options) for talk in talks if turn <= talk.turns and not talk.broken]
        with ask(asked) as replies:
            for reply in replies:
                _hear(by_key[reply.id], turn, reply)


def _hear(talk: Talk, turn: int, reply: Reply) -> None:
    text = plain(reply.text) if reply.ok else ""
    if text:
        talk.said.append((turn * TURN_S, text))
    elif reply.ok or reply.reason in _WORDLESS:
        reason = reply.reason or "empty"
        talk.silent[reason] = talk.silent.get(reason, 0) + 1
    else:
        detail = f"{talk.key}: turn {turn} of {talk.turns} got no reply ({reply.reason}: {reply.detail})"
        talk.broken = ItemError("turn_unanswered", detail)


def request_of(talk: Talk, turn: int, options: BaselineOptions) -> Request:
    """The question of one turn (from 1), with everything that was said and seen before."""
    text = socratic_prompt(talk, turn) if talk.shown is None else vision_prompt(talk, turn)
    sampling = Sampling(options.temperature, 1.0, options.max_tokens, options.seed)

    def messages() -> tuple[Message, ...]:
        pictures = talk.shown(turn) if talk.shown is not None else ()
        return (Message("user", (*pictures, text)),)

    return Request(talk.key, messages, sampling)


def vision_prompt(talk: Talk, turn: int) -> str:
    """The published prompt of a vision-language baseline."""
    seconds = f"{(turn - 1) * TURN_S:g}"
    said = "\n".join(text for _, text in talk.said) or NOTHING_SAID
    return _filled("vision", exercise=talk.exercise, seconds=seconds, said=said)


def socratic_prompt(talk: Talk, turn: int) -> str:
    """The published prompt of the language-only baseline, with activities of the last 5 s and all before."""
    start, end = (turn - 1) * TURN_S, turn * TURN_S
    before = [f"Timestep: {time:.2f} – {text}" for time, text in talk.activity if time <= start]
    latest = [f"Timestep: {time:.2f} – {text}" for time, text in talk.activity if start < time <= end]
    said = [f"Timestep: {time:.2f} – {text}" for time, text in talk.said]
    values = {"before": before, "said": said, "latest": latest}
    return _filled("socratic", exercise=talk.exercise, **{k: "\n".join(v) or NOTHING_SAID for k, v in values.items()})


def _filled(name: str, **values: str) -> str:
    """A published text with its places filled; what is filled in is never filled again."""
    import re

    return re.sub(r"<(exercise|seconds|said|before|latest)>", lambda match: values[match[1]], _texts()[name])


@cache
def _texts() -> dict[str, Any]:
    loaded: dict[str, Any] = read_yaml(prompts_path("published", "baselines.yaml"))
    return loaded


def plain(text: str) -> str:
    """A reply as one sentence of speech: its first non-empty line, without quotes or a leading "Response:"."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line.removeprefix("Response:").strip().strip('"“”').strip()


def window_frames(times: NDArray[np.float64], start_s: float, turn: int, frames: ShownFrames) -> list[int]:
    """Indices into `times` (T,) that a model sees at `turn` (from 1) of a segment beginning at `start_s`.

    Uniform over each window: the last frame of each of `count` equal parts; all earlier windows too where frames
    accumulate. Nothing after the turn is shown.
    """
    first = 1 if frames.accumulate else turn
    chosen: list[int] = []
    for window in range(first, turn + 1):
        begin, count = start_s + (window - 1) * TURN_S, max(frames.count, 1)
        ends = begin + TURN_S * (np.arange(count) + 1) / count
        places = np.searchsorted(times, ends + 1e-6, side="right") - 1
        chosen += [int(place) for place in places if place >= 0 and times[place] >= begin - 1e-6]
    return list(dict.fromkeys(chosen))


def shown_of(
    video: VideoItem, segments: Sequence[Segment], frames: ShownFrames, options: BaselineOptions
) -> dict[str, Callable[[int], Sequence[Image]]]:
    """By segment key: what `turn` shows. The video is decoded once, for all of its segments.

    Raises ItemError for a video that cannot be read.
    """
    info = video_info(video)
    stamps = None
    if video.timestamps_path is not None:
        unix = read_timestamps(video.timestamps_path)
        stamps = np.asarray(unix - unix[0], dtype=np.float64)
    times = VideoReader(video.path, lying=video.lies_on_side, times=stamps, info=info).times_s
    wanted: dict[str, dict[int, list[int]]] = {}
    for segment in segments:
        end = min(segment.end_s, float(times[-1]))
        turns = range(1, int((end - segment.start_s) / TURN_S + 1e-6) + 1)
        wanted[segment.key] = {turn: window_frames(times, segment.start_s, turn, frames) for turn in turns}
    indices = sorted({i for turns in wanted.values() for own in turns.values() for i in own})
    pictures: dict[int, Image] = {}
    with VideoReader(
        video.path, lying=video.lies_on_side, times=stamps, select=at_indices(indices), info=info
    ) as reader:
        for frame in reader if indices else ():
            data = encode(frame.image, options.picture, options.quality)
            pictures[frame.index] = Image(data, time_s=round(frame.time_s, 3))

    def pictures_of(turns: dict[int, list[int]]) -> Callable[[int], Sequence[Image]]:
        return lambda turn: [pictures[i] for i in turns.get(turn, ()) if i in pictures]

    return {key: pictures_of(turns) for key, turns in wanted.items()}
