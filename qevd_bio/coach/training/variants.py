"""Ablations of a Stream-VLM (QEVD, Table 4): what `--variant` changes in a checkpoint before it is trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from qevd_bio.coach.model.checkpoint import BEGINS, Coach
from qevd_bio.coach.model.stream_vlm import StreamVLM
from qevd_bio.coach.options import BESIDE_TABLE_3, TABLE_3, Ablations
from qevd_bio.store.errors import UserError


def varied(coach: Coach, ablations: Ablations, model: str, seed: int) -> Coach:
    """`coach` (a Stream-VLM) as this row of the table has it.

    no-3d-cnn: it must have been made for an image encoder's features. no-pretraining: the cross-attention begins with
    new random weights. no-action-tokens: it speaks at fixed intervals. UserError for a row that is not about it.
    """
    if ablations in (row for name, row in {**TABLE_3, **BESIDE_TABLE_3}.items() if name != "full"):
        raise UserError(
            "this ablation is one of BioCoach's parts, which a Stream-VLM does not have",
            where=Path(model),
            expected="no-3d-cnn, no-pretraining or no-action-tokens",
            fix="qevd-bio train --variant makes a BioCoach of it first",
        )
    if ablations.image_encoder and not coach.ablations.image_encoder:
        raise UserError(
            "this checkpoint sees the features of the 3D CNN",
            where=Path(model),
            expected="for no-3d-cnn, one made for an image encoder's features",
            fix="qevd-bio coach new --vision FOLDER, and qevd-bio features --encoder image --weights FOLDER",
        )
    chosen = replace(ablations, image_encoder=coach.ablations.image_encoder)
    about = dict(coach.about)
    if chosen.no_pretraining and not coach.ablations.no_pretraining:
        forget_vision(coach.model, seed)
        about[BEGINS] = sorted({*coach.begins, "xattn"})
    coach.model.ablations = chosen
    return replace(coach, ablations=chosen, about=about)


def forget_vision(model: StreamVLM, seed: int) -> None:
    """Give the cross-attention new random weights, the same for a seed."""
    torch.manual_seed(seed)
    for name, module in model.named_modules():
        if "xattn_layer" in name and isinstance(module, (torch.nn.Linear, torch.nn.LayerNorm)):
            module.reset_parameters()
