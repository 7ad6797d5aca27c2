"""From a workout to its single-exercise segments, by the official rule."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from itertools import pairwise

from qevd_bio.dataset.names import NameBook
from qevd_bio.dataset.workout import Feedback, Problem, Segment, Span, Transition, Workout, official_text

# Beyond the two official leads, other ways to announce are understood when looking for the exercise's name.
_LEAD = re.compile(
    r"\s*(?:(?:first|next)(?: up)?|up next|last(?: up)?|finally)?[,:]?\s*"
    r"(?:let'?s )?(?:mov(?:e|ing) on to|on to|switch(?:ing)? to|now|we have|is|are|it'?s)?"
    r"[,:]?\s*(?:some |the )?",
    re.IGNORECASE,
)


def exercise_text(text: str) -> str:
    """A transition's text without its lead and "!", exactly as the official reader makes it."""
    return text.replace("First up are ", "").replace("Moving on to ", "").replace("!", "")


def read_transition(span: Span, book: NameBook) -> Transition:
    """The exercise that a transition span announces."""
    written = exercise_text(span.text)
    exercise = book.lookup(written)
    if exercise is None:
        lead = _LEAD.match(written)
        exercise = book.lookup(written[lead.end() :]) if lead else None
    return Transition(span, written, exercise_text(official_text(span.text)), exercise)


def exercises_of(workout: Workout, book: NameBook) -> list[Transition]:
    """The exercises of a whole workout in their order (the last transition only ends the session)."""
    return [read_transition(span, book) for span in workout.transitions[:-1]]


def segments_of(workout: Workout, book: NameBook, keep_empty: bool = False) -> tuple[list[Segment], list[Problem]]:
    """Segments of a workout, and everything in it that belongs to none, with the reason.

    Segment i runs from the first frame of transition i to the middle frame of transition i + 1, and holds the
    feedbacks strictly between the two. One without feedback is dropped (and reported) unless `keep_empty`.
    The last transition ends the session. A segment whose exercise is unknown is kept, with `exercise` None.
    """
    if workout.given:
        return _given_segments(workout, book)
    if not workout.spans:
        return [whole_video(workout)], []
    transitions = [read_transition(span, book) for span in workout.transitions]
    problems = _around(workout, transitions)
    segments = []
    for index, (first, last) in enumerate(pairwise(transitions)):
        if first.exercise is None:
            problems.append(_unknown(workout, book, first.span, first.written))
        spans = workout.spans[first.span.index + 1 : last.span.index]
        if spans or keep_empty:
            segments.append(_segment(workout, index, first, last.span, spans))
        else:
            problems.append(
                _problem(
                    workout, "dropped", "no_feedback", "segment without feedback between its transitions", first.span
                )
            )
    return segments, problems


def _segment(workout: Workout, index: int, first: Transition, last: Span, spans: tuple[Span, ...]) -> Segment:
    start = first.span.start_frame
    end = last.start_frame + (last.end_frame - last.start_frame) // 2
    zero, start_unix, end_unix = (float(workout.times_unix[frame]) for frame in (0, start, end))
    return Segment(
        split=workout.split,
        video=workout.video,
        index=index,
        exercise=first.exercise,
        exercise_written=first.written,
        exercise_official=first.official,
        start_s=start_unix - zero,
        end_s=end_unix - zero,
        start_frame=start,
        end_frame=end,
        start_unix=start_unix,
        end_unix=end_unix,
        feedbacks=tuple(Feedback(span.stamp_unix - start_unix, span.text, span) for span in spans),
        participant=workout.participant,
    )


def whole_video(workout: Workout) -> Segment:
    """The whole workout as one segment without exercise: what is left where a record has no annotations."""
    times = workout.times_unix
    return Segment(
        split=workout.split,
        video=workout.video,
        index=0,
        exercise=None,
        exercise_written="",
        exercise_official="",
        start_s=0.0,
        end_s=float(times[-1] - times[0]),
        start_frame=0,
        end_frame=len(times) - 1,
        start_unix=float(times[0]),
        end_unix=float(times[-1]),
        participant=workout.participant,
    )


def _given_segments(workout: Workout, book: NameBook) -> tuple[list[Segment], list[Problem]]:
    """Segments that the competition release states: frames with start <= time <= end."""
    segments, problems = [], []
    times = workout.times_unix.tolist()
    for index, given in enumerate(workout.given):
        exercise = book.lookup(given.written)
        start, end = bisect_left(times, given.start), bisect_right(times, given.end) - 1
        if exercise is None:
            problems.append(_unknown(workout, book, None, given.written))
        if start > end:
            detail = f"no frame between {given.start:.3f} s and {given.end:.3f} s"
            problems.append(_problem(workout, "dropped", "no_frames", detail, None, given.written))
            continue
        segments.append(
            Segment(
                split=workout.split,
                video=workout.video,
                index=index,
                exercise=exercise,
                exercise_written=given.written,
                exercise_official=official_text(given.written),
                start_s=given.start - times[0],
                end_s=given.end - times[0],
                start_frame=start,
                end_frame=end,
                start_unix=given.start,
                end_unix=given.end,
                participant=workout.participant,
            )
        )
    return segments, problems


def _around(workout: Workout, transitions: list[Transition]) -> list[Problem]:
    """What lies outside all segments: feedback before the first or after the last transition, missing ends."""
    if not transitions:
        return [_problem(workout, "dropped", "no_transition", "feedbacks but no transition, so no segment", None)]
    problems = []
    last = transitions[-1]
    if len(transitions) == 1:
        detail = "the only transition: no second one ends its segment"
        problems.append(_problem(workout, "dropped", "no_end", detail, last.span))
    elif last.exercise is not None:
        detail = f"the last transition names {last.exercise.canonical} but ends the session: no segment"
        problems.append(_problem(workout, "dropped", "no_end", detail, last.span))
    for span in workout.spans:
        if span.index < transitions[0].span.index or span.index > last.span.index:
            detail = "feedback outside all segments (before the first or after the last transition)"
            problems.append(_problem(workout, "note", "outside_segments", detail, span))
    return problems


def _unknown(workout: Workout, book: NameBook, span: Span | None, written: str) -> Problem:
    close = book.suggest(written)
    hint = f"; closest: {', '.join(close)}" if close else ""
    return _problem(workout, "unparsed", "unknown_exercise", f"no exercise is called {written!r}{hint}", span, written)


def _problem(workout: Workout, level: str, reason: str, detail: str, span: Span | None, text: str = "") -> Problem:
    frame = None if span is None else span.start_frame
    return Problem(level, reason, detail, workout.split, workout.video, frame, span.text if span else text)
