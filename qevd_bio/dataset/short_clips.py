"""Short clips of QEVD-FIT-300K: labels, feedback, questions and worker ids, joined by file name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from qevd_bio.dataset import records as rec
from qevd_bio.store.errors import ItemError, UserError

SPLIT = "short_clips"
LABELS = "fine_grained_labels.json"
WORKERS = "fine_grained_labels_with_worker_ids.json"
FEEDBACKS = "feedbacks_short_clips.json"
QUESTIONS = "questions.json"
FILES = (LABELS, WORKERS, FEEDBACKS, QUESTIONS)
_PLAIN = re.compile(r"[0-9]{1,20}\.mp4")
_PARTS = "QEVD-FIT-300k-Part-*"


@dataclass(frozen=True)
class Question:
    """One question about a clip; `level` is high_level or fine_grain."""

    level: str
    query: str
    response: str
    query_type: str


@dataclass(frozen=True)
class ShortClip:
    """Everything annotated about one clip. `labels` are "<exercise> - <variation>".

    `participant` is the worker id: one person may have several, also across splits, so equal ids are a lower
    bound of sameness.
    """

    file: str
    split: str
    labels: tuple[str, ...] = ()
    descriptions: tuple[str, ...] = ()
    feedbacks: tuple[str, ...] = ()
    questions: tuple[Question, ...] = field(default=())
    participant: str | None = None

    @property
    def stem(self) -> str:
        """File name without folder and suffix."""
        return PurePosixPath(self.file).stem

    @property
    def exercise(self) -> str | None:
        """The exercise as the first label has it, without its variation."""
        return self.labels[0].split(" - ", 1)[0].strip() if self.labels else None


def is_root(root: Path) -> bool:
    """Whether `root` holds short clips or their annotations."""
    return any((root / name).exists() for name in FILES) or (root / SPLIT).is_dir() or any(root.glob(_PARTS))


def clip_paths(root: Path, clips: Sequence[ShortClip]) -> list[Path]:
    """Each clip's path: in `short_clips/`, in `root` or in one of the four parts; the first where in none."""
    places = [root / SPLIT, root, *sorted(root.glob(_PARTS))]
    # One listing a folder: asking for each of 300,000 files in six places takes minutes on a network disk.
    listed = [(place, {path.name for path in place.iterdir()} if place.is_dir() else set()) for place in places]
    found = []
    for clip in clips:
        first = clip.file.split("/", 1)[0]
        holders = (place / clip.file for place, names in listed if first in names)
        found.append(next(holders, places[0] / clip.file))
    return found


def read_clips(root: Path) -> list[ShortClip]:
    """All annotated clips of `root`, by file name, or, without annotations, the clips that lie there.

    Raises UserError that names file and record for a record that breaks the format, and for files that put
    one clip into different splits.
    """
    clips: dict[str, dict[str, Any]] = {}
    for name, parse in ((LABELS, _labels), (WORKERS, _labels), (FEEDBACKS, _feedbacks), (QUESTIONS, _questions)):
        path = root / name
        if not path.exists():
            continue
        for index, record in enumerate(rec.read_records(path, f"a JSON list of records ({name} of QEVD-FIT-300K)")):
            try:
                file, split = _identity(record)
                values = parse(record)
                clip = clips.setdefault(file, {"split": split})
                if clip["split"] != split:
                    raise ItemError("split", f"{file} is in split {split!r} here and {clip['split']!r} elsewhere")
            except ItemError as error:
                raise UserError(
                    error.detail, where=f"{path}, record {index}", expected="records as QEVD-FIT-300K has them"
                ) from error
            clip.update(values)
    if not clips:
        clips = {path.name: {"split": ""} for path in _files(root)}
    return [ShortClip(file, **clips[file]) for file in sorted(clips)]


def _files(root: Path) -> Iterator[Path]:
    for place in (root / SPLIT, *sorted(root.glob(_PARTS))):
        yield from sorted(place.glob("*.mp4"))


def _identity(record: Any) -> tuple[str, str]:
    """File name below the clip folder and split; `./` and `./short_clips/` before the name mean nothing."""
    if not isinstance(record, dict):
        raise ItemError("wrong_type", f"the record is {rec.kind_of(record)}, expected an object")
    written = rec.get_text(record, "video_path")
    file = written.removeprefix("./").removeprefix(f"{SPLIT}/")
    if not _PLAIN.fullmatch(file):  # the usual name, of digits, needs no closer look
        rec.inner_path(Path(), written)
        rec.stem_of(written)
        file = str(PurePosixPath(file))
    return file, rec.get_text(record, "split")


def _texts(record: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return tuple(rec.get_list(record, key, rec.is_text, "texts"))


def _labels(record: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {"labels": _texts(record, "labels")}
    if "labels_descriptive" in record:
        values["descriptions"] = _texts(record, "labels_descriptive")
    if "worker_id" in record:
        worker = record["worker_id"]
        if type(worker) not in (str, int):
            raise ItemError("wrong_type", f"worker_id is {rec.kind_of(worker)}, expected a text or whole number")
        values["participant"] = str(worker)
    return values


def _feedbacks(record: Mapping[str, Any]) -> dict[str, Any]:
    return {"feedbacks": _texts(record, "feedbacks" if "feedbacks" in record else "feedback")}


def _questions(record: Mapping[str, Any]) -> dict[str, Any]:
    questions: list[Question] = []
    for level in ("high_level", "fine_grain"):
        block = rec.get(record, level)
        if not isinstance(block, dict):
            raise ItemError("wrong_type", f"{level} is {rec.kind_of(block)}, expected an object")
        columns = [_texts(block, key) for key in ("query", "response", "query_type")]
        if len({len(column) for column in columns}) > 1:
            counts = ", ".join(str(len(column)) for column in columns)
            raise ItemError("length", f"{level}: query, response and query_type have {counts} entries")
        questions.extend(Question(level, *row) for row in zip(*columns, strict=True))
    return {"questions": tuple(questions)}
