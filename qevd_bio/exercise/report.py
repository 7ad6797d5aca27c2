"""What `refs show` prints: the list of exercises, and one exercise in words and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qevd_bio.exercise.curves import Curves
from qevd_bio.exercise.measure import key_frames
from qevd_bio.exercise.reference import Trajectory, load_reference
from qevd_bio.exercise.review import unverified
from qevd_bio.exercise.roles import roles
from qevd_bio.exercise.rules import Exercise
from qevd_bio.exercise.vocabulary import NOT_CURVES, resolve
from qevd_bio.store.errors import UserError

NO_REFERENCE = "reference: none, so likeness to it is not judged; repetitions and rules are"
MAKE_REFERENCE = "refs from-kinematics KINEMATICS.parquet --exercise NAME --start S --end S"


def overview(catalogue: dict[str, Exercise], user_refs: Path | None) -> str:
    """One line an exercise."""
    rows = [["exercise", "category", "cycle, s", "targets", "errors", "reference", ""]]
    for exercise in catalogue.values():
        low, high = exercise.cycle.bounds_s
        try:
            reference = load_reference(exercise, user_refs)
            origin = f"{len(reference.angles)} frames, {reference.origin.split(',')[0]}"
        except UserError:
            origin = "none"
        rows.append([
            exercise.name, exercise.category, f"{low:g}..{'' if high is None else f'{high:g}'}",
            str(len(exercise.targets)), str(len(exercise.errors)), origin, "uncertain" if exercise.uncertain else "",
        ])  # fmt: skip
    return aligned(rows)


def one(exercise: Exercise, reference: Trajectory | None) -> str:
    """Rules of one exercise and its reference's values at the key frames; without one, what cannot be judged."""
    by_role: dict[str, list[str]] = {}
    for joint, role in roles(exercise).items():
        by_role.setdefault(role, []).append(joint)
    lines = [
        f"{exercise.name} ({exercise.category}): {exercise.description}",
        *([f"uncertain: {exercise.uncertain}"] if exercise.uncertain else []),
        f"signal: {exercise.signal.expression}, rest at its {exercise.signal.rest}",
        *(f"{role}: {', '.join(joints)}" for role, joints in by_role.items()),
        *_reference_lines(reference),
    ]
    doubtful = unverified(exercise)
    if doubtful:
        lines.append(f"quoted second hand or from memory: {', '.join(doubtful)}")
    tables = [_bounds(exercise)] if exercise.targets or exercise.errors else ["no rules yet: nothing is judged"]
    if reference is not None:
        tables.append(aligned(at_keys(exercise, reference)))
    return "\n\n".join(["\n".join(lines), *tables])


def _reference_lines(reference: Trajectory | None) -> list[str]:
    if reference is None:
        return [NO_REFERENCE, f"to make one: qevd-bio {MAKE_REFERENCE}"]
    return [
        f"reference: {len(reference.angles)} frames, {reference.duration_s:.2f} s, {reference.origin}",
        f"file: {reference.path}",
    ]


def _bounds(exercise: Exercise) -> str:
    rows = [["rule", "measure", "bounds", "source", "confidence"]]
    for target in exercise.targets:
        low, high = target.range
        rows.append([
            f"target {target.id}", f"{target.quantity} {target.side} {target.stat} @ {target.at}",
            f"{low:g}..{high:g} ± {target.tolerance:g}", target.source, target.confidence,
        ])  # fmt: skip
    for error in exercise.errors:
        low, high = error.bounds
        rows.append([
            f"error {error.id}", f"{error.quantity} {error.side} {error.stat} @ {error.at}", f"{low:g}..{high:g}",
            error.source, error.confidence,
        ])  # fmt: skip
    return aligned(rows)


def at_keys(exercise: Exercise, reference: Trajectory) -> list[list[str]]:
    """Rows: every quantity the exercise's rules use, at each key frame of the reference."""
    curves = Curves(reference.angles)
    moments = key_frames(exercise, curves, len(reference.angles))
    rows = [["quantity", *moments]]
    for name in quantities(exercise):
        values = curves(name)
        rows.append([name, *(f"{values[moment.frame]:.2f}" for moment in moments.values())])
    return rows


def quantities(exercise: Exercise) -> list[str]:
    """Names of all curves that the exercise's targets and errors use."""
    found: dict[str, None] = {}
    for measure in (*exercise.targets, *exercise.errors):
        if measure.quantity not in NOT_CURVES:
            for side in ("r", "l"):
                found |= dict.fromkeys(resolve(measure.quantity, side).names)
    return list(found)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows of text as columns of equal width."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
