"""What a workspace holds, one video at a time: places of segments, motion, the trainer's feedback."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from qevd_bio.dataset.opening import Dataset
from qevd_bio.dataset.stage import SEGMENTS
from qevd_bio.reporting.content.runs import Key, Run
from qevd_bio.reporting.content.views import Missing, Truth
from qevd_bio.store.columns import Table
from qevd_bio.store.errors import UserError
from qevd_bio.tables.motion import CYCLES, SEGMENT_RESULTS, VIOLATIONS
from qevd_bio.tables.workspace import Workspace

Row = Mapping[str, Any]
VideoKey = tuple[str, str]

_SAME_S = 0.1


@dataclass(frozen=True)
class Place:
    """A segment in its video; `known` is False where its time in the video is not known, so that it starts at 0."""

    index: int
    exercise: str
    name: str
    start_s: float
    end_s: float
    start_frame: int | None = None
    end_frame: int | None = None
    known: bool = True


class ByVideo:
    """Rows of a table by video, made into Python objects one video at a time; empty where there is no file."""

    def __init__(self, table: Table, path: Path | None) -> None:
        self._table: pa.Table | None = table.read(path) if path is not None and path.is_file() else None
        self._rows: dict[VideoKey, list[int]] = {}
        if self._table is not None:
            keys = zip(self._table["split"].to_pylist(), self._table["video"].to_pylist(), strict=True)
            for place, key in enumerate(keys):
                self._rows.setdefault(key, []).append(place)

    @property
    def videos(self) -> list[VideoKey]:
        """(split, video) of every video with rows, in the order of the file."""
        return list(self._rows)

    def rows(self, key: VideoKey) -> list[dict[str, Any]]:
        """The video's rows in the order of the file."""
        if self._table is None or key not in self._rows:
            return []
        return list(self._table.take(np.array(self._rows[key])).to_pylist())


class Sources:
    """Tables of a workspace; one that is not there, or cannot be read, is listed in `missing`."""

    def __init__(self, workspace: Workspace, dataset: Dataset | None, rewritten: Sequence[Row]) -> None:
        self.workspace, self.dataset = workspace, dataset
        self.missing: list[Missing] = []
        self.segments = self._table(SEGMENTS, workspace.segments, "the table of segments", "qevd-bio segments")
        self.cycles = self._table(CYCLES, workspace.cycles, "repetitions", "qevd-bio analyze")
        self.violations = self._table(VIOLATIONS, workspace.violations, "violations", "qevd-bio analyze")
        self.results = self._table(SEGMENT_RESULTS, workspace.motion / "segments.parquet", "", "")
        self._rewritten: dict[Key, list[Row]] = {}
        for row in rewritten:
            if row["segment"] is not None and row["intent"] != "transition":
                self._rewritten.setdefault((row["split"], row["video"], row["segment"]), []).append(row)
        self._stated = self._stated_truths()

    def _table(self, table: Table, path: Path, what: str, command: str) -> ByVideo:
        try:
            found = ByVideo(table, path)
        except UserError as error:
            self.missing.append(Missing(f"{what or path.name}: {error}", command))
            return ByVideo(table, None)
        if what and not path.is_file():
            self.missing.append(Missing(f"{what}: no {path.name}", command))
        return found

    def _stated_truths(self) -> dict[Key, tuple[Place, tuple[Truth, ...]]]:
        """Segments and feedback of the data set itself, times from the segment's start."""
        if self.dataset is None or self.dataset.kind != "qevd":
            return {}
        try:
            segments = self.dataset.segments(strict=False)
        except UserError as error:
            self.missing.append(Missing(f"annotations of the data set: {error}"))
            return {}
        found: dict[Key, tuple[Place, tuple[Truth, ...]]] = {}
        for s in segments:
            name = s.exercise.canonical if s.exercise else s.exercise_written
            place = Place(s.index, s.exercise_id or "", name, s.start_s, s.end_s, s.start_frame, s.end_frame)
            truths = tuple(Truth(f.time_s, f.text) for f in s.feedbacks)
            found[s.split, s.video, s.index] = place, truths
        return found

    def videos(self, runs: Iterable[Run]) -> list[VideoKey]:
        """Every video that anything is known of, by split and name."""
        files = sorted((self.workspace.root / "kinematics").glob("*/*.parquet"))
        found = {(path.parent.name, path.stem) for path in files}
        found |= {*self.segments.videos, *self.results.videos, *self.cycles.videos}
        found |= {(split, video) for split, video, _ in (*self._stated, *self._rewritten)}
        found |= {(split, video) for run in runs for split, video, index in run.segments if index >= 0}
        return sorted(found)

    def places(self, key: VideoKey, runs: Sequence[Run], duration_s: float | None) -> list[Place]:
        """The video's segments in order; ends that no table knows are the video's own, as far as it is known."""
        found: dict[int, Place] = {}
        for row in self.segments.rows(key):
            name = row["exercise_name"] or row["exercise_written"] or row["exercise"] or ""
            end = math.inf if row["end_s"] is None else row["end_s"]
            found[row["segment"]] = Place(
                row["segment"], row["exercise"] or "", name, row["start_s"], end, row["start_frame"], row["end_frame"]
            )
        for split, video, index in self._stated:
            if (split, video) == key:
                found.setdefault(index, self._stated[split, video, index][0])
        for row in self.results.rows(key):
            end = math.inf if row["end_s"] is None else row["end_s"]
            name = (row["exercise"] or "").replace("_", " ")
            place = Place(row["segment"], row["exercise"] or "", name, row["start_s"], end)
            # Where the segments table does not say the exercise (a plain folder), analyze was told it.
            if row["segment"] not in found or (not found[row["segment"]].exercise and row["exercise"]):
                found[row["segment"]] = place
        for run in runs:
            for (split, video, index), pairs in run.segments.items():
                if (split, video) == key and index not in found:
                    times = [p.time_s for p in pairs.predictions] + [t.time_s for t in pairs.truths.values()]
                    end = max(times, default=0.0) + 2.0
                    found[index] = Place(index, pairs.exercise, pairs.exercise, 0.0, end, known=False)
        return [_bounded(place, duration_s) for _, place in sorted(found.items())]

    def truths(self, key: VideoKey, place: Place, runs: Sequence[Run]) -> tuple[Truth, ...]:
        """The trainer's feedback with its rewritten text, times from the video's start.

        From the runs where there are any (their matches point into it), else from the data set, else from the
        table of the rewritten one.
        """
        full = (*key, place.index)
        scored = next((run.segments[full] for run in runs if full in run.segments), None)
        if scored is not None and scored.truths:
            own = [scored.truths[i] for i in sorted(scored.truths)]
        elif full in self._stated:
            own = list(self._stated[full][1])
        else:
            own = [
                Truth(row["start_s"] - place.start_s, row["original"], row["intent"] or "")
                for row in self._rewritten.get(full, ())
            ]
        new = [row for row in self._rewritten.get(full, ()) if row["status"] == "rewritten"]
        return tuple(self._moved(truth, place, new) for truth in own)

    @staticmethod
    def _moved(truth: Truth, place: Place, rewritten: Sequence[Row]) -> Truth:
        time_s = truth.time_s + place.start_s
        for row in rewritten:
            if abs(row["start_s"] - time_s) < _SAME_S:
                if row["original"] == truth.text:
                    return replace(truth, time_s=time_s, rewritten=row["text"])
                if row["text"] == truth.text:
                    return replace(truth, time_s=time_s, original=row["original"])
        return replace(truth, time_s=time_s)


def _bounded(place: Place, duration_s: float | None) -> Place:
    if math.isfinite(place.end_s):
        return place
    end = duration_s if duration_s is not None else place.start_s + 1.0
    return replace(place, end_s=max(end, place.start_s + 0.1))
