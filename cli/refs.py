"""`qevd-bio refs`: exercise rules and reference trajectories."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.store.errors import UserError

from .common import DEFAULT_WORKSPACE, WorkspaceDir, open_workspace

app = typer.Typer(
    help="Exercise rules and reference trajectories.", no_args_is_help=True, pretty_exceptions_enable=False
)
ExerciseName = Annotated[str, typer.Option("--exercise", help="Name of the exercise, any spelling.")]


@app.command()
def build(
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    exercise: Annotated[list[str] | None, typer.Option("--exercise", help="Only this one; repeatable.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write to.", show_default="<workspace>/refs/trajectories")
    ] = None,
    shipped: Annotated[
        bool, typer.Option("--shipped", help="Rebuild the shipped references and roles.csv of this checkout.")
    ] = False,
) -> None:
    """Make reference trajectories from the exercise rules."""
    from qevd_bio.exercise import catalogue, reference, roles
    from qevd_bio.store.atomic import write_text
    from qevd_bio.store.resources import refs_path

    refs = None if shipped else open_workspace(workspace).user_refs
    known = catalogue.load(() if refs is None else (refs / "exercises",))
    chosen = [catalogue.get(name, refs) for name in exercise] if exercise else list(known.values())
    folder = out or (refs_path("trajectories") if refs is None else refs / "trajectories")
    paths = reference.build(chosen, folder)
    if shipped and not exercise:
        write_text(refs_path("roles.csv"), roles.roles_csv(known.values()))
    typer.echo(f"{len(paths)} references in {folder}")


@app.command()
def show(
    exercise: Annotated[str | None, typer.Argument(help="Name of the exercise; without one, list all.")] = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    png: Annotated[Path | None, typer.Option("--png", help="Draw the reference into this PNG file.")] = None,
    figures: Annotated[int, typer.Option("--figures", min=2, max=20, help="Stick figures in the drawing.")] = 6,
) -> None:
    """List the exercises, or show one: rules, key frames, angles, a drawing."""
    from qevd_bio.exercise import catalogue, report
    from qevd_bio.exercise.reference import load_reference

    refs = open_workspace(workspace).user_refs
    if exercise is None:
        typer.echo(report.overview(catalogue.load((refs / "exercises",)), refs))
        return
    rules = catalogue.get(exercise, refs)
    trajectory = load_reference(rules, refs)
    typer.echo(report.one(rules, trajectory))
    if png is not None:
        from qevd_bio.exercise.draw import draw

        draw(rules, trajectory.angles, png, figures)
        typer.echo(f"drawing in {png}")


@app.command()
def check(workspace: WorkspaceDir = DEFAULT_WORKSPACE) -> None:
    """Validate all rules and references, the workspace's own included; exit code 2 where something is wrong."""
    from qevd_bio.exercise import catalogue
    from qevd_bio.exercise.review import review

    refs = open_workspace(workspace).user_refs
    known = catalogue.load((refs / "exercises",))
    found = review(known, refs if refs.is_dir() else None)
    for finding in found:
        typer.echo(f"{finding.exercise}: {finding.kind}: {finding.detail}", err=True)
    if found:
        raise typer.Exit(2)
    typer.echo(f"{len(known)} exercises: rules, references and roles agree")


@app.command("from-kinematics")
def from_kinematics(
    file: Annotated[Path, typer.Argument(help="Kinematics of a recording (Parquet, from `extract`).")],
    exercise: ExerciseName,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    start: Annotated[float | None, typer.Option("--start", help="Start of the cycle, seconds.")] = None,
    end: Annotated[float | None, typer.Option("--end", help="End of the cycle, seconds.")] = None,
    cycle: Annotated[
        int | None, typer.Option("--cycle", min=1, help="Number of the cycle that `analyze` found; default the best.")
    ] = None,
) -> None:
    """Make a reference from a recording of your own; it replaces the shipped one in this workspace."""
    from qevd_bio.exercise import catalogue
    from qevd_bio.exercise import user_reference as own
    from qevd_bio.tables.kinematics import Kinematics

    place = open_workspace(workspace)
    rules = catalogue.get(exercise, place.user_refs)
    clip = Kinematics.read(file)
    if (start is None) != (end is None):
        raise UserError("only one end of the cycle given", expected="--start and --end together")
    if start is not None and end is not None:
        span = (start, end)
    else:
        span = own.cycle_span(place.cycles, clip.split, clip.video, rules.id, cycle)
    path, filled = own.reference_from(rules, clip.angles, clip.observed, clip.time_s, span, place.user_refs, clip.video)
    typer.echo(f"reference of {rules.name} from {span[0]:.2f} .. {span[1]:.2f} s in {path}")
    if filled:
        typer.echo(f"not observed, taken from the earlier reference: {', '.join(filled)}")
