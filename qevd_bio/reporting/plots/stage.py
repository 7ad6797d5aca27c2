"""`qevd-bio plot`: scores or a workspace in, one figure out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qevd_bio.dataset.opening import Dataset
from qevd_bio.reporting.content.collect import Collector
from qevd_bio.reporting.content.course import ReferenceCourse, normalised, signal_course
from qevd_bio.reporting.content.runs import comparable, find_scores, read_runs
from qevd_bio.reporting.content.sources import Sources
from qevd_bio.reporting.content.views import RunView, SegmentView
from qevd_bio.reporting.options import ReportOptions
from qevd_bio.reporting.plots.figures import check_suffix, drawing, save
from qevd_bio.reporting.plots.motion import CyclePlot, draw_cycle, draw_timeline, timeline_rows
from qevd_bio.reporting.plots.scores import bars_size, draw_bars, draw_table, metrics_of, table_size
from qevd_bio.scoring.options import PROTOCOLS
from qevd_bio.scoring.published import choose_benchmark, published_rows
from qevd_bio.store.errors import UserError
from qevd_bio.tables.by_video import VideoKey
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.motion import CycleRow
from qevd_bio.tables.workspace import Workspace

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STRIP_BYTES = 200_000


@contextmanager
def scores_drawing(
    folders: Sequence[Path], *, protocol: str, metrics: Sequence[str] | None = None, published: bool = False
) -> Iterator[Figure]:
    """The figure of `plot_scores`, to be saved inside the block, where the style holds."""
    runs = _runs(folders, protocol)
    names = metrics_of(runs, protocol, metrics)
    references = str(runs[0].scores.inputs.get("references", ""))
    rows = published_rows(choose_benchmark("auto", references)) if published else []
    with drawing(table_size(len(runs), len(rows), len(names))) as figure:
        figure.set_layout_engine("none")
        draw_table(figure, runs, protocol, names, rows)
        yield figure


def plot_scores(
    folders: Sequence[Path], out: Path, *, protocol: str, metrics: Sequence[str] | None, published: bool
) -> Path:
    """The score table of the runs, with the papers' rows above if `published`."""
    check_suffix(out)
    with scores_drawing(folders, protocol=protocol, metrics=metrics, published=published) as figure:
        return save(figure, out)


def plot_ablation(folders: Sequence[Path], out: Path, *, protocol: str, metrics: Sequence[str] | None) -> Path:
    """Bars with intervals, a panel a metric."""
    check_suffix(out)
    runs = _runs(folders, protocol)
    names = metrics_of(runs, protocol, metrics)
    with drawing(bars_size(len(runs), len(names))) as figure:
        draw_bars(figure, runs, protocol, names)
        return save(figure, out)


def _runs(folders: Sequence[Path], protocol: str) -> list[RunView]:
    if protocol not in PROTOCOLS:
        raise UserError(f"unknown protocol {protocol!r}", where="--protocol", expected=" or ".join(PROTOCOLS))
    if not folders:
        raise UserError("no scores to draw", fix="qevd-bio score --preds run.jsonl --data FOLDER")
    return [run.view for run in read_runs(folders, strict=True)[0]]


def plot_timeline(
    workspace: Workspace,
    video: str,
    out: Path,
    *,
    segment: int | None = None,
    scores: Sequence[Path] = (),
    dataset: Dataset | None = None,
    options: ReportOptions | None = None,
) -> Path:
    """The timeline of one segment (default: the video's first)."""
    check_suffix(out)
    runs, _ = read_runs(scores or find_scores(workspace.all_scores), strict=bool(scores))
    collector = Collector(Sources(workspace, dataset, ()), comparable(runs)[0], options or ReportOptions())
    key = find_video(collector.videos, video)
    view = find_segment(collector.video(key, _STRIP_BYTES).segments, segment, key)
    rows = timeline_rows(view)
    if not rows:
        raise UserError(
            "nothing is known of this segment", where="/".join(key), fix="qevd-bio extract; qevd-bio analyze"
        )
    with drawing((7.2, 0.9 + sum(height for _, height in rows))) as figure:
        draw_timeline(figure, view, rows)
        return save(figure, out)


def find_video(videos: Sequence[VideoKey], name: str) -> VideoKey:
    """The video called `name` (0007 or SPLIT/0007); UserError for none and for several."""
    found = [key for key in videos if name in (key[1], "/".join(key))]
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join("/".join(key) for key in found)
        raise UserError(f"{len(found)} videos are called {name!r}", expected=f"one of {listed}")
    close = get_close_matches(name, [key[1] for key in videos], n=3, cutoff=0.3)
    known = f"; closest: {', '.join(close)}" if close else ""
    raise UserError(f"no video is called {name!r}{known}", expected="a video of this workspace or data set")


def find_segment(segments: Sequence[SegmentView], index: int | None, key: VideoKey) -> SegmentView:
    """The segment of that index, the first for None."""
    chosen = [view for view in segments if index in (None, view.index)]
    if not chosen:
        there = ", ".join(str(view.index) for view in segments) or "none"
        raise UserError(f"no segment {index}", where="/".join(key), expected=f"--segment with one of {there}")
    return chosen[0]


def plot_cycle(
    workspace: Workspace,
    video: str,
    out: Path,
    *,
    segment: int | None = None,
    cycle: int | None = None,
    quantity: str | None = None,
    options: ReportOptions | None = None,
) -> Path:
    """A repetition against the reference; `cycle` counts from 1, default the one most like the reference.

    `quantity` is an expression of angles, default the representative signal; the reference is drawn for the latter.
    """
    check_suffix(out)
    chosen = options or ReportOptions()
    collector = Collector(Sources(workspace, None, ()), (), chosen)
    key = find_video(collector.videos, video)
    rows = collector.sources.cycles.rows(*key)
    first = segment if segment is not None else next((row.segment for row in rows), None)
    rows = [row for row in rows if row.segment == first]
    row = _chosen(rows, cycle, "/".join(key))
    course = collector.course(row.exercise, quantity or row.signal)
    faults = [
        (one.at_s, one.rule)
        for one in collector.sources.verdicts.rows(*key)
        if one.is_fault and (one.segment, one.cycle) == (first, row.cycle)
    ]
    plot = _cycle_plot(Kinematics.read(workspace.kinematics(*key)), rows, row, quantity, course, faults, chosen)
    with drawing((5.2, 3.9)) as figure:
        draw_cycle(figure, plot)
        return save(figure, out)


def _chosen(rows: Sequence[CycleRow], cycle: int | None, where: str) -> CycleRow:
    if not rows:
        raise UserError("no repetitions were found here", where=where, fix="qevd-bio analyze, or another --segment")
    if cycle is None:
        return next((row for row in rows if row.best), rows[0])
    found = [row for row in rows if row.cycle == cycle - 1]
    if not found:
        raise UserError(f"no repetition {cycle}", where=where, expected=f"--cycle from 1 to {len(rows)}")
    return found[0]


def _cycle_plot(
    kinematics: Kinematics,
    rows: Sequence[CycleRow],
    row: CycleRow,
    quantity: str | None,
    course: ReferenceCourse | None,
    faults: Sequence[tuple[float, str]],
    options: ReportOptions,
) -> CyclePlot:
    values = signal_course(kinematics, quantity or row.signal)
    reference, extreme = course.cycle(row) if course is not None else (None, None)
    same = [r for r in rows if r is row or (not r.partial and r.side == row.side)]
    drawn = [normalised(kinematics.time_s, values, r, extreme) for r in same]
    start, end, key_s = row.start_s, row.end_s, row.key_s
    if extreme is not None and start < key_s < end:
        marks = [(float(np.interp(at, [start, key_s, end], [0.0, extreme, 1.0])), rule) for at, rule in faults]
    else:
        marks = [(float(np.clip((at - start) / (end - start), 0.0, 1.0)), rule) for at, rule in faults]
    return CyclePlot(
        title=f"{row.exercise.replace('_', ' ')}, {row.split}/{row.video}",
        unit=f"{quantity or row.signal} (degrees)",
        cycles=drawn,
        numbers=[r.cycle + 1 for r in same],
        chosen=same.index(row),
        reference=reference,
        half_width=options.band_deg,
        marks=marks,
    )
