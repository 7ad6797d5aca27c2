"""`qevd-bio coach new`: a coach that begins from a pretrained language model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from qevd_bio.coach.options import RANDOM
from qevd_bio.store.terminal import say

from .flags import spread


@spread
def new(
    *,
    language: Annotated[
        str,
        typer.Option(help="Language model: a folder, a FILE.gguf, smollm2 (models fetch), or OWNER/NAME on the hub."),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write; `--model` of other commands.")],
    preset: Annotated[
        str, typer.Option(help="stream-vlm, biocoach, biocoach-small, or a preset file.yaml of your own.")
    ] = "biocoach",
    vision: Annotated[
        str,
        typer.Option(help="What it will see with: the 3D CNN's weights, a folder with an image encoder, or random."),
    ] = RANDOM,
    dtype: Annotated[
        Literal["float32", "bfloat16", "float16"] | None,
        typer.Option(help="Number format of the weights.", show_default="as the language model"),
    ] = None,
    lora_rank: Annotated[
        int | None, typer.Option(min=0, help="Rank of LoRA; 0: none.", show_default="as the preset")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the new weights.")] = 0,
) -> None:
    """Make a coach of a pretrained language model: weights as they are, action tokens, cross-attention and LoRA new.

    Tensors are read and written one by one; nothing that comes with the model is executed.
    """
    from qevd_bio.coach.model.new import new_coach

    made = new_coach(language, vision, preset, out.expanduser(), dtype=dtype, lora_rank=lora_rank, seed=seed)
    for line in made.describe():
        say(line)
    say(f"next: qevd-bio train --model {made.folder}")
