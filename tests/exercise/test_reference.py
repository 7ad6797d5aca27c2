"""The shipped references and the loader: limits, seams, rules, bodies on the floor, bad files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from qevd_bio.anatomy.dofs import DOF_INDEX, LIMITS
from qevd_bio.anatomy.geometry import lowest_sole
from qevd_bio.exercise import catalogue
from qevd_bio.exercise.curves import Curves
from qevd_bio.exercise.reference import build, load_reference
from qevd_bio.exercise.review import check_reference, review
from qevd_bio.exercise.rules import Exercise
from qevd_bio.exercise.trajectory import build_angles
from qevd_bio.store.errors import UserError
from qevd_bio.store.resources import refs_path

ALL = catalogue.load()
EACH = pytest.mark.parametrize("exercise", ALL.values(), ids=list(ALL))


@EACH
def test_shipped_reference(exercise: Exercise) -> None:
    path = refs_path("trajectories", f"{exercise.id}.npy")
    raw = np.load(path, allow_pickle=False)
    assert raw.dtype == np.float32 and raw.shape[1] == 46 and len(raw) == round(exercise.reference.duration_s * 30) + 1
    assert (raw >= LIMITS[:, 0] - 1e-4).all() and (raw <= LIMITS[:, 1] + 1e-4).all()
    np.testing.assert_allclose(raw[0], raw[-1], atol=1e-5)
    np.testing.assert_allclose(raw, build_angles(exercise), atol=1e-5)


@EACH
def test_a_reference_violates_none_of_its_own_rules(exercise: Exercise) -> None:
    assert list(check_reference(exercise, load_reference(exercise))) == []


@EACH
def test_sidecar_holds_the_key_frames(exercise: Exercise) -> None:
    reference = load_reference(exercise)
    sidecar = json.loads(refs_path("trajectories", f"{exercise.id}.json").read_text())
    assert sidecar["frames"] == len(reference.angles) and sidecar["exercise"] == exercise.id
    assert sidecar["keys"] == {name: {"frame": m.frame, "side": m.side} for name, m in reference.keys.items()}
    wanted = {f"{k.name}_{s}" if k.sides == "both" else k.name for k in exercise.keys for s in "rl"}
    assert set(sidecar["keys"]) == wanted


@EACH
def test_duration_lies_within_the_exercises_bounds(exercise: Exercise) -> None:
    low, high = exercise.cycle.bounds_s
    assert low < exercise.reference.duration_s < (high or 60)


def test_review_finds_nothing() -> None:
    assert review(ALL) == []


def test_build_is_deterministic(tmp_path: Path) -> None:
    chosen = [ALL["squats"], ALL["plank_taps"]]
    first, second = build(chosen, tmp_path / "a"), build(chosen, tmp_path / "b")
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
        assert one.with_suffix(".json").read_bytes() == other.with_suffix(".json").read_bytes()


def curves(name: str) -> Curves:
    return Curves(load_reference(ALL[name]).angles)


def slope(seen: Curves, upper: str, lower: str, frame: int) -> float:
    """Angle in degrees below level of the line from one place to another."""
    line = (seen.pose.place(lower) - seen.pose.place(upper))[frame]
    return float(np.rad2deg(np.arctan2(-line[1], np.hypot(line[0], line[2]))))


def test_squat_thighs_are_level_and_feet_stay() -> None:
    seen = curves("squats")
    bottom = load_reference(ALL["squats"]).keys["bottom"].frame
    for side in "rl":
        assert abs(slope(seen, f"hip_{side}", f"knee_{side}", bottom)) < 12
        assert np.abs(seen(f"foot_pitch_{side}")).max() < 1
    width = seen("ankle_hip_width_ratio")
    assert np.ptp(width) * 2 * 0.05 * 1.7 < 0.05  # metres by which the stance changes
    # The feet are the body's only contact: each sole is at the lowest level in every frame.
    heels = seen.pose.places(("heel_r", "heel_l"))[..., 1]
    assert np.abs(heels - lowest_sole(seen.pose)[:, None]).max() < 0.02
    assert seen("pelvis_height")[bottom] < 0.65 * seen("pelvis_height")[0]


@pytest.mark.parametrize("name", ["push_ups", "plank_taps", "moving_plank", "mountain_climbers"])
def test_planks_stand_on_hands_and_toes(name: str) -> None:
    places = curves(name).pose.places(("wrist_r", "wrist_l", "toe_tip_r", "toe_tip_l"))[..., 1]
    hands, toes = places[:, :2].min(axis=1), places[:, 2:].min(axis=1)
    assert np.abs(hands - toes).max() < 0.05


def test_push_up_lowers_the_chest() -> None:
    seen = curves("push_ups")
    bottom = load_reference(ALL["push_ups"]).keys["bottom"].frame
    toes = seen.pose.place("toe_tip_r")[:, 1]
    height = seen.pose.place("shoulder_r")[:, 1] - toes
    assert height[0] > 0.45 and height[bottom] < 0.6 * height[0]


def test_lunge_rear_knee_is_near_the_floor() -> None:
    seen = curves("walking_lunges")
    moment = load_reference(ALL["walking_lunges"]).keys["bottom"]
    assert moment.side == "r"
    rear = seen.pose.place("knee_l")[moment.frame, 1] - lowest_sole(seen.pose)[moment.frame]
    assert 0.0 < rear < 0.2
    assert abs(slope(seen, "hip_r", "knee_r", moment.frame)) < 15


def test_hands_meet_at_the_floor_the_shoulder_and_overhead() -> None:
    touch = load_reference(ALL["floor_touches"]).keys["touch"].frame
    assert curves("floor_touches")("hand_floor_gap")[touch] < 0.05
    taps, tap = curves("plank_taps"), load_reference(ALL["plank_taps"]).keys["tap_r"].frame
    gap = taps.pose.place("hand_tip_r")[tap] - taps.pose.place("shoulder_l")[tap]
    assert np.linalg.norm(gap) < 0.2
    jacks, wide = curves("jumping_jacks"), load_reference(ALL["jumping_jacks"]).keys["open"].frame
    assert (jacks.pose.places(("hand_tip_r", "hand_tip_l"))[wide, :, 1] > jacks.pose.place("head_top")[wide, 1]).all()


def test_legs_and_arms_swing_against_each_other() -> None:
    for name in ("high_knees", "butt_kickers"):
        angles = load_reference(ALL[name]).angles
        seen = Curves(angles)
        lead = angles[:, DOF_INDEX["knee_angle_r"]]
        assert np.corrcoef(lead, seen("shoulder_flexion_l"))[0, 1] > 0.9
        assert np.corrcoef(lead, seen("shoulder_flexion_r"))[0, 1] < -0.9


def test_both_sides_do_the_same_half_a_cycle_later() -> None:
    for name in ("high_knees", "mountain_climbers", "standing_kicks", "butt_kickers"):
        knee = load_reference(ALL[name]).angles[:-1, [DOF_INDEX["knee_angle_r"], DOF_INDEX["knee_angle_l"]]]
        if len(knee) % 2 == 0:
            np.testing.assert_allclose(np.roll(knee[:, 0], len(knee) // 2), knee[:, 1], atol=1e-3)


GOOD = np.zeros((30, 46), dtype=np.float32)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (GOOD.T, r"has shape \(46, 30\)"),
        (GOOD[:5], r"has shape \(5, 46\)"),
        (np.where(np.arange(46) == 6, np.nan, GOOD), "30 values are not finite, first knee_angle_r in frame 0"),
        (GOOD + 90, "angles up to 90: these look like degrees"),
        (GOOD.astype(int), "holds int64"),
    ],
)
def test_bad_references_are_named(tmp_path: Path, array: np.ndarray, message: str) -> None:
    path = tmp_path / "trajectories" / "squats.npy"
    path.parent.mkdir()
    np.save(path, array)
    with pytest.raises(UserError, match=message) as raised:
        load_reference(ALL["squats"], tmp_path)
    assert str(path) in str(raised.value) and "shape (N, 46)" in str(raised.value)
    assert [finding.kind for finding in review({"squats": ALL["squats"]}, tmp_path)] == ["reference"]


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x93NUMPY\x01\x00"])
def test_files_that_are_no_array(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "trajectories").mkdir()
    (tmp_path / "trajectories" / "squats.npy").write_bytes(content)
    with pytest.raises(UserError, match="cannot be read as a plain NumPy array"):
        load_reference(ALL["squats"], tmp_path)


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    (tmp_path / "trajectories").mkdir()
    np.save(tmp_path / "trajectories" / "squats.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match="cannot be read as a plain NumPy array"):
        load_reference(ALL["squats"], tmp_path)


def test_the_users_reference_comes_first_and_a_missing_one_names_the_command(tmp_path: Path) -> None:
    build([ALL["squats"]], tmp_path / "trajectories")
    assert load_reference(ALL["squats"], tmp_path).path.parent == tmp_path / "trajectories"
    assert load_reference(ALL["push_ups"], tmp_path).path == refs_path("trajectories", "push_ups.npy")
    import dataclasses

    other = dataclasses.replace(ALL["squats"], id="wall_sit")
    with pytest.raises(UserError, match="refs from-kinematics FILE --exercise wall_sit"):
        load_reference(other, tmp_path)


def test_review_names_each_kind_of_fault(tmp_path: Path) -> None:
    import dataclasses

    squat = ALL["squats"]
    reference = load_reference(squat)
    shallow = dataclasses.replace(reference, angles=0.6 * reference.angles)
    assert {kind for kind, _ in check_reference(squat, shallow)} == {"fault"}
    torn = reference.angles.copy()
    torn[-1, DOF_INDEX["elbow_flexion_r"]] += np.deg2rad(20)
    assert "seam" in {kind for kind, _ in check_reference(squat, dataclasses.replace(reference, angles=torn))}
    wide = reference.angles.copy()
    wide[:, DOF_INDEX["hip_adduction_r"]] -= np.deg2rad(70)
    assert "limits" in {kind for kind, _ in check_reference(squat, dataclasses.replace(reference, angles=wide))}
    stale = dataclasses.replace(reference, origin="rules 000000000000")
    assert [kind for kind, _ in check_reference(squat, stale)] == ["stale"]
    swaying = reference.angles.copy()
    swaying[:, DOF_INDEX["thorax_twist"]] += np.deg2rad(10) * np.sin(np.linspace(0, 2 * np.pi, len(swaying)))
    assert [kind for kind, _ in check_reference(squat, dataclasses.replace(reference, angles=swaying))] == ["static"]
