"""`qevd-bio techcoach`: descriptive coaching with technical points (TechCoach), from Ego-Exo4D to a table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.annotation.options import TEXT_MODEL
from qevd_bio.store.terminal import say
from qevd_bio.techcoach.options import SCENARIOS, BuildOptions, Kind, Leaks, Method, Origin, SimulateOptions

from . import asking as ask
from . import techcoach_models as models
from .common import WorkspaceFlags
from .ending import note
from .flags import group, spread

B, S = BuildOptions(), SimulateOptions()
_INSTANCES, _FEATURES = "How takes become instances (own choices)", "Simulated features"
app = group("TechCoach: what is done well and what can be improved, by technical points, with a score.")


@dataclass(frozen=True)
class BuildFlags:
    """How takes become instances; fields as in BuildOptions."""

    window_s: Annotated[
        float, typer.Option("--window", min=0.5, help="Seconds (published).", rich_help_panel=_INSTANCES)
    ] = B.window_s
    origin: Annotated[
        Origin, typer.Option(help="Windows begin with the task or the take.", rich_help_panel=_INSTANCES)
    ] = B.origin
    lag_s: Annotated[
        float, typer.Option("--lag", min=0.0, help="Seconds that experts speak late.", rich_help_panel=_INSTANCES)
    ] = B.lag_s
    min_words: Annotated[
        int, typer.Option(min=1, help="Words of a remark that counts.", rich_help_panel=_INSTANCES)
    ] = B.min_words
    scenario: Annotated[
        list[str] | None,
        typer.Option(help="Repeatable.", show_default=", ".join(SCENARIOS), rich_help_panel=_INSTANCES),
    ] = None
    leaks: Annotated[
        Leaks,
        typer.Option(help="Participants on both sides: refuse, drop from train, keep.", rich_help_panel=_INSTANCES),
    ] = B.leaks
    coach_score: Annotated[
        int, typer.Option(min=0, help="Comments that the model rates 0 to 5.", rich_help_panel=_INSTANCES)
    ] = B.coach_score

    def of(self, method: Method) -> BuildOptions:
        """The options as the stage takes them."""
        given = {**vars(self), "scenarios": tuple(self.scenario or SCENARIOS), "method": method}
        del given["scenario"]
        return BuildOptions(**given)


@app.command()
@spread
def build(
    *,
    egoexo: Annotated[Path, typer.Option(help="Ego-Exo4D as its download tool lays it out.")],
    out: Annotated[Path, typer.Option(help="Folder for instances, points, review sheet and report.")],
    released: Annotated[
        Path | None, typer.Option(help="The authors' annotation file (JSON), to be joined with scores and splits.")
    ] = None,
    review: Annotated[Path | None, typer.Option(help="A review sheet with decisions.")] = None,
    method: Annotated[Method, typer.Option(help="rules; llm: as published, with a language model.")] = B.method,
    redo: Annotated[bool, typer.Option("--redo", help="Replace a build with other settings.")] = False,
    flags: BuildFlags,
    place: WorkspaceFlags,
    model: ask.Model = TEXT_MODEL,
    asked: ask.AskFlags,
) -> None:
    """Takes to 8 s instances with technical points, strengths, weaknesses, a comment and the take's score.

    Writes instances.parquet, annotations.json (the released layout), points.json (edit it and build again),
    review.csv (fill the column decision and pass it to --review) and build.json with every drop by reason.

    Example: qevd-bio techcoach build --egoexo /data/egoexo --released descoach.json --out coaching
    """
    from qevd_bio.annotation.asking import for_stage
    from qevd_bio.techcoach.data.build import build as run

    options = flags.of(method)
    questions = None
    if method == "llm":
        questions = for_stage(asked.of(model), place.open(), "techcoach", retry_failed=False)
    done = run(
        egoexo.expanduser(), out.expanduser(), options, released=released, review=review, asking=questions, redo=redo,
        say=note,
    )  # fmt: skip
    for line in done.describe():
        say(line)
    say(f"written: {out}")


@dataclass(frozen=True)
class FeatureFlags:
    """Shape and clarity of simulated features; fields as in SimulateOptions."""

    channels: Annotated[int, typer.Option(min=2, help="Channels a view.", rich_help_panel=_FEATURES)] = S.channels
    strength: Annotated[
        float, typer.Option(min=0, help="Size of what a dimension writes.", rich_help_panel=_FEATURES)
    ] = S.strength
    noise: Annotated[float, typer.Option(min=0, help="Size of the noise.", rich_help_panel=_FEATURES)] = S.noise


@app.command()
@spread
def simulate(
    *,
    out: Annotated[Path, typer.Argument(help="Folder to write.")],
    kind: Annotated[
        Kind, typer.Option(help="egoexo: features with a known truth; exercises: the 23 exercises, with joint angles.")
    ] = "egoexo",
    takes: Annotated[int, typer.Option(min=4, help="Takes of 40 s.")] = S.takes,
    participants: Annotated[int, typer.Option(min=4, help="People; a quarter are the val split.")] = S.participants,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same files.")] = S.seed,
    flags: FeatureFlags,
) -> None:
    """Takes in Ego-Exo4D's layout with features, commentary, ratings, the released JSON and the truth beside them.

    Example: qevd-bio techcoach simulate sim; qevd-bio techcoach build --egoexo sim --released sim/released.json …
    """
    from qevd_bio.techcoach.simulated.exercises import simulate_exercises
    from qevd_bio.techcoach.simulated.takes import simulate_takes

    options = SimulateOptions(takes=takes, participants=participants, seed=seed, **vars(flags))
    root = out.expanduser()
    made = len(simulate_takes(root, options) if kind == "egoexo" else simulate_exercises(root, options))
    scenario = "" if kind == "egoexo" else " --scenario Fitness"
    say(f"{made} takes; in {out}")
    say(f"next: qevd-bio techcoach build --egoexo {out} --released {out}/released.json{scenario} --out {out}/built")


for _command in (models.train, models.run, models.baseline, models.ablation, models.presets):
    app.command()(_command)
