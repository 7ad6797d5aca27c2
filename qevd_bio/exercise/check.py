"""What a schema cannot say: names that must exist, numbers that must fit together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from qevd_bio.anatomy.derived import QUANTITIES
from qevd_bio.anatomy.dofs import DOF_NAMES
from qevd_bio.exercise.expression import parse, sided_name
from qevd_bio.exercise.rules import PAUSE, Exercise, FormError, KeyFrame, Measure
from qevd_bio.exercise.vocabulary import NOT_CURVES, joint_names, sources, vocabulary
from qevd_bio.store.errors import UserError


def check_exercise(exercise: Exercise, path: Path) -> None:
    """UserError with file and key for the first rule of the exercise that does not fit."""
    for place, problem, expected in _problems(exercise):
        raise UserError(problem, where=f"{path}: {place}", expected=expected)


def _problems(exercise: Exercise) -> Iterator[tuple[str, str, str | None]]:
    yield from _cycle(exercise)
    yield from _signals(exercise)
    yield from _joints(exercise)
    for target in exercise.targets:
        yield from _measure(exercise, target, f"targets.{target.id}")
        if target.range[0] > target.range[1]:
            yield f"targets.{target.id}.range", f"{list(target.range)} is empty", "[low, high]"
    for error in exercise.errors:
        yield from _measure(exercise, error, f"errors.{error.id}")
        yield from _form_error(error, f"errors.{error.id}")
    for kind, ids in (
        ("targets", [target.id for target in exercise.targets]),
        ("errors", [error.id for error in exercise.errors]),
        ("keys", [key.name for key in exercise.keys]),
    ):
        for name in sorted({name for name in ids if ids.count(name) > 1}):
            yield f"{kind}.{name}", "the name is used twice", "each id once"
    yield from _evidence(exercise)


def _cycle(exercise: Exercise) -> Iterator[tuple[str, str, str | None]]:
    low, high = exercise.cycle.bounds_s
    if not (low > 0 and (high is None or high > low)):
        yield "cycle.bounds_s", f"{[low, high]} is not an interval", "[shortest, longest] in seconds"
    if high is None and exercise.category != "hold":
        yield "cycle.bounds_s", "no upper bound", "only a hold may last for ever"
    for key in exercise.keys:
        if not 0 <= key.window[0] < key.window[1] <= 1:
            yield f"keys.{key.name}.window", f"{list(key.window)} is not an interval", "two phases within 0..1"
    if exercise.uncertain:
        for error in exercise.errors:
            if error.alarm == "hard":
                yield f"errors.{error.id}.alarm", "a hard alarm in an exercise of uncertain definition", "alarm: soft"


def _signals(exercise: Exercise) -> Iterator[tuple[str, str, str | None]]:
    signal = exercise.signal
    texts = {"signal.expression": signal.expression, "signal.paper": signal.paper}
    texts |= {f"signal.alternatives.{i}": text for i, text in enumerate(signal.alternatives)}
    for key in exercise.keys:
        texts |= {f"keys.{key.name}.of": "" if key.of == "signal" else key.of, f"keys.{key.name}.side_by": key.side_by}
        yield from _key_sides(key)
    for place, text in texts.items():
        if not text:
            continue
        try:
            expression = parse(text)
        except UserError as error:
            yield place, error.problem, error.expected
            continue
        for name in expression.names:
            plain = sided_name(name, "r") if place.startswith("keys") else name
            if plain not in QUANTITIES:
                yield place, f"unknown quantity {name!r}", "a degree of freedom or a derived quantity"


def _key_sides(key: KeyFrame) -> Iterator[tuple[str, str, str | None]]:
    if key.sides == "both" and "_own" not in key.of:
        yield f"keys.{key.name}.of", "names no own side", "names ending in _own for `sides: both`"
    if key.sides == "one" and "_own" not in key.side_by + key.of:
        yield f"keys.{key.name}.side_by", "names no own side", "names ending in _own for `sides: one`"


def _joints(exercise: Exercise) -> Iterator[tuple[str, str, str | None]]:
    lists = {"roles.dynamic": exercise.roles.dynamic, "roles.free": exercise.roles.free, "salient": exercise.salient}
    lists |= {f"roles.exceptions.{i}": rule.joints for i, rule in enumerate(exercise.roles.exceptions)}
    lists |= {f"errors.{error.id}.joints": error.joints for error in exercise.errors}
    for place, names in lists.items():
        try:
            joint_names(names)
        except KeyError as error:
            yield place, f"unknown joint {error.args[0]!r}", "one of the 24 joints, without _r/_l for both sides"
            return
    both = set(joint_names(exercise.roles.dynamic)) & set(joint_names(exercise.roles.free))
    if both:
        yield "roles.free", f"{min(both)} is dynamic too", "one role for each joint"
    for i, rule in enumerate(exercise.roles.exceptions):
        for dof in rule.dofs:
            if dof not in DOF_NAMES:
                yield f"roles.exceptions.{i}.dofs", f"unknown degree of freedom {dof!r}", None


def _measure(exercise: Exercise, measure: Measure, place: str) -> Iterator[tuple[str, str, str | None]]:
    wording = vocabulary().quantities.get(measure.quantity)
    if wording is None:
        yield f"{place}.quantity", f"unknown quantity {measure.quantity!r}", "one of refs/quantities.yaml"
        return
    keys = {key.name: key for key in exercise.keys}
    whole = measure.at in ("cycle", PAUSE)
    if not whole and measure.at not in keys:
        yield f"{place}.at", f"unknown key frame {measure.at!r}", "cycle, pause or one of " + ", ".join(keys)
        return
    if wording.sided and measure.side == "none" and measure.stat != "symmetry":
        yield f"{place}.side", f"{measure.quantity} has two sides", "each, own or other"
    if not wording.sided and measure.side != "none":
        yield f"{place}.side", f"{measure.quantity} has no side", "none"
    own = measure.side in ("own", "other") or "_own" in wording.expression
    sideless = measure.at == PAUSE or ((whole or keys[measure.at].sides == "none") and not _has_side(exercise))
    if own and sideless:
        yield f"{place}.side", "nothing says which side is meant", "a key frame with sides"
    if measure.stat == "value" and whole and measure.quantity not in NOT_CURVES:
        yield f"{place}.at", "a single value needs a moment", "the name of a key frame"


def _has_side(exercise: Exercise) -> bool:
    return any(key.sides == "one" for key in exercise.keys)


def _form_error(error: FormError, place: str) -> Iterator[tuple[str, str, str | None]]:
    given = [name for name in ("below", "above", "outside") if getattr(error, name) is not None]
    if len(given) != 1:
        yield place, f"thresholds: {', '.join(given) or 'none'}", "exactly one of below, above, outside"
        return
    if error.violated(error.goal):
        yield f"{place}.goal", f"{error.goal:g} is itself a fault", "a value on the good side of the threshold"
    words = vocabulary()
    for kind, given_words, known in (
        ("parts", error.parts, words.parts),
        ("directions", error.directions, words.directions),
    ):
        for word in given_words:
            if word not in known:
                yield f"{place}.{kind}", f"unknown word {word!r}", "one of " + ", ".join(known)


def _evidence(exercise: Exercise) -> Iterator[tuple[str, str, str | None]]:
    keys = {"cycle": exercise.cycle.source, "roles": exercise.roles.source}
    keys |= {f"targets.{target.id}": target.source for target in exercise.targets}
    keys |= {f"errors.{error.id}": error.source for error in exercise.errors}
    keys |= {f"roles.exceptions.{i}": rule.source for i, rule in enumerate(exercise.roles.exceptions)}
    if exercise.reference is not None:
        keys["reference"] = exercise.reference.source
    for place, key in keys.items():
        if key not in sources():
            yield f"{place}.source", f"unknown source {key!r}", "a key of refs/sources.yaml"
