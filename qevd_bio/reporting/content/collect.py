"""One video after the other as views: tables, kinematics and frames brought together."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path
from urllib.parse import quote

from qevd_bio.dataset.items import VideoItem
from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.rules import Exercise
from qevd_bio.reporting.content.clips import Moment, clips
from qevd_bio.reporting.content.course import ReferenceCourse, bands, signal_course
from qevd_bio.reporting.content.film_strip import Stretch, strips
from qevd_bio.reporting.content.runs import ScoredRun
from qevd_bio.reporting.content.sources import SegmentSpan, Sources
from qevd_bio.reporting.content.views import (
    Lane,
    SegmentView,
    SignalCurve,
    Strip,
    TrainerFeedback,
    VideoView,
    rule_words,
)
from qevd_bio.reporting.options import ReportOptions
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.tables.by_video import VideoKey, by_segment
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.motion import CycleRow
from qevd_bio.tables.verdicts import NOT_JUDGED, NOT_SURE, SPOKEN, Verdict, faults_of

_FEWEST_BYTES = 6_000


class Collector:
    """Makes the view of each video of a workspace. `runs` share one ground truth; the page goes to `page_folder`."""

    def __init__(
        self, sources: Sources, runs: Sequence[ScoredRun], options: ReportOptions, page_folder: Path | None = None
    ) -> None:
        self.sources, self.runs, self.options, self.page_folder = sources, list(runs), options, page_folder
        self.workspace = sources.workspace
        self.exercises: Mapping[str, Exercise] = load((self.workspace.user_refs / "exercises",))
        self._items: dict[VideoKey, VideoItem] = {}
        if sources.dataset is not None:
            self._items = {(item.split, item.stem): item for item in sources.dataset.videos()}
        self.course = lru_cache(maxsize=256)(self._course)

    @cached_property
    def videos(self) -> list[VideoKey]:
        """What the page will show, in order."""
        return self.sources.videos(self.runs)

    @cached_property
    def with_video(self) -> int:
        """How many of the videos can be read for frames, as far as the files are there."""
        return sum(1 for key in self.videos if key in self._items and self._items[key].path.is_file())

    def views(self, keys: Sequence[VideoKey]) -> Iterator[VideoView]:
        """The views of these videos, one at a time."""
        segments = sum(len(self.sources.places(key, self.runs, None)) for key in keys)
        limit = max(_FEWEST_BYTES, int(self.options.size_mb * 1e6 / max(segments, 1) * 3 / 4))
        for key in keys:
            yield self.video(key, limit)

    def video(self, key: VideoKey, strip_bytes: int) -> VideoView:
        """One video; whatever cannot be read becomes a note."""
        notes: list[str] = []
        kinematics = self._kinematics(key, notes)
        duration = float(kinematics.time_s[-1]) if kinematics is not None and len(kinematics) else None
        places = self.sources.places(key, self.runs, duration)
        pictures = self._strips(key, places, strip_bytes, notes)
        results = {row.segment: row for row in self.sources.results.rows(*key)}
        segments = []
        for place, bare in zip(places, self.segments(key, places), strict=True):
            view, result = bare, results.get(place.index)
            if kinematics is not None and result is not None and result.signal:
                view = self._with_curve(view, kinematics, place, result.signal, view.reps)
            segments.append(replace(view, strip=pictures.get(place.index)))
        if self.options.clips:
            segments = self._with_clips(key, segments, notes)
        return VideoView(*key, tuple(segments), tuple(notes), kinematics is not None, self._file(key))

    def segments(self, key: VideoKey, places: Sequence[SegmentSpan] | None = None) -> Iterator[SegmentView]:
        """The video's exercises as the tables have them, without curves and pictures."""
        cycles = by_segment(self.sources.cycles.rows(*key))
        verdicts = by_segment(self.sources.verdicts.rows(*key))
        results = {row.segment: row for row in self.sources.results.rows(*key)}
        for place in self.sources.places(key, self.runs, None) if places is None else places:
            own = cycles.get((*key, place.index), [])
            view = self._segment(key, place, own, verdicts.get((*key, place.index), []))
            result = results.get(place.index)
            analysed = result is not None or bool(own)
            yield replace(view, status=result.status if result is not None else "", analysed=analysed)

    def _file(self, key: VideoKey) -> str:
        """The video's place seen from the page, as a relative address; empty where there is none."""
        item = self._items.get(key)
        if item is None or self.page_folder is None or not item.path.is_file():
            return ""
        try:
            return quote(os.path.relpath(item.path.resolve(), self.page_folder.resolve()).replace(os.sep, "/"))
        except ValueError:  # another drive
            return ""

    def _with_clips(self, key: VideoKey, views: Sequence[SegmentView], notes: list[str]) -> list[SegmentView]:
        """The views with a short film of each one's gravest fault, within the budget of bytes."""
        worst = {v.index: max(v.faults, key=lambda f: f.severity) for v in views if v.faults}
        moments = [Moment(i, f.at_s, f"{rule_words(f.rule)}, repetition {f.cycle + 1}") for i, f in worst.items()]
        if not moments:
            return list(views)
        if key not in self._items:
            notes.append("No clips: the video is not known (name its data set with --data).")
            return list(views)
        limit = int(self.options.clips_mb * 1e6 * 3 / 4 / max(self._with_faults, 1))
        try:
            found = clips(self._items[key], moments, limit, self.workspace.path("report", "clips", *key))
        except (ItemError, UserError) as error:
            notes.append(f"No clips: {error}.")
            return list(views)
        return [replace(view, clips=(found[view.index],) if view.index in found else ()) for view in views]

    @cached_property
    def _with_faults(self) -> int:
        return sum(bool(view.faults) for key in self.videos for view in self.segments(key))

    def _kinematics(self, key: VideoKey, notes: list[str]) -> Kinematics | None:
        try:
            path = self.workspace.kinematics(*key)
            if path.is_file():
                return Kinematics.read(path)
            notes.append("No kinematics of this video, so nothing was measured in it: qevd-bio extract makes them.")
        except UserError as error:
            notes.append(f"The kinematics cannot be read: {error.problem}.")
        return None

    def _strips(
        self, key: VideoKey, places: Sequence[SegmentSpan], limit: int, notes: list[str]
    ) -> Mapping[int, Strip]:
        if not self.options.frames:
            return {}
        if key not in self._items:
            notes.append("No frames: the video is not known (name its data set with --data).")
            return {}
        stretches = [
            Stretch(p.index, p.start_s, p.end_s, p.start_frame, p.end_frame) for p in places if p.known
        ]  # fmt: skip
        try:
            cache = self.workspace.path("report", "frames", *key)
            return strips(self._items[key], stretches, self.options.frames, limit, cache)
        except (ItemError, UserError) as error:
            notes.append(f"No frames: {error}.")
            return {}

    def _segment(
        self, key: VideoKey, place: SegmentSpan, cycles: Sequence[CycleRow], verdicts: Sequence[Verdict]
    ) -> SegmentView:
        exercise = self.exercises.get(place.exercise)
        truths = self.sources.truths(key, place, self.runs)
        notes = (
            () if place.known else ("Where this segment lies in its video is not known; time counts from its start.",)
        )
        unknown = Counter(one.reason or "unknown" for one in verdicts if one.verdict == NOT_JUDGED)
        return SegmentView(
            index=place.index,
            exercise=place.name or place.exercise or "exercise not known",
            start_s=place.start_s,
            end_s=place.end_s,
            reps=tuple(cycles),
            faults=tuple(faults_of(verdicts)),
            not_judged=dict(unknown.most_common()),
            not_sure=dict(Counter(one.rule for one in verdicts if one.verdict == NOT_SURE and one.kind in SPOKEN)),
            measurements=len({(v.cycle, v.rule) for v in verdicts if v.violated and v.kind not in SPOKEN}),
            rules=exercise,
            truths=truths,
            lanes=self._lanes(key, place, truths),
            notes=notes,
            participant=place.participant,
            decisions=self.sources.decisions(key, place.index),
        )

    def _lanes(self, key: VideoKey, place: SegmentSpan, truths: Sequence[TrainerFeedback]) -> tuple[Lane, ...]:
        lanes = []
        for run in self.runs:
            pairs = run.segments.get((*key, place.index))
            if pairs is None:
                continue
            ranks = {index: rank for rank, index in enumerate(sorted(pairs.truths))}
            said = sorted(pairs.predictions, key=lambda p: p.time_s)
            moved = (
                replace(p, time_s=p.time_s + place.start_s, truth=None if p.truth is None else ranks[p.truth])
                for p in said
            )
            lanes.append(Lane(run.view.name, tuple(moved)))
        return tuple(lanes)

    def _with_curve(
        self, view: SegmentView, kinematics: Kinematics, place: SegmentSpan, signal: str, cycles: Sequence[CycleRow]
    ) -> SegmentView:
        part = kinematics.between(place.start_s, place.end_s)
        if not len(part):
            return view
        try:
            values = signal_course(part, signal)
        except UserError as error:
            return replace(view, notes=(*view.notes, f"No curve: {error.problem}."))
        course = self.course(place.exercise, signal)
        over = bands(course, cycles, self.options.band_deg)
        notes = view.notes if course is not None or not cycles else (*view.notes, "This exercise has no reference.")
        return replace(view, curve=SignalCurve(signal, part.time_s, values, over), notes=notes)

    def _course(self, exercise: str, signal: str) -> ReferenceCourse | None:
        if exercise not in self.exercises:
            return None
        try:
            return ReferenceCourse(self.exercises[exercise], signal, self.workspace.user_refs)
        except (UserError, ValueError):
            return None  # said below the curve
