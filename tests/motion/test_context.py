"""Contexts: the paper's sentences, read back exactly, within a budget."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qevd_bio.exercise.vocabulary import vocabulary
from qevd_bio.motion.context import (
    BodyValue,
    Issue,
    Morph,
    Motion,
    PoseValue,
    estimate_tokens,
    fit,
    morph_of,
    parse_morph,
    parse_motion,
    pose_values,
    rounded,
    write_morph,
    write_motion,
)

PAPER = Motion(
    pose=(PoseValue("r", "knee", 85), PoseValue("l", "knee", 88)),
    cycles=3,
    last_s=2.1,
    score=0.87,
    issues=(Issue("r", "knee flexion", "insufficient", 85, 90, "deg"),),
)


def test_the_sentences_are_the_papers() -> None:
    body = {name: {"value": value, "method": "entered"} for name, value in
            (("hips", 0.98), ("height", 1.78), ("mass", 73.23), ("chest", 1.0), ("waist", 0.83))}  # fmt: skip
    assert write_morph(morph_of(body)) == (
        "User body: height 1.78m, mass 73.23kg, chest 1.00m, waist 0.83m, hips 0.98m."
    )
    assert write_motion(PAPER) == (
        "Current pose: right knee 85°, left knee 88°.\n"
        "Cycle: 3 completed, last 2.1s, score 0.87.\n"
        "Form issues: Right knee flexion insufficient (85° detected, 90° required)."
    )


def test_estimates_have_two_digits_and_say_so() -> None:
    body = {
        "mass": {"value": 73.6, "method": "stature_regression"},
        "chest": {"value": 0.943, "method": "silhouette_regression"},
    }
    assert write_morph(morph_of(body)) == "User body: mass 74kg (estimated), chest 0.94m (estimated)."


def test_what_is_not_known_is_said() -> None:
    assert write_morph(morph_of({})) == "User body: not known."
    assert write_morph(morph_of({"height": {"value": math.nan}})) == "User body: not known."
    assert write_morph(Morph((), True)).startswith("Warning: pose confidence is low")
    assert write_motion(Motion()) == "Current pose: not known.\nCycle: none completed.\nForm issues: none."


def test_units_and_faults() -> None:
    issues = (
        Issue("", "knee to ankle width", "insufficient", 0.8, 1.0, "ratio"),
        Issue("", "hand to floor distance", "excessive", 0.12, 0.08, "fraction"),
        Issue("", "repetition time", "excessive", 1.8, 1.4, "s"),
        Issue("", "lumbar spine", "unstable", 12, 5, "deg"),
        Issue("", "forward trunk lean", "insufficient", -12, 0, "deg"),
    )
    text = write_motion(Motion(issues=issues))
    for part in (
        "Knee to ankle width insufficient (0.80 detected, 1.00 required)",
        "Hand to floor distance excessive (12% detected, at most 8% required)",
        "Repetition time excessive (1.8s detected, at most 1.4s required)",
        "Lumbar spine unstable (12° detected, at most 5° required)",
        "Forward trunk lean insufficient (-12° detected, 0° required)",
    ):
        assert part in text
    assert parse_motion(text).issues == issues


_WORDS = vocabulary()
sides = st.sampled_from(["r", "l", ""])
joints = st.sampled_from(sorted(_WORDS.joints.values(), key=lambda w: w.name))
quantities = st.sampled_from(sorted(_WORDS.quantities.values(), key=lambda w: w.name))
two_sides = st.sampled_from(["r", "l"])


@st.composite
def poses(draw: st.DrawFn) -> PoseValue:
    joint = draw(joints)
    return PoseValue(draw(two_sides) if joint.sided else "", joint.name, draw(st.integers(-180, 360)))


@st.composite
def issues(draw: st.DrawFn) -> Issue:
    word = draw(quantities)
    fault = draw(st.sampled_from(["insufficient", "excessive", "unstable"]))
    size = {"deg": 200, "ratio": 5, "fraction": 1, "s": 60}[word.unit]
    values = st.floats(-size, size).map(lambda value: rounded(value, word.unit))
    side = draw(two_sides) if word.sided else ""
    return Issue(side, word.name, fault, draw(values), draw(values), word.unit)


@st.composite
def motions(draw: st.DrawFn) -> Motion:
    cycles = draw(st.integers(0, 300))
    last = rounded(draw(st.floats(0.1, 60)), "s") if cycles else math.nan
    score = rounded(draw(st.floats(0, 1)), "ratio") if cycles and draw(st.booleans()) else math.nan
    return Motion(
        tuple(draw(st.lists(poses(), max_size=24))), cycles, last, score, tuple(draw(st.lists(issues(), max_size=6)))
    )


@given(motions())
def test_motion_reads_back_as_written(motion: Motion) -> None:
    assert parse_motion(write_motion(motion)).same(motion)


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, dict[str, object]]:
    names = draw(st.sets(st.sampled_from(["height", "mass", "chest", "waist", "hips"])))
    methods = st.sampled_from(["entered", "shapy_mesh", "stature_regression", "population_mean"])
    values = {name: st.floats(30, 200) if name == "mass" else st.floats(0.3, 2.4) for name in names}
    return {name: {"value": draw(values[name]), "method": draw(methods)} for name in sorted(names)}


@given(bodies(), st.booleans())
def test_morph_reads_back_as_written(body: dict[str, dict[str, object]], warning: bool) -> None:
    morph = morph_of(body, warning)
    assert parse_morph(write_morph(morph)) == morph
    assert all(isinstance(value, BodyValue) for value in morph.body)


@pytest.mark.parametrize(
    "text", ["", "Current pose: x", "a\nb\nc", write_motion(PAPER) + "\n", write_motion(PAPER)[:-1]]
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="qevd-bio-context-2"):
        parse_motion(text)
    with pytest.raises(ValueError, match="qevd-bio-context-2"):
        parse_morph(text)


def test_the_budget_cuts_lesser_issues_then_the_pose_then_the_last_issue() -> None:
    many = Motion(
        PAPER.pose, 3, 2.1, 0.87, (*PAPER.issues, Issue("", "forward trunk lean", "excessive", 60, 45, "deg"))
    )
    full = estimate_tokens(write_motion(many))
    assert fit(many, full) == (write_motion(many), full)
    text, tokens = fit(many, full - 1)
    assert parse_motion(text).issues == PAPER.issues and tokens <= full - 1
    assert len(parse_motion(fit(many, tokens - 1)[0]).pose) == 1
    smallest = parse_motion(fit(many, 1)[0])
    assert (smallest.pose, smallest.issues, smallest.cycles) == ((), (), 3)
    assert fit(many, 3, lambda text: len(text.split(";")) + 1)[0] == write_motion(many)


def test_the_estimate_counts_digits_signs_and_four_letters() -> None:
    assert estimate_tokens("right knee 85°") == 2 + 1 + 2 + 2
    assert estimate_tokens("") == 0


def test_unknown_angles_are_left_out() -> None:
    assert pose_values([("r", "knee"), ("l", "knee")], [math.nan, 87.6]) == (PoseValue("l", "knee", 88),)
    assert rounded(-0.2, "deg") == 0 and math.copysign(1, rounded(-0.2, "deg")) == 1


def test_the_build_tells_people_apart_and_reads_back() -> None:
    build = {"legs": 0.491, "arms": 0.322, "shoulders": 0.21}
    alone = write_morph(morph_of({}, build=build))
    assert alone == "User body: legs 49%, arms 32%, shoulders 21% of height (estimated)."
    assert parse_morph(alone) == morph_of({}, build=build)
    body = {"height": {"value": 1.78, "method": "entered"}}
    both = morph_of(body, True, build)
    assert write_morph(both).endswith("height 1.78m; legs 49%, arms 32%, shoulders 21% of height (estimated).")
    assert parse_morph(write_morph(both)) == both
