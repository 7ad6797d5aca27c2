"""Statistics in closed form, key frames, sides, and for each form error an input that shows exactly it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qevd_bio.exercise import catalogue
from qevd_bio.exercise.curves import Curves
from qevd_bio.exercise.expression import Array, Series
from qevd_bio.exercise.measure import Moment, faults, key_frames, off_target, readings, signal_of, statistic
from qevd_bio.exercise.reference import load_reference
from qevd_bio.exercise.rules import Exercise, FormError
from qevd_bio.exercise.vocabulary import NOT_CURVES, resolve

ALL = catalogue.load()
FRAMES = 101
PHASE = np.linspace(0, 1, FRAMES)
BUMP = 0.5 - 0.5 * np.cos(2 * np.pi * PHASE)  # 0 at rest, 1 in the middle


def only(**curves: Array) -> Series:
    """A body of which these curves are seen and no other."""
    return lambda name: curves.get(name, np.full(FRAMES, np.nan))


def both(name: str, curve: Array) -> dict[str, Array]:
    return {f"{name}_r": curve, f"{name}_l": curve}


@pytest.mark.parametrize(
    ("name", "value"),
    [("max", 10), ("min", -2), ("mean", 4), ("range", 12), ("std", np.sqrt(20)), ("rise", 8), ("drop", 4)],
)
def test_statistics(name: str, value: float) -> None:
    curve = np.array([2.0, np.nan, 2, 2, 10, -2, 10])
    assert statistic(curve, name) == pytest.approx(value)


def test_statistics_of_nothing_are_nan() -> None:
    assert all(np.isnan(statistic(np.full(3, np.nan), name)) for name in ("max", "std", "drop"))


def test_variation_of_a_sine_is_its_amplitude_over_root_two() -> None:
    assert statistic(7 * np.sin(2 * np.pi * PHASE[:-1]), "std") == pytest.approx(7 / np.sqrt(2))


def test_key_frames_of_a_squat() -> None:
    series = only(**both("knee_angle", 90 * BUMP))
    assert key_frames(ALL["squats"], series, FRAMES) == {"bottom": Moment(50), "top": Moment(0)}
    assert key_frames(ALL["squats"], only(), FRAMES) == {}


def test_key_frames_of_both_sides() -> None:
    series = only(hip_flexion_r=90 * BUMP, hip_flexion_l=90 * (1 - BUMP))
    assert key_frames(ALL["high_knees"], series, FRAMES) == {"up_r": Moment(50, "r"), "up_l": Moment(0, "l")}


@pytest.mark.parametrize("front", ["r", "l"])
def test_the_front_leg_of_a_lunge(front: str) -> None:
    rear = "l" if front == "r" else "r"
    curves = both("knee_angle", 90 * BUMP) | {f"hip_flexion_{front}": 85 * BUMP, f"hip_flexion_{rear}": -5 * BUMP}
    curves |= {"knee_angle_" + front: 60 * BUMP}
    lunge = ALL["walking_lunges"]
    moments = key_frames(lunge, only(**curves), FRAMES)
    assert moments["bottom"] == Moment(50, front)
    shallow = next(error for error in lunge.errors if error.id == "shallow")
    (reading,) = readings(shallow, lunge, only(**curves), moments, 2.0)
    assert (reading.side, reading.frame, reading.names) == (front, 50, (f"knee_angle_{front}",))
    assert reading.value == pytest.approx(60) and shallow.violated(reading.value)
    step = next(error for error in lunge.errors if error.id == "short_step")
    step = replace(step, quantity="hip_split", below=60.0, goal=75.0)
    (reading,) = readings(step, lunge, only(**curves), moments, 2.0)
    assert reading.value == pytest.approx(90) and not step.violated(reading.value)


def test_the_supplements_squat_example() -> None:
    """ "Knee flexion 85 (target: 90)": within tolerance by the rule, short of the target's range by 5."""
    squat = ALL["squats"]
    target = next(target for target in squat.targets if target.id == "knee_depth")
    assert off_target(target, 84.9) == pytest.approx(-5.1)
    assert off_target(target, 85.1) == 0.0
    assert off_target(target, 84.9, widen=1.5) == 0.0
    assert off_target(target, 130.0) == pytest.approx(10.0)
    assert np.isnan(off_target(target, float("nan")))


def test_unobserved_quantities_are_not_judged() -> None:
    for exercise in ALL.values():
        found = faults(exercise, only(), FRAMES, sum(exercise.cycle.typical_s) / 2)
        assert found == [], exercise.id


def test_symmetry_is_the_smaller_range_over_the_larger() -> None:
    punches = ALL["boxing_squat_punches"]
    one_arm = next(error for error in punches.errors if error.id == "one_arm")
    series = only(elbow_flexion_r=100 * BUMP, elbow_flexion_l=30 * BUMP)
    (reading,) = readings(one_arm, punches, series, {}, 2.0)
    assert reading.value == pytest.approx(0.3) and one_arm.violated(reading.value)


def test_duration() -> None:
    squat = ALL["squats"]
    found = [rule.id for rule, _ in faults(squat, only(), FRAMES, 0.8)]
    assert found == ["too_fast"]


CASES = [(exercise, error) for exercise in ALL.values() for error in exercise.errors if error.at != "pause"]


@pytest.mark.parametrize(("exercise", "error"), CASES, ids=[f"{e.id}-{f.id}" for e, f in CASES])
def test_each_form_error_has_an_input_that_shows_exactly_it(exercise: Exercise, error: FormError) -> None:
    """The reference with the error's own quantity changed shows that error, and no other of other quantities."""
    trajectory = load_reference(exercise)
    base = Curves(trajectory.angles)
    frames, duration = len(trajectory.angles), trajectory.duration_s
    if error.quantity in NOT_CURVES:
        if error.quantity != "cycle_duration":
            low, high = error.bounds
            assert error.violated(high + 0.1 if np.isfinite(high) else low - 0.1)
            return
        duration = error.bounds[0] - 0.05 if np.isfinite(error.bounds[0]) else error.bounds[1] + 0.05
        found = faults(exercise, base, frames, duration)
        assert [rule.id for rule, _ in found] == [error.id]
        return
    changed = _spoil(exercise, error, base, frames)
    found = {rule.id: rule for rule, _ in faults(exercise, changed, frames, duration) if isinstance(rule, FormError)}
    assert error.id in found
    own = _names(error)
    assert all(own & _names(rule) for rule in found.values()), sorted(found)


def _names(rule: FormError) -> set[str]:
    if rule.quantity in NOT_CURVES:
        return {rule.quantity}
    aliases = {"upper_arm_trunk_angle": "shoulder_elevation"}
    names = {name for side in "rl" for name in resolve(rule.quantity, side).names}
    return {
        next((new + name[len(old) :] for old, new in aliases.items() if name.startswith(old)), name) for name in names
    }


def _spoil(exercise: Exercise, error: FormError, base: Curves, frames: int) -> Series:
    """The reference with the curves of one quantity shrunk, stretched or shifted past the error's threshold."""
    moments = key_frames(exercise, base, frames)
    (now, *_) = readings(error, exercise, base, moments, 1.0)
    low, high = error.bounds
    size = max(1.0, 0.05 * abs(now.value)) if abs(now.value) > 1.5 else 0.1
    wanted = low - size if np.isfinite(low) else high + size
    names = {name for side in ("r", "l") for name in resolve(error.quantity, side).names}
    spread = error.stat in ("range", "std", "rise", "drop", "symmetry")
    if spread and np.isfinite(low):
        wanted = 0.5 * low  # a range cannot be negative
    shape = _wave(frames)

    def series(name: str) -> Array:
        curve = base(name)
        if name not in names:
            return curve
        if error.stat == "symmetry":
            return curve if name.endswith("_r") else curve.mean() + (curve - curve.mean()) * wanted
        if spread:
            return curve.mean() + shape * (wanted / statistic(shape, error.stat))
        mirrored = -1.0 if len(names) == 2 and error.quantity == "hip_split" and name.endswith("_l") else 1.0
        half = 0.5 if error.quantity == "hip_split" else 1.0
        return curve + mirrored * half * (wanted - now.value)

    return series


def _wave(frames: int) -> Array:
    """Rests at its top at the start, so that rise, drop and range are all positive."""
    return np.asarray(np.cos(2 * np.pi * np.linspace(0, 1, frames)))


def test_a_shallow_squat_in_angles_shows_depth_and_nothing_else() -> None:
    squat = ALL["squats"]
    angles = load_reference(squat).angles
    shallow = angles[0] + 0.7 * (angles - angles[0])
    found = {rule.id for rule, _ in faults(squat, Curves(shallow), len(shallow), 3.0)}
    assert found == {"knees_shallow", "hips_shallow", "knee_depth", "hip_depth"}


def test_caving_knees_in_angles() -> None:
    from qevd_bio.anatomy.dofs import DOF_INDEX

    squat = ALL["squats"]
    angles = load_reference(squat).angles.copy()
    depth = np.sin(np.linspace(0, np.pi, len(angles)))
    for side in "rl":
        angles[:, DOF_INDEX[f"hip_rotation_{side}"]] += np.deg2rad(28) * depth
    found = {rule.id for rule, _ in faults(squat, Curves(angles), len(angles), 3.0)}
    assert "knees_cave" in found and not found & {"knees_shallow", "hips_shallow", "back_rounds"}


def test_signal_is_in_degrees() -> None:
    assert signal_of(ALL["squats"], only(**both("knee_angle", 90 * BUMP))).max() == pytest.approx(90)
