"""Repetitions, faults and contexts while somebody moves: live poses through the streaming analysis."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from qevd_bio.anatomy.dofs import JOINT_NAMES
from qevd_bio.coach.live.pose import LivePose
from qevd_bio.coach.live.view import LiveView
from qevd_bio.coach.options import AS_TRAINED, MotionWish
from qevd_bio.coach.segments.contexts import NOBODY, NOTHING
from qevd_bio.drawing.scene import Scene
from qevd_bio.exercise.reference import has_reference, load_reference
from qevd_bio.exercise.rules import Exercise
from qevd_bio.exercise.vocabulary import joint_names
from qevd_bio.motion.context import estimate_tokens, morph_of, write_morph
from qevd_bio.motion.cycles.curves import skeleton_of
from qevd_bio.motion.frames import FRAMES_A_FEATURE
from qevd_bio.motion.judging.evaluate import Setup
from qevd_bio.motion.judging.occasion import CameraView
from qevd_bio.motion.options import ContextOptions, MotionOptions
from qevd_bio.motion.stream import MotionStream
from qevd_bio.pose.body.measures import Person, body_of, with_stature
from qevd_bio.tables.verdicts import Verdict
from qevd_bio.tables.workspace import Workspace

_KEPT_STEPS = 40


@dataclass(frozen=True)
class LiveStep:
    """What one 4 Hz step brought: verdicts on the repetitions it completed, C_motion and C_morph."""

    verdicts: list[Verdict]
    motion: str = NOTHING
    morph: str = NOBODY


@dataclass(frozen=True)
class ContextRoom:
    """The place that a model keeps for C_motion: so many tokens, and how it counts those of a text."""

    tokens: int
    count: Callable[[str], int]

    def counted(self, text: str, limit: int) -> int:
        """Tokens of `text` on the scale of `tokens`: more than that where it passes analyze's own `limit` too."""
        return max(self.count(text), -(-estimate_tokens(text) * self.tokens // limit))


class LiveMotion:
    """Watches one exercise; `see` takes the frames at 16 Hz and gives a step for every fourth.

    The analysis begins when a person was seen for the first time: their bones and where the camera stands are then
    known. Frames before are kept (at most 10 s) and analysed too. `wish`: all joints or the exercise's own, which also
    hold until a selector has chosen; and how far back contexts look.
    """

    def __init__(
        self,
        pose: LivePose,
        exercise: Exercise,
        workspace: Workspace,
        stature_m: float | None = None,
        room: ContextRoom | None = None,
        wish: MotionWish = AS_TRAINED,
    ) -> None:
        self._pose, self._exercise, self._room = pose, exercise, room
        self._stature_m = stature_m
        reference = None
        if has_reference(exercise, workspace.user_refs):
            reference = load_reference(exercise, workspace.user_refs)
        self._setup = Setup(
            exercise=exercise,
            reference=None if reference is None else reference.angles,
            reference_fps=30.0 if reference is None else reference.fps,
            salient=JOINT_NAMES if wish.salient == "all" else joint_names(exercise.salient),
            salient_source="all" if wish.salient == "all" else "exercise",
            options=MotionOptions(contexts=ContextOptions(window_s=wish.window_s or 0.0)),
            split="live",
            video="live",
            body=body_of(with_stature(Person(), stature_m, "unknown")),
        )
        self._stream: MotionStream | None = None
        self._view = LiveView(exercise)
        self._early: deque[Any] = deque(maxlen=_KEPT_STEPS)
        self._seen = 0
        self._morph = write_morph(morph_of(self._setup.body))

    def see(self, index: int, time_s: float, image: Any) -> LiveStep | None:
        """One frame; a step where it is the last of four."""
        self._pose.see(index, time_s, image)
        self._seen += 1
        if self._seen % FRAMES_A_FEATURE:
            return None
        found = self._pose.poses()
        if self._early.maxlen:
            self._early.append(found.rows)
        if self._stream is not None:
            return self._push(found.rows)
        if found.lengths is None:
            return LiveStep([], NOTHING, self._morph)
        skeleton = skeleton_of(found.lengths, self._stature_m)
        self._setup = replace(
            self._setup, skeleton=skeleton, build=skeleton.build(), camera=CameraView(found.heading_deg)
        )
        return self._again()

    def scene(self, now: float) -> Scene:
        """What the picture shows at a time of the session, in seconds, without words."""
        return self._view.scene(now, self._pose.landmarks)

    def focus(self, joints: Sequence[str]) -> None:
        """From now on J* are `joints`; what was seen is analysed again under them, if it is not long ago."""
        self._setup = replace(self._setup, salient=tuple(joints), salient_source="selector")
        if self._stream is not None:
            self._again()
        self._early = deque(maxlen=0)

    def _again(self) -> LiveStep:
        self._stream = self._new_stream()
        self._view.clear()
        steps = [self._push(rows) for rows in self._early]
        return steps[-1] if steps else LiveStep([], NOTHING, self._morph)

    def _new_stream(self) -> MotionStream:
        room, options = self._room, self._setup.options
        if room is None:
            return MotionStream(self._setup)
        limit = options.contexts.max_tokens
        contexts = replace(options.contexts, max_tokens=room.tokens)
        setup = replace(self._setup, options=replace(options, contexts=contexts))
        return MotionStream(setup, lambda text: room.counted(text, limit))

    def _push(self, rows: Sequence[Any]) -> LiveStep:
        assert self._stream is not None
        verdicts: list[Verdict] = []
        motion, morph = NOTHING, self._morph
        for row in rows:
            update = self._stream.push(*row)
            verdicts += [verdict for cycle in update.cycles for verdict in cycle.verdicts]
            self._view.repeated(update.cycles, row[1])
            if update.context is not None:
                motion, morph = update.context.motion, update.context.morph
        if rows:
            self._view.posed(rows)
        return LiveStep(verdicts, motion, morph)
