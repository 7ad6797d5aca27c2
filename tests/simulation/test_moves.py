"""Key poses and the changes that make mistakes: closed forms, then every entry of the table against its rule."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.poses import to_angles
from qevd_bio.exercise.trajectory import periodic
from qevd_bio.simulation.coach.true_verdicts import FINE, MISTAKE, TrueCycle, clarity, clear_margin, judge
from qevd_bio.simulation.performance.mistakes import mistakes
from qevd_bio.simulation.performance.moves import Keys, Move, keys_of, reference_keys
from qevd_bio.simulation.performance.perform import Course, PerformedRep, lay_out
from qevd_bio.store.errors import UserError
from qevd_bio.tables.motion import SegmentPlace

KNEE = DOF_INDEX["knee_angle_r"]


def test_a_scaled_pose_keeps_its_rest() -> None:
    keys = reference_keys("squats")
    half = Move("scale", "body", 0.5).apply(keys)
    np.testing.assert_allclose(half.poses[0], keys.poses[0])
    rest, bottom = keys.poses[0, KNEE], keys.poses[2, KNEE]
    assert half.poses[2, KNEE] == pytest.approx(rest + 0.5 * (bottom - rest))


def test_a_share_of_nothing_changes_nothing() -> None:
    keys = reference_keys("high_knees")
    for move in (Move("own", "hip", -30.0), Move("scale", "arm", 0.2), Move("shift", "lean", 20.0)):
        np.testing.assert_array_equal(move.apply(keys, 0.0).poses, keys.poses)


def test_own_changes_the_side_whose_turn_it_is() -> None:
    keys = reference_keys("high_knees")
    assert keys.two_sided and keys.own == ("l", "r")
    change = Move("own", "hip", -30.0).apply(keys).poses - keys.poses
    left, right = change[:, DOF_INDEX["hip_flexion_l"]], change[:, DOF_INDEX["hip_flexion_r"]]
    np.testing.assert_allclose(left, [-30.0, 0.0], atol=1e-9)
    np.testing.assert_allclose(right, [0.0, -30.0], atol=1e-9)


def test_tempo_and_pause_change_times_alone() -> None:
    keys = reference_keys("squats")
    assert Move("tempo", "", 0.5).apply(keys).duration_s == pytest.approx(0.5 * keys.duration_s)
    assert Move("pause", "", 6.0).apply(keys).pause_s == 6.0
    assert keys.mirrored().mirrored().own == keys.own


def test_one_side_alone_and_size_about_zero() -> None:
    keys = reference_keys("boxing_squat_punches")
    change = Move("one", "elbow", 100.0).apply(keys).poses - keys.poses
    assert set(np.flatnonzero(change.any(axis=0))) == {DOF_INDEX["elbow_flexion_l"]}
    assert [bool(row.any()) for row in change] == [side == "l" for side in keys.own]
    keys = reference_keys("shoulder_gators")
    x, y = DOF_INDEX["shoulder_r_x"], DOF_INDEX["shoulder_r_y"]  # the arm's swing sideways and forward
    small = Move("size", "arm", 0.6).apply(keys)
    before, after = np.hypot(*keys.poses[:, [x, y]].T), np.hypot(*small.poses[:, [x, y]].T)
    np.testing.assert_allclose(after, 0.6 * before)


def test_a_held_pose_that_shakes_swings_to_both_sides() -> None:
    keys = replace(reference_keys("quad_stretch"), duration_s=6.0)
    still, shaking = Course(), Course()
    lay_out(still, [PerformedRep(keys, 2.0, hold=True)], 0.0, 12.0, 0.0)
    shaken = Move("shake", "knee", 13.0).apply(keys)
    lay_out(shaking, [PerformedRep(shaken, 2.0, hold=True)], 0.0, 12.0, 0.0)
    standing = DOF_INDEX["knee_angle_l"]
    off = [
        p[standing] - keys.poses[0, standing] for t, p in zip(shaking.times, shaking.poses, strict=True) if 2 < t < 8
    ]
    assert sorted({round(float(d)) for d in off}) == [-13, 13] and len(off) == 5
    assert len(shaking.times) == len(still.times) + 5
    np.testing.assert_allclose(shaken.mirrored().mirrored().shake, shaken.shake)


def test_an_exercise_without_reference_cannot_be_moved() -> None:
    with pytest.raises(UserError, match="no `reference` block"):
        keys_of(replace(load()["squats"], reference=None))


def _worst(exercise_id: str, keys: Keys) -> dict[str, str]:
    exercise = load()[exercise_id]
    at = np.linspace(0.0, 1.0, 31)
    angles = to_angles(periodic(keys.phases, keys.poses, at))
    cycle = TrueCycle(SegmentPlace("S", "V", 0, exercise_id), 0, 5.0, 5.0 + keys.duration_s, keys.pause_s)
    found = judge(exercise, angles, Skeleton.from_stature(), np.zeros((31, 3)), cycle)
    verdicts: dict[str, str] = {}
    for judged in found:
        if verdicts.get(judged.rule) != MISTAKE:
            verdicts[judged.rule] = clarity(judged)
    return verdicts


@pytest.mark.parametrize("exercise_id", [e.id for e in load().values() if e.category != "hold"])
def test_each_mistake_breaks_its_own_rule_clearly(exercise_id: str) -> None:
    keys = reference_keys(exercise_id)
    clean = _worst(exercise_id, keys)
    assert MISTAKE not in clean.values()
    for rule, mistake in mistakes()[exercise_id].items():
        broken = _worst(exercise_id, mistake.move.apply(keys, 1.05))
        assert broken[f"error:{rule}"] == MISTAKE, rule


def test_clear_margins() -> None:
    assert clear_margin(-np.inf, 43.0, "deg") == 6.0
    assert clear_margin(6.0, np.inf, "deg") == pytest.approx(3.6)
    assert clear_margin(-np.inf, 0.9, "s") == pytest.approx(0.15)
    assert clear_margin(-np.inf, 4.0, "s") == pytest.approx(4.0 / 6.0)
    assert clear_margin(0.0, 10.0, "deg") == pytest.approx(2.0)


def test_reference_squat_is_clearly_fine_for_most_rules() -> None:
    verdicts = _worst("squats", reference_keys("squats"))
    assert verdicts["error:knees_shallow"] == FINE and verdicts["error:knees_cave"] == FINE


def test_a_table_that_does_not_fit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mistakes.yaml").write_text('squats:\n  knees_shallow: [wobble, "body", 0.5]\n')
    monkeypatch.setattr("qevd_bio.simulation.performance.mistakes.refs_path", lambda *parts: tmp_path / "mistakes.yaml")
    with pytest.raises(UserError, match="wobble body does not fit") as error:
        mistakes.__wrapped__()
    assert "squats.knees_shallow" in str(error.value)
