"""`qevd-bio refs`: exercise rules and reference trajectories."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.motion.bounds.options import CalibrateOptions
from qevd_bio.store.terminal import say

from .common import PlaceFlags, WorkspaceFlags
from .ending import leave
from .flags import group, spread

app = group("Exercise rules and reference trajectories.")

C = CalibrateOptions()
SETTING = "How bounds are set"


@dataclass(frozen=True)
class CalibrateFlags:
    """Fields as in CalibrateOptions."""

    precision: Annotated[
        float, typer.Option(min=0.5, max=1.0, help="Precision that a bound must reach.", rich_help_panel=SETTING)
    ] = C.precision
    folds: Annotated[
        int,
        typer.Option(min=0, help="Groups of people for the test; 0: one left out at a time.", rich_help_panel=SETTING),
    ] = C.folds
    least: Annotated[
        int, typer.Option(min=2, help="Clips with the fault, and without, that a rule needs.", rich_help_panel=SETTING)
    ] = C.least
    switch: Annotated[
        int, typer.Option(min=2, help="The same, before another measure is taken.", rich_help_panel=SETTING)
    ] = C.switch
    shrink: Annotated[
        float,
        typer.Option(
            min=0.0, help="Faulty clips at which labels count as much as the old bound.", rich_help_panel=SETTING
        ),
    ] = C.shrink
    replicates: Annotated[int, typer.Option(min=10, help="Resamples of the intervals.", rich_help_panel=SETTING)] = (
        C.replicates
    )
    seed: Annotated[int, typer.Option(help="Of folds and intervals.", rich_help_panel=SETTING)] = C.seed

    def of(self) -> CalibrateOptions:
        """The options as the stage takes them."""
        return CalibrateOptions(**vars(self))


@app.command()
@spread
def build(
    *,
    place: WorkspaceFlags,
    exercise: Annotated[list[str] | None, typer.Option("--exercise", help="Only this one; repeatable.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write to.", show_default="<workspace>/refs/trajectories")
    ] = None,
    shipped: Annotated[
        bool, typer.Option("--shipped", help="Rebuild the shipped references and roles.csv of this checkout.")
    ] = False,
) -> None:
    """Make reference trajectories from the exercise rules."""
    from qevd_bio.exercise.stage import build_references

    paths, folder = build_references(exercise or (), None if shipped else place.open().user_refs, out)
    say(f"{len(paths)} references in {folder}")


@app.command()
@spread
def show(
    *,
    exercise: Annotated[str | None, typer.Argument(help="Name of the exercise; without one, list all.")] = None,
    place: WorkspaceFlags,
    png: Annotated[Path | None, typer.Option("--png", help="Draw the reference into this PNG file.")] = None,
    figures: Annotated[int, typer.Option("--figures", min=2, max=20, help="Stick figures in the drawing.")] = 6,
) -> None:
    """List the exercises, or show one: rules, key frames, angles, a drawing."""
    from qevd_bio.exercise.stage import draw_exercise, exercise_text

    refs = place.open().user_refs
    say(exercise_text(exercise, refs))
    if exercise is not None and png is not None:
        draw_exercise(exercise, refs, png, figures)
        say(f"drawing in {png}")


@app.command()
@spread
def new(
    *,
    name: Annotated[str, typer.Argument(help="Name of the exercise, as bicep_curls.")],
    place: WorkspaceFlags,
    signal: Annotated[
        str | None, typer.Option("--signal", help="Curve that shows the repetitions.", show_default="both elbows' mean")
    ] = None,
) -> None:
    """Begin an exercise of your own: a commented file of rules in the workspace, to be filled in.

    Example: qevd-bio refs new bicep_curls
    """
    from qevd_bio.exercise.template import new_exercise

    path = new_exercise(name, place.open().user_refs, signal)
    say(path)
    say(f"next: fill it in; qevd-bio refs check; qevd-bio check VIDEO --exercise {path.stem}")


@app.command()
@spread
def check(*, place: WorkspaceFlags) -> None:
    """Validate all rules and references, the workspace's own included; exit code 2 where something is wrong."""
    from qevd_bio.exercise.stage import check_exercises

    count, found = check_exercises(place.open().user_refs)
    for finding in found:
        say(f"{finding.exercise}: {finding.kind}: {finding.detail}", err=True)
    leave(2 if found else 0)
    say(f"{count} exercises: rules, references and roles agree")


@app.command("from-kinematics")
@spread
def from_kinematics(
    *,
    file: Annotated[Path, typer.Argument(help="Kinematics of a recording (Parquet, from `extract`).")],
    exercise: Annotated[str, typer.Option("--exercise", help="Name of the exercise, any spelling.")],
    place: WorkspaceFlags,
    start: Annotated[float | None, typer.Option("--start", help="Start of the cycle, seconds.")] = None,
    end: Annotated[float | None, typer.Option("--end", help="End of the cycle, seconds.")] = None,
    cycle: Annotated[
        int | None, typer.Option("--cycle", min=1, help="Number of the cycle that `analyze` found; default the best.")
    ] = None,
) -> None:
    """Make a reference from a recording of your own; it replaces the shipped one in this workspace."""
    from qevd_bio.exercise.stage import reference_of_recording

    made = reference_of_recording(file, exercise, place.open(), start, end, cycle)
    say(f"reference of {made.name} from {made.span[0]:.2f} .. {made.span[1]:.2f} s in {made.path}")
    for line in made.notes():
        say(line)


@app.command()
@spread
def labels(
    *,
    out: Annotated[Path, typer.Argument(help="CSV to write: clip, exercise, fault, present, participant.")],
    place: PlaceFlags,
) -> None:
    """Write which clip shows which fault, from QEVD's fine-grained labels or from what its trainers said."""
    from qevd_bio.rewriting.labels import write_labels

    found = write_labels(place.dataset(), out, place.open().user_refs)
    say(f"{len(found.rows)} labels in {out}")
    for name, count in list(found.unknown.items())[:20]:
        say(f"not in the table of variations: {name} ({count})")
    if len(found.unknown) > 20:
        say(f"and {len(found.unknown) - 20} more variations that the table does not know")


@app.command()
@spread
def calibrate(
    *,
    files: Annotated[list[Path], typer.Argument(help="CSVs with the columns clip, exercise, fault, present.")],
    place: WorkspaceFlags,
    write: Annotated[
        bool, typer.Option("--write", help="Write the new bounds into the workspace's own references.")
    ] = False,
    flags: CalibrateFlags,
) -> None:
    """Set the bounds of form errors on labelled clips, and test them on people left out.

    The clips must have been through extract and analyze in this workspace. A page and a JSON file say what was found.
    """
    from qevd_bio.motion.calibrate_stage import calibrate as run

    done = run(place.open(), files, flags.of(), write)
    for rule in done.rules:
        say(rule.line())
    if done.unseen:
        say(f"without repetitions in this workspace: {len(done.unseen)} clips, such as {done.unseen[0]}")
    say(f"curves and distributions: {done.page}")
    for path in done.written:
        say(f"new bounds in {path}")
    if not write and any(rule.changed for rule in done.rules):
        say("nothing was changed; --write makes these bounds the workspace's own")
