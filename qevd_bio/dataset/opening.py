"""One way in: a path becomes a `Dataset`, whatever of the known layouts lies there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from qevd_bio.dataset import folder, qevd, short_clips
from qevd_bio.dataset.maps import VideoMap, read_map
from qevd_bio.dataset.names import Name, NameBook, load_names
from qevd_bio.dataset.segments import segments_of
from qevd_bio.dataset.short_clips import Clip
from qevd_bio.dataset.workout import Problem, Segment, Workout
from qevd_bio.store.errors import ItemError, UserError

BENCHMARK = "QEVD-FIT-COACH-Benchmark"
TRAIN = "QEVD-FIT-COACH"
# Benchmark videos up to this number are stored lying on their side.
LAST_LYING_VIDEO = 145
PARTICIPANTS_FILE = "participants.csv"


@dataclass(frozen=True)
class VideoItem:
    """One video of a data set; the file itself need not be there.

    `rotate` asks for QEVD's own correction (90° clockwise, padded to a square), on top of what the file says about
    its rotation. `exercise` is known where it does not depend on the time in the video.
    """

    split: str
    stem: str
    path: Path
    timestamps_path: Path | None = None
    exercise: Name | None = None
    participant: str | None = None
    rotate: bool = False
    problem: Problem | None = None

    @property
    def key(self) -> str:
        return f"{self.split}/{self.stem}"

    def check(self) -> None:
        """Raise ItemError where the video cannot be used: a bad record, no such file, a folder in its place."""
        if self.problem is not None:
            raise ItemError(self.problem.reason, self.problem.detail)
        if self.path.is_dir():
            raise ItemError("video_is_folder", f"{self.path} is a folder, expected a video file")
        if not self.path.is_file():
            raise ItemError("video_missing", f"no such file: {self.path}")


@dataclass
class Dataset:
    """A data set on disk; everything is read when first asked for.

    `kind`: "qevd" (one or more splits of long workouts), "short_clips" (QEVD-FIT-300K) or "videos" (a plain folder).
    `splits` are folder names; for plain videos the one split is called `videos`.
    """

    root: Path
    kind: str
    folders: dict[str, Path]
    names: NameBook
    participants_path: Path | None = None
    exercise_hint: str | None = None
    _read: dict[str, tuple[list[Workout], list[Problem]]] = field(default_factory=dict, repr=False)

    @property
    def splits(self) -> tuple[str, ...]:
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
        return any(not span.is_transition for w in self.workouts(strict=False) for span in w.spans)

    @cached_property
    def clips(self) -> list[Clip]:
        """Annotations of QEVD-FIT-300K; empty for other kinds."""
        return short_clips.read_clips(self.root) if self.kind == "short_clips" else []

    def videos(self, split: str | None = None) -> list[VideoItem]:
        """All videos, by split and name: those that records name and those that only lie in the folder.

        Feedback is not read, so that a fault in a record's feedback does not keep its video from being used.
        """
        return [item for item in self._videos if split is None or item.split == split]

    def workouts(self, split: str | None = None, strict: bool = True) -> list[Workout]:
        """Workouts with their spans, in the order of the file; none for plain folders and short clips.

        Raises UserError for an unreadable file and, if `strict`, for a record that breaks the format; otherwise
        such records are left out and listed in `problems()`.
        """
        if self.kind != "qevd":
            return []
        if split is not None:
            self.folder(split)
        found = [self._split(name) for name in self.splits if split in (None, name)]
        if strict:
            _raise_first(self.root, [problem for _, problems in found for problem in problems])
        return [workout for workouts, _ in found for workout in workouts]

    def segments(
        self, split: str | None = None, strict: bool = True, keep_empty: bool = False
    ) -> list[Segment]:
        """Single-exercise segments; a video without annotations is one segment (plain folders, short clips)."""
        if self.kind == "qevd":
            return [s for w in self.workouts(split, strict) for s in segments_of(w, self.names, keep_empty)[0]]
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
                found.extend(segments_of(workout, self.names)[1])
        return found

    def shared_participants(self) -> dict[str, tuple[str, ...]]:
        """Participants who appear in more than one split (of short clips: in train and test), with these splits."""
        seen: dict[str, set[str]] = {}
        where = ((c.participant, c.split) for c in self.clips) if self.kind == "short_clips" else (
            (item.participant, item.split) for item in self._videos
        )
        for person, split in where:
            if person is not None:
                seen.setdefault(person, set()).add(split)
        return {person: tuple(sorted(splits)) for person, splits in sorted(seen.items()) if len(splits) > 1}

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

    def _split(self, name: str) -> tuple[list[Workout], list[Problem]]:
        if name not in self._read:
            path = self.folder(name)
            _ = self.unused_participants  # a contradicting map is refused before it is used
            if (path / qevd.ANNOTATIONS).exists():
                people = {i.stem: i.participant for i in self.videos(name) if i.participant is not None}
                self._read[name] = qevd.read_split(path, people)
            else:
                self._read[name] = ([], [])
        return self._read[name]

    @cached_property
    def _videos(self) -> list[VideoItem]:
        if self.kind == "qevd":
            return [item for name, path in self.folders.items() for item in self._split_videos(name, path)]
        if self.kind == "short_clips":
            return [self._clip_item(clip) for clip in self.clips]
        hints = folder.exercise_hints(self.exercise_hint, self.names)
        return [
            VideoItem(
                folder.SPLIT, path.stem, path, None, hints(path.stem), self._participant(folder.SPLIT, path.stem)
            )
            for path in folder.list_videos(self.root)
        ]

    def _split_videos(self, split: str, path: Path) -> list[VideoItem]:
        files = {}
        if (path / qevd.ANNOTATIONS).exists():
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
                rotate=lies_on_its_side(split, stem),
                problem=entry.problem,
            )
            for stem, entry in sorted(files.items())
        ]

    def _clip_item(self, clip: Clip) -> VideoItem:
        path = short_clips.find_clip(self.root, clip.file)
        person = self._participant(short_clips.SPLIT, clip.stem) or clip.participant
        exercise = self.names.lookup(clip.exercise) if clip.exercise else None
        return VideoItem(short_clips.SPLIT, clip.stem, path, None, exercise, person)


def lies_on_its_side(split: str, stem: str) -> bool:
    """QEVD's rule: benchmark videos whose number is at most 145 are stored rotated."""
    return split == BENCHMARK and stem.isascii() and stem.isdigit() and int(stem) <= LAST_LYING_VIDEO


def open_dataset(
    path: str | Path,
    *,
    exercise: str | None = None,
    participants: Path | None = None,
    user_refs: Path | None = None,
) -> Dataset:
    """Recognise the layout at `path`: a root with QEVD splits, one split, short clips, a folder of videos, a video.

    `exercise` (plain videos only) is a name or a CSV with the columns video,exercise; `participants` is a CSV with
    the columns video,participant (default: `participants.csv` in the folder, where there is one); `user_refs` is
    `<workspace>/refs`, whose exercise files add names. Raises UserError that says what was found instead.
    """
    root = Path(path).expanduser()
    names = load_names(user_refs)
    if not root.exists():
        raise UserError("no such folder", where=root, expected=_LAYOUTS, fix="name the data set with --data FOLDER")
    kind, folders = _recognise(root.resolve() if root.name in ("", ".", "..") else root)
    if exercise is not None and kind != "videos":
        raise UserError(
            "--exercise is for folders of videos without annotations",
            where=root,
            expected="exercises come from this data set's own annotations",
            fix="leave --exercise out",
        )
    return Dataset(root, kind, folders, names, participants, exercise)


_LAYOUTS = (
    f"a folder with {TRAIN} and/or {BENCHMARK}, one of these itself, QEVD-FIT-300K short clips, or a folder of videos"
)


def _recognise(root: Path) -> tuple[str, dict[str, Path]]:
    if root.is_file():
        if folder.is_video(root):
            return "videos", {folder.SPLIT: root}
        raise UserError("this is a file", where=root, expected=_LAYOUTS, fix=f"perhaps --data {root.parent}")
    if _is_split(root):
        return "qevd", {root.name: root}
    try:
        children = sorted(child for child in root.iterdir() if child.is_dir())
    except OSError as error:
        raise UserError(error.strerror or "cannot be read", where=root, expected=_LAYOUTS) from error
    splits = {child.name: child for child in children if _is_split(child)}
    if splits:
        return "qevd", splits
    if short_clips.is_root(root):
        return "short_clips", {short_clips.SPLIT: root}
    if any(folder.is_video(file) for file in root.iterdir()):
        return "videos", {folder.SPLIT: root}
    raise _nothing_here(root, children)


def _is_split(path: Path) -> bool:
    return (path / qevd.ANNOTATIONS).exists() or (path / qevd.VIDEOS).is_dir()


def _nothing_here(root: Path, children: Sequence[Path]) -> UserError:
    if root.name == qevd.VIDEOS:
        return UserError("this is the video folder of a split", where=root, fix=f"--data {root.parent}")
    for child in children:
        if any(_is_split(inner) for inner in child.iterdir() if inner.is_dir()) or any(
            folder.is_video(file) for file in child.iterdir()
        ):
            return UserError(
                "no videos or annotations here, but one folder further down",
                where=root,
                expected=_LAYOUTS,
                fix=f"--data {child}",
            )
    found = ", ".join(sorted(entry.name for entry in root.iterdir())[:6]) or "nothing"
    return UserError(f"no data set here; found {found}", where=root, expected=_LAYOUTS)


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
