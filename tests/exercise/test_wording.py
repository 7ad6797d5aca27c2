"""One measurement is said in one way, whoever says it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qevd_bio.coach.baselines.rules import correction
from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.wording import compact, compact_value, digits, rounded, say, sided, with_unit
from qevd_bio.motion.context import Motion, parse_motion, write_motion
from qevd_bio.motion.segment import issues_of
from qevd_bio.reporting.content.views import SegmentView
from qevd_bio.reporting.page.timeline import timeline
from qevd_bio.reporting.page.video_part import segment
from qevd_bio.rewriting.audit import Entry, page
from qevd_bio.rewriting.evidence import finding
from qevd_bio.rewriting.figures import Figures
from qevd_bio.rewriting.phrase import phrase
from qevd_bio.simulation.coach.ideal import ideal
from qevd_bio.tables.verdicts import Verdict
from tests.made_rows import feedback_row, verdict

SQUATS = load()["squats"]
CASES = {
    "an angle": (verdict(), "knee flexion", "85°", "90°"),
    "an angle that another rounding would move": (verdict(value=84.5, deviation=-0.5), "knee flexion", "84°", "90°"),
    "a length": (
        verdict(quantity="hand_floor_gap", side="", unit="fraction", value=0.125, goal=0.05, low=-math.inf, high=0.1),
        "hand to floor distance", "12 % of body height", "5 % of body height",
    ),
    "a time": (
        verdict(quantity="cycle_duration", side="", stat="value", key="", unit="s", value=0.96, goal=2.04, low=1.5),
        "repetition time", "1.0 s", "2.0 s",
    ),
    "a ratio": (
        verdict(quantity="knee_ankle_width_ratio", side="", unit="ratio", value=0.724, goal=1.0, low=0.9),
        "knee to ankle width", "0.72", "1.00",
    ),
    "the opposite movement": (
        verdict(quantity="trunk_lean_deg", side="", value=-21.4, goal=-5.0, low=-10.0), "backward trunk lean", "21°", "5°"
    ),
    "a statistic": (verdict(stat="range", value=20.2, goal=30.0), "range of right knee flexion", "20°", "30°"),
    "a limb": (verdict(limb="front"), "front knee flexion", "85°", "90°"),
}  # fmt: skip


def spoken(one: Verdict) -> dict[str, str]:
    """What each speaker says of a verdict."""
    made = ideal(SQUATS, "knees_shallow", [one])
    assert made is not None
    return {
        "rewriting": phrase((finding(one, SQUATS, {}),), "seed").text,
        "rules coach": correction(one, SQUATS),
        "ideal": made.text,
    }


@pytest.mark.parametrize("name", CASES)
def test_one_value_has_one_text(name: str) -> None:
    one, subject, value, goal = CASES[name]
    for speaker, text in spoken(one).items():
        assert subject in text.lower() and value in text, (speaker, text)
        assert goal in text or "Off by" in text or "reads" in text, (speaker, text)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[0].value > 0])
def test_pages_and_contexts_show_the_same_digits(name: str) -> None:
    one, _, value, goal = CASES[name]
    view = SegmentView(0, "squats", 0.0, 10.0, faults=(one,))
    audit = "".join(page([Entry(feedback_row(), [one], None)], Figures(), [], "audit"))
    for text in (segment(view), timeline(view), audit):
        assert value in text, text
    assert goal in segment(view) and goal in audit
    motion = Motion(issues=issues_of([one], 3))
    told = write_motion(motion).replace("%", " % of body height").replace("s detected", " s detected")
    assert f"({value} detected" in told
    assert parse_motion(write_motion(motion)).same(motion)


@given(st.floats(-400, 400), st.sampled_from(["deg", "ratio", "s", "fraction"]))
def test_contexts_can_be_read_back_and_agree_with_sentences(value: float, unit: str) -> None:
    shown, kind = compact_value(compact(value, unit))
    assert (shown, kind) == (rounded(value, unit), unit)
    assert compact(value, unit).rstrip("°%s").replace("-", "\N{MINUS SIGN}") == digits(value, unit)
    assert "-0" not in compact(value * 1e-9, unit)


def test_words_of_units_sides_and_directions() -> None:
    assert [with_unit(77.6, "deg"), with_unit(-0.2, "deg"), with_unit(-5.0, "deg")] == ["78°", "0°", "\N{MINUS SIGN}5°"]
    assert sided("knee", "l") == "left knee" and sided("pelvis", "") == "pelvis"
    more, less = say(verdict()), say(verdict(value=110.0, goal=95.0))
    assert (more.action, more.change) == ("increase knee flexion", "5°")
    assert (less.action, less.change) == ("reduce knee flexion", "15°")
    still = verdict(
        kind="static", rule="static:lumbar", joint="lumbar", quantity="lumbar_extension", side="", stat="std"
    )
    assert say(still).subject == "lumbar spine variation"
    assert say(verdict(), both_sides=True).subject == "knee flexion"
