"""`qevd-bio analyze`: cycles, verdicts and contexts of every video that has kinematics."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path

from qevd_bio.dataset.names import load_names
from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.reference import has_reference, trajectories
from qevd_bio.motion.analysis import SegmentPart, VideoTask, analyse_one, made_with
from qevd_bio.motion.context import FORMAT
from qevd_bio.motion.options import MotionOptions
from qevd_bio.motion.salient import salient_joints
from qevd_bio.store.columns import concat
from qevd_bio.store.errors import UserError
from qevd_bio.store.resources import refs_path
from qevd_bio.store.work import Item, RunOptions, Summary, run_stage
from qevd_bio.tables.annotations import SALIENT
from qevd_bio.tables.motion import CYCLES, MOTION_SEGMENTS
from qevd_bio.tables.rows import INF
from qevd_bio.tables.segments import SEGMENTS
from qevd_bio.tables.verdicts import VERDICTS
from qevd_bio.tables.workspace import Workspace, video_of

STAGE = "analyze"
VERSION = 2


@dataclass(frozen=True)
class MotionTotals:
    """The merged tables and their numbers of rows."""

    cycles: int
    verdicts: int
    segments: int


def analyze(
    workspace: Workspace,
    options: MotionOptions,
    run: RunOptions | None = None,
    *,
    videos: Collection[tuple[str, str]] | None = None,
) -> tuple[Summary, MotionTotals]:
    """Analyse every video of the workspace that has kinematics, then merge the parts into the tables.

    videos: (split, video) of those that are wanted, None for all.

    Segments come from the table of segments; a video that has none there is one segment of `options.exercise`.
    Raises UserError where there is nothing to analyse or the exercise is not known.
    """
    items = make_items(workspace, options)
    if videos is not None:
        items = [item for item in items if (item.payload.split, item.payload.video) in videos]
    settings = {**asdict(options), "format": FORMAT}
    stage = f"{STAGE}-{workspace.view}" if workspace.view else STAGE
    summary = run_stage(stage, workspace, items, analyse_one, settings=settings, options=run, version=VERSION)
    return summary, merge(workspace, items, options)


def make_items(workspace: Workspace, options: MotionOptions) -> list[Item[VideoTask]]:
    """One work item a kinematics file, with every file that its result depends on."""
    found = workspace.all_kinematics()
    if not found:
        raise UserError("no kinematics", where=workspace.kinematics_folder, fix="qevd-bio extract --data FOLDER")
    salient = salient_joints(workspace, options.salient, options.evidence)
    parts = read_parts(workspace, options.exercise)
    shared = tuple(path for path in (workspace.segments, *salient.files) if path.is_file())
    items = []
    for path in found:
        split, video = video_of(path)
        own = parts.get((split, video)) or parts.get(("", ""), [])
        tables, contexts = workspace.motion_parts(split, video), workspace.contexts(split, video)
        task = VideoTask(split, video, path, tuple(own), workspace.user_refs, options, salient, tables, contexts)
        inputs = (path, *shared, *_rules(own, workspace.user_refs))
        items.append(Item(f"{split}/{video}", inputs, (*astuple(tables), contexts), task))
    return items


def read_parts(workspace: Workspace, exercise: str) -> dict[tuple[str, str], list[SegmentPart]]:
    """Segments by (split, video); under ("", "") the one that stands for videos without any.

    UserError for an `exercise` that no exercise is called, with the closest names.
    """
    parts: dict[tuple[str, str], list[SegmentPart]] = {}
    if workspace.segments.is_file():
        for row in SEGMENTS.load(workspace.segments):
            part = SegmentPart(row.segment, row.exercise, row.exercise_written or "", row.start_s, row.end_s)
            parts.setdefault((row.split, row.video), []).append(part)
    if exercise:
        name = load_names(workspace.user_refs).find(exercise)
        parts["", ""] = [SegmentPart(0, name.id, exercise, 0.0, INF)]
        for key, own in parts.items():
            # A plain folder's videos are one segment each, of an exercise that nobody may have named yet.
            if len(own) == 1 and own[0].exercise is None and not own[0].written:
                parts[key] = [SegmentPart(0, name.id, exercise, own[0].start_s, own[0].end_s)]
    return parts


def _rules(parts: Sequence[SegmentPart], user_refs: Path) -> list[Path]:
    """Files of the rules and references of these segments' exercises."""
    names = sorted({part.exercise for part in parts if part.exercise})
    folders = (refs_path("exercises"), user_refs / "exercises")
    rules = [folder / f"{name}.yaml" for name in names for folder in folders]
    references = [folder / f"{name}.npy" for name in names for folder in trajectories(user_refs)]
    return [path for path in (*rules, *references) if path.is_file()]


def merge(workspace: Workspace, items: Sequence[Item[VideoTask]], options: MotionOptions) -> MotionTotals:
    """Merge the videos' parts into the workspace's tables, in the order of the items."""
    exercises = len(load((workspace.user_refs / "exercises",)))
    about = {**made_with(options), "exercises": exercises, "options": asdict(options)}
    if options.salient == "selector":
        chosen = SALIENT.read_metadata(workspace.selected_joints).get("metadata") or {}
        about["selection"] = chosen.get("selection", "")
    done = [item.payload.tables for item in items if all(path.is_file() for path in item.outputs)]
    whole = workspace.motion_tables
    return MotionTotals(
        concat(CYCLES, [part.cycles for part in done], whole.cycles, metadata=about),
        concat(VERDICTS, [part.verdicts for part in done], whole.verdicts, metadata=about),
        concat(MOTION_SEGMENTS, [part.segments for part in done], whole.segments, metadata=about),
    )


def report(workspace: Workspace) -> list[str]:
    """Lines that say what was found: by status, and what looked like cycles and was not counted."""
    rows = MOTION_SEGMENTS.load(workspace.motion_segments)
    statuses: dict[str, int] = {}
    rejected: dict[str, int] = {}
    for row in rows:
        statuses[row.status] = statuses.get(row.status, 0) + 1
        for reason, number in row.rejections.items():
            rejected[reason] = rejected.get(reason, 0) + number
    lines = [f"{sum(row.cycles for row in rows)} cycles in {len(rows)} segments"]
    others = [f"{number} × {status}" for status, number in sorted(statuses.items()) if status != "ok"]
    if others:
        lines.append("segments without cycles: " + ", ".join(others))
    if rejected:
        counted = ", ".join(f"{number} × {reason}" for reason, number in sorted(rejected.items()))
        lines.append("not counted as cycles: " + counted)
    known = load((workspace.user_refs / "exercises",))
    bare = sorted({row.exercise for row in rows if row.exercise in known and row.status == "ok"})
    bare = [name for name in bare if name and not has_reference(known[name], workspace.user_refs)]
    if bare:
        lines.append(f"without a reference, so without likeness to it: {', '.join(known[name].name for name in bare)}")
    return lines
