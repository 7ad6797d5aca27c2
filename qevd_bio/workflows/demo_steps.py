"""What each step of `qevd-bio demo` calls: the stages of the other commands, with settings for a small machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from qevd_bio.coach.options import RANDOM, FeatureOptions
from qevd_bio.coach.training.options import CoachData
from qevd_bio.learning.options import LoopOptions
from qevd_bio.simulation.options import SimulateOptions
from qevd_bio.store.errors import UserError
from qevd_bio.store.terminal import say
from qevd_bio.store.work import RunOptions

if TYPE_CHECKING:
    from qevd_bio.dataset.opening import Dataset
    from qevd_bio.store.work import Summary
    from qevd_bio.tables.workspace import Workspace

TRAINING = SimulateOptions(workouts=8, seed=7, split="train", minutes=0.4, width=240, height=336, views="level")
"""Short workouts of one exercise each, drawn small, since the 3D CNN sees 160 x 224 pixels anyway."""

LEARNING = LoopOptions(
    learning_rate=2e-3, schedule="cosine", warm_up_steps=10, validation_share=0.0, validate_every=50, save_every=20,
    device="cpu",
)  # fmt: skip
"""Random weights want a rate a hundred times the published one; there is too little data to hold any out."""

STREAM_VLM = replace(LEARNING, steps=150)
SELECTING = replace(LEARNING, learning_rate=1e-3, steps=100)
BIOCOACH = replace(LEARNING, steps=40, batch=4)
BIOCOACH_PARTS = ("language", "xattn", "fusion")
"""The fusion alone would leave a language model that never read a context."""

SEQUENCES = CoachData(context_every=8, generate=0)

BASELINES = ("interval", "rules", "copy-context")
MODELS = ("stream-vlm-tiny", "biocoach-tiny")
PRESET = "tiny-stream-vlm"


@dataclass(frozen=True)
class Demo:
    """Where everything lies, and how it is made."""

    out: Path
    simulated: SimulateOptions
    jobs: int
    models: bool
    place: Workspace
    lessons: Workspace

    @property
    def data(self) -> Path:
        return self.out / "data"

    @property
    def training_data(self) -> Path:
        return self.out / "training" / "data"

    def trained(self, name: str) -> Path:
        """Where a model's training writes."""
        return self.out / "training" / name

    def predictions(self, name: str) -> Path:
        return self.place.root / "predictions" / f"{name}.jsonl"

    def options(self, jobs: int = 1) -> RunOptions:
        """A second run tries again what failed in the first."""
        return RunOptions(retry_failed=True, jobs=jobs)


def say_below(text: str) -> None:
    """A line that belongs to the running step."""
    say(f"        {text}")


def simulate(demo: Demo) -> None:
    """The test split."""
    _simulate(demo.data, demo.simulated, demo)


def segments(demo: Demo) -> None:
    """Which exercise is when."""
    _segments(demo.data, demo.place)


def extract(demo: Demo) -> None:
    """Angles of the test workouts by the real pose model."""
    from qevd_bio.pose.options import ExtractOptions
    from qevd_bio.pose.stage import extract as extract_stage

    _check(extract_stage(_open(demo.data, demo.place), demo.place, ExtractOptions(), demo.options(demo.jobs)))


def annotate(demo: Demo) -> None:
    """Salient joints and roles by rules, intents of the feedback."""
    from qevd_bio.annotation import classify_stage, intent_stage

    _annotate(demo.data, demo.place, demo)
    classify_stage.by_rules(demo.place)
    _check(intent_stage.sort_dataset(_open(demo.data, demo.place), demo.place, "rules", demo.options(), None)[0])


def analyze(demo: Demo) -> None:
    """Repetitions, form errors and contexts."""
    from qevd_bio.motion.stage import report

    _analyze(demo.place, demo)
    for line in report(demo.place):
        say_below(line)


def rewrite(demo: Demo) -> None:
    """The test split with measured angles in its corrections."""
    say_below(_rewrite(demo.data, demo.place, demo))


def features(demo: Demo) -> None:
    """Visual features of the test workouts."""
    _features(demo.data, demo.place, demo)


def training_data(demo: Demo) -> None:
    """The training split: simulated, with the true angles in place of extracted ones, and everything on them."""
    from qevd_bio.reporting.verification.stage import place_oracle
    from qevd_bio.simulation.stage import Places

    known = {segment.exercise_id for segment in _open(demo.data, demo.place).segments()}
    options = replace(TRAINING, seed=demo.simulated.seed, exercises=tuple(sorted(name for name in known if name)))
    _simulate(demo.training_data, options, demo)
    _segments(demo.training_data, demo.lessons)
    place_oracle(Places(demo.training_data), demo.lessons)
    _annotate(demo.training_data, demo.lessons, demo)
    _analyze(demo.lessons, demo)
    say_below(_rewrite(demo.training_data, demo.lessons, demo))
    _features(demo.training_data, demo.lessons, demo)


def train(demo: Demo) -> None:
    """Stream-VLM from random weights; then BioCoach's two stages, which begin with it."""
    from qevd_bio.coach.training.stage import TrainingPlace, train_both, train_stream_vlm

    first, second = (TrainingPlace(demo.lessons.rewritten, demo.lessons, None, demo.trained(name)) for name in MODELS)
    say_below(f"{MODELS[0]}: {STREAM_VLM.steps} steps from random weights")
    done = train_stream_vlm(PRESET, None, first, STREAM_VLM, STREAM_VLM, SEQUENCES, say_below)
    say_below(f"{MODELS[1]}: selector, then {BIOCOACH.steps} steps, from that")
    train_both(str(done.last_folder), None, second, SELECTING, BIOCOACH, SEQUENCES, say_below, BIOCOACH_PARTS)


def speak(demo: Demo) -> None:
    """Predictions of all systems on the rewritten test split, by `qevd-bio run`."""
    from qevd_bio.coach.run_stage import Speaker
    from qevd_bio.coach.run_stage import speak as speak_stage

    speakers = {name: Speaker(name) for name in BASELINES}
    for name in MODELS if demo.models else ():
        speakers[name] = Speaker(str(demo.trained(name) / "coach" / "last"), device="cpu")
    dataset = _open(demo.place.rewritten, demo.place)
    for name, speaker in speakers.items():
        summary = speak_stage(speaker, dataset, demo.place, demo.predictions(name), run=demo.options())
        say(summary.describe())
        _check(summary)


def score(demo: Demo) -> None:
    """Scores of each system, with intervals."""
    from qevd_bio.scoring.intents import rules_labeller
    from qevd_bio.scoring.options import ScoreOptions
    from qevd_bio.scoring.stage import score as score_stage

    for name in systems(demo):
        score_stage(
            demo.predictions(name),
            demo.place.rewritten,
            ScoreOptions(),
            out=demo.place.scores(name),
            label=rules_labeller(),
            redo=True,
        )


def systems(demo: Demo) -> list[str]:
    """Names of all that speak, in the page's order."""
    return [*BASELINES, *(MODELS if demo.models else ())]


def verify(demo: Demo) -> None:
    """Extraction and analysis beside the known truth."""
    from qevd_bio.reporting.verification import text as verify_text
    from qevd_bio.reporting.verification.oracle import verify_workspace

    result = verify_workspace(demo.data, demo.place)
    verify_text.write(result, demo.place.root / "verify")
    for line in verify_text.headline(result):
        say_below(line)


def report(demo: Demo) -> None:
    """The page."""
    from qevd_bio.reporting.content.dataset import find_dataset, read_rewritten
    from qevd_bio.reporting.page.stage import write_report

    written = write_report(
        demo.place,
        scores=[demo.place.scores(name) for name in systems(demo)],
        dataset=find_dataset(demo.place, None),
        rewritten=read_rewritten(demo.place),
        notes=_notes(demo),
    )
    say_below(f"{written.videos} videos, {written.runs} runs, {written.size_bytes / 1e6:.1f} MB")


def _notes(demo: Demo) -> list[str]:
    """What the numbers of the page are worth."""
    simulated, lessons = demo.simulated, TRAINING
    lines = [
        f"A demo: {simulated.workouts} simulated workouts of {simulated.minutes:g} minutes, so intervals are wide.",
        f"{', '.join(BASELINES)} use no model: kind words every 5 s; the gravest form error of each finished "
        "repetition; the findings of the motion context, word for word.",
    ]
    if demo.models:
        first, second = MODELS
        lines += [
            f"{first} was trained here, {STREAM_VLM.steps} steps from random weights, and {second} from "
            f"there {BIOCOACH.steps} more, on {lessons.workouts} other workouts of {60 * lessons.minutes:.0f} seconds.",
            "The language model is tiny and knows these workouts alone, the 3D CNN before it is random: this shows "
            "that training and running work, not how well Stream-VLM or BioCoach coach.",
            "Angles to learn from were the simulation's true ones; those of the test were extracted from its videos.",
        ]
    return lines


def _check(summary: Summary) -> None:
    """UserError where an item failed: later steps would only show half."""
    for key, (reason, detail) in summary.failed.items():
        say(f"{key}: {reason}: {detail}", err=True)
    if summary.failed:
        raise UserError(f"{len(summary.failed)} items of {summary.stage} failed", fix="qevd-bio demo, to try again")


def _open(data: Path, place: Workspace) -> Dataset:
    from qevd_bio.dataset.opening import open_dataset

    return open_dataset(data, user_refs=place.user_refs)


def _simulate(data: Path, options: SimulateOptions, demo: Demo) -> None:
    from qevd_bio.simulation.stage import simulate

    _check(simulate(data, options, demo.options(demo.jobs)))


def _segments(data: Path, place: Workspace) -> None:
    from qevd_bio.dataset.stage import write_segments

    write_segments(_open(data, place), place)


def _annotate(data: Path, place: Workspace, demo: Demo) -> None:
    from qevd_bio.annotation import annotate_stage
    from qevd_bio.annotation.options import FrameOptions

    _check(annotate_stage.annotate(_open(data, place), place, "rules", FrameOptions(), demo.options(demo.jobs))[0])


def _analyze(place: Workspace, demo: Demo) -> None:
    from qevd_bio.motion.options import MotionOptions
    from qevd_bio.motion.stage import analyze

    _check(analyze(place, MotionOptions(), demo.options(demo.jobs))[0])


def _rewrite(data: Path, place: Workspace, demo: Demo) -> str:
    from qevd_bio.rewriting.options import RewriteOptions
    from qevd_bio.rewriting.stage import rewrite

    outcome = rewrite(_open(data, place), place, RewriteOptions(), "link", demo.options())
    _check(outcome.summary)
    return f"{outcome.totals.rewritten} of {outcome.totals.corrective} corrections supported and rewritten"


def _features(data: Path, place: Workspace, demo: Demo) -> None:
    from qevd_bio.coach.vision.stage import write_features

    _check(write_features(_open(data, place), place, RANDOM, FeatureOptions(), demo.options(demo.jobs)))
