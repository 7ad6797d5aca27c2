"""What is true of a workout, as rows of the tables in `truth/` and as kinematics."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.dataset.writer import NewSpan
from qevd_bio.simulation.coach.ideal import ideal
from qevd_bio.simulation.coach.true_verdicts import (
    TrueCycle,
    beyond,
    bounds_with_tolerance,
    clarity,
    extremes,
    heading,
    judge,
)
from qevd_bio.simulation.coach.words import Line, SentencePicker
from qevd_bio.simulation.performance.perform import FPS, PerformedRep
from qevd_bio.simulation.performance.session import WorkoutScene
from qevd_bio.simulation.performance.workout import SimulatedWorkout
from qevd_bio.tables.kinematics import OK, Kinematics
from qevd_bio.tables.motion import SegmentPlace
from qevd_bio.tables.truth import TrueFeedback, TrueJudgement, TrueMistake, TrueRepetition
from qevd_bio.tables.verdicts import Verdict

Row = dict[str, Any]
Times = NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """Rows by table, and the feedback spans to be written."""

    repetitions: list[TrueRepetition]
    judgements: list[TrueJudgement]
    mistakes: list[TrueMistake]
    feedbacks: list[TrueFeedback]
    spans: list[NewSpan]


def truth_of(workout: SimulatedWorkout, times_s: Times, seed: int) -> Truth:
    """Everything that is known of a workout whose frames lie at `times_s` (T,)."""
    truth = Truth([], [], [], [], [])
    wording = SentencePicker(np.random.default_rng([seed, 51]))
    for index, scene in enumerate(workout.scenes):
        judged = [_repetition(workout, scene, index, number, truth) for number in range(len(scene.reps))]
        truth.mistakes.extend(_mistake_rows(workout, scene, index, judged))
        _feedbacks(workout, scene, index, judged, wording, truth)
    _speak(workout, truth, None, None, workout.end_s, "transition", Line(wording.finish(), "transition"), {})
    _spans(truth, times_s)
    return truth


def kinematics_of(workout: SimulatedWorkout, times_s: Times) -> Kinematics:
    """The true angles in the project's schema: all observed, nothing smoothed."""
    angles = workout.angles.astype(np.float32)
    frames = len(angles)
    stature = {"value": workout.skeleton.stature, "unit": "m", "sd": 0.0, "method": "simulated", "source": "entered"}
    return Kinematics(
        split=workout.split,
        video=workout.video,
        fps=FPS,
        frame=np.arange(frames, dtype=np.int32),
        time_s=times_s,
        angles=angles,
        raw=angles,
        observed=np.ones(angles.shape, dtype=bool),
        confidence=np.ones(frames, dtype=np.float32),
        status=np.full(frames, OK, dtype=np.uint8),
        root=workout.root.astype(np.float32),
        skeleton_lengths=workout.skeleton.lengths(),
        body={"height": stature},
        meta={"backend": "simulated", "camera_heading_deg": workout.camera.heading_deg},
    )


def window(scene: WorkoutScene, number: int) -> tuple[float, float]:
    """Start and end of a repetition in seconds; a two-sided one begins half way to its first side."""
    rep = scene.reps[number]
    start, end = rep.start_s - _early(rep), rep.end_s - _early(rep)
    if number:
        before = scene.reps[number - 1]
        start = max(start, before.end_s - _early(before))
    return start, end


def _early(rep: PerformedRep) -> float:
    return 0.25 * rep.keys.duration_s if rep.keys.two_sided else 0.0


def _place(workout: SimulatedWorkout, scene: WorkoutScene, index: int) -> SegmentPlace:
    return SegmentPlace(workout.split, workout.video, index, scene.exercise.id)


def _repetition(workout: SimulatedWorkout, scene: WorkoutScene, index: int, number: int, truth: Truth) -> list[Verdict]:
    """Add the rows of one repetition; returns what the rules say of it."""
    rep: PerformedRep = scene.reps[number]
    start, end = window(scene, number)
    first, last = math.ceil(start * FPS - 1e-9), min(math.floor(end * FPS + 1e-9), len(workout.angles) - 1)
    part = slice(first, last + 1)
    angles, root = workout.angles[part], workout.root[part]
    key, other = extremes(scene.exercise, angles, workout.skeleton, rep.keys.two_sided)
    if rep.hold:
        key = len(angles) // 2
    pause = math.nan if number == 0 else max(start - window(scene, number - 1)[1], 0.0)
    place = _place(workout, scene, index)
    judged = judge(scene.exercise, angles, workout.skeleton, root, TrueCycle(place, number, start, end, pause))
    truth.repetitions.append(
        TrueRepetition(
            split=place.split,
            video=place.video,
            segment=index,
            exercise=place.exercise,
            repetition=number,
            start_s=start,
            end_s=end,
            key_s=(first + key) / FPS,
            other_key_s=(first + other) / FPS if other >= 0 else math.nan,
            units=scene.exercise.cycle.count.per_cycle,
            hold=rep.hold,
            heading_deg=heading(angles) - workout.camera.heading_deg,
            breaks=list(rep.breaks),
        )
    )
    truth.judgements.extend(_judgement_row(rep, verdict) for verdict in judged)
    return judged


def _judgement_row(rep: PerformedRep, verdict: Verdict) -> TrueJudgement:
    low, high = bounds_with_tolerance(verdict)
    return TrueJudgement(
        split=verdict.split,
        video=verdict.video,
        segment=verdict.segment,
        exercise=verdict.exercise,
        repetition=verdict.cycle,
        rule=verdict.rule,
        side=verdict.side,
        joint=verdict.joint,
        quantity=verdict.quantity,
        value=verdict.value,
        low=low,
        high=high,
        beyond=beyond(verdict),
        unit=verdict.unit,
        verdict=clarity(verdict),
        on_purpose=verdict.rule.removeprefix("error:") in rep.breaks,
    )


def _mistake_rows(
    workout: SimulatedWorkout, scene: WorkoutScene, index: int, judged: list[list[Verdict]]
) -> list[TrueMistake]:
    rows = []
    place = _place(workout, scene, index)
    for episode in scene.episodes:
        name = f"error:{episode.rule}"
        shown = [j for number in range(episode.first, episode.last + 1) for j in judged[number] if j.rule == name]
        if not shown:
            continue
        past = [beyond(j) for j in shown if len(shown) == 1 or beyond(j)]
        size = float(np.median(past)) if past else 0.0
        rows.append(
            TrueMistake(
                split=place.split,
                video=place.video,
                segment=index,
                exercise=place.exercise,
                rule=episode.rule,
                joint=shown[0].joint,
                direction="too_little" if size < 0 else "too_much",
                size=abs(size),
                unit=shown[0].unit,
                first_repetition=episode.first,
                last_repetition=episode.last,
                begin_s=window(scene, episode.first)[0],
                end_s=window(scene, episode.last)[1],
                noticed_s=episode.noticed_s,
                corrected=episode.corrected,
            )
        )
    return rows


def _feedbacks(
    workout: SimulatedWorkout,
    scene: WorkoutScene,
    index: int,
    judged: list[list[Verdict]],
    wording: SentencePicker,
    truth: Truth,
) -> None:
    announced = wording.announce(scene.exercise.name, index == 0)
    _speak(workout, truth, scene, index, scene.start_s, "transition", Line(announced, "transition"), {})
    for remark in sorted(scene.remarks, key=lambda r: r.time_s):
        line = wording.say(remark, scene.exercise)
        about: Row = {"repetition": remark.rep if remark.rep >= 0 else None, "rule": remark.rule or None}
        if remark.kind in ("correct", "again"):
            best = ideal(scene.exercise, remark.rule, judged[remark.rep])
            if best is not None:
                found = best.verdict
                about |= {"side": found.side, "quantity": found.quantity, "value": found.value}
                about |= {"goal": found.goal, "unit": found.unit, "ideal": best.text}
        _speak(workout, truth, scene, index, remark.time_s, remark.kind, line, about)


def _speak(
    workout: SimulatedWorkout,
    truth: Truth,
    scene: WorkoutScene | None,
    index: int | None,
    time: float,
    kind: str,
    line: Line,
    about: Row,
) -> None:
    said: Row = {"ideal": line.text, **about}
    truth.feedbacks.append(
        TrueFeedback(
            split=workout.split,
            video=workout.video,
            span=len(truth.feedbacks),
            segment=index,
            exercise=scene.exercise.id if scene else None,
            start_s=time,
            text=line.text,
            kind=kind,
            intent=line.label,
            body_parts=list(line.parts),
            directions=list(line.directions),
            **said,
        )
    )


def _spans(truth: Truth, times_s: Times) -> None:
    """Frames of each feedback: as long as it takes to read, and never touching the next."""
    starts = [int(np.searchsorted(times_s, row.start_s)) for row in truth.feedbacks]
    starts.append(len(times_s) - 2)
    feedbacks = zip(list(truth.feedbacks), starts, starts[1:], strict=False)
    for number, (row, start, following) in enumerate(feedbacks):
        seconds = 0.9 + 0.28 * len(row.text.split())
        end = max(min(start + round(seconds * FPS), following - 2), start)
        truth.feedbacks[number] = replace(row, start_s=float(times_s[start]))
        truth.spans.append(NewSpan(row.text, start, end, row.kind == "transition"))
