"""The coaches without a model: what the rules coach says of each repetition, and the fixed interval."""

from __future__ import annotations

import math
from typing import Any

from qevd_bio.coach.baselines import rules
from qevd_bio.coach.baselines.rules import RulesOptions, correction
from qevd_bio.coach.baselines.scripted import PHRASES, phrases
from qevd_bio.dataset.names import load_names
from qevd_bio.dataset.workout import Segment
from qevd_bio.exercise.catalogue import load
from qevd_bio.tables.motion import CycleRow
from qevd_bio.tables.verdicts import Verdict
from tests.made_rows import cycle_row, verdict

SQUATS = load()["squats"]


def segment(start: float = 10.0, end: float = 40.0) -> Segment:
    return Segment("S", "0146", 0, load_names().find("squats"), "squats", "squats", start, end)


def cycle(number: int, reported: float) -> CycleRow:
    return cycle_row(video="0146", cycle=number, reported_s=reported)


def fault(number: int, rule: str = "knees_shallow", severity: float = 0.5, **changes: Any) -> Verdict:
    return verdict(video="0146", cycle=number, rule=f"error:{rule}", severity=severity, **({"value": 78.3} | changes))


def test_it_says_the_gravest_fault_when_the_repetition_is_known() -> None:
    (said,) = rules.speak([segment()], [cycle(0, 15.5)], [fault(0, severity=0.2), fault(0, "leaning", 0.9)])
    assert [feedback["time"] for feedback in said["feedbacks"]] == [5.5]
    assert said["segment"] == 0 and said["video"] == "0146"
    assert "Lift the chest" in said["feedbacks"][0]["text"]


def test_the_sentence_holds_value_target_and_what_to_do() -> None:
    assert correction(fault(0), SQUATS).startswith("Right knee flexion 78° at the bottom (target: 90°). Bend the knees")


def test_a_negative_value_is_named_as_the_opposite_movement() -> None:
    row = fault(0, "leaning_back", quantity="trunk_lean_deg", value=-21.4, goal=-5.0, side="", key="")
    assert correction(row, load()["standing_kicks"]).startswith("Backward trunk lean 21° (target: 5°).")


def test_it_neither_chatters_nor_repeats_itself() -> None:
    cycles = [cycle(number, 12.0 + 2.0 * number) for number in range(10)]
    verdicts = [fault(number) for number in range(10)]
    (said,) = rules.speak([segment()], cycles, verdicts, RulesOptions(gap_s=4.0, repeat_s=8.0))
    assert [feedback["time"] for feedback in said["feedbacks"]] == [2.0, 10.0, 18.0]


def test_what_only_the_end_of_the_video_settles_is_not_said() -> None:
    cycles = [cycle(0, math.nan), cycle(1, float("inf")), cycle(2, 55.0)]
    (said,) = rules.speak([segment()], cycles, [fault(number) for number in range(3)])
    assert said["feedbacks"] == []


def test_targets_passes_and_still_joints_are_not_faults() -> None:
    rows = [fault(0, kind="target"), fault(0, verdict="pass"), fault(0, kind="static")]
    assert rules.speak([segment()], [cycle(0, 15.0)], rows)[0]["feedbacks"] == []


def test_the_interval_coach_speaks_on_time_whatever_happens() -> None:
    said = phrases(segment(0.0, 21.0), 5.0)
    assert said == list(zip([5.0, 10.0, 15.0, 20.0], PHRASES, strict=False))
    assert phrases(segment(0.0, float("inf"))) == []
