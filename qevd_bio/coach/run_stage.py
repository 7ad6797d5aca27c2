"""`qevd-bio run`: a baseline or a trained coach, by its name, speaks in every segment."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from pathlib import Path

from qevd_bio.coach.baselines.options import ASKING, BASELINES, BaselineOptions
from qevd_bio.coach.options import AS_TRAINED, GenerateOptions, MotionWish
from qevd_bio.coach.streaming.stage import run_coach
from qevd_bio.dataset.opening import Dataset
from qevd_bio.store import extras
from qevd_bio.store.work import RunOptions, Summary
from qevd_bio.tables.workspace import Workspace

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Speaker:
    """Who speaks: a baseline's name, a preset or a checkpoint folder, and how.

    context_every: steps between motion contexts, None as the model was trained. dtype: None for the model's own.
    motion: which contexts they read, None in it as the model was trained, or without annotations.
    `asked` counts for baselines alone, `motion` for both, the rest for coaches alone.
    """

    model: str
    generate: GenerateOptions = field(default_factory=GenerateOptions)
    context_every: int | None = None
    device: str = "auto"
    dtype: str | None = None
    asked: BaselineOptions = field(default_factory=BaselineOptions)
    motion: MotionWish = AS_TRAINED


def speak(
    speaker: Speaker,
    dataset: Dataset,
    workspace: Workspace,
    out: Path,
    split: str | None = None,
    run: RunOptions | None = None,
) -> Summary:
    """Write what `speaker` says in every segment of the data set (or one split) to `out`.

    Raises UserError for an unknown model and where what it reads is not there.
    """
    if speaker.model not in BASELINES:
        return run_coach(
            speaker.model, dataset, workspace, out, speaker.generate, run, context_every=speaker.context_every,
            split=split, device=speaker.device, dtype=speaker.dtype, motion=speaker.motion, say=_LOG.warning,
        )  # fmt: skip
    if speaker.model in ASKING and speaker.asked.local is None:
        extras.need("openai", what=speaker.model)
    from qevd_bio.coach.baselines.stage import write_baseline

    asked = replace(speaker.asked, cache=speaker.asked.cache or workspace.path("runs", "replies.sqlite"))
    return write_baseline(speaker.model, dataset, workspace, out, asked, split, run, speaker.motion)
