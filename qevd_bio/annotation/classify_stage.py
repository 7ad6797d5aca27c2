"""`qevd-bio classify`: static and dynamic joints of each exercise, shipped, asked of a model, compared, applied.

Protocol: BioCoach supplement, Sec. 9. From the role follows the kind of rule: variance over the cycle for static
joints, deviation at the key frame for dynamic ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import yaml

from qevd_bio.anatomy.dofs import JOINT_NAMES
from qevd_bio.annotation.asking import Asking, alias_of, answer_of, ask_all, estimate, for_stage, split_detail
from qevd_bio.annotation.review.decisions import RULE_OF, apply_reviews, read_reviews
from qevd_bio.annotation.salient import plain_joint
from qevd_bio.exercise.catalogue import load, read_exercise
from qevd_bio.exercise.roles import roles, roles_csv
from qevd_bio.exercise.rules import Exercise
from qevd_bio.language.budget import CallPlan, Totals
from qevd_bio.language.cache import Cache
from qevd_bio.language.prompts import Prompt, load_prompt
from qevd_bio.language.reading import Unreadable, read_object
from qevd_bio.language.request import Request
from qevd_bio.store.atomic import write_text
from qevd_bio.store.errors import UserError
from qevd_bio.store.execution import Item
from qevd_bio.store.plain_data import read_yaml
from qevd_bio.store.resources import prompts_path, refs_path
from qevd_bio.store.work import RunOptions, Summary, run_stage, select
from qevd_bio.tables.annotations import ROLES, RoleRow
from qevd_bio.tables.workspace import Workspace

_NAMES = {"type": "array", "items": {"type": "string", "enum": list(JOINT_NAMES)}}
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["dynamic", "static"],
    "properties": {"dynamic": _NAMES, "static": _NAMES},
}


def shipped_roles(workspace: Workspace | None = None) -> dict[str, dict[str, str]]:
    """Role ("static" or "dynamic") of the 24 joints by exercise id.

    A joint that the exercise leaves free has no movement pattern of its own and counts as static, as the paper's two
    classes have it.
    """
    catalogue = load(() if workspace is None else (workspace.user_refs / "exercises",))
    return {
        name: {joint: "dynamic" if role == "dynamic" else "static" for joint, role in roles(exercise).items()}
        for name, exercise in sorted(catalogue.items())
    }


@cache
def prompt() -> Prompt:
    """The shipped prompt for roles."""
    return load_prompt(prompts_path("joint_roles.md"))


def read_roles(text: str) -> dict[str, str]:
    """Read a reply. `dynamic` must be there; joints in neither list are static, joints in both are `Unreadable`."""
    answer = read_object(text)
    lists: dict[str, set[str]] = {}
    for role in ("dynamic", "static"):
        names = answer.get(role, [] if role == "static" else None)
        if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
            raise Unreadable("wrong_types", f"{role} is not a list of names")
        lists[role] = {joint for name in names for joint in plain_joint(name)}
    both = lists["dynamic"] & lists["static"]
    if both:
        raise Unreadable("in_both_lists", ", ".join(sorted(both)))
    return {joint: "dynamic" if joint in lists["dynamic"] else "static" for joint in JOINT_NAMES}


def classify(workspace: Workspace, options: RunOptions, asking: Asking) -> tuple[Summary, Totals]:
    """Ask a model for the roles of every exercise and write the table of roles, also as CSV."""
    asking = for_stage(asking, workspace, "classify", options.retry_failed)
    catalogue = load((workspace.user_refs / "exercises",))
    items = [Item(name, (), (), exercise) for name, exercise in sorted(catalogue.items())]
    chosen = [item.payload for item in select(items, options)]
    totals = ask_all(lambda: questions(chosen, asking), asking)
    cache = Cache(asking.client.cache)
    try:
        work = partial(_answered, asking=asking, cache=cache)
        settings = {**asking.settings(), "prompt": prompt().version}
        local = replace(options, jobs=1, executor="local")
        summary = run_stage("classify", workspace, items, work, settings=settings, options=local)
    finally:
        cache.close()
    write_roles(workspace, [*_model_rows(summary)], "llm")
    return summary, totals


def dry_run(workspace: Workspace, options: RunOptions, asking: Asking) -> CallPlan:
    """What classifying would send."""
    asking = for_stage(asking, workspace, "classify", options.retry_failed)
    catalogue = load((workspace.user_refs / "exercises",))
    items = [Item(name, (), (), exercise) for name, exercise in sorted(catalogue.items())]
    return estimate(questions([item.payload for item in select(items, options)], asking), asking)


def by_rules(workspace: Workspace) -> None:
    """Write the shipped roles as the table of roles; no model is asked."""
    rows = [
        _row(name, joint, role, role, "rules")
        for name, joints in shipped_roles().items()
        for joint, role in joints.items()
    ]
    write_roles(workspace, rows, "rules")


def questions(exercises: Sequence[Exercise], asking: Asking) -> Iterator[Request]:
    """One question an exercise."""
    for exercise in exercises:
        values = _values(exercise)
        yield Request(
            id=exercise.id,
            messages=prompt().fill(values),
            sampling=asking.sampling(),
            schema=SCHEMA,
            read=read_roles,
            alias=_alias(exercise, asking),
            prompt_hash=prompt().filled_hash(values),
        )


def _values(exercise: Exercise) -> dict[str, str]:
    return {"exercise": exercise.name, "description": exercise.description, "joints": ", ".join(JOINT_NAMES)}


def _alias(exercise: Exercise, asking: Asking) -> str:
    return alias_of(asking, "roles", exercise.id, prompt().filled_hash(_values(exercise)))


def _answered(item: Item[Exercise], asking: Asking, cache: Cache) -> dict[str, Any]:
    answer = answer_of(cache, _alias(item.payload, asking), read_roles)
    return {"roles": answer.value, "model": answer.model, "prompt_hash": answer.prompt_hash, "raw": answer.text}


def _model_rows(summary: Summary) -> Iterator[RoleRow]:
    shipped = shipped_roles()
    for name, result in sorted(summary.results.items()):
        more = {"model": result["model"], "prompt_hash": result["prompt_hash"], "raw": result["raw"]}
        for joint, role in result["roles"].items():
            yield replace(_row(name, joint, role, shipped.get(name, {}).get(joint), "llm"), **more)
    for name, (reason, detail) in sorted(summary.failed.items()):
        raw = split_detail(detail)[1]
        for joint in JOINT_NAMES:
            row = _row(name, joint, None, shipped.get(name, {}).get(joint), "llm")
            yield replace(row, status="failed", reason=reason, raw=raw)


def _row(name: str, joint: str, role: str | None, shipped: str | None, method: str) -> RoleRow:
    return RoleRow(
        exercise=name,
        joint=joint,
        role=role,
        rule=RULE_OF.get(role or ""),
        shipped=shipped,
        status="ok",
        method=method,
    )


def write_roles(workspace: Workspace, rows: Sequence[RoleRow], method: str) -> None:
    """Write the table of roles, also as CSV; rows of exercises not in `rows` stay."""
    path = workspace.annotation("roles")
    kept = ROLES.load(path) if path.is_file() else []
    new = {row.exercise for row in rows}
    merged = sorted(
        [*(row for row in kept if row.exercise not in new), *rows],
        key=lambda row: (row.exercise, JOINT_NAMES.index(row.joint)),
    )
    reviewed = apply_reviews("roles", merged, read_reviews(workspace))
    ROLES.save(path, reviewed, metadata={"method": method}, history=[{"operation": f"classify --method {method}"}])
    ROLES.save_csv(path.with_suffix(".csv"), reviewed)


def differences(workspace: Workspace) -> list[RoleRow]:
    """Rows of the workspace's table whose role is not the shipped one."""
    path = workspace.annotation("roles")
    if not path.is_file():
        raise UserError("no roles yet", where=path, fix="qevd-bio classify --method llm --llm-url URL")
    return [row for row in ROLES.load(path) if row.role is not None and row.role != row.shipped]


def apply(workspace: Workspace) -> list[Path]:
    """Write the user's own rules into `<workspace>/refs/`: every exercise whose roles differ, and the table of roles.

    Rejected rows are left out. Returns the exercise files written; later stages read them in place of the shipped ones.
    """
    changed: dict[str, dict[str, str]] = {}
    for row in differences(workspace):
        if row.review_state != "rejected" and row.role is not None:
            changed.setdefault(row.exercise, {})[row.joint] = row.role
    written = [_write_exercise(workspace, name, joints) for name, joints in sorted(changed.items())]
    own = load((workspace.user_refs / "exercises",))
    write_text(workspace.user_refs / "roles.csv", roles_csv(own.values()))
    return written


def _write_exercise(workspace: Workspace, name: str, changed: Mapping[str, str]) -> Path:
    """The exercise's file with other roles, checked before it is left in place."""
    target = workspace.user_refs / "exercises" / f"{name}.yaml"
    source = target if target.is_file() else refs_path("exercises", f"{name}.yaml")
    data = read_yaml(source)
    if not isinstance(data, dict) or not isinstance(data.get("roles"), dict):
        raise UserError("has no roles", where=source, expected="a file of exercise rules")
    now = {**roles(read_exercise(source)), **changed}
    data["roles"]["dynamic"] = [joint for joint in JOINT_NAMES if now[joint] == "dynamic"]
    data["roles"]["free"] = [joint for joint in JOINT_NAMES if now[joint] == "free"]
    data["roles"]["source"] = data["roles"].get("source", "BC")
    before = target.read_text(encoding="utf-8") if target.is_file() else None
    write_text(target, yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=140))
    try:
        read_exercise(target)
    except UserError:
        if before is None:
            target.unlink()
        else:
            write_text(target, before)
        raise
    return target
