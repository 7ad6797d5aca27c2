"""`qevd-bio demo`: the whole job on a small simulated benchmark."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qevd_bio.simulation.options import SimulateOptions

from .common import Jobs, open_workspace, run_options

if TYPE_CHECKING:
    from qevd_bio.dataset.opening import Dataset
    from qevd_bio.store.work import Summary
    from qevd_bio.store.workspace import Workspace

D = SimulateOptions(workouts=3, seed=7, minutes=1.2)
COACHES = ("rules", "interval")


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for data, results and the page.")] = Path("outputs/demo"),
    workouts: Annotated[int, typer.Option(min=1, help="Simulated workouts.")] = D.workouts,
    minutes: Annotated[float, typer.Option(help="Length of each.")] = D.minutes,
    seed: Annotated[int, typer.Option(min=0, help="Another seed: other people, other mistakes.")] = D.seed,
    jobs: Jobs = 2,
) -> None:
    """Try everything in a few minutes, offline: simulated workouts, extracted, analysed, rewritten, coached, scored.

    People, videos and coach are simulated, so no licence or data set is needed; the pose model and every stage are
    the real ones. Run it again to go on where it was ended.
    """
    began = time.monotonic()
    out = out.expanduser()
    data, place = out / "data", open_workspace(out / "workspace")
    options = SimulateOptions(workouts=workouts, seed=seed, minutes=minutes)
    typer.echo("Everything shown here is simulated: drawn figures and a scripted coach, no real people.\n")
    steps: list[tuple[str, Callable[[], object]]] = [
        (f"simulate {workouts} workouts of {minutes:g} min with video", lambda: _simulate(data, options, jobs)),
        ("segments: which exercise when", lambda: _segments(data, place)),
        ("extract: 46 joint angles a frame, by the real pose model", lambda: _extract(data, place, jobs)),
        ("annotate and classify by rules; sort the feedback", lambda: _annotate(data, place, jobs)),
        ("analyze: repetitions, form errors, contexts", lambda: _analyze(place, jobs)),
        ("rewrite: feedback with measured angles", lambda: _rewrite(data, place)),
        ("two coaches without a model: rules and fixed interval", lambda: _coach(place)),
        ("score both, with intervals", lambda: _score(place)),
        ("verify against the known truth", lambda: _verify(data, place)),
        ("report: one page", lambda: _report(place)),
    ]
    for number, (title, step) in enumerate(steps, 1):
        typer.echo(f"[{number}/{len(steps)}] {title}")
        started = time.monotonic()
        step()
        typer.echo(f"        {time.monotonic() - started:.0f} s")
    typer.echo(f"\nDone in {time.monotonic() - began:.0f} s. The page: {(place.root / 'report.html').resolve()}")
    typer.echo("Next, with your own videos of one exercise:")
    typer.echo(
        "  qevd-bio extract --data FOLDER --exercise squats && qevd-bio analyze && qevd-bio report --data FOLDER"
    )
    typer.echo(
        "or with QEVD-FIT-COACH: export QEVD_BIO_DATA=FOLDER, then extract, analyze, rewrite --audit, score, report"
    )


def _check(summary: Summary) -> None:
    """Leave with code 2 where an item failed: later steps would only show half."""
    for key, (reason, detail) in summary.failed.items():
        typer.echo(f"{key}: {reason}: {detail}", err=True)
    if summary.failed:
        raise typer.Exit(2)


def _open(data: Path, place: Workspace) -> Dataset:
    from qevd_bio.dataset.opening import open_dataset

    return open_dataset(data, user_refs=place.user_refs)


def _simulate(data: Path, options: SimulateOptions, jobs: int) -> None:
    from qevd_bio.simulation.stage import simulate

    _check(simulate(data, options, run_options(None, None, True, False, jobs)))


def _segments(data: Path, place: Workspace) -> None:
    from qevd_bio.dataset.stage import write_segments

    write_segments(_open(data, place), place)


def _extract(data: Path, place: Workspace, jobs: int) -> None:
    from qevd_bio.pose.options import ExtractOptions
    from qevd_bio.pose.stage import extract

    _check(extract(_open(data, place), place, ExtractOptions(), run_options(None, None, True, False, jobs)))


def _annotate(data: Path, place: Workspace, jobs: int) -> None:
    from qevd_bio.annotation import annotate_stage, classify_stage, intent_stage
    from qevd_bio.annotation.options import FrameOptions

    dataset, run = _open(data, place), run_options(None, None, True, False, jobs)
    _check(annotate_stage.annotate(dataset, place, "rules", FrameOptions(), run)[0])
    classify_stage.by_rules(place)
    _check(intent_stage.sort_dataset(dataset, place, "rules", run, None)[0])


def _analyze(place: Workspace, jobs: int) -> None:
    from qevd_bio.motion.options import MotionOptions
    from qevd_bio.motion.stage import analyze, report

    _check(analyze(place, MotionOptions(), run_options(None, None, True, False, jobs))[0])
    for line in report(place):
        typer.echo(f"        {line}")


def _rewrite(data: Path, place: Workspace) -> None:
    from qevd_bio.rewriting.options import RewriteOptions
    from qevd_bio.rewriting.stage import rewrite

    outcome = rewrite(_open(data, place), place, RewriteOptions(), "link", run_options(None, None, True, False))
    _check(outcome.summary)
    typer.echo(f"        {outcome.totals.rewritten} of {outcome.totals.corrective} corrections supported and rewritten")


def _coach(place: Workspace) -> None:
    """Predictions of the two baselines on the rewritten data set."""
    import json

    from qevd_bio.coach import interval, rules
    from qevd_bio.motion.tables import CYCLES, VIOLATIONS
    from qevd_bio.store.atomic import write_text

    segments = _open(place.rewritten, place).segments()
    spoken = {
        "rules": rules.speak(segments, CYCLES.read_rows(place.cycles), VIOLATIONS.read_rows(place.violations)),
        "interval": interval.speak(segments),
    }
    for name in COACHES:
        lines = (json.dumps(prediction, ensure_ascii=False) for prediction in spoken[name])
        write_text(place.root / "predictions" / f"{name}.jsonl", "".join(f"{line}\n" for line in lines))


def _score(place: Workspace) -> None:
    from qevd_bio.annotation.intent import classify_intent
    from qevd_bio.scoring.options import ScoreOptions
    from qevd_bio.scoring.stage import score

    for name in COACHES:
        score(
            place.root / "predictions" / f"{name}.jsonl",
            place.rewritten,
            ScoreOptions(),
            out=place.scores(name),
            label=lambda texts: {text: classify_intent(text).label for text in texts},
        )


def _verify(data: Path, place: Workspace) -> None:
    from qevd_bio.reporting import verify_text
    from qevd_bio.reporting.verify import truth_places, verify
    from qevd_bio.rewriting.tables import FEEDBACKS

    rows = FEEDBACKS.read_rows(place.rewritten / "feedbacks.parquet")
    result = verify(truth_places(data), place, rows, oracle=False)
    verify_text.write(result, place.root / "verify")
    for line in verify_text.headline(result):
        typer.echo(f"        {line}")


def _report(place: Workspace) -> None:
    from qevd_bio.reporting.stage import write_report

    from .report import find_dataset, read_rewritten

    written = write_report(place, dataset=find_dataset(place, None), rewritten=read_rewritten(place))
    typer.echo(f"        {written.videos} videos, {written.runs} runs, {written.size_bytes / 1e6:.1f} MB")
