"""`qevd-bio demo`: the whole job on a small simulated benchmark, step by step."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from qevd_bio.pose.backends.blazepose.models import model_paths
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.simulation.options import SimulateOptions
from qevd_bio.store import extras
from qevd_bio.store.errors import UserError
from qevd_bio.store.terminal import say
from qevd_bio.tables.workspace import Workspace
from qevd_bio.workflows import demo_steps as steps

Step = Callable[[steps.Demo], None]

_NEXT = (
    "Next, with your own videos of one exercise:",
    "  qevd-bio extract squats.mp4 --exercise squats && qevd-bio analyze && qevd-bio report",
    "or with QEVD-FIT-COACH: export QEVD_BIO_DATA=FOLDER, then extract, analyze, rewrite --audit, score, report",
)


def run_demo(out: Path, options: SimulateOptions, jobs: int = 1, models: bool = True) -> Path:
    """Do all steps in `out` and say so as they come; returns the page. What an earlier run finished is kept.

    Raises UserError where a step cannot be done.
    """
    extras.need("openvino", what="the demo")
    model_paths(ExtractOptions().pose_model)  # missing, it would be found only after the simulation
    if models:
        extras.need("torch", "transformers", what="a demo with models (--no-models does without)")
    began = time.monotonic()
    place, lessons = Workspace(out / "workspace"), Workspace(out / "training" / "workspace")
    plan = steps.Demo(out, options, jobs, models, place, lessons)
    say("Everything shown here is simulated: drawn figures and a scripted coach, no real people.\n")
    chosen = list_of_steps(plan)
    for number, (title, step) in enumerate(chosen, 1):
        say(f"[{number}/{len(chosen)}] {title}")
        started = time.monotonic()
        try:
            step(plan)
        except UserError:
            steps.say_below(f"{out} keeps what is finished; another --out begins afresh")
            raise
        steps.say_below(f"{time.monotonic() - started:.0f} s")
    page = (place.root / "report.html").resolve()
    say(f"\nDone in {time.monotonic() - began:.0f} s. The page: {page}")
    for line in _NEXT:
        say(line)
    return page


def list_of_steps(plan: steps.Demo) -> list[tuple[str, Step]]:
    """Titles and what is called, in order."""
    options = plan.simulated
    first: list[tuple[str, Step]] = [
        (f"simulate {options.workouts} workouts of {options.minutes:g} min with video", steps.simulate),
        ("segments: which exercise when", steps.segments),
        ("extract: 46 joint angles a frame, by the real pose model", steps.extract),
        ("annotate and classify by rules; sort the feedback", steps.annotate),
        ("analyze: repetitions, form errors, contexts", steps.analyze),
        ("rewrite: feedback with measured angles", steps.rewrite),
    ]
    learn: list[tuple[str, Step]] = [
        ("features: what the coach sees (3D CNN with random weights)", steps.features),
        (f"{steps.TRAINING.workouts} other workouts to learn from: video, analysis, features", steps.training_data),
        ("train a tiny Stream-VLM and a tiny BioCoach, briefly", steps.train),
    ]
    return [
        *first,
        *(learn if plan.models else ()),
        (f"run {', '.join(steps.systems(plan))}", steps.speak),
        ("score them all, with intervals", steps.score),
        ("verify against the known truth", steps.verify),
        ("report: one page", steps.report),
    ]
