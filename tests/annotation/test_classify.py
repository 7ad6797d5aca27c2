"""Joint roles: the shipped table against the supplement, a model's table, differences, applying."""

import csv

import pytest

from qevd_bio.anatomy.dofs import JOINT_NAMES
from qevd_bio.annotation import classify_stage as stage
from qevd_bio.annotation.asking import Asking
from qevd_bio.annotation.review.decisions import add_reviews, refresh
from qevd_bio.exercise.catalogue import get
from qevd_bio.exercise.roles import roles
from qevd_bio.language.options import ClientOptions
from qevd_bio.language.reading import Unreadable
from qevd_bio.store.errors import UserError
from qevd_bio.store.work import RunOptions
from qevd_bio.tables.annotations import ROLES, ReviewRow

# BioCoach supplement, Sec. 9.
SUPPLEMENT = {
    "squats": {"hip", "knee", "ankle", "subtalar"},
    "push_ups": {"scapula", "shoulder", "elbow"},
    "walking_lunges": {"hip", "knee", "ankle"},
}


def test_the_shipped_table_is_whole_and_agrees_with_the_supplement():
    table = stage.shipped_roles()
    assert len(table) == 23 and all(tuple(joints) == JOINT_NAMES for joints in table.values())
    for name, stems in SUPPLEMENT.items():
        dynamic = {joint for joint, role in table[name].items() if role == "dynamic"}
        assert dynamic == {f"{stem}_{side}" for stem in stems for side in "rl"}, name


def test_the_rule_follows_from_the_role(workspace):
    stage.by_rules(workspace)
    rows = ROLES.read_rows(workspace.annotation("roles"))
    assert len(rows) == 23 * 24
    assert {(row["role"], row["rule"]) for row in rows} == {("static", "variance"), ("dynamic", "key_frame")}


def test_a_models_table_is_compared_and_applied(workspace, protocol_server):
    server = protocol_server("--answer", "roles")
    asking = Asking(ClientOptions(url=server.url, model="m", timeout_s=10), say=str)
    summary, totals = stage.classify(workspace, RunOptions(only=("squats", "push_ups")), asking)
    assert (summary.done, totals.calls) == (2, 2)
    changed = stage.differences(workspace)
    assert changed and {row.exercise for row in changed} == {"squats", "push_ups"}
    before = {joint for joint, role in roles(get("squats")).items() if role == "dynamic"}
    first = next(row for row in changed if row.exercise == "squats")
    rejected = ReviewRow(
        table="roles", key=first.key, reviewer="A", state="rejected", value="null", at="2026-01-01T00:00:00+00:00"
    )
    add_reviews(workspace, [rejected])
    refresh(workspace, "roles", workspace.annotation("roles"))
    written = stage.apply(workspace)
    assert {path.stem for path in written} == {"squats", "push_ups"}
    now = roles(get("squats", workspace.user_refs))
    assert {joint for joint, role in now.items() if role == "dynamic"} != before
    assert (now[first.joint] == "dynamic") == (first.joint in before)
    with (workspace.user_refs / "roles.csv").open() as stream:
        table = {row["exercise"]: row for row in csv.DictReader(stream)}
    assert len(table) == 23 and table["squats"][first.joint] in ("static", "dynamic", "free")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"dynamic": "all"}', "wrong_types"),
        ('{"static": []}', "wrong_types"),
        ('{"dynamic": ["wing"]}', "unknown_joints"),
        ('{"dynamic": ["hip_r"], "static": ["hip_r"]}', "in_both_lists"),
    ],
)
def test_a_reply_that_is_no_table_has_its_reason(text, reason):
    with pytest.raises(Unreadable) as caught:
        stage.read_roles(text)
    assert caught.value.reason == reason


def test_differences_before_classifying_name_the_command(workspace):
    with pytest.raises(UserError, match="qevd-bio classify"):
        stage.differences(workspace)
