"""What `qevd-bio train` was asked for, in the stages' terms: place, ablation, options of the first stage."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from qevd_bio.coach.options import VARIANTS, Ablations
from qevd_bio.coach.training.options import SELECTOR
from qevd_bio.coach.training.stage import TrainingPlace
from qevd_bio.learning.loop import Trained
from qevd_bio.learning.options import LoopOptions
from qevd_bio.store.errors import UserError
from qevd_bio.store.terminal import say
from qevd_bio.tables.workspace import Workspace


def rewritten_place(workspace: Workspace, split: str | None, out: Path) -> TrainingPlace:
    """Training on the workspace's QEVD-bio-fit-coach; UserError where it is not there."""
    if not workspace.rewritten.is_dir():
        raise UserError(
            "the rewritten data set is not there",
            where=workspace.rewritten,
            fix="qevd-bio rewrite, or --targets original to learn the trainers' own words",
        )
    return TrainingPlace(workspace.rewritten, workspace, split, out.expanduser())


def original_place(data: Path, workspace: Workspace, split: str | None, out: Path) -> TrainingPlace:
    """Training on the words of `data` itself."""
    return TrainingPlace(data, workspace, split, out.expanduser())


def ablations_of(variant: str | None) -> Ablations | None:
    """The ablation of that name; None as the checkpoint was made. UserError for an unknown one."""
    if variant is not None and variant not in VARIANTS:
        raise UserError(f"--variant {variant}", expected=f"one of {', '.join(VARIANTS)}")
    return None if variant is None else VARIANTS[variant]


def selector_before(second: LoopOptions) -> LoopOptions:
    """The selector's published options where both stages run: machine, seed and checks as the second stage's."""
    return replace(
        SELECTOR,
        seed=second.seed,
        precision=second.precision,
        device=second.device,
        validation_share=second.validation_share,
        save_every=second.save_every,
    )


def speak_once(text: str) -> None:
    """Of several processes of one run the first alone speaks."""
    if os.environ.get("RANK", "0") == "0":
        say(text)


def describe(done: Trained) -> list[str]:
    """Lines that say how a stage ended and what comes next."""
    best = "" if done.best is None else f"; best {done.best:.4g} at step {done.best_step}"
    return [
        f"{done.steps} steps in {done.seconds:.0f} s{best}",
        f"next: qevd-bio run --model {done.best_folder} --out run.jsonl",
    ]
