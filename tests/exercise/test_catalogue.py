"""All exercise files fit their schema, agree with the paper, and every number has a source."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from qevd_bio.anatomy.derived import QUANTITIES
from qevd_bio.anatomy.dofs import JOINT_NAMES
from qevd_bio.exercise import catalogue
from qevd_bio.exercise.expression import parse
from qevd_bio.exercise.roles import roles, roles_csv, stability_limits
from qevd_bio.exercise.vocabulary import joint_names, sources, vocabulary
from qevd_bio.store.errors import UserError
from qevd_bio.store.resources import refs_path

ALL = catalogue.load()
UPPER = ("scapula", "shoulder", "elbow", "radioulnar", "wrist")
TRUNK = ("pelvis", "lumbar", "thorax", "head")

# Table 5 of the QEVD paper.
TABLE_5 = {
    "warm-up": "jumping jacks, high knees, butt kickers, air jump rope, good mornings",
    "main": "push-ups, plank taps, moving plank, squats, walking lunges, lunge jumps, puddle jumps, mountain climbers, "
    "floor touches, quick feet, squat jumps, squat kicks, standing kicks, boxing squat punches",
    "cool-down": "deltoid stretch, quad stretch, shoulder gators, toe touchers",
}


def test_the_23_exercises_of_table_5() -> None:
    assert len(ALL) == 23
    for section, names in TABLE_5.items():
        assert {e.name for e in ALL.values() if e.section == section} == set(names.split(", "))


def test_the_shared_draft_names_the_same_exercises(shared: Callable[..., Path]) -> None:
    draft = yaml.safe_load(shared("biomech", "exercises.yaml").read_text())
    assert {e["id"]: e["name"] for e in draft["exercises"]} == {e.id: e.name for e in ALL.values()}


@pytest.mark.parametrize(
    ("exercise", "dynamic", "static"),
    [
        ("squats", ("hip", "knee", "ankle", "subtalar"), (*TRUNK, *UPPER, "mtp")),
        ("push_ups", ("scapula", "shoulder", "elbow"), (*TRUNK, "hip", "knee", "ankle", "subtalar", "mtp")),
        ("walking_lunges", ("hip", "knee", "ankle"), (*TRUNK, *UPPER, "subtalar", "mtp")),
    ],
)
def test_roles_agree_with_the_supplement(exercise: str, dynamic: tuple[str, ...], static: tuple[str, ...]) -> None:
    table = roles(ALL[exercise])
    assert tuple(joint for joint, role in table.items() if role == "dynamic") == joint_names(dynamic)
    assert {table[joint] for joint in joint_names(static)} == {"static"}


def test_a_plank_hold_as_a_user_would_add_it_has_24_static_joints(tmp_path: Path) -> None:
    (tmp_path / "plank.yaml").write_text(PLANK)
    plank = catalogue.load((tmp_path,))["plank"]
    assert list(roles(plank).values()) == ["static"] * 24
    assert len(stability_limits(plank)) == 46


def test_salient_joints_of_the_squat_as_in_the_supplement() -> None:
    assert joint_names(ALL["squats"].salient) == joint_names(("hip", "knee", "ankle", "lumbar"))


def test_every_exercise_has_salient_joints_targets_errors_and_a_reference() -> None:
    for exercise in ALL.values():
        assert 3 <= len(joint_names(exercise.salient)) <= 15, exercise.id
        assert len(exercise.targets) >= 3 and len(exercise.errors) >= 4, exercise.id
        assert exercise.reference is not None and exercise.keys, exercise.id


def test_the_table_of_roles_is_that_of_the_files() -> None:
    text = refs_path("roles.csv").read_text(encoding="utf-8")
    assert text == roles_csv(ALL.values())
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == 23 and list(rows[0]) == ["exercise", *JOINT_NAMES]
    assert {role for row in rows for joint, role in row.items() if joint != "exercise"} == {"static", "dynamic", "free"}


def test_stability_limits_and_the_strict_reading() -> None:
    squat, strict = stability_limits(ALL["squats"]), stability_limits(ALL["squats"], strict=True)
    assert "pelvis_tilt" not in squat and squat["pelvis_list"] == 5.0 and squat["lumbar_extension"] == 5.0
    assert strict["pelvis_tilt"] == 5.0 and set(squat) < set(strict)
    assert stability_limits(ALL["good_mornings"])["lumbar_extension"] == 9.0


def test_numbers_of_the_paper() -> None:
    squat = {target.id: target for target in ALL["squats"].targets}
    assert squat["hip_depth"].range[0] == 90 and squat["knee_depth"].range[0] == 90
    push_up = {target.id: target for target in ALL["push_ups"].targets}
    assert push_up["elbow_depth"].range[0] == 90
    lunge = {target.id: target for target in ALL["walking_lunges"].targets}
    assert lunge["upright"].range[1] == 15
    assert {exercise.roles.limit_deg for exercise in ALL.values()} == {5.0}
    assert ALL["high_knees"].signal.paper == "pelvis_tilt"


def test_every_number_has_a_known_source_and_memory_is_flagged() -> None:
    known = sources()
    for exercise in ALL.values():
        blocks = [exercise.cycle, *exercise.roles.exceptions, *exercise.targets, *exercise.errors, exercise.reference]
        for block in blocks:
            assert block is not None and block.source in known, exercise.id
            if known[block.source].kind == "convention":
                assert block.confidence != "high", (exercise.id, block)
    assert not any(
        source.verified for source in known.values() if "memory" in source.where or "second hand" in source.where
    )
    used = {block.source for e in ALL.values() for block in (e.cycle, *e.targets, *e.errors, *e.roles.exceptions)}
    assert used <= set(known)


def test_uncertain_exercises_raise_no_hard_alarm() -> None:
    uncertain = {e.id for e in ALL.values() if e.uncertain}
    assert uncertain == {"moving_plank", "shoulder_gators", "puddle_jumps", "floor_touches", "toe_touchers"}
    assert {error.alarm for id in uncertain for error in ALL[id].errors} == {"soft"}


def test_all_named_quantities_can_be_computed() -> None:
    for exercise in ALL.values():
        assert exercise.signal.paper, exercise.id
        for text in (exercise.signal.expression, exercise.signal.paper, *exercise.signal.alternatives):
            assert set(parse(text).names) <= set(QUANTITIES), exercise.id


def test_wordings_can_be_put_into_a_sentence() -> None:
    for name, wording in vocabulary().quantities.items():
        for text in (wording.name, wording.increase, wording.decrease, wording.negative_name):
            assert text == text.strip() and not text.endswith("."), name
        if wording.unit == "deg" and wording.negative_name:
            assert wording.negative_increase and wording.negative_decrease, name
    for exercise in ALL.values():
        for error in exercise.errors:
            for text in (error.fix, error.rationale):
                assert (
                    text == text.strip()
                    and not text.endswith(".")
                    and not any(c.isdigit() for c in text if text == error.fix)
                )
            assert error.fix[0].islower() and error.fix.isascii()


@pytest.mark.parametrize(
    ("spelling", "id"),
    [
        ("pushups", "push_ups"), ("push ups", "push_ups"), ("Good Morning Beginner", "good_mornings"), ("squat", "squats"),
        ("armcrosschest left", "deltoid_stretch"), ("quad stretch right", "quad_stretch"), ("high-knees", "high_knees"),
    ],
)  # fmt: skip
def test_get_by_any_spelling(spelling: str, id: str) -> None:
    assert catalogue.get(spelling).id == id


def test_get_suggests() -> None:
    with pytest.raises(UserError, match="did you mean squats"):
        catalogue.get("sqats")


def test_user_exercises_add_and_replace(tmp_path: Path) -> None:
    folder = tmp_path / "exercises"
    folder.mkdir()
    (folder / "plank.yaml").write_text(PLANK)
    own = refs_path("exercises", "squats.yaml").read_text().replace("bounds_s: [0.8, 5.0]", "bounds_s: [1.0, 9.0]")
    (folder / "squats.yaml").write_text(own)
    known = catalogue.load((folder,))
    assert len(known) == 24
    assert known["squats"].cycle.bounds_s == (1.0, 9.0) and ALL["squats"].cycle.bounds_s == (0.8, 5.0)
    assert catalogue.get("plank hold", tmp_path).id == "plank"
    (folder / "squats.yaml").unlink()
    assert catalogue.load((folder,))["squats"].cycle.bounds_s == (0.8, 5.0)
    assert catalogue.load((tmp_path / "none",)).keys() == ALL.keys()


PLANK = """
id: plank
name: plank
aliases: [plank hold]
description: Hold a straight body on forearms and toes.
category: hold
signal: {expression: body_line_deg, rest: max}
cycle: {bounds_s: [0.33, null], typical_s: [10, 60], count: {unit: hold, plural: holds, per_cycle: 1}, source: BC, confidence: medium}
keys: [{name: hold, phrase: during the hold, at: middle}]
roles: {dynamic: []}
salient: [hip, lumbar]
targets: [{id: line, quantity: body_line_deg, at: hold, range: [165, 190], tolerance: 5, source: COACH, confidence: low}]
errors:
  - {id: sag, quantity: body_line_deg, stat: mean, above: 195, goal: 185, joints: [hip], parts: [hips], directions: [up], says: [hips up],
     fix: lift the hips, weight: 0.5, source: COACH, confidence: low}
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("id: plank", "id: planks", r"id 'planks' in a file named plank.yaml"),
        ("salient: [hip, lumbar]\n", "", r"salient: this key is missing"),
        ("weight: 0.5", "wieght: 0.5", r"errors.0.wieght: this key is not known"),
        ("weight: 0.5", "weight: heavy", r"errors.0.weight: 'heavy' does not fit"),
        ("weight: 0.5", "weight: 1.5", r"errors.0.weight"),
        ("goal: 185", "goal: .nan", r"errors.0.goal: 'nan' does not fit"),
        ("goal: 185", "goal: 200", r"errors.sag.goal: 200 is itself a fault"),
        ("above: 195", "above: 195, below: 3", r"thresholds: below, above"),
        ("category: hold", "category: pose", r"category: 'pose' does not fit"),
        ("range: [165, 190]", "range: [190, 165]", r"targets.line.range: \[190.0, 165.0\] is empty"),
        ("quantity: body_line_deg, at: hold", "quantity: body_lines, at: hold", r"unknown quantity 'body_lines'"),
        ("expression: body_line_deg", "expression: body_lines", r"signal.expression: unknown quantity"),
        ("expression: body_line_deg", "expression: body_line_deg +", r"signal.expression: expression"),
        ("at: hold, range", "at: top, range", r"targets.line.at: unknown key frame 'top'"),
        ("salient: [hip, lumbar]", "salient: [hip, lumber]", r"salient: unknown joint 'lumber'"),
        ("parts: [hips]", "parts: [hippo]", r"errors.sag.parts: unknown word 'hippo'"),
        ("source: BC", "source: XYZ", r"cycle.source: unknown source 'XYZ'"),
        ("id: plank", "id: plank\nid: plank2", r"key 'id' is given twice \(line 3\)"),
        ("id: plank", "id: [plank", r"is not valid YAML"),
        ("bounds_s: [0.33, null]", "bounds_s: [5, 3]", r"cycle.bounds_s: \[5.0, 3.0\] is not an interval"),
        ("aliases:", "uncertain: perhaps\naliases:", r"errors.sag.alarm: a hard alarm"),
        ("stat: mean", "stat: value", r"errors.sag.at: a single value needs a moment"),
        ("body_line_deg, stat: mean", "hip_flexion, stat: mean", r"errors.sag.side: hip_flexion has two sides"),
        (
            "body_line_deg, stat: mean",
            "body_line_deg, side: each, stat: mean",
            r"errors.sag.side: body_line_deg has no side",
        ),
    ],
)
def test_bad_files_name_file_and_key(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in PLANK
    path = tmp_path / "plank.yaml"
    path.write_text(PLANK.replace(old, new, 1))
    with pytest.raises(UserError, match=message) as raised:
        catalogue.load((tmp_path,))
    assert str(path) in str(raised.value)


def test_unreadable_files(tmp_path: Path) -> None:
    path = tmp_path / "plank.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"plank\.yaml"):
        catalogue.load((tmp_path,))
    path.write_text("id: !!python/object/apply:os.system [ls]\n")
    with pytest.raises(UserError, match="is not valid YAML"):
        catalogue.load((tmp_path,))


def test_the_documented_example_loads(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "exercises.md").read_text(encoding="utf-8")
    (tmp_path / "plank.yaml").write_text(text.split("```yaml\n")[1].split("```")[0])
    assert catalogue.load((tmp_path,))["plank"].aliases == ("plank hold", "forearm plank")
    rules = [rule for e in ALL.values() for rule in (*e.targets, *e.errors)]
    conventions = sum(sources()[rule.source].kind == "convention" for rule in rules)
    assert f"Of the {len(rules)} bounds" in text and f"{conventions} are coaching convention" in text
