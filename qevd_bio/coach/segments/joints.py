"""J* of segments, chosen by a trained selector from what it sees (BioCoach, Sec. 3.3)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch

from qevd_bio.anatomy.dofs import JOINT_NAMES
from qevd_bio.coach.model.biocoach import BioCoach
from qevd_bio.coach.model.checkpoint import Coach
from qevd_bio.coach.model.selector import JointSelector
from qevd_bio.coach.segments.data import SegmentSource, span_of
from qevd_bio.motion.options import Evidence
from qevd_bio.motion.salient import BY_SELECTOR
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.store.hashing import hash_bytes, hash_json
from qevd_bio.tables.annotations import SALIENT, SalientRow


def trained_selector(coach: Coach, where: Path | str) -> JointSelector:
    """The coach's selector; UserError where it has none, or one that was never trained."""
    if not isinstance(coach.model, BioCoach):
        raise UserError(f"{coach.config.name} has no joint selector", where=where, expected="a biocoach model")
    if coach.selector is None:
        raise UserError(
            "the joint selector of this model is not trained",
            where=where,
            expected="a model whose selector was trained",
            fix="qevd-bio train selector",
        )
    return coach.selector


def selection(coach: Coach, where: Path | str, evidence: Evidence) -> str:
    """Hash of everything that decides J* beside what is seen: the selector's weights, tau, K, and what it looks at."""
    weights = {
        name: hash_bytes(value.detach().to("cpu", torch.float32).contiguous().numpy().tobytes())
        for name, value in trained_selector(coach, where).state_dict().items()
    }
    return hash_json([weights, coach.ablations.tau_steps, coach.config.selector.top_k, evidence])


def select_joints(
    chosen: Sequence[SegmentSource], coach: Coach, out: Path, where: Path | str, evidence: Evidence = "causal"
) -> tuple[int, int]:
    """Write J* of every segment to the table `out`; returns how many segments got one and how many did not.

    J* holds for the session (Sec. 3.3). It follows from the first tau seconds and is known from their end on; with
    evidence `whole` from all that is seen, known from the start. UserError as `trained_selector`.
    """
    selector = trained_selector(coach, where)
    steps = coach.ablations.tau_steps
    rows: list[SalientRow] = []
    for source in chosen:
        try:
            seen = source.mapped()
            part = slice(0, steps) if evidence == "causal" else slice(None)
            joints = selector.choose(torch.from_numpy(seen.tokens(part)).to(coach.model.device))
        except (ItemError, UserError) as error:
            rows.append(_row(source, (), error.reason if isinstance(error, ItemError) else "bad_input"))
            continue
        known = float(seen.times[part][-1]) - span_of(source.segment)[0] + source.segment.start_s
        since = dict.fromkeys(joints, round(known, 6)) if evidence == "causal" else {}
        rows.append(_row(source, joints, None, since))
    about = {
        "model": coach.config.name,
        "tau_steps": steps,
        "top_k": coach.config.selector.top_k,
        "selection": selection(coach, where, evidence),
    }
    SALIENT.save(out, rows, metadata=about)
    failed = sum(row.status == "failed" for row in rows)
    return len(rows) - failed, failed


def _row(
    source: SegmentSource, joints: tuple[str, ...], reason: str | None, since: dict[str, float] | None = None
) -> SalientRow:
    segment = source.segment
    return SalientRow(
        split=segment.split,
        video=segment.video,
        segment=segment.index,
        exercise=segment.exercise_id,
        joints=list(joints) or None,
        vector=[int(name in joints) for name in JOINT_NAMES] if joints else None,
        since=json.dumps(since) if since else None,
        status="ok" if joints else "failed",
        reason=reason,
        method=BY_SELECTOR,
    )
