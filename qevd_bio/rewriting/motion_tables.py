"""The motion tables of a workspace, one video at a time."""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from qevd_bio.exercise.catalogue import load
from qevd_bio.rewriting.build import Row
from qevd_bio.rewriting.evidence import SegmentMotion, video_motion
from qevd_bio.tables.motion import CYCLES, VIOLATIONS
from qevd_bio.tables.workspace import Workspace


class MotionTables:
    """The motion tables of a workspace, read once; one video's rows at a time become Python objects."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._exercises = load((workspace.user_refs / "exercises",))

    @cached_property
    def _cycles(self) -> _ByVideo:
        return _ByVideo(CYCLES.read(self._workspace.cycles))

    @cached_property
    def _verdicts(self) -> _ByVideo:
        return _ByVideo(VIOLATIONS.read(self._workspace.violations))

    def video(self, split: str, video: str) -> dict[int, SegmentMotion]:
        """Repetitions and judged rules of one video by segment number."""
        return video_motion(self._cycles.rows(split, video), self._verdicts.rows(split, video), self._exercises)

    def violations(self, split: str, video: str) -> dict[str, Row]:
        """Judged rules of one video by id."""
        return {row["id"]: row for row in self._verdicts.rows(split, video)}


class _ByVideo:
    """Rows of a table by video; the rows of one video stand together in the file."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self._ranges: dict[tuple[str, str], list[tuple[int, int]]] = {}
        if table.num_rows:
            keys = pc.binary_join_element_wise(table["split"], table["video"], "/").combine_chunks()
            runs = keys.dictionary_encode()
            codes = np.asarray(runs.indices)
            starts = np.concatenate([[0], np.nonzero(np.diff(codes))[0] + 1, [len(codes)]])
            for start, end in pairwise(starts):
                split, _, video = runs.dictionary[int(codes[start])].as_py().rpartition("/")
                self._ranges.setdefault((split, video), []).append((int(start), int(end)))

    def rows(self, split: str, video: str) -> list[Row]:
        found: list[Row] = []
        for start, end in self._ranges.get((split, video), []):
            found.extend(self._table.slice(start, end - start).to_pylist())
        return found
