"""Verification: matching in closed form, then a whole oracle run through the commands."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from cli.app import app
from qevd_bio.reporting.verification.angles import angle_errors
from qevd_bio.reporting.verification.motion import Counts, compare_repetitions, compare_violations
from qevd_bio.reporting.verification.rewriting import compare_rewriting
from qevd_bio.reporting.verification.stage import place_oracle, truth_places, verify
from qevd_bio.reporting.verification.text import as_json, as_markdown, headline
from qevd_bio.simulation.options import SimulateOptions
from qevd_bio.simulation.stage import Places, simulate
from qevd_bio.store.errors import UserError
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.motion import CycleRow
from qevd_bio.tables.truth import TrueFeedback, TrueJudgement, TrueRepetition
from qevd_bio.tables.verdicts import Verdict
from qevd_bio.tables.workspace import Workspace
from tests.made_rows import cycle_row, feedback_row, verdict

VIDEOS = {("S", "V")}


def rep(number: int, start: float, end: float, other: float = math.nan, hold: bool = False) -> TrueRepetition:
    key = start + (end - start) * (0.5 if math.isnan(other) else 0.25)
    return TrueRepetition(
        split="S", video="V", segment=0, exercise="squats", repetition=number, start_s=start, end_s=end, key_s=key,
        other_key_s=other, units=1, hold=hold, heading_deg=0.0, breaks=[],
    )  # fmt: skip


def cycle(number: int, start: float, end: float, key: float, other: float = math.nan, side: str = "") -> CycleRow:
    return cycle_row(cycle=number, start_s=start, end_s=end, key_s=key, other_key_s=other, side=side)


def test_repetitions_are_matched_by_their_extremes() -> None:
    truth = [rep(0, 0, 2), rep(1, 2, 4), rep(2, 4, 6)]
    found = [cycle(0, 0.1, 1.9, 1.1), cycle(1, 2, 4, 3.0), cycle(2, 7, 9, 8.0)]
    result = compare_repetitions(truth, found, VIDEOS)
    assert result.total == Counts(2, 1, 1)
    assert result.late_s == pytest.approx([0.0, 0.1])
    assert result.total.f1 == pytest.approx(2 / 3)


def test_one_cycle_does_not_stand_for_two_repetitions() -> None:
    result = compare_repetitions([rep(0, 0, 2), rep(1, 2, 4)], [cycle(0, 0, 4, 2.0)], VIDEOS)
    assert result.total == Counts(0, 1, 2)


def test_limbs_are_counted_one_by_one() -> None:
    truth = [rep(0, 0, 2, other=1.5)]
    assert compare_repetitions(truth, [cycle(0, 0, 2, 0.5, 1.5, "r")], VIDEOS).total == Counts(2, 0, 0)
    assert compare_repetitions(truth, [cycle(0, 0, 2, 0.5, 1.5, "l")], VIDEOS).total == Counts(0, 2, 2)


def test_holds_are_matched_by_overlap() -> None:
    truth = [rep(0, 0, 10, hold=True)]
    assert compare_repetitions(truth, [cycle(0, 2, 11, 6)], VIDEOS).total == Counts(1, 0, 0)
    assert compare_repetitions(truth, [cycle(0, 8, 18, 12)], VIDEOS).total == Counts(0, 1, 1)


def judgement(number: int, clarity: str) -> TrueJudgement:
    return TrueJudgement(
        split="S", video="V", segment=0, exercise="squats", repetition=number, rule="error:knees_shallow", side="r",
        joint="knee", quantity="knee_angle", value=70.0, low=82.0, unit="deg", verdict=clarity,
        beyond=-12.0 if clarity == "mistake" else 0.0, on_purpose=True,
    )  # fmt: skip


def said(number: int, answer: str, reason: str | None = None) -> Verdict:
    return verdict(cycle=number, verdict=answer, reason=reason)


def test_violations_hits_misses_and_false_alarms() -> None:
    truth = [rep(number, 2.0 * number, 2.0 * number + 2) for number in range(5)]
    found = [cycle(number, 2.0 * number, 2.0 * number + 2, 2.0 * number + 1) for number in range(4)]
    verdicts = ["mistake", "mistake", "fine", "borderline", "mistake"]
    judged = [judgement(number, verdict) for number, verdict in enumerate(verdicts)]
    answers = [
        said(0, "violation"),
        said(1, "not_judged", reason="not_observed"),
        said(2, "violation"),
        said(3, "violation"),
    ]
    result = compare_violations(truth, judged, found, answers, VIDEOS)
    assert result.total == Counts(hits=1, false=1, missed=2)
    assert result.borderline == 1
    assert dict(result.missed_because) == {"not_observed": 1, "repetition_not_found": 1}
    assert result.by_joint["knee"] == result.total
    assert result.by_size["10 to 20°"] == Counts(1, 0, 2)


def test_a_violation_without_a_repetition_is_a_false_alarm() -> None:
    result = compare_violations([], [], [cycle(0, 0, 2, 1)], [said(0, "violation")], VIDEOS)
    assert result.total == Counts(0, 1, 0)


def test_rewriting_is_compared_with_the_ideal() -> None:
    ideal = TrueFeedback(
        split="S", video="V", span=3, start_s=2.5, text="Go deeper", kind="correct", intent="corrective", body_parts=[],
        directions=[], rule="knees_shallow", side="r", quantity="knee_angle", value=-78.2, unit="deg", ideal="",
    )  # fmt: skip
    other = feedback_row(violation_ids=["S/V/0/1/error:knees_shallow/r"], numbers='[["\\u221278", "id", "value"]]')
    result = compare_rewriting([ideal], [other])
    assert (result.corrections, result.rewritten, result.same_rule, result.same_side) == (1, 1, 1, 1)
    assert result.value_apart == pytest.approx((0.2,))
    kept = feedback_row(status="unsupported", reason="no_cycle")
    assert compare_rewriting([ideal], [kept]).kept_reasons == {"no_cycle": 1}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("verify") / "sim"
    simulate(root, SimulateOptions(workouts=2, seed=3, minutes=1.2, video=False, exercises=("squats", "high_knees")))
    return root


def test_oracle_finds_what_was_simulated(simulated: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["verify", "--data", str(simulated), "--workspace", str(tmp_path), "--oracle"], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "oracle" / "verify" / "verify.json").read_text())
    assert found["kinematics"] == "true" and found["videos"] == 2
    assert found["repetitions"]["f1"] >= 0.99
    assert found["violations"]["precision"] >= 0.95 and found["violations"]["recall"] >= 0.95
    assert found["intents"]["accuracy"] >= 0.85
    assert found["rewriting"]["others_changed"] == 0
    assert "repetitions: F1" in (tmp_path / "oracle" / "verify" / "verify.md").read_text()


def test_true_angles_have_no_error(simulated: Path) -> None:
    path = next(Places(simulated).truth.glob("kinematics/*/*.parquet"))
    true = Kinematics.read(path)
    turned = true.angles.copy()
    turned[:, 2] -= np.deg2rad(float(true.meta["camera_heading_deg"]))
    from dataclasses import replace

    result = angle_errors([(true, replace(true, angles=turned))])
    assert result.frames == result.posed == len(true)
    assert max(row["p90_deg"] for row in result.rows()) < 1e-3


def test_without_truth_or_results_it_says_what_to_do(simulated: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no truth beside this data set"):
        truth_places(tmp_path)
    with pytest.raises(UserError, match="nothing was analysed here"):
        verify(truth_places(simulated), Workspace(tmp_path), None, False)


def test_placing_the_oracle_twice_changes_nothing(simulated: Path, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert place_oracle(truth_places(simulated), workspace) == 2
    path = next((tmp_path / "kinematics").glob("*/*.parquet"))
    before = path.stat().st_mtime_ns
    place_oracle(truth_places(simulated), workspace)
    assert path.stat().st_mtime_ns == before


def test_text_names_what_limits(simulated: Path, tmp_path: Path) -> None:
    from qevd_bio.dataset.opening import open_dataset
    from qevd_bio.dataset.stage import write_segments
    from qevd_bio.motion.options import MotionOptions
    from qevd_bio.motion.stage import analyze

    workspace = Workspace(tmp_path)
    place_oracle(truth_places(simulated), workspace)
    write_segments(open_dataset(simulated), workspace)
    analyze(workspace, MotionOptions())
    result = verify(truth_places(simulated), workspace, None, oracle=False)
    assert result.angles is not None and as_json(result)["rewriting"] is None
    lines = as_markdown(result)
    assert any(line.startswith("## Angle errors") for line in lines)
    assert headline(result)[0].startswith("repetitions: F1:")
