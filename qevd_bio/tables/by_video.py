"""Rows of a table by video and by segment."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from qevd_bio.tables.rows import R, RowTable

VideoKey = tuple[str, str]
SegmentKey = tuple[str, str, int]


class InSegment(Protocol):
    """A row that names its segment."""

    @property
    def split(self) -> str: ...
    @property
    def video(self) -> str: ...
    @property
    def segment(self) -> int: ...


S = TypeVar("S", bound=InSegment)


def by_segment(rows: Iterable[S]) -> dict[SegmentKey, list[S]]:
    """Rows by (split, video, segment), each in the given order."""
    found: dict[SegmentKey, list[S]] = {}
    for row in rows:
        found.setdefault((row.split, row.video, row.segment), []).append(row)
    return found


class ByVideo(Generic[R]):
    """The rows of one file by video, made into objects one video at a time; empty where `path` is None.

    The table needs the columns `split` and `video`; the rows of a video may stand anywhere in the file.
    """

    def __init__(self, table: RowTable[R], path: str | Path | None) -> None:
        self._declared = table
        self._table: pa.Table | None = table.read(path) if path is not None else None

    @cached_property
    def _places(self) -> dict[VideoKey, NDArray[np.intp]]:
        """Positions of each video's rows, videos in the order of their first row."""
        if self._table is None or not self._table.num_rows:
            return {}
        codes = []
        for name in ("split", "video"):
            encoded = pc.dictionary_encode(self._table[name]).combine_chunks()
            codes.append((np.asarray(encoded.indices, dtype=np.int64), encoded.dictionary.to_pylist()))
        (splits, split_names), (videos, video_names) = codes
        joined = splits * len(video_names) + videos
        order = np.argsort(joined, kind="stable")
        groups = np.split(order, np.flatnonzero(np.diff(joined[order])) + 1)
        groups.sort(key=lambda group: int(group[0]))
        return {(split_names[splits[group[0]]], video_names[videos[group[0]]]): group for group in groups}

    @property
    def videos(self) -> list[VideoKey]:
        """(split, video) of all rows, in the order of the file."""
        return list(self._places)

    def rows(self, split: str, video: str) -> list[R]:
        """The video's rows in the order of the file; [] for an unknown one."""
        places = self._places.get((split, video))
        if self._table is None or places is None:
            return []
        return self._declared.objects(self._table.take(places))
