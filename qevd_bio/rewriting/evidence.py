"""What was measured in one video, as far as rewriting needs it: repetitions, and verdicts in trainers' words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.rules import Exercise
from qevd_bio.rewriting.belief import Support
from qevd_bio.rewriting.rules import RuleWords, words_of
from qevd_bio.tables.by_video import ByVideo, by_segment
from qevd_bio.tables.motion import CYCLES, CycleRow
from qevd_bio.tables.verdicts import VERDICTS, Verdict
from qevd_bio.tables.workspace import Workspace

# A value taken within this share of the cycle from a key frame is said to be taken there.
_NEAR_KEY = 0.15


@dataclass(frozen=True)
class Finding:
    """A verdict, and how trainers speak of its rule.

    phase    where in the repetition, in words ("at the bottom"); "" for the whole repetition
    agrees   how well it fits the trainer's words, 0..1; set when findings are ranked
    support  what words and measurement say together; set under the policy `evidence`
    """

    verdict: Verdict
    words: RuleWords
    phase: str = ""
    agrees: float = 0.0
    support: Support | None = None


class SegmentMotion:
    """Repetitions of one exercise of one video, and what was judged in them; times from the video's start."""

    def __init__(
        self, cycles: Sequence[CycleRow] = (), verdicts: Sequence[Verdict] = (), exercise: Exercise | None = None
    ) -> None:
        self.cycles = tuple(cycles)
        self._moments = {cycle.cycle: cycle.moments for cycle in cycles}
        self._verdicts: dict[int, list[Verdict]] = {}
        for verdict in verdicts:
            self._verdicts.setdefault(verdict.cycle, []).append(verdict)
        self._exercise = exercise
        self._findings: dict[int, tuple[Finding, ...]] = {}

    def findings(self, cycle: int) -> tuple[Finding, ...]:
        """All judged rules of one repetition; made when first asked for, since most are never asked for."""
        if cycle not in self._findings:
            exercise, verdicts = self._exercise, self._verdicts.get(cycle, ())
            moments = self._moments.get(cycle, {})
            self._findings[cycle] = (
                () if exercise is None else tuple(finding(verdict, exercise, moments) for verdict in verdicts)
            )
        return self._findings[cycle]


def finding(verdict: Verdict, exercise: Exercise, moments: Mapping[str, float]) -> Finding:
    """A verdict with its words; `moments` are the key frames of its repetition, in seconds."""
    words = words_of(exercise, verdict.rule, verdict.joint, verdict.quantity, verdict.more)
    return Finding(verdict, words, _phase(verdict, moments, exercise))


def _phase(verdict: Verdict, moments: Mapping[str, float], exercise: Exercise) -> str:
    """Where in the repetition the value was taken: the rule's key frame, or the one it lies at."""
    if verdict.key or verdict.stat not in ("max", "min") or math.isnan(verdict.at_s):
        return verdict.key
    phrases = {key.name: key.phrase for key in exercise.keys}
    named = {t: phrases.get(name, phrases.get(name[:-2], "")) for name, t in moments.items()}
    near = [t for t in named if abs(t - verdict.at_s) <= _NEAR_KEY * (verdict.end_s - verdict.start_s)]
    return named[min(near, key=lambda t: abs(t - verdict.at_s))] if near else ""


def video_motion(
    cycles: Sequence[CycleRow], verdicts: Sequence[Verdict], exercises: Mapping[str, Exercise]
) -> dict[int, SegmentMotion]:
    """Motion of one video by segment number; an exercise that is not in the catalogue has repetitions but no rules."""
    judged = by_segment(verdicts)
    return {
        key[2]: SegmentMotion(own, judged.get(key, ()), exercises.get(own[0].exercise))
        for key, own in sorted(by_segment(cycles).items())
    }


class MotionTables:
    """The motion tables of a workspace, read once; one video's rows at a time become objects."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._exercises = load((workspace.user_refs / "exercises",))

    @cached_property
    def _cycles(self) -> ByVideo[CycleRow]:
        return ByVideo(CYCLES, self._workspace.cycles)

    @cached_property
    def _verdicts(self) -> ByVideo[Verdict]:
        return ByVideo(VERDICTS, self._workspace.verdicts)

    def video(self, split: str, video: str) -> dict[int, SegmentMotion]:
        """Repetitions and judged rules of one video by segment number."""
        return video_motion(self._cycles.rows(split, video), self._verdicts.rows(split, video), self._exercises)

    def verdicts(self, split: str, video: str) -> dict[str, Verdict]:
        """Judged rules of one video by id."""
        return {verdict.id: verdict for verdict in self._verdicts.rows(split, video)}
