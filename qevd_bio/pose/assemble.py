"""From what a backend hands over to the kinematics of one video: fit, held gaps, smoothing, flags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.continuity import continuous_angles
from qevd_bio.anatomy.dofs import DOF_NAMES
from qevd_bio.anatomy.mirror import mirror_angles, mirror_mask
from qevd_bio.pose.backends.base import Angles, Clip, Landmarks, Points
from qevd_bio.pose.backends.landmarks import LANDMARK_INDEX
from qevd_bio.pose.fit.clip import FitResult, fit_clip
from qevd_bio.pose.fit.gaps import gap_flags, hold_gaps
from qevd_bio.pose.fit.options import FitOptions, SmoothOptions
from qevd_bio.pose.fit.sigma import held_sigma
from qevd_bio.pose.fit.smooth import cutoff_hz, flip_flags, follow_angles, smooth_angles
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.store.errors import ItemError
from qevd_bio.tables.kinematics import Kinematics

if TYPE_CHECKING:
    from qevd_bio.pose.fit.points import PointsFit

PAPER_FPS = 30.0
SIDEWAYS_SHARE = 0.8
MIN_FIT_FRAMES = 2


@dataclass(frozen=True)
class _Pose:
    """Angles of either kind of backend, on one footing."""

    raw: NDArray[np.float64]
    sigma: NDArray[np.float64] | None
    observed: NDArray[np.bool_]
    confidence: NDArray[np.float64]
    root: NDArray[np.float64]
    lengths: Mapping[str, float]
    view: Mapping[str, Any]
    flags: list[dict[str, Any]]
    details: Mapping[str, Any]


def _posed(fit: FitResult | PointsFit, flags: list[dict[str, Any]], details: Mapping[str, Any]) -> _Pose:
    lengths = fit.skeleton_lengths
    return _Pose(fit.raw, fit.sigma, fit.observed, fit.confidence, fit.root, lengths, fit.view, flags, details)


def smooth_options(options: ExtractOptions) -> SmoothOptions:
    """The paper's sigma is in frames at 30 fps; in seconds it means the same at every frame rate."""
    return SmoothOptions(options.smoothing_frames / PAPER_FPS, options.max_hold_s, options.smoothing)


def to_kinematics(
    estimate: Landmarks | Angles | Points,
    clip: Clip,
    options: ExtractOptions,
    stature_m: float | None,
    meta: Mapping[str, Any],
    known_logs: NDArray[np.float64] | None = None,
) -> Kinematics:
    """Kinematics of one video. Raises ItemError where no frame has a pose that can be trusted.

    known_logs: the person's proportions from all of their videos, as `lengths.shared_logs` gives them.
    """
    if isinstance(estimate, Landmarks):
        pose = _fitted(estimate, options, stature_m, known_logs)
    elif isinstance(estimate, Points):
        pose = _from_points(estimate, options, stature_m)
    else:
        pose = _imported(estimate, options)
    trusted = np.isfinite(pose.raw).all(axis=1) & (pose.confidence >= options.min_pose_confidence)
    if not trusted.any():
        best = float(np.max(pose.confidence, initial=0.0))
        raise ItemError(
            "no_trusted_pose",
            f"no frame reaches --min-pose-confidence {options.min_pose_confidence:g}; the best has {best:.2f}",
        )
    raw = np.where(trusted[:, None], pose.raw, np.nan)
    smoothing = smooth_options(options)
    times = estimate.time_s
    slow = smoothed = smooth_angles(raw, times, smoothing)
    follows = smoothing.kind == "follow" and smoothing.sigma_s > 0.0
    if follows:
        smoothed = follow_angles(raw, slow, times, smoothing)
    (angles, slow, root), status = hold_gaps((smoothed, slow, pose.root), times, trusted, options.max_hold_s)
    sigma = None if pose.sigma is None else _held_sigma(pose.sigma, smoothed, times, trusted, options.max_hold_s)
    fps = 1.0 / float(np.median(np.diff(times))) if len(times) > 1 else options.source_fps
    flags = [
        *({"kind": flag} if isinstance(flag, str) else dict(flag) for flag in estimate.flags),
        *pose.flags,
        *gap_flags(status, times),
        *_posture_flags(estimate),
    ]
    return Kinematics(
        split=clip.split,
        video=clip.stem,
        fps=fps,
        frame=estimate.frame,
        time_s=times,
        angles=angles.astype(np.float32),
        raw=pose.raw.astype(np.float32),
        observed=pose.observed & trusted[:, None],
        confidence=np.nan_to_num(pose.confidence).astype(np.float32),
        status=status,
        root=root.astype(np.float32),
        landmarks=estimate.values if isinstance(estimate, Landmarks) else None,
        sigma=None if sigma is None else sigma.astype(np.float32),
        slow=slow.astype(np.float32) if follows else None,
        skeleton_lengths={name: round(float(value), 4) for name, value in pose.lengths.items()},
        meta={
            **meta,
            "view": dict(pose.view),
            "subject": dict(estimate.subject),
            "source": dict(pose.details),
            "flags": flags,
            "smoothing": {**asdict(smoothing), "cutoff_hz": _cutoff(smoothing), "phase": "zero"},
            "holding": {"rule": "last trusted pose", "longest_s": options.max_hold_s},
            "unobserved_dofs": [
                name for name, seen in zip(DOF_NAMES, np.asarray(pose.observed.any(0)), strict=True) if not seen
            ],
        },
    )


def _cutoff(smoothing: SmoothOptions) -> float | None:
    return round(cutoff_hz(smoothing), 3) if smoothing.sigma_s > 0 else None


def _fitted(
    estimate: Landmarks, options: ExtractOptions, stature_m: float | None, known_logs: NDArray[np.float64] | None
) -> _Pose:
    detected = int(np.isfinite(estimate.values[:, 0, 0]).sum())
    if detected < MIN_FIT_FRAMES:
        raise ItemError(
            "too_few_frames",
            f"{detected} frame(s) with a person; bone lengths and motion need at least {MIN_FIT_FRAMES}",
        )
    choices = replace(
        FitOptions(
            camera_pitch_deg=options.camera_pitch_deg,
            camera_roll_deg=options.camera_roll_deg,
            kind=options.fit,
            lifter=options.lifter,
        ),
        **estimate.fit,
    )
    fit = fit_clip(estimate.values, estimate.time_s, estimate.image_size, choices, stature_m, known_logs)
    residual = float(np.nanmedian(fit.residual_px))
    details = {
        **estimate.details,
        "image_size": list(estimate.image_size),
        "residual_px_median": round(residual, 2),
        "lengths_scale": "stature given" if stature_m else "population mean stature: lengths are not measurements",
        "lengths_from": "this video" if known_logs is None else "all videos of the participant",
        "fit": {**asdict(choices), "lifter": "given" if choices.lifter else None},
    }
    return _posed(fit, list(fit.flags), details)


def _held_sigma(
    sigma: NDArray[np.float64],
    angles: NDArray[np.float64],
    times: NDArray[np.float64],
    trusted: NDArray[np.bool_],
    longest_s: float,
) -> NDArray[np.float64]:
    """Sigma (T, 46) where a pose is known; where the last one is kept it grows at the clip's own usual speed."""
    (kept, since), _ = hold_gaps((sigma, times), times, trusted, longest_s)
    own = np.flatnonzero(trusted)
    steps = np.diff(angles[own], axis=0) / np.diff(times[own])[:, None] if len(own) > 1 else np.zeros((1, 46))
    return held_sigma(kept, np.sqrt(np.mean(steps**2, axis=0)), times - since)


def _imported(estimate: Angles, options: ExtractOptions) -> _Pose:
    raw, root, observed = estimate.raw, estimate.root, estimate.observed
    if options.mirrored:
        raw, observed = mirror_angles(raw), mirror_mask(observed)
        root = root * (-1.0, 1.0, 1.0)
    raw = continuous_angles(raw)
    flags = [dict(flag) for flag in flip_flags(raw, estimate.time_s)]
    heading = np.angle(np.nanmean(np.exp(1j * raw[:, 2])))
    view = {"heading_deg": round(float(np.rad2deg(heading)), 1), "pitch_deg": options.camera_pitch_deg or 0.0}
    return _Pose(raw, None, observed, estimate.confidence, root, {}, view, flags, estimate.details)


def _from_points(estimate: Points, options: ExtractOptions, stature_m: float | None) -> _Pose:
    from qevd_bio.pose.fit.points import fit_points

    values = estimate.values * (-1.0, 1.0, 1.0) if options.mirrored else estimate.values
    known = stature_m or estimate.stature_m
    fit = fit_points(values, estimate.names, estimate.trust, estimate.set, estimate.time_s, known)
    details = {**estimate.details, "residual_m_median": fit.residual_m, "marker_set": estimate.set}
    flags = [dict(flag) for flag in flip_flags(fit.raw, estimate.time_s)]
    return _posed(fit, flags, details)


def _posture_flags(estimate: Landmarks | Angles | Points) -> list[dict[str, Any]]:
    """A body that lies or hangs head down in nearly all frames: floor exercise, or a wrong rotation of the video."""
    if not isinstance(estimate, Landmarks):
        return []
    points = estimate.values[:, :, :2]
    names = ("shoulder", "hip")
    top, low = (points[:, [LANDMARK_INDEX[f"{s}_{name}"] for s in ("left", "right")]].mean(1) for name in names)
    trunk = (low - top)[np.isfinite(low[:, 0])]
    sideways = float(np.mean(np.abs(trunk[:, 0]) > np.abs(trunk[:, 1])))
    upside_down = float(np.mean(trunk[:, 1] < -np.abs(trunk[:, 0])))
    hint = "if this is no exercise on the floor, the video's rotation is wrong: --rotate 90, 180 or 270"
    for kind, share in (("lies_sideways", sideways), ("upside_down", upside_down)):
        if share >= SIDEWAYS_SHARE:
            return [{"kind": kind, "share": round(share, 2), "hint": hint}]
    return []
