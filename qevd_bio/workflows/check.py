"""`qevd-bio check`: from videos to an answer, by the stages extract, analyze, film and report."""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from qevd_bio.dataset.opening import Dataset, open_videos
from qevd_bio.exercise.catalogue import load
from qevd_bio.motion.options import MotionOptions
from qevd_bio.motion.stage import analyze
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.pose.source import Source, extract_source
from qevd_bio.pose.stage import notes
from qevd_bio.reporting.film.stage import FilmOptions, film_path, make_films
from qevd_bio.reporting.page.stage import write_report
from qevd_bio.store.errors import UserError
from qevd_bio.store.work import Item, RunOptions, select
from qevd_bio.tables.by_video import ByVideo, by_segment
from qevd_bio.tables.motion import CYCLES, MOTION_SEGMENTS
from qevd_bio.tables.segments import SEGMENTS
from qevd_bio.tables.verdicts import VERDICTS
from qevd_bio.tables.workspace import Workspace
from qevd_bio.workflows.check_result import CheckResult, heading, summarise
from qevd_bio.workflows.recognise import AUTO, recognise_videos

PAGE = "check.html"
MOST_NOTES = 12
"""Of so many answers the page repeats the words at its top; of more, they would bury it."""


@dataclass(frozen=True)
class Checked:
    """Answers by video and segment, what failed (key -> reason in words), and the page, where there is one.

    notes   what a person should know of single videos beside the answers
    films   annotated videos (key -> path)
    asked   videos whose exercise could not be told, with the question (key -> words)
    """

    results: tuple[CheckResult, ...]
    failed: dict[str, str]
    page: Path | None
    notes: tuple[str, ...] = ()
    films: Mapping[str, Path] = field(default_factory=dict)
    asked: Mapping[str, str] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """2 where a video failed or a question is open, else 0, whatever the faults."""
        return 2 if self.failed or self.asked else 0

    def text(self) -> str:
        """The answers as they are printed, the page's path at the end."""
        several = len(self.results) + len(self.failed) + len(self.asked) > 1
        blocks = []
        for result in self.results:
            title = heading(result, several)
            film = self.films.get(f"{result.split}/{result.video}") if not result.segment else None
            shown = [] if film is None else [f"Video: {film}"]
            blocks.append("\n".join([*([f"{title}:"] if title else []), *result.lines(), *shown]))
        blocks += [f"{key}: {question}" for key, question in sorted(self.asked.items())]
        blocks += [f"{key}: failed: {reason}" for key, reason in sorted(self.failed.items())]
        if self.page is not None:
            blocks.append(f"Page: {self.page}")
        return ("\n\n" if several else "\n").join(blocks)

    def as_json(self) -> dict[str, Any]:
        """The same as plain data; times in seconds."""
        return {
            "results": [{**asdict(result), "text": result.lines()} for result in self.results],
            "failed": self.failed,
            "asked": dict(self.asked),
            "page": None if self.page is None else str(self.page),
            "videos": {key: str(path) for key, path in self.films.items()},
        }


def check(
    videos: Sequence[Path],
    workspace: Workspace,
    exercise: str | None = None,
    run: RunOptions | None = None,
    film: FilmOptions | None = None,
) -> Checked:
    """Extract and analyse videos, say what was found, and write the page. What an earlier run finished is kept.

    Args:
        videos: Files, and folders of them.
        workspace: Where results go and are found.
        exercise: A name for all, `auto` to recognise it, or a CSV with the columns video,exercise; by default what an
            earlier command was told.
        run: Which videos, and how many at once.
        film: How the annotated videos are drawn; None for none.

    Raises:
        UserError: A path, the exercise or the pose model is missing; nothing is written then. A single video that
            cannot be read becomes an entry of `failed`.
    """
    run = run or RunOptions()
    for path in videos:
        if not path.expanduser().exists():
            raise UserError("no such file or folder", where=path, expected="videos, or folders of videos")
    named = None if exercise == AUTO else exercise
    dataset = open_videos(videos, exercise=named, user_refs=workspace.user_refs)
    if exercise != AUTO:
        _need_exercises(dataset, workspace, run)
    extracted = extract_source(Source(videos=videos, exercise=named), workspace, ExtractOptions(), run)
    failed = {key: _in_words(*why) for key, why in extracted.failed.items()}
    told, asked = notes(extracted), dict[str, str]()
    if exercise == AUTO and extracted.results:
        recognised = recognise_videos(workspace, extracted.results)
        asked = recognised.unsure
        told += recognised.lines(workspace)
    keys = sorted(key for key in extracted.results if key not in asked)
    if keys:
        # The videos were chosen already; a limit would choose among those of the whole workspace.
        chosen = RunOptions(only=tuple(keys), retry_failed=run.retry_failed, redo=run.redo, jobs=run.jobs)
        analysed, _ = analyze(workspace, MotionOptions(), chosen)
        failed |= {key: _in_words(*why) for key, why in analysed.failed.items() if key in keys}
    results = tuple(found for key in keys if key not in failed for found in read_results(workspace, key))
    page = _write_page(workspace, dataset, keys, results) if keys else None
    films: dict[str, Path] = {}
    fine = [video for video in dataset.videos() if video.key in keys and video.key not in failed]
    if film is not None and fine:
        drawn = make_films(workspace, fine, film, RunOptions(retry_failed=True, redo=run.redo, jobs=run.jobs))
        told += [f"{key}: no annotated video: {_in_words(*why)}" for key, why in drawn.failed.items()]
        paths = {video.key: film_path(workspace, video.split, video.stem, film) for video in fine}
        films = {key: path.resolve() for key, path in paths.items() if key not in drawn.failed}
    return Checked(results, failed, page, tuple(told), films, asked)


def read_results(workspace: Workspace, key: str) -> list[CheckResult]:
    """Answers about each segment of one analysed video, named "split/video"."""
    split, video = key.split("/", 1)
    exercises = load((workspace.user_refs / "exercises",))
    cycles = by_segment(ByVideo(CYCLES, workspace.cycles).rows(split, video))
    verdicts = by_segment(ByVideo(VERDICTS, workspace.verdicts).rows(split, video))
    found = []
    for row in ByVideo(MOTION_SEGMENTS, workspace.motion_segments).rows(split, video):
        place = (split, video, row.segment)
        own = cycles.get(place, [])
        found.append(summarise(row, own, verdicts.get(place, []), exercises.get(row.exercise or "")))
    return found


def _need_exercises(dataset: Dataset, workspace: Workspace, run: RunOptions) -> None:
    """UserError, before minutes of extraction, where nobody has said what a plain video shows."""
    if dataset.kind != "videos":
        return
    told = _told(dataset, workspace)
    chosen = [item.payload for item in select([Item(v.key, (), (), v) for v in dataset.videos()], run)]
    unknown = [v for v in chosen if v.exercise is None and v.problem is None and (v.split, v.stem) not in told]
    if unknown:
        more = f" (and {len(unknown) - 1} more)" if len(unknown) > 1 else ""
        raise UserError(
            f"no exercise is known for this video{more}",
            where=unknown[0].path,
            expected="--exercise with a name (qevd-bio refs show lists them), auto, or a CSV with the columns "
            "video,exercise",
            fix=f"qevd-bio check {unknown[0].path.name} --exercise squats",
        )


def _told(dataset: Dataset, workspace: Workspace) -> set[tuple[str, str]]:
    """Videos of this folder whose exercise an earlier command was told."""
    if not workspace.segments.is_file():
        return set()
    if SEGMENTS.read_metadata(workspace.segments)["metadata"].get("data") != dataset.root.name:
        return set()
    return {(row.split, row.video) for row in SEGMENTS.load(workspace.segments) if row.exercise}


def _write_page(workspace: Workspace, dataset: Dataset, keys: Sequence[str], results: Sequence[CheckResult]) -> Path:
    """The page about these videos, with the answers at its top."""
    several = len(results) > 1
    said = []
    for result in results if len(results) <= MOST_NOTES else ():
        title = heading(result, several)
        said.append(f"{title}: {result.short}" if title else result.short)
    written = write_report(
        workspace,
        workspace.root / PAGE,
        dataset=dataset,
        only=[glob.escape(key) for key in keys],
        notes=said,
    )
    return written.path.resolve()


def _in_words(reason: str, detail: str) -> str:
    return detail or reason.replace("_", " ")
