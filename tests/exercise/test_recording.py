"""A reference from a recording: cut, fill, close."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from qevd_bio.anatomy.dofs import DOF_INDEX, DOF_NAMES
from qevd_bio.exercise import catalogue
from qevd_bio.exercise.recording import closed, cycle_from
from qevd_bio.exercise.reference import load_reference
from qevd_bio.exercise.user_reference import cycle_span, reference_from
from qevd_bio.store.errors import UserError

KNEE, HIP = DOF_INDEX["knee_angle_r"], DOF_INDEX["hip_flexion_r"]
TIME = np.arange(0, 6, 1 / 25)


def recording() -> tuple[np.ndarray, np.ndarray]:
    """Three squats of two seconds, the knee known in every frame, the hip in none, with a drift of the pelvis."""
    angles = np.zeros((len(TIME), 46))
    angles[:, KNEE] = np.deg2rad(45 - 45 * np.cos(np.pi * TIME))
    angles[:, DOF_INDEX["pelvis_rotation"]] = np.deg2rad(3) * TIME
    observed = np.ones((len(TIME), 46), dtype=bool)
    observed[:, HIP] = False
    return angles, observed


def test_the_cycle_is_cut_and_closed() -> None:
    angles, observed = recording()
    fallback = np.full((5, 46), 0.3)
    found = cycle_from(angles, observed, TIME, (2.0, 4.0), fallback)
    assert found.angles.shape == (61, 46) and found.filled == ("hip_flexion_r",)
    expected = np.deg2rad(45 - 45 * np.cos(np.linspace(0, 2 * np.pi, 61)))
    np.testing.assert_allclose(found.angles[:, KNEE], expected, atol=np.deg2rad(0.6))
    np.testing.assert_allclose(found.angles[:, HIP], 0.3)
    np.testing.assert_allclose(found.angles[0], found.angles[-1])
    turn = found.angles[:, DOF_INDEX["pelvis_rotation"]]
    np.testing.assert_allclose(turn, np.deg2rad(9), atol=1e-6)  # the drift over the cycle is spread away


def test_gaps_are_bridged_up_to_a_fifth() -> None:
    angles, observed = recording()
    angles[60:66, KNEE] = np.nan
    found = cycle_from(angles, observed, TIME, (2.0, 4.0), np.zeros((5, 46)))
    assert "knee_angle_r" not in found.filled and np.isfinite(found.angles).all()
    angles[55:75, KNEE] = np.nan
    assert "knee_angle_r" in cycle_from(angles, observed, TIME, (2.0, 4.0), np.zeros((5, 46))).filled


def test_closing_keeps_position_and_velocity_seamless() -> None:
    phase = np.linspace(0, 1, 61)[:, None]
    course = np.sin(2 * np.pi * phase) + 0.3 * phase
    seamless = closed(course)
    step = np.diff(np.vstack([seamless, seamless[1:3]]), axis=0)
    assert np.abs(np.diff(step[55:62], axis=0)).max() < 0.02


@pytest.mark.parametrize(
    ("span", "message"),
    [((5.0, 8.0), "is not in the recording"), ((3.0, 2.0), "is not in the recording"), ((2.0, 2.2), "only 6 frames")],
)
def test_bad_spans(span: tuple[float, float], message: str) -> None:
    angles, observed = recording()
    with pytest.raises(UserError, match=message):
        cycle_from(angles, observed, TIME, span, np.zeros((5, 46)))


def cycles_table(path: Path) -> Path:
    rows = [
        {"split": "videos", "video": "a", "exercise": "squats", "start_s": s, "end_s": s + 2, "score": score}
        for s, score in ((0.0, 0.5), (2.0, 0.9), (4.0, None))
    ]
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_best_cycle_and_numbered_cycle(tmp_path: Path) -> None:
    table = cycles_table(tmp_path / "cycles.parquet")
    assert cycle_span(table, "videos", "a", "squats") == (2.0, 4.0)
    assert cycle_span(table, "videos", "a", "squats", 3) == (4.0, 6.0)
    with pytest.raises(UserError, match="no cycle 4 in video 'a'"):
        cycle_span(table, "videos", "a", "squats", 4)
    with pytest.raises(UserError, match="no cycle of 'push_ups'"):
        cycle_span(table, "videos", "a", "push_ups")
    with pytest.raises(UserError, match="no cycles found yet"):
        cycle_span(tmp_path / "none.parquet", "videos", "a", "squats")
    pq.write_table(pa.table({"video": ["a"]}), table)
    with pytest.raises(UserError, match="has no column 'exercise'"):
        cycle_span(table, "videos", "a", "squats")


def test_the_users_reference_replaces_the_shipped_one(tmp_path: Path) -> None:
    angles, observed = recording()
    squat = catalogue.get("squats")
    shipped = load_reference(squat)
    path, made = reference_from(squat, angles, observed, TIME, (2.0, 4.0), tmp_path, "clip")
    own = load_reference(squat, tmp_path)
    assert own.path == path and made.filled == ("hip_flexion_r",) and "not observed: hip_flexion_r" in own.origin
    assert own.keys["bottom"].frame == 30 and np.rad2deg(own.angles[30, KNEE]) == pytest.approx(90, abs=1)
    assert np.abs(own.angles[:, HIP]).max() == pytest.approx(np.abs(shipped.angles[:, HIP]).max(), abs=0.05)
    assert len(DOF_NAMES) == own.angles.shape[1]
