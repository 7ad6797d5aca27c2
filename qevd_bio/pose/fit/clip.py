"""Landmarks of a whole clip -> 46 joint angles a frame: the inverse kinematics of the toolkit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.pose.fit.angles import N_DOFS, angles_of, head_rotation
from qevd_bio.pose.fit.chain import Chain, State, place
from qevd_bio.pose.fit.evidence import Evidence, lifted_evidence, make_evidence
from qevd_bio.pose.fit.guess import guess_state, place_roots
from qevd_bio.pose.fit.lengths import Calibration, Proportions, calibrate, world_scale
from qevd_bio.pose.fit.lifted_prior import pose_prior
from qevd_bio.pose.fit.lifter import Lifted, lift, read_lifter
from qevd_bio.pose.fit.moving import moving_flags
from qevd_bio.pose.fit.observed import observed_dofs
from qevd_bio.pose.fit.options import FitOptions
from qevd_bio.pose.fit.posterior import angle_spread
from qevd_bio.pose.fit.rotations import Float
from qevd_bio.pose.fit.seen import SeenClip
from qevd_bio.pose.fit.sigma import FEATURES, coefficients, features, sigma_of, view_features
from qevd_bio.pose.fit.smooth import flip_flags, runs, unwrap_angles
from qevd_bio.pose.fit.solve import solve_clip
from qevd_bio.pose.fit.swaps import decide_swaps, swap_flags, swapped_back
from qevd_bio.pose.fit.tilt import camera_tilt
from qevd_bio.pose.fit.world import KINDS
from qevd_bio.pose.options import Fit
from qevd_bio.pose.threads import one_blas_thread

MEAN_STATURE = 1.69  # m, mean of the men's and women's means of ANSUR II
LONGEST_GAP_S = 0.5
LEAST_FRAMES = 5  # for a clip's word on proportions
RESIDUAL_HALF, AROUND_S, ENOUGH_AROUND = 0.06, 0.5, 0.3


@dataclass(frozen=True)
class FitResult:
    """Angles of one clip, T frames; rows without a detection are NaN.

    raw (T, 46) radians, unwrapped; sigma (T, 46) radians, the standard deviation of their errors, and `features`
    (T, 46, F) that it was computed from; observed (T, 46); confidence (T,) 0..1; root (T, 3) metres, pelvis in the
    level frame whose origin is the camera; skeleton_lengths in metres; view: heading_deg (0 faces the camera),
    pitch_deg, roll_deg and focal_px with how each was found, and floor_m, the floor's height in that frame;
    residual_px (T,) root mean square of the image markers.
    """

    raw: Float
    observed: NDArray[np.bool_]
    confidence: NDArray[np.float64]
    root: Float
    skeleton_lengths: dict[str, float]
    view: dict[str, Any]
    residual_px: NDArray[np.float64]
    sigma: Float
    features: Float
    flags: list[dict[str, Any]]


@one_blas_thread()
def fit_clip(
    landmarks: NDArray[np.floating[Any]],
    time_s: NDArray[np.float64],
    image_size: tuple[int, int],
    options: FitOptions,
    stature_m: float | None = None,
    known_logs: Float | None = None,
) -> FitResult:
    """Fit the skeleton to landmarks (T, 33, 7) of one person over a whole clip.

    Columns of `landmarks`: image x, y in pixels, world x, y, z in metres (x right, y down, z away, origin between the
    hips), visibility, presence; NaN rows where nobody was found. Without a stature the population's mean is taken:
    angles do not depend on it. known_logs: the person's proportions as `lengths.shared_logs` gives them, where other
    clips show them too.
    """
    frames = len(landmarks)
    marks: NDArray[np.float64] = np.asarray(landmarks, dtype=np.float64)
    time_s = np.asarray(time_s, dtype=np.float64)
    sides = decide_swaps(marks, time_s)
    clip = SeenClip.of(swapped_back(marks, sides), time_s, image_size)
    if not len(clip):
        return _nothing(frames)
    focal = max(image_size) * options.focal_ratio
    knots = clip.take(_knots(clip, options.knot_hz))
    lifted = None
    if options.kind != "geometric":
        lifted = lift(read_lifter(options.lifter), knots, focal)
    calibration, scale = _calibrate(knots, focal, options, stature_m, lifted, known_logs)
    state, error, covariance = _solve_windows(knots, calibration, scale, options, lifted)
    head = head_rotation(calibration.skeleton, state, knots.head)
    level = calibration.scene.level
    shape = view_features(place(Chain.of(calibration.skeleton), state), level)
    state = _levelled(state, level)
    if lifted is not None and options.kind == "lifter":
        pose, spread = lifted.angles, lifted.angles_sd
    else:
        pose, spread = angles_of(state, head), angle_spread(state, head, covariance)
    pose = unwrap_angles(pose)
    known = _between(knots.time_s, np.concatenate([spread, shape], axis=1), clip.time_s)
    dense = _to_frames(knots.time_s, np.concatenate([pose, state.trans, error[:, None]], axis=1), clip.time_s)
    raw = _spread(dense[:, :N_DOFS], clip.rows, frames)
    residual = _spread(np.abs(dense[:, -1]), clip.rows, frames)
    visibility = _spread(clip.visibility, clip.rows, frames)
    size = _spread(_pixel_size(clip), clip.rows, frames)
    known = _spread(known, clip.rows, frames)
    found = features(known[:, :N_DOFS], known[:, N_DOFS:], raw, time_s, visibility, residual / size)
    return FitResult(
        raw=raw,
        observed=observed_dofs(
            raw, visibility, _spread(clip.head_visibility, clip.rows, frames), options.min_visibility
        ),
        confidence=_confidence(visibility, residual / size, time_s),
        root=_spread(dense[:, N_DOFS : N_DOFS + 3], clip.rows, frames),
        skeleton_lengths=calibration.skeleton.lengths(),
        view=_view(pose, state, calibration, options),
        residual_px=residual,
        sigma=_sigma(found, raw, options.kind),
        features=found,
        flags=[*swap_flags(sides, time_s), *moving_flags(marks, time_s), *map(dict, flip_flags(raw, time_s))],
    )


def _sigma(found: Float, raw: Float, kind: Fit) -> Float:
    """Sigma (T, 46): the network's own word where the angles are the network's."""
    if kind == "lifter":
        return np.where(np.isfinite(raw), np.exp(found[..., 1]), np.nan)
    return sigma_of(found, coefficients(kind))


@one_blas_thread()
def clip_proportions(
    landmarks: NDArray[np.floating[Any]],
    time_s: NDArray[np.float64],
    image_size: tuple[int, int],
    options: FitOptions,
    stature_m: float | None = None,
) -> Proportions | None:
    """What landmarks as `fit_clip` takes them say of the body's proportions; None where hardly anybody was found."""
    clip = SeenClip.of(np.asarray(landmarks, dtype=np.float64), np.asarray(time_s, dtype=np.float64), image_size)
    if len(clip) < LEAST_FRAMES:
        return None
    return _calibrate(clip, max(image_size) * options.focal_ratio, options, stature_m)[0].proportions


def _knots(clip: SeenClip, knot_hz: float) -> NDArray[np.intp]:
    """Frames at which the clip is solved: about `knot_hz` a second, first and last of every run included."""
    chosen = []
    for run in runs(np.ones(len(clip), dtype=bool), clip.time_s, LONGEST_GAP_S):
        step = np.median(np.diff(clip.time_s[run])) if len(run) > 1 else 1.0
        stride = max(1, round(1.0 / (knot_hz * max(float(step), 1e-3))))
        chosen.append(np.unique(np.append(run[::stride], run[-1])))
    return np.concatenate(chosen)


def _start(clip: SeenClip, chain: Chain, evidence: Evidence, focal: float) -> State:
    state = guess_state(chain, clip.world)
    return place_roots(chain, state, evidence.image, evidence.trust, focal)


def _evidence(
    clip: SeenClip, scale: float, lifted: Lifted | None, options: FitOptions, calibration: Calibration | None = None
) -> Evidence:
    if lifted is not None and options.kind == "combined":
        pose = None
        if calibration is not None:
            pose = pose_prior(lifted, calibration.skeleton, calibration.scene.level, options.lifter_doubt)
        return lifted_evidence(clip.image, clip.visibility, lifted.scaled(scale), pose, options)
    return make_evidence(clip.image, clip.world * scale, clip.visibility)


def _calibrate(
    knots: SeenClip,
    focal: float,
    options: FitOptions,
    stature_m: float | None,
    lifted: Lifted | None = None,
    known_logs: Float | None = None,
) -> tuple[Calibration, float]:
    count = min(len(knots), options.calibration_frames)
    rows = np.unique(np.linspace(0, len(knots) - 1, count).astype(int))
    part, shown = knots.take(rows), lifted and lifted.take(rows)
    skeleton = Skeleton.from_stature(stature_m or MEAN_STATURE)
    chain = Chain.of(skeleton)
    scale = world_scale(chain, _evidence(part, 1.0, shown, options))
    evidence = _evidence(part, scale, shown, options)
    start = _start(part, chain, evidence, focal)
    tilt = camera_tilt(part.world, options)
    return calibrate(skeleton, start, evidence, focal, tilt, options, known_logs), scale


def _solve_windows(
    knots: SeenClip, calibration: Calibration, scale: float, options: FitOptions, lifted: Lifted | None
) -> tuple[State, NDArray[np.float64], Float]:
    """State, image error (K,) and covariance (K, 29, 29).

    The clip is solved piece by piece; of two overlapping pieces each frame is taken from the one whose edge is further.
    """
    chain = Chain.of(calibration.skeleton)
    states, errors, spreads = [], [], []
    end = knots.time_s[-1]
    begin = knots.time_s[0]
    while True:
        stop = begin + options.window_s
        last = stop >= end
        inside = (knots.time_s >= begin - options.overlap_s) & (
            knots.time_s <= (end if last else stop + options.overlap_s)
        )
        rows = np.flatnonzero(inside)
        part = knots.take(rows)
        evidence = _evidence(part, scale, lifted and lifted.take(rows), options, calibration)
        start = _start(part, chain, evidence, calibration.scene.focal)
        solved = solve_clip(chain, start, evidence, part.time_s, calibration.scene, options)
        keep = np.flatnonzero((part.time_s >= begin) & ((part.time_s < stop) | last))
        states.append(solved.state.take(keep))
        errors.append(np.sqrt((solved.image_error[keep] ** 2).mean((1, 2))))
        spreads.append(solved.covariance[keep])
        if last:
            break
        ahead = knots.time_s[np.searchsorted(knots.time_s, stop)]
        begin = stop if ahead < stop + options.window_s else ahead  # a hole of any length is one step
    joined = State(**{name: np.concatenate([getattr(s, name) for s in states]) for name in State.__dataclass_fields__})
    return joined, np.concatenate(errors), np.concatenate(spreads)


def _levelled(state: State, level: Float) -> State:
    """The state in the level frame, whose axes in camera axes are the rows of `level`."""
    return replace(state, trans=state.trans @ level.T, pelvis=level @ state.pelvis)


def _to_frames(knot_s: NDArray[np.float64], values: Float, time_s: NDArray[np.float64]) -> Float:
    """Cubic splines through the knots, one for each run without a gap, at the frames' times."""
    from scipy.interpolate import CubicSpline  # a second to import: only a process that fits pays for it

    out = np.empty((len(time_s), values.shape[1]))
    for run in runs(np.ones(len(knot_s), dtype=bool), knot_s, LONGEST_GAP_S):
        own = (time_s >= knot_s[run[0]]) & (time_s <= knot_s[run[-1]])
        out[own] = CubicSpline(knot_s[run], values[run])(time_s[own]) if len(run) > 1 else values[run]
    return out


def _between(knot_s: NDArray[np.float64], values: Float, time_s: NDArray[np.float64]) -> Float:
    """Straight lines between the knots, at the frames' times."""
    right = np.clip(np.searchsorted(knot_s, time_s), min(1, len(knot_s) - 1), len(knot_s) - 1)
    left = np.maximum(right - 1, 0)
    share = np.clip((time_s - knot_s[left]) / np.maximum(knot_s[right] - knot_s[left], 1e-9), 0.0, 1.0)[:, None]
    return np.asarray(values[left] * (1.0 - share) + values[right] * share)


def _spread(values: Float, rows: NDArray[np.intp], frames: int) -> Float:
    out = np.full((frames, *values.shape[1:]), np.nan)
    out[rows] = values
    return out


def _pixel_size(clip: SeenClip) -> NDArray[np.float64]:
    """Height (K,) of a body whose markers spread so in the image, roughly, in pixels."""
    return np.asarray(4.0 * np.sqrt(clip.image.var((1, 2)).sum(-1)))


def _confidence(visibility: Float, residual: NDArray[np.float64], time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Trust (T,) in each frame, 0 where nobody was found.

    The markers' mean visibility, halved where they miss the fitted body by RESIDUAL_HALF of its size, and lowered
    where the second around the frame is mostly lost: a model that keeps losing a person sees little in between.
    """
    own = np.nan_to_num(visibility.mean((1, 2)) / (1.0 + (residual / RESIDUAL_HALF) ** 2))
    total = np.concatenate([[0.0], np.cumsum(own)])
    first = np.searchsorted(time_s, time_s - AROUND_S)
    last = np.searchsorted(time_s, time_s + AROUND_S, side="right")
    around = (total[last] - total[first]) / (last - first)
    return np.asarray(own * np.minimum(1.0, around / ENOUGH_AROUND))


def _view(pose: Float, state: State, calibration: Calibration, options: FitOptions) -> dict[str, Any]:
    heading = np.angle(np.exp(1j * pose[:, 2]).mean())
    pitch, roll = np.rad2deg(calibration.scene.tilt)
    return {
        "heading_deg": round(float(np.rad2deg(heading)), 1),
        "pitch_deg": round(float(pitch), 1),
        "pitch_source": "given" if options.camera_pitch_deg is not None else "estimated",
        "roll_deg": round(float(roll), 1),
        "roll_source": "given" if options.camera_roll_deg is not None else "estimated",
        "focal_px": round(calibration.scene.focal, 1),
        "focal_source": f"{options.focal_ratio:g} x the longer image side, not estimated",
        "distance_m": round(float(-np.median(state.trans[:, 2])), 2),
        "floor_m": round(calibration.scene.floor, 3),
        "world_depth": {
            kind: {"gain": round(float(gain), 2), "bias_m": round(float(bias), 3)}
            for kind, gain, bias in zip(KINDS, calibration.scene.gain, calibration.scene.bias, strict=True)
        },
    }


def _nothing(frames: int) -> FitResult:
    nan = np.full((frames, N_DOFS), np.nan)
    return FitResult(
        raw=nan,
        observed=np.zeros((frames, N_DOFS), dtype=bool),
        confidence=np.zeros(frames),
        root=np.full((frames, 3), np.nan),
        skeleton_lengths={},
        view={},
        residual_px=np.full(frames, np.nan),
        sigma=nan,
        features=np.full((frames, N_DOFS, len(FEATURES)), np.nan),
        flags=[{"kind": "no_person"}],
    )
