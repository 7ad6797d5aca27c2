"""`qevd-bio review`: tables out to people, decisions back in, agreement of reviewers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np

from qevd_bio.anatomy.dofs import DOF_NAMES, JOINT_DOFS
from qevd_bio.annotation.frames import VideoFrames
from qevd_bio.annotation.options import FrameOptions
from qevd_bio.annotation.review.decisions import add_reviews, read_reviews, refresh, reviewers_agreement
from qevd_bio.annotation.review.importing import read_decisions
from qevd_bio.annotation.review.page import page_row, render, to_csv
from qevd_bio.dataset.opening import Dataset
from qevd_bio.exercise.vocabulary import vocabulary
from qevd_bio.store.atomic import write_json, write_text
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.tables.annotations import PROPOSED, TABLES, Reviewed, SalientRow
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.workspace import Workspace

CURVE_POINTS = 60
THUMB = FrameOptions(count=4, size=200, quality=70)


@dataclass(frozen=True)
class Exported:
    """What was written: number of rows, and rows whose frames could not be read."""

    rows: int
    without_frames: int


def export(
    workspace: Workspace,
    table: str,
    page: Path,
    *,
    dataset: Dataset | None = None,
    only: Sequence[str] = (),
    undecided: bool = False,
    frames: FrameOptions = THUMB,
) -> Exported:
    """Write `page` (.html) and a CSV of the same name. Frames are shown where the data set is given.

    `only` are patterns of row keys, `undecided` leaves out rows that somebody has decided.
    """
    rows = [row for row in _rows(workspace, table) if _wanted(row, only, undecided)]
    if not rows:
        raise UserError(f"no row of {table} to review", where=workspace.annotation(table), expected="other --only")
    shown = [page_row(table, row) for row in rows]
    lost = 0
    if table == "salient":
        segments = _segments(dataset)
        for row, entry in zip(rows, shown, strict=True):
            found = segments.get(entry["key"])
            entry["frames"] = _pictures(found, frames) if found else []
            entry["curves"] = _curves(workspace, row, found)
            lost += dataset is not None and not entry["frames"]
    write_text(page, render(table, shown))
    write_text(page.with_suffix(".csv"), to_csv(table, shown))
    return Exported(len(rows), lost)


def _rows(workspace: Workspace, table: str) -> list[Any]:
    path = workspace.annotation(table)
    if not path.is_file():
        command = {"salient": "annotate", "roles": "classify", "intents": "intent"}[table]
        raise UserError("there is nothing to review yet", where=path, fix=f"qevd-bio {command}")
    return TABLES[table].load(path)


def _wanted(row: Reviewed, only: Sequence[str], undecided: bool) -> bool:
    if undecided and row.review_state != PROPOSED:
        return False
    return not only or any(fnmatch(row.key, pattern) for pattern in only)


def _segments(dataset: Dataset | None) -> dict[str, tuple[Any, Any]]:
    """(segment, video) by row key."""
    if dataset is None:
        return {}
    videos = {item.key: item for item in dataset.videos()}
    return {s.key: (s, videos[f"{s.split}/{s.video}"]) for s in dataset.segments(strict=False)}


def _pictures(found: tuple[Any, Any], frames: FrameOptions) -> list[str]:
    segment, video = found
    try:
        return [image.url() for image in VideoFrames(video, [segment], frames).take(segment)]
    except ItemError:
        return []


def _curves(workspace: Workspace, row: SalientRow, found: tuple[Any, Any] | None) -> list[dict[str, Any]]:
    """The main angle of each salient joint over the segment, in whole degrees, thinned to a few points."""
    path = workspace.kinematics(row.split, row.video)
    if not path.is_file() or not row.joints:
        return []
    whole = Kinematics.read(path)
    part = whole if found is None else whole.between(found[0].start_s, found[0].end_s)
    if not len(part):
        return []
    picks = np.linspace(0, len(part) - 1, min(CURVE_POINTS, len(part))).astype(int)
    curves = []
    for joint in row.joints:
        dof = _main_dof(joint)
        degrees = np.degrees(part.angles[picks, dof])
        if np.isfinite(degrees).all():
            curves.append({"name": DOF_NAMES[dof], "degrees": [round(float(value)) for value in degrees]})
    return curves


def _main_dof(joint: str) -> int:
    """Index of the joint's main degree of freedom: that of the vocabulary, else the one of its first axis."""
    words = vocabulary().joints
    stem, side = (joint[:-2], joint[-2:]) if joint.endswith(("_r", "_l")) else (joint, "")
    entry = words.get(joint) or words.get(stem)
    name = "" if entry is None else f"{entry.primary}{side}"
    return DOF_NAMES.index(name) if name in DOF_NAMES else JOINT_DOFS[joint][0]


def bring_in(workspace: Workspace, paths: Sequence[Path], table: str | None, reviewer: str | None) -> dict[str, int]:
    """Keep the decisions of saved reviews and apply them; returns how many are new for each table."""
    known = {
        name: [row.key for row in TABLES[name].load(workspace.annotation(name))]
        if workspace.annotation(name).is_file()
        else []
        for name in TABLES
    }
    decisions = [d for path in paths for d in read_decisions(path, table, reviewer, known)]
    counts: dict[str, int] = {}
    for name in TABLES:
        own = [decision for decision in decisions if decision.table == name]
        if own:
            counts[name] = add_reviews(workspace, own)
            for method in ("", "vlm", "rules"):
                if (path := workspace.annotation(name, method)).is_file():
                    refresh(workspace, name, path)
    return counts


def agreement(workspace: Workspace) -> dict[str, Any]:
    """Agreement of reviewers on each table, also written to `annotations/agreement-reviewers.json`."""
    reviews = read_reviews(workspace)
    report = {
        name: reviewers_agreement(name, reviews, TABLES[name].load(workspace.annotation(name)))
        for name in TABLES
        if workspace.annotation(name).is_file() and any(review.table == name for review in reviews)
    }
    write_json(workspace.annotations / "agreement-reviewers.json", report)
    return report
