"""Small CSV files that say something about each video: its participant, its exercise."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from qevd_bio.store.errors import UserError


@dataclass(frozen=True)
class VideoMap:
    """A value for each video, from a CSV with the columns `video` and `column` (and `split`, where wanted).

    A video is written as `0000`, `0000.mp4` or with folders before it; `QEVD-FIT-COACH/0000` also names its
    split.
    """

    path: Path
    values: dict[tuple[str, str], tuple[str, int]]

    def get(self, split: str, stem: str) -> str | None:
        """The value for a video; a row that names the split goes before one that does not."""
        for key in ((split, stem), ("", stem)):
            if key in self.values:
                return self.values[key][0]
        return None

    def check(self, videos: Iterable[tuple[str, str]]) -> list[str]:
        """Rows that name none of `videos` (split, stem), as text.

        Raises UserError where a row without split names a video that several splits have.
        """
        splits: dict[str, list[str]] = {}
        for split, stem in videos:
            splits.setdefault(stem, []).append(split)
        unused = []
        for (split, stem), (_, line) in self.values.items():
            known = splits.get(stem, [])
            if not split and len(known) > 1:
                raise UserError(
                    f"video {stem!r} is in several splits: {', '.join(known)}",
                    where=f"{self.path}, line {line}",
                    expected="the split before the name, or a column `split`",
                    fix=f"write {known[0]}/{stem}",
                )
            if not known or (split and split not in known):
                unused.append(f"{split}/{stem}" if split else stem)
        return unused


def read_map(path: Path, column: str, splits: Iterable[str]) -> VideoMap:
    """Read such a CSV; raises UserError for missing columns, empty cells and contradicting rows.

    `splits` are the names that may stand before a video's name to say its split.
    """
    expected = f"CSV with a header line and the columns video,{column} (and split, where names repeat)"
    known = set(splits)
    values: dict[tuple[str, str], tuple[str, int]] = {}
    for line, row in _rows(path, column, expected):
        video, value = (row["video"] or "").strip(), (row[column] or "").strip()
        if not video or not value:
            raise UserError("empty cell", where=f"{path}, line {line}", expected=expected)
        written = PurePosixPath(video)
        split = (row.get("split") or "").strip() or next((part for part in written.parts if part in known), "")
        key = (split, written.stem if written.suffix.lower() in VIDEO_SUFFIXES else written.name)
        if values.get(key, (value, 0))[0] != value:
            raise UserError(
                f"video {video!r} has {column} {value!r} here and {values[key][0]!r} in line {values[key][1]}",
                where=f"{path}, line {line}",
                expected=f"one {column} a video",
            )
        values[key] = (value, line)
    return VideoMap(path, values)


VIDEO_SUFFIXES = frozenset(
    {
        ".mp4",
        ".mov",
        ".m4v",
        ".mkv",
        ".avi",
        ".webm",
        ".mpg",
        ".mpeg",
        ".3gp",
        ".ts",
        ".mts",
        ".m2ts",
        ".wmv",
        ".flv",
        ".ogv",
        ".h264",
        ".264",
        ".hevc",
        ".h265",
    }
)


def _rows(path: Path, column: str, expected: str) -> list[tuple[int, dict[str, str | None]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            reader.fieldnames = [(name or "").strip().lower() for name in reader.fieldnames or []]
            missing = [name for name in ("video", column) if name not in reader.fieldnames]
            if missing:
                raise UserError(f"no column {' and '.join(missing)}", where=path, expected=expected)
            return [(reader.line_num, dict(row)) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        text = error.strerror if isinstance(error, OSError) else str(error)
        raise UserError(f"cannot be read: {text}", where=path, expected=expected) from error
