"""A trained coach in a live session: one step at a time, for as long as it takes."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from qevd_bio.coach.live.motion import ContextRoom, LiveMotion
from qevd_bio.coach.live.source import LiveFrame
from qevd_bio.coach.model.checkpoint import Coach
from qevd_bio.coach.model.selector import JointSelector
from qevd_bio.coach.model.tokens import text_ids, text_of
from qevd_bio.coach.options import FeatureOptions, GenerateOptions
from qevd_bio.coach.segments.contexts import NOBODY, NOTHING
from qevd_bio.coach.segments.data import SegmentInput
from qevd_bio.coach.streaming.decoding import RowError, Streamer
from qevd_bio.coach.streaming.rows import Row
from qevd_bio.coach.vision.encoders import FeatureSource
from qevd_bio.coach.vision.frames import prepare
from qevd_bio.drawing.scene import Scene
from qevd_bio.store.errors import ItemError, UserError


class LiveModel:
    """Streams a segment whose steps come one by one; says what `qevd-bio run --timing corrected` would.

    Where the model can read no further (`max_position_embeddings`) it begins again with an empty memory.
    """

    def __init__(self, coach: Coach, prompt: str, options: GenerateOptions) -> None:
        options = coach.settled(replace(options, timing="corrected", rows=1))
        self._coach, self._prompt = coach, prompt
        self._streamer = Streamer(coach, options)
        self.room: ContextRoom | None = None
        """The place for C_motion, None for a model that reads none."""
        if coach.front:
            # The start token and the end of the line stand in it, too.
            tokenizer = coach.tokenizer
            self.room = ContextRoom(coach.front, lambda text: 1 + len(text_ids(tokenizer, text + "\n")))
        self._row: Row | None = None
        self._told = 0
        self._begin_anew()

    def step(self, tokens: NDArray[np.float32], time_s: float, motion: str, morph: str) -> list[tuple[float, str]]:
        """One 4 Hz step: visual tokens (N, C), its time, C_motion and C_morph. Returns what is said: time and text.

        While a feedback is being said the steps pass unseen, as in `corrected` timing. UserError for a text that is
        longer than the model reads.
        """
        reads = self._coach.reads
        motion = NOTHING if reads.motion == "blank" else motion
        morph = NOBODY if reads.morph == "blank" else morph
        for values, new in zip(self._steps, (tokens, time_s, motion, morph), strict=True):
            values.append(new)
        try:
            if self._row is None:
                self._row = self._streamer.begin(self._segment)
            return self._go_on(self._row)
        except ItemError as error:
            raise UserError(error.detail or error.reason) from error
        except RowError as error:
            raise UserError(error.cause.detail or error.cause.reason) from error

    def _go_on(self, row: Row) -> list[tuple[float, str]]:
        speaker, said = row.speaker, []
        while speaker.pending is not None and speaker.step < len(row.segment.features):
            self._streamer.turn()
            if speaker.pending == self._coach.tokens.end:
                times = [float(time) for time in row.segment.times]
                spoken = speaker.feedbacks(times, self._words)
                said += [(one.time_s, one.text) for one in spoken[self._told :]]
                self._told = len(spoken)
        if speaker.pending is None:
            self._streamer.remove(row)
            self._begin_anew()
        return said

    def _begin_anew(self) -> None:
        self._row, self._told = None, 0
        # Lists in the place of arrays: each step is put at their end.
        features: Any = []
        times: Any = []
        motion: list[str] = []
        morph: list[str] = []
        self._steps: tuple[list[Any], ...] = (features, times, motion, morph)
        self._segment = SegmentInput("live", features, times, self._prompt, motion, morph, live=True)

    def _words(self, ids: Sequence[int]) -> str:
        return text_of(self._coach.tokenizer, ids)


class ModelWatcher:
    """A trained coach: visual features frame by frame, contexts from `motion` where the model reads them.

    `chooser`: the selector that picks J* from the first `tau_steps`, None to keep the exercise's joints.
    """

    def __init__(
        self,
        model: LiveModel,
        features: FeatureSource,
        motion: LiveMotion | None,
        chooser: JointSelector | None = None,
        tau_steps: int = 0,
    ) -> None:
        self._model, self._features, self._motion = model, features, motion
        self._chooser, self._tau_steps = chooser, tau_steps
        self._first: list[NDArray[np.float32]] = []
        self._options = FeatureOptions()
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="pose")
        self.stepped = False

    def see(self, frame: LiveFrame) -> list[tuple[float, str]]:
        # Poses and visual features know nothing of each other, and both leave Python for most of their time.
        watched = (
            self._beside.submit(self._motion.see, frame.index, frame.time_s, frame.image) if self._motion else None
        )
        found = self._features.push(prepare(frame.image, self._options))
        step = watched.result() if watched else None
        self.stepped = found is not None
        if found is None:
            return []
        said: list[tuple[float, str]] = []
        for values in found.flatten(2).transpose(1, 2).numpy():
            tokens = np.ascontiguousarray(values, dtype=np.float32)
            self._choose(tokens)
            motion, morph = (step.motion, step.morph) if step else ("", "")
            said += self._model.step(tokens, frame.time_s, motion, morph)
        return said

    def scene(self, now: float) -> Scene:
        return Scene() if self._motion is None else self._motion.scene(now)

    def _choose(self, tokens: NDArray[np.float32]) -> None:
        if self._chooser is None or self._motion is None:
            return
        self._first.append(tokens)
        if len(self._first) == self._tau_steps:
            features = torch.from_numpy(np.stack(self._first)).to(next(self._chooser.parameters()).device)
            self._motion.focus(self._chooser.choose(features))
            self._chooser = None
