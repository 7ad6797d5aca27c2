"""`qevd-bio train`: data set and workspace to trained checkpoints, stage by stage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qevd_bio.coach.model.biocoach import reads_contexts
from qevd_bio.coach.model.checkpoint import Coach
from qevd_bio.coach.model.loading import fingerprint, open_coach
from qevd_bio.coach.options import Ablations
from qevd_bio.coach.segments.data import SegmentSource, sources
from qevd_bio.coach.training.coach import CoachTask, parts_to_train
from qevd_bio.coach.training.examples import Prepared, prepare
from qevd_bio.coach.training.options import CoachData, LoopOptions
from qevd_bio.coach.training.selector import SelectorTask, read_windows
from qevd_bio.coach.training.short_clips import prepare_short
from qevd_bio.coach.training.start import open_start, own_device
from qevd_bio.dataset.layout import TRAIN
from qevd_bio.dataset.opening import Dataset, open_dataset
from qevd_bio.learning.loop import Outcome, train
from qevd_bio.learning.precision import settled
from qevd_bio.store.errors import UserError
from qevd_bio.tables.workspace import Workspace

Say = Callable[[str], None]


@dataclass(frozen=True)
class Place:
    """What a stage trains on and where it writes: data set, workspace, split, folder of this run."""

    data: Path
    workspace: Workspace
    split: str | None
    out: Path

    def dataset(self) -> Dataset:
        return open_dataset(self.data, user_refs=self.workspace.user_refs)


def open_model(
    model: str, ablations: Ablations | None, place: Place, options: LoopOptions, *, biocoach: bool = False
) -> Coach:
    """The coach that a stage begins with (`open_start`); a preset's tokenizer learns the words of the training data."""

    def texts() -> list[str]:
        segments = place.dataset().segments(place.split, strict=False)
        return sorted({feedback.official_text for segment in segments for feedback in segment.feedbacks})

    return open_start(model, ablations, options, biocoach=biocoach, texts=texts)


def training_sources(coach: Coach, place: Place, reads: bool) -> list[SegmentSource]:
    """Segments of the training split; the benchmark is never trained on unless it is named."""
    dataset = place.dataset()
    split = place.split
    if split is None:
        if TRAIN not in dataset.splits:
            raise UserError(
                f"no training split in it (found: {', '.join(dataset.splits)})",
                where=place.data,
                expected=f"a folder {TRAIN}",
                fix="name a split with --split where another one is meant",
            )
        split = TRAIN
    encoder = "image" if coach.ablations.image_encoder else "3d-cnn"
    vision = coach.config.vision
    return sources(
        dataset, place.workspace, dim=vision.dim, tokens=vision.tokens, reads_contexts=reads, encoder=encoder,
        split=split,
    )  # fmt: skip


def train_selector(coach: Coach, model: str, place: Place, options: LoopOptions, say: Say) -> Outcome:
    """Stage 1; writes `<out>/selector/`."""
    chosen = training_sources(coach, place, False)
    out, options = place.out / "selector", settled(options, coach)
    windows = read_windows(chosen, place.workspace, coach.ablations.tau_steps, out)
    say(f"selector: {len(windows.pooled)} windows of {len(set(windows.groups))} videos")
    task = SelectorTask(coach, windows, options)
    return train(task, options, out, {"from": fingerprint(model, coach), "stage": "selector"}, say)


def train_coach(
    coach: Coach, model: str, place: Place, options: LoopOptions, data: CoachData, say: Say, parts: tuple[str, ...] = ()
) -> Outcome:
    """Stage 2 (and Stream-VLM's long videos); writes `<out>/coach/`."""
    reads = reads_contexts(coach.config, coach.ablations)
    prepared = prepare(training_sources(coach, place, reads), coach, data)
    _tell(prepared, say)
    chosen, options = parts or parts_to_train(coach, "long"), settled(options, coach)
    task = CoachTask(coach, prepared, data, options, chosen)
    say(f"coach: trains {'+'.join(chosen)}, {task.trained:,} values")
    settings = {"from": fingerprint(model, coach), "stage": "coach", "parts": list(chosen), "data": str(data)}
    return train(task, options, place.out / "coach", settings, say)


def train_stream_vlm(
    model: str, clips: Path | None, place: Place, short: LoopOptions, long: LoopOptions, data: CoachData, say: Say
) -> Outcome:
    """Stream-VLM's two stages: short clips (where `clips` names them), then long videos with LoRA (QEVD, App. D).

    Writes `<out>/short/` and `<out>/coach/`.
    """
    coach = open_model(model, None, place, long)
    short = settled(short, coach)
    if clips is not None:
        dataset = open_dataset(clips, user_refs=place.workspace.user_refs)
        vision = coach.config.vision
        found = sources(dataset, place.workspace, dim=vision.dim, tokens=vision.tokens, reads_contexts=False)
        prepared = prepare_short(found, dataset.clips, coach, data)
        _tell(prepared, say)
        task = CoachTask(coach, prepared, data, short, parts_to_train(coach, "short"), "short")
        settings = {"from": fingerprint(model, coach), "stage": "short", "data": str(data)}
        done = train(task, short, place.out / "short", settings, say)
        model = str(done.best_folder)
        coach = open_coach(model, device=own_device(long.device))
    return train_coach(coach, model, place, long, data, say)


def train_both(
    model: str,
    ablations: Ablations | None,
    place: Place,
    selector: LoopOptions,
    coach_options: LoopOptions,
    data: CoachData,
    say: Say,
    parts: tuple[str, ...] = (),
) -> Outcome:
    """The paper's two stages: the selector, then the fusion with the selector frozen (Supp. 11.4).

    A Stream-VLM is made into a BioCoach first. `parts`: what the second stage trains instead of what was published.
    """
    coach = open_model(model, ablations, place, coach_options, biocoach=True)
    if not coach.ablations.no_selector:
        first = train_selector(coach, model, place, selector, say)
        model = str(first.best_folder)
        coach = open_coach(model, device=own_device(coach_options.device))
    return train_coach(coach, model, place, coach_options, data, say, parts)


def _tell(prepared: Prepared, say: Say) -> None:
    tokens = sum(len(example.sequence) for example in prepared.examples)
    say(f"coach: {len(prepared.examples)} segments, {tokens:,} tokens")
    for reason, count in sorted(prepared.missing.items()):
        say(f"left out: {count} × {reason} ({prepared.first_problem})")
