"""From a QEVD split and its motion tables to the same split of QEVD-bio-fit-coach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from qevd_bio.dataset.opening import Dataset
from qevd_bio.dataset.qevd import ANNOTATIONS
from qevd_bio.dataset.segments import segments_of
from qevd_bio.dataset.workout import Workout
from qevd_bio.dataset.writer import place_media, write_split
from qevd_bio.rewriting.build import build_rows, new_texts
from qevd_bio.rewriting.card import card
from qevd_bio.rewriting.check import Mismatch, check_numbers
from qevd_bio.rewriting.evidence import MotionTables
from qevd_bio.rewriting.figures import Figures, figures
from qevd_bio.rewriting.intents import Intents
from qevd_bio.rewriting.options import POLICIES, Policy, RewriteOptions
from qevd_bio.rewriting.tracking import tracked_in
from qevd_bio.store.atomic import write_json, write_text
from qevd_bio.store.columns import concat
from qevd_bio.store.errors import UserError
from qevd_bio.store.leftovers import temporaries_in
from qevd_bio.store.resources import refs_path
from qevd_bio.store.version import __version__
from qevd_bio.store.work import Item, RunOptions, Summary, run_stage
from qevd_bio.tables.kinematics import backend_of
from qevd_bio.tables.motion import MOTION_SEGMENTS
from qevd_bio.tables.rewritten import FEEDBACKS, REWRITTEN, FeedbackRow
from qevd_bio.tables.workspace import Workspace

MARKER = "rewriting.json"
Media = Literal["link", "copy", "none"]


@dataclass(frozen=True)
class RewriteResult:
    """What a run made: the run's summary, figures of the chosen policy and of all policies, and its check."""

    summary: Summary
    totals: Figures
    by_policy: Mapping[str, Figures]
    mismatches: Sequence[Mismatch]
    path: Path

    def figures_by_line(self) -> list[tuple[str, list[str]]]:
        """A title and its figure under each policy, in the order of `by_policy`, as text."""
        found = self.by_policy.values()
        return [
            ("in the data set", [str(f.corrective) for f in found]),
            ("rewritten", [str(f.rewritten) for f in found]),
            ("unsupported", [str(f.unsupported) for f in found]),
            ("part agrees", [_percent(f.part_agreement) for f in found]),
            ("says within bounds", [str(f.within_bounds) for f in found]),
            ("contradicts", [_percent(f.contradiction_share) for f in found]),
            ("distinct texts", [str(f.distinct_texts) for f in found]),
        ]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"


def rewrite(
    dataset: Dataset,
    workspace: Workspace,
    options: RewriteOptions,
    videos: Media = "link",
    run: RunOptions | None = None,
    force: bool = False,
) -> RewriteResult:
    """Write QEVD-bio-fit-coach to the workspace: each split in QEVD's layout, the table, the card.

    Raises UserError where the data set has no feedback, was rewritten already (unless `force`), or the motion
    tables are missing.
    """
    _check_source(dataset, force)
    _check_motion(workspace)
    splits = [split for split in dataset.splits if dataset.workouts(split)]
    folders = (refs_path("exercises"), workspace.user_refs / "exercises")
    rules = [refs_path("quantities.yaml"), *sorted(p for folder in folders for p in folder.glob("*.yaml"))]
    judged = [path for path in (workspace.annotation("intents"),) if path.is_file()]
    items = [
        Item(
            key=split,
            inputs=(dataset.folder(split) / ANNOTATIONS, workspace.cycles, workspace.verdicts, *rules, *judged),
            outputs=(workspace.rewritten_part(split), workspace.rewritten / split / ANNOTATIONS),
            payload=split,
            source=dataset.folder(split) / ANNOTATIONS,
        )
        for split in splits
    ]
    work = partial(_rewrite_split, dataset=dataset, workspace=workspace, options=options, videos=videos)
    settings = {**asdict(options), "videos": videos, **_joints(workspace)}
    summary = run_stage("rewrite", workspace, items, work, settings=settings, options=run)
    path = workspace.feedbacks
    parts = [workspace.rewritten_part(split) for split in splits]
    with temporaries_in(workspace.manifests):
        concat(FEEDBACKS, parts, path, metadata={"settings": settings})
    rows = FEEDBACKS.load(path)
    totals = figures(rows)
    by_policy: dict[str, Figures] = {options.policy: totals}
    for other in _other_policies(options):
        by_policy[other] = figures(row for s in splits for row in FEEDBACKS.load(workspace.rewritten_part(s, other)))
    about = {
        "version": __version__,
        "backend": ", ".join(sorted(_backends(workspace, splits))) or "unknown",
        "policy": options.policy,
        "settings": settings,
    }
    counts = [(split, len(dataset.workouts(split))) for split in splits]
    with temporaries_in(workspace.manifests):
        write_text(workspace.rewritten / "README.md", card(about, totals, by_policy, counts))
    return RewriteResult(summary, totals, by_policy, _mismatches(rows, MotionTables(workspace)), path)


def _check_source(dataset: Dataset, force: bool) -> None:
    if dataset.kind != "qevd" or not dataset.has_ground_truth:
        raise UserError(
            "there is no feedback to rewrite",
            where=dataset.root,
            expected="QEVD-FIT-COACH or one of its splits, with feedbacks_long_range.json",
        )
    done = [split for split in dataset.splits if (dataset.folder(split) / MARKER).exists()]
    if done and not force:
        raise UserError(
            f"this data set was rewritten already ({', '.join(done)})",
            where=dataset.root,
            expected="the original QEVD-FIT-COACH",
            fix="name the original with --data, or --force to rewrite it once more",
        )


def _joints(workspace: Workspace) -> dict[str, Any]:
    """Where the salient joints come from on which the motion tables rest."""
    if not workspace.motion_segments.is_file():
        return {}
    about = MOTION_SEGMENTS.read_metadata(workspace.motion_segments).get("metadata") or {}
    return {name: about[name] for name in ("salient", "evidence", "selection") if name in about}


def _check_motion(workspace: Workspace) -> None:
    for path in (workspace.cycles, workspace.verdicts):
        if not path.is_file():
            raise UserError("no such file", where=path, expected="the motion tables", fix="qevd-bio analyze")


def _other_policies(options: RewriteOptions) -> list[Policy]:
    return [policy for policy in POLICIES if policy != options.policy]


def _rewrite_split(
    item: Item[str], dataset: Dataset, workspace: Workspace, options: RewriteOptions, videos: Media
) -> dict[str, Any]:
    split = item.payload
    workouts = dataset.workouts(split)
    tables, intents = MotionTables(workspace), Intents(workspace)
    others = [replace(options, policy=policy) for policy in _other_policies(options)]
    rows: list[FeedbackRow] = []
    compared: dict[str, list[FeedbackRow]] = {other.policy: [] for other in others}
    changed: list[Workout] = []
    for workout in workouts:
        segments, _ = segments_of(workout, dataset.names)
        motion = tables.video(split, workout.video)
        tracked = tracked_in(workspace.kinematics(split, workout.video))
        intent_of = partial(intents.of, split, workout.video)
        own = build_rows(workout, segments, motion, tracked, intent_of, options)
        rows.extend(own)
        for other in others:
            compared[other.policy].extend(build_rows(workout, segments, motion, tracked, intent_of, other))
        changed.append(workout.with_texts(new_texts(own)))
    folder = workspace.rewritten / split
    about = {"made_by": "qevd-bio rewrite", "version": __version__, **asdict(options)}
    with temporaries_in(workspace.manifests):
        missing = place_media(dataset.folder(split), folder, workouts, videos)
        write_split(folder, changed)
        write_json(folder / MARKER, {**about, "beliefs": [_belief(row) for row in rows if row.posterior >= 0.0]})
    for policy, made in compared.items():
        FEEDBACKS.save(workspace.rewritten_part(split, policy), made)
    FEEDBACKS.save(workspace.rewritten_part(split), rows)
    new = sum(row.status == REWRITTEN for row in rows)
    return {"feedbacks": len(rows), "rewritten": new, "no_video": len(missing)}


def _belief(row: FeedbackRow) -> dict[str, Any]:
    """Why one feedback was rewritten under the policy `evidence`."""
    said = {"video": row.video, "span": row.span, "rule": (row.rules or ("",))[0]}
    return {**said, "prior": row.prior, "likelihood": row.likelihood, "posterior": row.posterior}


def _mismatches(rows: Sequence[FeedbackRow], tables: MotionTables) -> list[Mismatch]:
    found = []
    for (split, video), own in groupby(rows, key=lambda row: (row.split, row.video)):
        found.extend(check_numbers(own, tables.verdicts(split, video)))
    return found


def _backends(workspace: Workspace, splits: Sequence[str]) -> set[str]:
    return {backend_of(path) for split in splits for path in workspace.all_kinematics(split)}
