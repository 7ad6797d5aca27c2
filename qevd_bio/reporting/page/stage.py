"""`qevd-bio report`: a workspace and its scores in, one page out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from qevd_bio.dataset.opening import Dataset
from qevd_bio.reporting.content.collect import Collector
from qevd_bio.reporting.content.index import index_rows
from qevd_bio.reporting.content.not_read import NotRead, not_read
from qevd_bio.reporting.content.runs import comparable, find_scores, read_runs
from qevd_bio.reporting.content.simulated import signs_of_simulation
from qevd_bio.reporting.content.sources import Sources
from qevd_bio.reporting.content.views import Missing, Overview, Rewritten, RunView
from qevd_bio.reporting.options import ReportOptions
from qevd_bio.reporting.page.page import page
from qevd_bio.scoring.options import PROTOCOLS
from qevd_bio.store.atomic import atomic_path
from qevd_bio.store.errors import UserError
from qevd_bio.store.version import __version__
from qevd_bio.tables.by_video import VideoKey
from qevd_bio.tables.workspace import Workspace

REPORT_FILE = "report.html"
TITLE = "QEVD-bio report"
_FEW_RUNS = 2


@dataclass(frozen=True)
class WrittenPage:
    """The page, its size, and how much it shows."""

    path: Path
    size_bytes: int
    videos: int
    runs: int
    missing: tuple[Missing, ...]


def write_report(
    workspace: Workspace,
    out: Path | None = None,
    *,
    scores: Sequence[Path] = (),
    dataset: Dataset | None = None,
    rewritten: Rewritten | None = None,
    only: Sequence[str] = (),
    notes: Sequence[str] = (),
    options: ReportOptions | None = None,
) -> WrittenPage:
    """Write the page for the runs in `scores` (default: all under the workspace) and everything else that is there.

    `dataset` gives frames and feedback; `only`: patterns of video names; `notes`: what to say at the page's
    top. What is not there is listed on the page. UserError for a folder in `scores` that holds none, and where
    there is nothing at all to show.
    """
    chosen = options or ReportOptions()
    runs, missing = read_runs(scores or find_scores(workspace.all_scores), strict=bool(scores))
    shown, left_out = comparable(runs)
    sources = Sources(workspace, dataset, rewritten.rows if rewritten is not None else ())
    path = out if out is not None else workspace.root / REPORT_FILE
    collector = Collector(sources, shown, chosen, path.parent)
    keys = [key for key in collector.videos if _wanted(key, only)]
    if not keys and not runs and rewritten is None:
        raise UserError(
            "there is nothing to show yet",
            where=workspace.root,
            expected="scores, kinematics, repetitions or a rewritten data set in the workspace",
            fix="qevd-bio extract --data FOLDER, or qevd-bio score --preds run.jsonl --data FOLDER",
        )
    missing += [*left_out, *sources.missing, *_missing(workspace, runs, dataset, rewritten, collector, chosen)]
    overview = Overview(
        title=TITLE,
        made=_made(workspace, [run.view for run in runs]),
        counts=_counts(collector, keys, [run.view for run in runs], rewritten),
        runs=tuple(run.view for run in runs),
        missing=tuple(missing),
        simulated=signs_of_simulation(workspace, dataset),
        rewritten=rewritten,
        not_read=None if rewritten is None else _not_read(rewritten, workspace, dataset, only, chosen),
        manifests=dict(_manifests(workspace, scores)),
        videos=tuple(keys),
        notes=tuple(notes),
        index=tuple(index_rows(collector, keys)),
    )
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        for piece in page(overview, collector.views(keys), chosen.clips):
            stream.write(piece)
    return WrittenPage(path, path.stat().st_size, len(keys), len(runs), tuple(missing))


def _wanted(key: VideoKey, only: Sequence[str]) -> bool:
    name = "/".join(key)
    return not only or any(fnmatch(name, pattern) or fnmatch(key[1], pattern) for pattern in only)


def _not_read(
    found: Rewritten, workspace: Workspace, dataset: Dataset | None, only: Sequence[str], options: ReportOptions
) -> NotRead | None:
    rows = [row for row in found.rows if _wanted((row.split, row.video), only)]
    return not_read(rows, found.meanings, workspace, dataset if options.frames else None)


def _missing(
    workspace: Workspace,
    runs: Sequence[object],
    dataset: Dataset | None,
    rewritten: Rewritten | None,
    collector: Collector,
    options: ReportOptions,
) -> Iterator[Missing]:
    if not runs:
        yield Missing("scores: no predictions were scored", "qevd-bio score --preds run.jsonl --data FOLDER")
    if not workspace.all_kinematics():
        yield Missing("angles: no kinematics", "qevd-bio extract --data FOLDER")
    if rewritten is None:
        yield Missing("the rewritten data set", "qevd-bio rewrite --data FOLDER")
    if not options.frames:
        yield Missing("frames: left out with --frames 0")
    elif dataset is None:
        yield Missing("frames: no data set is named", "qevd-bio report --data FOLDER")
    elif collector.with_video < len(collector.videos):
        number = len(collector.videos) - collector.with_video
        yield Missing(f"frames of {number} of {len(collector.videos)} videos: no video file in {dataset.root.name}")


def _counts(
    collector: Collector, keys: Sequence[VideoKey], runs: Sequence[RunView], rewritten: Rewritten | None
) -> tuple[tuple[str, str], ...]:
    segments = [row for key in keys for row in collector.sources.places(key, collector.runs, None)]
    cycles = [row for key in keys for row in collector.sources.cycles.rows(*key)]
    found = [("videos", str(len(keys))), ("exercises in them", str(len(segments)))]
    if cycles:
        found.append(("repetitions", f"{sum(row.units for row in cycles):g}"))
        found.append(("faults", str(sum(row.violations for row in cycles))))
    if rewritten is not None:
        found.append(("feedbacks rewritten", str(rewritten.figures.rewritten)))
    for run in runs if len(runs) <= _FEW_RUNS else ():
        score = run.scores.protocols.get(PROTOCOLS[0], {}).get("temporal_f_score")
        if score is not None and score.value is not None:
            found.append((f"T-F-score, {run.name}", f"{score.value:.3f}"))
    return tuple(found)


def _made(workspace: Workspace, runs: Sequence[RunView]) -> str:
    """Where the page comes from; it names no clock, so that equal inputs give equal pages."""
    names = ", ".join(run.name for run in runs)
    return f"Made by qevd-bio {__version__} from {workspace.root.name}" + (f"; runs: {names}" if names else "")


def _manifests(workspace: Workspace, scores: Sequence[Path]) -> Iterator[tuple[str, Any]]:
    folders = scores or find_scores(workspace.all_scores)
    own = [(f"score {folder.name}", folder / "manifest.json") for folder in folders]
    for name, path in [*((p.stem, p) for p in sorted(workspace.manifests.glob("*.json"))), *own]:
        try:
            yield name, json.loads(path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            continue  # a page does not fail over a note about it
