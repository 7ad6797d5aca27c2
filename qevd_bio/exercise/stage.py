"""`qevd-bio refs`: rules and references as files, the shipped ones and a workspace's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from qevd_bio.exercise import catalogue, reference, report, roles, user_reference
from qevd_bio.exercise.recording import Recorded
from qevd_bio.exercise.reference import has_reference, load_reference
from qevd_bio.exercise.review import ReviewFinding, review
from qevd_bio.store.atomic import write_text
from qevd_bio.store.errors import UserError
from qevd_bio.store.resources import refs_path
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.workspace import Workspace


def build_references(names: Sequence[str], user_refs: Path | None, out: Path | None = None) -> tuple[list[Path], Path]:
    """Make the references of the exercises `names` (none: all) from their rules; returns the files and their folder.

    `user_refs` None rebuilds the shipped ones and, for all exercises, their table of roles.
    """
    known = catalogue.load(() if user_refs is None else (user_refs / "exercises",))
    chosen = [catalogue.get(name, user_refs) for name in names] if names else list(known.values())
    folder = out or (refs_path("trajectories") if user_refs is None else user_refs / "trajectories")
    paths = reference.build(chosen, folder)
    if user_refs is None and not names:
        write_text(refs_path("roles.csv"), roles.roles_csv(known.values()))
    return paths, folder


def exercise_text(name: str | None, user_refs: Path) -> str:
    """One exercise in words, or (None) the list of all."""
    if name is None:
        return report.overview(catalogue.load((user_refs / "exercises",)), user_refs)
    rules = catalogue.get(name, user_refs)
    return report.one(rules, load_reference(rules, user_refs) if has_reference(rules, user_refs) else None)


def draw_exercise(name: str, user_refs: Path, png: Path, figures: int) -> None:
    """Draw the reference of an exercise with `figures` stick figures."""
    from qevd_bio.exercise.draw import draw

    rules = catalogue.get(name, user_refs)
    if not has_reference(rules, user_refs):
        raise UserError(f"{rules.name} has no reference to draw", fix=f"qevd-bio {report.MAKE_REFERENCE}")
    draw(rules, load_reference(rules, user_refs).angles, png, figures)


def check_exercises(user_refs: Path) -> tuple[int, list[ReviewFinding]]:
    """The number of exercises, the workspace's own included, and everything that is wrong with them."""
    known = catalogue.load((user_refs / "exercises",))
    return len(known), review(known, user_refs if user_refs.is_dir() else None)


class Made(NamedTuple):
    """A reference made from a recording: of what, from which seconds, where, and what came from elsewhere."""

    name: str
    span: tuple[float, float]
    path: Path
    recorded: Recorded

    def notes(self) -> list[str]:
        """Lines that say what the recording did not show."""
        said = (
            ("not observed, taken from the earlier reference", self.recorded.filled),
            ("not observed, mirrored from the other side", self.recorded.mirrored),
            ("unobserved, at zero in the reference: likeness in these means nothing", self.recorded.unobserved),
        )
        return [f"{what}: {', '.join(dofs)}" for what, dofs in said if dofs]


def reference_of_recording(
    file: Path, name: str, workspace: Workspace, start: float | None, end: float | None, cycle: int | None
) -> Made:
    """Make a workspace's own reference from one cycle of a recording: from `start` to `end`, or as `analyze` found it.

    Raises UserError where the cycle cannot be told.
    """
    rules = catalogue.get(name, workspace.user_refs)
    clip = Kinematics.read(file)
    if (start is None) != (end is None):
        raise UserError("only one end of the cycle given", expected="--start and --end together")
    if start is not None and end is not None:
        span = (start, end)
    else:
        span = user_reference.cycle_span(workspace.cycles, clip.split, clip.video, rules.id, cycle)
    path, recorded = user_reference.reference_from(
        rules, clip.angles, clip.observed, clip.time_s, span, workspace.user_refs, clip.video
    )
    return Made(rules.name, span, path, recorded)
