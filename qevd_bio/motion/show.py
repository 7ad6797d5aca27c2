"""`qevd-bio show VIDEO --motion`: repetitions, the reference against the user, and what was found wrong."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.expression import parse
from qevd_bio.exercise.reference import has_reference, load_reference
from qevd_bio.exercise.rules import Exercise
from qevd_bio.motion.cycles.curves import SeenCurves, skeleton_of
from qevd_bio.motion.cycles.signal_curve import candidates, repeated_cycle
from qevd_bio.motion.frames import frames_of
from qevd_bio.store import extras
from qevd_bio.store.atomic import atomic_path
from qevd_bio.store.errors import UserError
from qevd_bio.store.names import safe_name
from qevd_bio.tables.by_video import ByVideo, VideoKey, by_segment
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.motion import CYCLES, CycleRow
from qevd_bio.tables.rows import R, RowTable
from qevd_bio.tables.verdicts import NOT_JUDGED, SPOKEN, VERDICTS, Verdict
from qevd_bio.tables.workspace import Workspace

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
_EVEN, _ODD, _FAULT, _USER, _REFERENCE = "#cfe8f3", "#e7f0d8", "#d55e00", "#0072b2", "#555555"
_MOST_RULES = 10


def show_motion(workspace: Workspace, kinematics: Kinematics, out: Path) -> list[Path]:
    """Write `<stem>-motion-<segment>.png` into `out`, one picture a segment with cycles; returns the files.

    UserError where the video was not analysed or has no cycles, and where matplotlib is not installed.
    """
    key = kinematics.split, kinematics.video
    cycles = _rows(CYCLES, workspace.cycles, key)
    if not cycles:
        raise UserError(
            f"no cycles of {kinematics.split}/{kinematics.video}",
            where=workspace.cycles,
            expected="a video that was analysed and in which repetitions were found",
            fix=f"qevd-bio analyze --only {kinematics.video}; the reason is in {workspace.motion_segments}",
        )
    verdicts = by_segment(_rows(VERDICTS, workspace.verdicts, key))
    frames = frames_of(kinematics)
    skeleton = skeleton_of(kinematics.skeleton_lengths, None)
    curves = SeenCurves(frames.angles, frames.observed, frames.ok, skeleton, frames.root)
    catalogue = load((workspace.user_refs / "exercises",))
    paths = []
    for place, own in sorted(by_segment(cycles).items()):
        exercise = catalogue[own[0].exercise]
        values = np.asarray(parse(own[0].signal).evaluate(curves.present))
        reference = reference_course(exercise, own[0].signal, workspace.user_refs)
        figure = draw(exercise, frames.time_s, values, own, verdicts.get(place, []), reference)
        path = out / f"{safe_name(kinematics.video)}-motion-{place[2]}.png"
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format="png", dpi=110)
        paths.append(path)
    return paths


def _rows(table: RowTable[R], path: Path, key: VideoKey) -> list[R]:
    if not path.is_file():
        raise UserError("no such table", where=path, fix="qevd-bio analyze")
    return ByVideo(table, path).rows(*key)


def reference_course(exercise: Exercise, signal: str, user_refs: Path) -> Array | None:
    """The signal's course (N,) in degrees over one cycle of the reference; None without one."""
    if not has_reference(exercise, user_refs):
        return None
    reference = load_reference(exercise, user_refs)
    found = [c for c in candidates(exercise, reference.angles, reference.fps) if c.expression.text == signal]
    if not found or found[0].reference is None:
        return None
    course = np.asarray(found[0].reference, dtype=np.float64)
    cut = repeated_cycle(exercise, found[0], reference.fps)
    if cut is None:
        return course
    repeated = np.tile(course[:-1], 5)
    return np.interp(np.linspace(*cut, len(course)), np.arange(len(repeated)), repeated)


def draw(
    exercise: Exercise,
    times: Array,
    values: Array,
    cycles: Sequence[CycleRow],
    verdicts: Sequence[Verdict],
    reference: Array | None,
) -> Figure:
    """The picture of one segment; `values` (T,) degrees of its signal, rows of the tables, reference (N,) degrees."""
    extras.need("matplotlib", what="a plot")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 7), layout="constrained")
    grid = figure.add_gridspec(2, 2, height_ratios=[1.0, 1.1])
    _draw_time(figure.add_subplot(grid[0, :]), times, values, cycles, verdicts)
    _draw_phase(figure.add_subplot(grid[1, 0]), times, values, cycles, reference)
    _draw_rules(figure.add_subplot(grid[1, 1]), verdicts)
    place = cycles[0]
    count = exercise.cycle.count
    units = sum(row.units for row in cycles)
    said = f"{exercise.name}, {units:g} {count.unit if units == 1 else count.plural}"
    figure.suptitle(f"{place.split}/{place.video} segment {place.segment}: {said}", fontsize=11)
    return figure


def _draw_time(axis: Any, times: Array, values: Array, cycles: Sequence[CycleRow], verdicts: Sequence[Verdict]) -> None:
    """The signal with its cycles; triangles where a form error was measured."""
    inside = (times >= cycles[0].start_s - 2.0) & (times <= cycles[-1].end_s + 2.0)
    axis.plot(times[inside], values[inside], color=_USER, lw=1.2)
    for row in cycles:
        axis.axvspan(row.start_s, row.end_s, color=_ODD if row.cycle % 2 else _EVEN, lw=0)
        score = "" if not math.isfinite(row.score) else f"\n{row.score:.2f}"
        star = "*" if row.best else ""
        label = f"{row.cycle + 1}{star}{score}"
        axis.text(row.start_s, 0.98, label, fontsize=7, va="top", transform=axis.get_xaxis_transform())
    wrong = [row for row in verdicts if row.is_fault]
    at = np.array([row.at_s for row in wrong], dtype=np.float64)
    if at.size:
        axis.plot(at, np.interp(at, times, np.nan_to_num(values)), "v", color=_FAULT, ms=6, label="form error")
        axis.legend(loc="lower right", fontsize=7)
    axis.set_xlabel("s")
    axis.set_ylabel("degrees")
    axis.set_title(f"{cycles[0].signal}   (cycle, similarity to the reference; * best)", fontsize=8)


def _draw_phase(axis: Any, times: Array, values: Array, cycles: Sequence[CycleRow], reference: Array | None) -> None:
    """Every cycle over its phase, the best one bold, and the reference."""
    for row in cycles:
        if row.partial:
            continue
        phase = np.linspace(0.0, 1.0, 101)
        course = np.interp(row.start_s + phase * (row.end_s - row.start_s), times, values)
        best = row.best
        label = "best cycle" if best else None
        axis.plot(100 * phase, course, color=_USER, lw=2.0 if best else 0.6, alpha=1.0 if best else 0.5, label=label)
    if reference is not None:
        axis.plot(np.linspace(0, 100, len(reference)), reference, color=_REFERENCE, lw=1.6, ls="--", label="reference")
    if axis.get_legend_handles_labels()[0]:
        axis.legend(fontsize=7)
    axis.set_xlabel("% of the cycle")
    axis.set_ylabel("degrees")
    axis.set_title("user against reference", fontsize=8)


def _draw_rules(axis: Any, verdicts: Sequence[Verdict]) -> None:
    """The form errors found most often: in how many of the cycles in which they could be judged."""
    judged: Counter[str] = Counter()
    violated: Counter[str] = Counter()
    for row in verdicts:
        if row.kind not in SPOKEN:
            continue
        name = f"{row.rule.partition(':')[2]} {row.side}".strip()
        judged[name] += row.verdict != NOT_JUDGED
        violated[name] += row.is_fault
    worst = [name for name, number in violated.most_common(_MOST_RULES) if number][::-1]
    axis.barh(range(len(worst)), [violated[name] / judged[name] for name in worst], color=_FAULT)
    axis.set_yticks(range(len(worst)), worst, fontsize=7)
    for index, name in enumerate(worst):
        axis.text(0.01, index, f"{violated[name]} of {judged[name]}", fontsize=7, va="center")
    axis.set_xlim(0, 1)
    axis.set_xlabel("share of the judged cycles")
    unjudged = sum(number == 0 for number in judged.values())
    axis.set_title(f"faults ({unjudged} rules could not be judged)", fontsize=8)
