"""The fit of whole clips against angles that are known."""

from __future__ import annotations

import numpy as np
import pytest

from qevd_bio.anatomy.dofs import DOF_INDEX, DOF_NAMES
from qevd_bio.pose.backends.landmarks import LANDMARK_INDEX
from qevd_bio.pose.fit.clip import fit_clip
from qevd_bio.pose.fit.lengths import calibrate
from qevd_bio.pose.fit.observed import observed_dofs
from qevd_bio.pose.fit.options import FitOptions
from qevd_bio.pose.fit.seen import SeenClip
from tests.pose.seen import SIZE, landmarks_of, pose_angles, squats

LEGS = ("hip_flexion_r", "hip_flexion_l", "knee_angle_r", "knee_angle_l")


def rmse_deg(raw: np.ndarray, truth: np.ndarray, name: str) -> float:
    error = raw[:, DOF_INDEX[name]] - truth[:, DOF_INDEX[name]]
    return float(np.rad2deg(np.sqrt(np.mean(error**2))))


@pytest.mark.parametrize(("heading", "limit_deg"), [(0.0, 13.0), (45.0, 8.0), (90.0, 5.0), (-90.0, 5.0)])
def test_exact_landmarks_give_the_angles_back(heading: float, limit_deg: float) -> None:
    """A few degrees from every side. In front the corrections for real world landmarks overdo it on exact ones."""
    time_s, truth = squats(heading=heading)
    fit = fit_clip(landmarks_of(truth), time_s, SIZE, FitOptions())
    for name in (*LEGS, "pelvis_rotation"):
        assert rmse_deg(fit.raw, truth, name) < limit_deg, name
    assert np.median(fit.residual_px) < 5.0
    assert fit.view["heading_deg"] == pytest.approx(heading, abs=5.0)


def test_a_frontal_squat_keeps_its_depth() -> None:
    """World landmarks with 60 % of the depth: three-point knees read 30 degrees too little, the fit under 10."""
    time_s, truth = squats()
    seen = landmarks_of(truth, depth=0.6, noise_px=1.0)
    fit = fit_clip(seen, time_s, SIZE, FitOptions())
    knee, ankle, hip = (seen[:, LANDMARK_INDEX[f"left_{name}"], 2:5] for name in ("knee", "ankle", "hip"))
    a, b = hip - knee, ankle - knee
    plain = 180.0 - np.rad2deg(np.arccos((a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)))
    bottom = np.argmax(truth[:, DOF_INDEX["knee_angle_l"]])
    assert plain[bottom] < 75.0
    assert np.rad2deg(fit.raw[bottom, DOF_INDEX["knee_angle_l"]]) == pytest.approx(100.0, abs=10.0)


def test_prone_and_turned_bodies_keep_their_root() -> None:
    """A plank seen from its left: tilt near -90 and heading to the right of the image."""
    truth = pose_angles(
        60, {"pelvis_tilt": -80.0, "pelvis_rotation": -90.0, "shoulder_r_z": 90.0, "shoulder_l_z": 90.0}
    )
    fit = fit_clip(landmarks_of(truth, camera_height=0.6), np.arange(60) / 30.0, SIZE, FitOptions())
    assert np.rad2deg(np.median(fit.raw[:, DOF_INDEX["pelvis_tilt"]])) == pytest.approx(-80.0, abs=8.0)
    assert np.rad2deg(np.median(fit.raw[:, DOF_INDEX["pelvis_rotation"]])) == pytest.approx(-90.0, abs=12.0)


def test_a_tilted_camera_levels_the_body() -> None:
    """Seen from the side, a camera that looks down leans the body towards it: said, or found out in part."""
    truth = pose_angles(40, {"knee_angle_r": 10.0, "knee_angle_l": 10.0, "pelvis_rotation": 90.0, "pelvis_list": 0.0})
    seen = landmarks_of(truth, pitch_deg=16.0, camera_height=1.5)
    time_s = np.arange(40) / 30.0
    level, given, found = (
        fit_clip(seen, time_s, SIZE, options)
        for options in (
            FitOptions(camera_pitch_deg=0.0, camera_roll_deg=0.0), FitOptions(camera_pitch_deg=16.0), FitOptions()
        )
    )  # fmt: skip
    lean = [abs(float(np.rad2deg(np.median(f.raw[:, DOF_INDEX["pelvis_list"]])))) for f in (level, given, found)]
    assert lean[1] < 3.0 < lean[2] + 3.0 < lean[0]
    assert given.view["pitch_source"] == "given" and given.view["roll_source"] == "estimated"
    assert found.view["pitch_deg"] == pytest.approx(16.0, abs=4.0)


def test_a_rolled_camera_is_noticed() -> None:
    time_s, truth = squats(60)
    seen = landmarks_of(truth)
    middle = np.array(SIZE) / 2
    turn = np.deg2rad(10.0)
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    seen[..., :2] = (seen[..., :2] - middle) @ matrix.T + middle
    seen[..., 2:4] = seen[..., 2:4] @ matrix.T
    fit = fit_clip(seen, time_s, SIZE, FitOptions())
    assert fit.view["roll_deg"] == pytest.approx(10.0, abs=3.0)
    assert abs(np.rad2deg(np.median(fit.raw[:, DOF_INDEX["pelvis_list"]]))) < 3.0
    assert rmse_deg(fit.raw, truth, "knee_angle_r") < 13.0


def test_frames_without_a_person_stay_nan_and_change_no_others() -> None:
    time_s, truth = squats(90)
    seen = landmarks_of(truth)
    seen[30:60] = np.nan
    fit = fit_clip(seen, time_s, SIZE, FitOptions())
    lost = np.isnan(fit.raw).all(axis=1)
    assert lost.sum() == 30 and lost[30:60].all()
    assert np.isnan(fit.raw).sum() == 30 * 46
    assert not fit.observed[30:60].any()
    assert (fit.confidence[30:60] == 0.0).all() and (fit.confidence[~lost] > 0.3).all()
    assert rmse_deg(fit.raw[~lost], truth[~lost], "knee_angle_r") < 10.0


def test_nobody_in_the_clip_is_said() -> None:
    fit = fit_clip(np.full((5, 33, 7), np.nan), np.arange(5) / 30.0, SIZE, FitOptions())
    assert np.isnan(fit.raw).all() and not fit.observed.any()
    assert fit.flags == [{"kind": "no_person"}]


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_very_short_clips_work(frames: int) -> None:
    time_s, truth = squats(frames)
    fit = fit_clip(landmarks_of(truth), time_s, SIZE, FitOptions())
    assert np.isfinite(fit.raw).all() and fit.raw.shape == (frames, 46)


def test_a_varying_frame_rate_gives_the_same_curve() -> None:
    time_s, truth = squats()
    keep = np.sort(np.random.default_rng(3).choice(len(time_s), 80, replace=False))
    fit = fit_clip(landmarks_of(truth[keep]), time_s[keep], SIZE, FitOptions())
    assert rmse_deg(fit.raw, truth[keep], "knee_angle_l") < 8.0


def test_windows_join_without_a_step() -> None:
    """A clip solved in pieces of two seconds against the same solved in one."""
    time_s, truth = squats(180)
    seen = landmarks_of(truth, noise_px=1.0)
    whole = fit_clip(seen, time_s, SIZE, FitOptions())
    pieces = fit_clip(seen, time_s, SIZE, FitOptions(window_s=2.0, overlap_s=1.0))
    difference = np.rad2deg(np.abs(whole.raw - pieces.raw))[:, [DOF_INDEX[name] for name in LEGS]]
    assert difference.max() < 2.0


def test_the_same_landmarks_give_the_same_bytes() -> None:
    time_s, truth = squats(40)
    seen = landmarks_of(truth, noise_px=2.0)
    first, second = (fit_clip(seen, time_s, SIZE, FitOptions()) for _ in range(2))
    assert first.raw.tobytes() == second.raw.tobytes()


def test_bytes_do_not_depend_on_threads_or_load() -> None:
    """Other threads that multiply matrices all the while, and BLAS libraries told to take two threads."""
    import threading

    from threadpoolctl import threadpool_limits

    time_s, truth = squats(40)
    seen = landmarks_of(truth, noise_px=2.0)
    quiet = fit_clip(seen, time_s, SIZE, FitOptions())
    stop = threading.Event()

    def work() -> None:
        matrix = np.random.default_rng(0).standard_normal((200, 200))
        while not stop.is_set():
            matrix @ matrix

    threads = [threading.Thread(target=work) for _ in range(3)]
    with threadpool_limits(limits=2, user_api="blas"):
        for thread in threads:
            thread.start()
        busy = fit_clip(seen, time_s, SIZE, FitOptions())
    stop.set()
    for thread in threads:
        thread.join()
    assert quiet.raw.tobytes() == busy.raw.tobytes() and quiet.sigma.tobytes() == busy.sigma.tobytes()


def test_stature_scales_lengths_and_leaves_angles() -> None:
    time_s, truth = squats(60)
    seen = landmarks_of(truth)
    small, tall = (fit_clip(seen, time_s, SIZE, FitOptions(), stature) for stature in (1.5, 1.8))
    ratio = tall.skeleton_lengths["thigh_r"] / small.skeleton_lengths["thigh_r"]
    assert ratio == pytest.approx(1.2, abs=0.03)
    assert np.rad2deg(np.abs(small.raw - tall.raw)[:, [DOF_INDEX[n] for n in LEGS]]).max() < 6.0


def test_what_is_hidden_or_filled_by_rule_is_not_observed() -> None:
    angles = pose_angles(2, {"knee_angle_r": 60.0})
    seen = np.ones((2, 8, 2))
    seen[1, 4, 0] = 0.1  # the right knee in the second frame
    mask = observed_dofs(angles, seen, np.ones((2, 5)), 0.5)
    never = ["lumbar_extension", "thorax_extension", "thorax_twist", "subtalar_angle_r", "mtp_angle_l", "pro_sup_r"]
    assert not mask[:, [DOF_INDEX[name] for name in never]].any()
    assert not mask[:, [i for i, name in enumerate(DOF_NAMES) if name.startswith(("scapula", "wrist"))]].any()
    for name in ("hip_flexion_r", "knee_angle_r", "hip_rotation_r", "ankle_angle_r"):
        assert mask[:, DOF_INDEX[name]].tolist() == [True, False], name
    assert mask[:, DOF_INDEX["knee_angle_l"]].all() and mask[:, DOF_INDEX["lumbar_bending"]].all()


def test_calibration_finds_long_legs() -> None:
    """A body whose legs are 6 % longer than the generic skeleton's, seen from the side in motion."""
    from qevd_bio.anatomy.skeleton import Skeleton
    from qevd_bio.pose.fit import clip as fitting

    time_s, truth = squats(60, heading=90.0)
    seen = landmarks_of(truth, stature=1.69)
    skeleton = Skeleton.from_stature(1.69)
    short = skeleton.with_lengths({n: v / 1.06 for n, v in skeleton.lengths().items() if n[:5] in ("thigh", "shank")})
    clip = SeenClip.of(seen, time_s, SIZE)
    chain = fitting.Chain.of(short)
    evidence = fitting._evidence(clip, 1.0, None, FitOptions())
    start = fitting._start(clip, chain, evidence, float(SIZE[0]))
    lengths = calibrate(short, start, evidence, float(SIZE[0]), np.zeros(2), FitOptions()).skeleton.lengths()
    generic = short.lengths()
    grown = (lengths["thigh_r"] + lengths["shank_r"]) / lengths["trunk"]
    assert grown > 1.03 * (generic["thigh_r"] + generic["shank_r"]) / generic["trunk"]
