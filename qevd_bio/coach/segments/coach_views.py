"""Motion tables with the J* that a coach's own selector chooses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from qevd_bio.coach.model.checkpoint import Coach
from qevd_bio.coach.options import MotionWish
from qevd_bio.coach.segments.data import SegmentSource, sources
from qevd_bio.coach.segments.joints import select_joints, selection
from qevd_bio.coach.segments.views import View, view_of
from qevd_bio.dataset.opening import Dataset
from qevd_bio.store.errors import UserError
from qevd_bio.tables.workspace import Workspace


def coach_view(
    coach: Coach,
    model: str,
    wish: MotionWish,
    chosen: Sequence[SegmentSource],
    workspace: Workspace,
    *,
    make: bool = True,
    say: Callable[[str], None] = lambda _: None,
) -> View:
    """The motion tables of these segments for a coach; J* of source `selector` are those that its own one chooses."""
    segments = [source.segment for source in chosen]
    if wish.salient != "selector":
        return view_of(wish, segments, workspace, make=make, say=say)

    def choose(out: Path) -> None:
        done, failed = select_joints(chosen, coach, out, model, wish.evidence)
        say(f"J* of {done} segments chosen" + (f", of {failed} not" if failed else ""))

    hashed = selection(coach, model, wish.evidence)
    return view_of(wish, segments, workspace, selection=hashed, choose=choose, make=make, say=say)


def named_view(
    dataset: Dataset, workspace: Workspace, model: str | None, wish: MotionWish, say: Callable[[str], None]
) -> View:
    """The motion tables of a whole data set: with J* of the model of that name (`selector`), else of the source that
    `wish` names, annotations where it names none. UserError for a model and another source together."""
    from qevd_bio.coach.model.loading import open_coach

    if model is None:
        wish = replace(wish, salient=wish.salient or "annotated")
        if wish.salient == "selector":
            raise UserError("--salient selector needs the model that chooses", fix="name its checkpoint with --model")
        return view_of(wish, dataset.segments(strict=False), workspace, say=say)
    if wish.salient not in (None, "selector"):
        raise UserError(f"--model has no part in --salient {wish.salient}", fix="leave one of the two out")
    coach = open_coach(model, device="auto")
    chosen = sources(dataset, workspace, coach.sees)
    return coach_view(coach, model, replace(wish, salient="selector"), chosen, workspace, say=say)
