"""`qevd-bio coach select-joints`: J* of every segment by the trained selector, for `qevd-bio analyze` to use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from qevd_bio.anatomy.dofs import JOINT_NAMES
from qevd_bio.coach.model.biocoach import BioCoach
from qevd_bio.coach.model.checkpoint import Coach
from qevd_bio.coach.model.loading import open_coach
from qevd_bio.coach.segments.data import SegmentSource, sources
from qevd_bio.dataset.opening import Dataset
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.tables.annotations import SALIENT
from qevd_bio.tables.workspace import Workspace

FILE = "salient-selector.parquet"


def select_joints(chosen: Sequence[SegmentSource], coach: Coach, workspace: Workspace, where: Path) -> tuple[int, int]:
    """Choose the top-K joints of each segment from its first tau seconds; they hold for the whole segment.

    Writes `annotations/salient-selector.parquet`; returns how many segments were done and how many failed. Raises
    UserError for a model without selector, or with one that was never trained.
    """
    model = coach.model
    if not isinstance(model, BioCoach):
        raise UserError(f"{coach.config.name} has no joint selector", where=where, expected="a biocoach model")
    if coach.about.get("selector") != "trained":
        raise UserError(
            "the joint selector of this model is not trained",
            where=where,
            expected="a model whose selector was trained",
            fix="qevd-bio train selector",
        )
    rows: list[dict[str, Any]] = []
    steps = coach.ablations.tau_steps
    for source in chosen:
        try:
            features = torch.from_numpy(source.load().features[:steps]).to(model.device)
            rows.append(_row(source, model.selector.choose(features), "ok", None))
        except (ItemError, UserError) as error:
            reason = error.reason if isinstance(error, ItemError) else "bad_input"
            rows.append(_row(source, (), "failed", reason))
    about = {"model": coach.config.name, "tau_steps": steps, "top_k": coach.config.selector.top_k}
    SALIENT.write(workspace.annotations / FILE, rows, metadata=about)
    failed = sum(row["status"] == "failed" for row in rows)
    return len(rows) - failed, failed


def select_in(dataset: Dataset, workspace: Workspace, model: str, device: str) -> tuple[int, int]:
    """`select_joints` in every segment of a data set, by the model of that name."""
    coach = open_coach(model, device=device)
    vision = coach.config.vision
    chosen = sources(dataset, workspace, dim=vision.dim, tokens=vision.tokens, reads_contexts=False)
    return select_joints(chosen, coach, workspace, Path(model))


def _row(source: SegmentSource, joints: tuple[str, ...], status: str, reason: str | None) -> dict[str, Any]:
    segment = source.segment
    return {
        "split": segment.split,
        "video": segment.video,
        "segment": segment.index,
        "exercise": segment.exercise_id,
        "joints": list(joints) or None,
        "vector": [int(name in joints) for name in JOINT_NAMES] if joints else None,
        "status": status,
        "reason": reason,
        "method": "selector",
        "review_state": "proposed",
    }
