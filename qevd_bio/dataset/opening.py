"""One way in: a path becomes a `Dataset`, whatever of the known layouts lies there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from qevd_bio.dataset import folder, qevd, short_clips
from qevd_bio.dataset.items import VideoItem, lies_on_its_side
from qevd_bio.dataset.layout import LAYOUTS, recognise
from qevd_bio.dataset.maps import VideoMap, read_map
from qevd_bio.dataset.names import NameBook, load_names
from qevd_bio.dataset.segments import segments_of
from qevd_bio.dataset.short_clips import ShortClip
from qevd_bio.dataset.workout import Problem, Segment, Workout
from qevd_bio.store.errors import UserError

__all__ = ["Dataset", "VideoItem", "open_dataset", "open_videos"]

PARTICIPANTS_FILE = "participants.csv"


@dataclass
class Dataset:
    """A data set on disk; everything is read when first asked for.

    `kind`: "qevd" (one or more splits of long workouts), "short_clips" (QEVD-FIT-300K) or "videos" (a plain
    folder).
    `splits` are folder names; for plain videos the one split is called `videos`. `files` are the videos where
    single ones of a folder were named.
    """

    root: Path
    kind: str
    folders: dict[str, Path]
    names: NameBook
    participants_path: Path | None = None
    exercise_hint: str | None = None
    files: tuple[Path, ...] = ()
    _read: dict[str, tuple[list[Workout], list[Problem]]] = field(default_factory=dict, repr=False)

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits, in the order in which they are read."""
        return tuple(self.folders)

    def folder(self, split: str) -> Path:
        """The split's folder; raises UserError for an unknown split."""
        if split not in self.folders:
            raise UserError(f"no split {split!r}", where=self.root, expected=f"one of {', '.join(self.splits)}")
        return self.folders[split]

    @cached_property
    def has_ground_truth(self) -> bool:
        """Whether there is feedback to compare with: not in plain folders or the competition release."""
        if self.kind == "short_clips":
            return any(clip.feedbacks for clip in self.clips)
        return self.kind == "qevd" and any(self._feedback_in.values())

    @cached_property
    def clips(self) -> list[ShortClip]:
        """Annotations of QEVD-FIT-300K; empty for other kinds."""
        return short_clips.read_clips(self.root) if self.kind == "short_clips" else []

    def videos(self, split: str | None = None) -> list[VideoItem]:
        """All videos, by split and name: those that records name and those that only lie in the folder.

        Feedback is not read, so that a fault in a record's feedback does not keep its video from being used.
        """
        return [item for item in self._videos if split is None or item.split == split]

    def workouts(self, split: str | None = None, strict: bool = True) -> list[Workout]:
        """Workouts with their spans, in the order of the file; none for plain folders and short clips.

        Raises UserError for an unreadable file and, if `strict`, for a record that breaks the format;
        otherwise such records are left out and listed in `problems()`.
        """
        if self.kind != "qevd":
            return []
        if split is not None:
            self.folder(split)
        found = [self._split(name) for name in self.splits if split in (None, name)]
        if strict:
            _raise_first(self.root, [problem for _, problems in found for problem in problems])
        return [workout for workouts, _ in found for workout in workouts]

    def segments(self, split: str | None = None, strict: bool = True, keep_empty: bool | None = None) -> list[Segment]:
        """Single-exercise segments; a video of a plain folder and a short clip are one segment each.

        A segment without feedback is dropped, as in the official reader, unless `keep_empty` or (where that is
        None) its split has no feedback at all, so that predictions can be made for it.
        """
        if self.kind == "qevd":
            return [s for w in self.workouts(split, strict) for s in self._segments_of(w, keep_empty)[0]]
        return [
            Segment(
                split=item.split,
                video=item.stem,
                index=0,
                exercise=item.exercise,
                exercise_written=item.exercise.original if item.exercise else "",
                exercise_official=item.exercise.canonical if item.exercise else "",
                start_s=0.0,
                end_s=float("inf"),
                participant=item.participant,
            )
            for item in self.videos(split)
        ]

    def problems(self) -> list[Problem]:
        """Everything in the annotations that is not used, with its reason."""
        if self.kind != "qevd":
            return []
        found: list[Problem] = []
        for name in self.splits:
            workouts, problems = self._split(name)
            found.extend(problems)
            for workout in workouts:
                found.extend(self._segments_of(workout)[1])
        return found

    def shared_participants(self) -> dict[str, tuple[str, ...]]:
        """Participants in more than one split (of short clips: in train and test), with these splits."""
        seen: dict[str, set[str]] = {}
        where = (
            ((c.participant, c.split) for c in self.clips)
            if self.kind == "short_clips"
            else ((item.participant, item.split) for item in self._videos)
        )
        for person, split in where:
            if person is not None:
                seen.setdefault(person, set()).add(split)
        return {person: tuple(sorted(splits)) for person, splits in sorted(seen.items()) if len(splits) > 1}

    @property
    def has_participants(self) -> bool:
        """Whether there is a participant map, or worker ids."""
        return self._participant_map is not None or any(clip.participant for clip in self.clips)

    @cached_property
    def unused_participants(self) -> list[str]:
        """Rows of the participant map that name no video of this data set."""
        return self._participant_map.check((i.split, i.stem) for i in self._videos) if self._participant_map else []

    @cached_property
    def _participant_map(self) -> VideoMap | None:
        path = self.participants_path or self.root / PARTICIPANTS_FILE
        if self.participants_path is None and not path.is_file():
            return None
        return read_map(path, "participant", self.splits)

    def _participant(self, split: str, stem: str) -> str | None:
        return self._participant_map.get(split, stem) if self._participant_map else None

    def _has_feedback(self, split: str) -> bool:
        return any(not span.is_transition for w in self._split(split)[0] for span in w.spans)

    def _segments_of(self, workout: Workout, keep_empty: bool | None = None) -> tuple[list[Segment], list[Problem]]:
        keep = not self._feedback_in[workout.split] if keep_empty is None else keep_empty
        return segments_of(workout, self.names, keep)

    @cached_property
    def _feedback_in(self) -> dict[str, bool]:
        return {split: self._has_feedback(split) for split in self.splits}

    def _split(self, name: str) -> tuple[list[Workout], list[Problem]]:
        if name not in self._read:
            path = self.folder(name)
            _ = self.unused_participants  # a contradicting map is refused before it is used
            people = {i.stem: i.participant for i in self.videos(name) if i.participant is not None}
            self._read[name] = qevd.read_split(path, people)
        return self._read[name]

    @cached_property
    def _videos(self) -> list[VideoItem]:
        if self.kind == "qevd":
            return [item for name, path in self.folders.items() for item in self._split_videos(name, path)]
        if self.kind == "short_clips":
            paths = short_clips.clip_paths(self.root, self.clips)
            exercises = {clip.exercise for clip in self.clips}
            known = {text: self.names.lookup(text) for text in exercises if text}
            return [
                VideoItem(
                    short_clips.SPLIT,
                    clip.stem,
                    path,
                    None,
                    known.get(clip.exercise or ""),
                    self._participant(short_clips.SPLIT, clip.stem) or clip.participant,
                )
                for clip, path in zip(self.clips, paths, strict=True)
            ]
        hints = folder.exercise_hints(self.exercise_hint, self.names)
        return [
            VideoItem(
                folder.SPLIT,
                stem,
                path,
                None,
                hints(stem),
                self._participant(folder.SPLIT, stem),
                problem=problem,
            )
            for path in (self.files or folder.list_videos(self.root))
            for stem, problem in (folder.named(path),)
        ]

    def _split_videos(self, split: str, path: Path) -> list[VideoItem]:
        files: dict[str, qevd.SplitFiles] = {}
        for entry in qevd.read_files(path):
            files.setdefault(entry.stem, entry)
        for video in sorted((path / qevd.VIDEOS).glob("*.mp4")):
            times = video.with_name(f"{video.stem}_timestamps.npy")
            files.setdefault(video.stem, qevd.SplitFiles(video.stem, video, times))
        return [
            VideoItem(
                split=split,
                stem=stem,
                path=entry.video,
                timestamps_path=entry.timestamps if entry.timestamps.is_file() else None,
                participant=self._participant(split, stem),
                lies_on_side=lies_on_its_side(split, stem),
                problem=entry.problem,
            )
            for stem, entry in sorted(files.items())
        ]


def open_dataset(
    path: str | Path,
    *,
    exercise: str | None = None,
    participants: Path | None = None,
    user_refs: Path | None = None,
) -> Dataset:
    """Recognise the layout at `path`: QEVD splits, one split, short clips, a folder of videos, or one video.

    `exercise` (plain videos only) is a name or a CSV with the columns video,exercise; `participants` is a CSV
    with the columns video,participant (default: `participants.csv` in the folder, where there is one);
    `user_refs` is `<workspace>/refs`, whose exercise files add names. Raises UserError that says what was
    found instead.
    """
    root = Path(path).expanduser()
    names = load_names(user_refs)
    if not root.exists():
        raise UserError("no such folder", where=root, expected=LAYOUTS, fix="name the data set with --data FOLDER")
    kind, folders = recognise(root.resolve() if root.name in ("", ".", "..") else root)
    if exercise is not None and kind != "videos":
        raise UserError(
            "--exercise is for folders of videos without annotations",
            where=root,
            expected="exercises come from this data set's own annotations",
            fix="leave --exercise out",
        )
    return Dataset(root, kind, folders, names, participants, exercise)


def open_videos(
    paths: Sequence[Path],
    *,
    exercise: str | None = None,
    participants: Path | None = None,
    user_refs: Path | None = None,
) -> Dataset:
    """Videos named one by one, and folders of them, as one data set; a single folder may have any layout.

    Raises UserError for a path that is no video and for two videos of the same name.
    """
    given = [path.expanduser() for path in paths]
    if len(given) == 1 and not given[0].is_file():
        return open_dataset(given[0], exercise=exercise, participants=participants, user_refs=user_refs)
    found: list[Path] = []
    for path in given:
        if not path.exists():
            raise UserError("no such file or folder", where=path, expected="videos, or folders of videos")
        kind, _ = recognise(path)
        if kind != "videos":
            raise UserError("a data set among videos", where=path, fix=f"name it alone: --data {path}")
        found += folder.list_videos(path)
    root = Path(os.path.commonpath([file.resolve().parent for file in found]))
    files = tuple(folder.distinct(found, root))
    return Dataset(root, "videos", {folder.SPLIT: root}, load_names(user_refs), participants, exercise, files)


def _raise_first(root: Path, problems: Sequence[Problem]) -> None:
    errors = [problem for problem in problems if problem.level == "error"]
    if errors:
        first = errors[0]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise UserError(
            f"{first.reason}: {first.detail}{more}",
            where=root / first.split if root.name != first.split else root,
            expected="records as QEVD-FIT-COACH has them",
            fix="qevd-bio segments lists every such record in segments_unparsed.csv",
        )
