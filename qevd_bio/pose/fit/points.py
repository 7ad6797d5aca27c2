"""Points in space -> 46 joint angles a frame: the chain, priors and steps of the landmark fit, with other evidence.

Markers of a laboratory or joints of an estimator bind where each place of the body is, to about a centimetre; four
pelvis markers bind the pelvis's rotation. Each frame is solved by itself; what is missing is held by the priors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.anatomy.skeleton import SEGMENTS, Skeleton
from qevd_bio.pose.fit.angles import angles_of, head_rotation
from qevd_bio.pose.fit.chain import N_VARIABLES, PELVIS, Chain, State, jacobian, place
from qevd_bio.pose.fit.evidence import FLEXION_SD
from qevd_bio.pose.fit.guess import guess_state
from qevd_bio.pose.fit.observed import observed_dofs
from qevd_bio.pose.fit.posterior import angle_spread
from qevd_bio.pose.fit.prior import add_priors
from qevd_bio.pose.fit.rotations import Float, log_rotation
from qevd_bio.pose.fit.sigma import MOST
from qevd_bio.pose.fit.smooth import unwrap_angles
from qevd_bio.pose.fit.solve import DAMPING, bounded, solve_blocks
from qevd_bio.pose.fit.world import BONES, flexion_of
from qevd_bio.pose.formats.markers.sets import places_of, set_by_name
from qevd_bio.pose.formats.markers.sites import GRID, complete, joint_centres
from qevd_bio.store.errors import ItemError

MARKER_SD, PELVIS_SD = 0.004, np.deg2rad(1.0)
# What no residual shows: skin that moves over the bone, a set's joint centres that are not quite the joints.
LEAST_SIGMA = np.deg2rad(2.0)
# Without markers of its own the pelvis's tilt is the trunk's lean: a back that bends in a squat is that far off.
UNSEEN_PELVIS = np.deg2rad(15.0)
_FREEDOM = np.sqrt(48 / (48 - N_VARIABLES))  # 16 points bind 29 variables: what they miss by is less than their error
STEPS, CHUNK = 10, 1000
LEAST_SEEN = 6
RESIDUAL_HALF = 0.06  # metres at which a frame counts half
MEAN_STATURE = 1.69
_LONG = ("thigh_r", "thigh_l", "shank_r", "shank_l", "upper_arm_r", "upper_arm_l")


@dataclass(frozen=True)
class PointsFit:
    """Angles of one clip, T frames; rows where the body is not seen are NaN.

    raw (T, 46) radians, unwrapped; sigma (T, 46) radians, the standard deviation of their errors, NaN for those that
    the fit does not solve (head, scapulae, forearm turn, wrists, toes); observed (T, 46); confidence (T,) 0..1; root
    (T, 3) metres in the points' level frame; skeleton_lengths in metres; residual_m the median distance between points
    and fitted body; view: heading.
    """

    raw: Float
    sigma: Float
    observed: NDArray[np.bool_]
    confidence: NDArray[np.float64]
    root: Float
    skeleton_lengths: dict[str, float]
    view: dict[str, Any]
    residual_m: float


def fit_points(
    values: Float, names: Sequence[str], trust: Float, set_name: str, time_s: Float, stature_m: float | None = None
) -> PointsFit:
    """Fit the skeleton to points (T, M, 3) in metres, y up, NaN where missing, with trust (T, M).

    Lengths are measured on the points; `stature_m` only fills in those that no point shows. Raises ItemError where no
    frame shows enough of a body.
    """
    chosen = set_by_name(set_name)
    places = places_of(chosen, names, values, trust)
    sites = joint_centres(chosen, places)
    grid, seen = sites.grid, sites.trust
    whole = (seen > 0).sum(axis=(1, 2)) >= LEAST_SEEN
    whole &= (seen[:, GRID.index("hip")] > 0).all(axis=1)
    if not whole.any():
        raise ItemError("too_few_markers", f"no frame shows both hips and {LEAST_SEEN} places of the body")
    rows = np.flatnonzero(whole)
    filled = complete(grid[rows], seen[rows])
    skeleton = _skeleton(filled, seen[rows], stature_m)
    chain = _chain(skeleton, chosen.toe_share)
    pelvis = None if sites.pelvis is None else sites.pelvis[rows]
    parts = [
        _solve(chain, filled[part], seen[rows][part], None if pelvis is None else pelvis[part])
        for part in (slice(k, k + CHUNK) for k in range(0, len(rows), CHUNK))
    ]
    state = State(**{name: np.concatenate([getattr(p[0], name) for p in parts]) for name in State.__dataclass_fields__})
    error = np.concatenate([p[1] for p in parts])
    residual = np.linalg.norm(error, axis=-1)
    used = seen[rows] > 0
    typical = np.sqrt((residual**2 * used).sum(axis=(1, 2)) / used.sum(axis=(1, 2)))
    head, head_seen = _head(skeleton, state, sites.head[rows], sites.head_trust[rows])
    pose = unwrap_angles(angles_of(state, head))
    sigma = _sigma(state, head, np.concatenate([p[2] for p in parts]), typical, pelvis)
    raw = _spread(pose, rows, len(values))
    visibility = _spread(seen[rows], rows, len(values))
    observed = observed_dofs(raw, visibility, _spread(head_seen, rows, len(values)), 0.5)
    if pelvis is not None:
        has = np.isfinite(_spread(pelvis[:, 0, 0], rows, len(values)))
        observed[:, DOF_INDEX["lumbar_extension"]] = has & observed[:, DOF_INDEX["lumbar_bending"]]
    ever = (seen > 0).any(axis=0)
    confidence = np.zeros(len(values))
    confidence[rows] = seen[rows][:, ever].mean(axis=1) / (1.0 + (typical / RESIDUAL_HALF) ** 2)
    heading = np.angle(np.exp(1j * pose[:, 2]).mean())
    return PointsFit(
        raw=raw,
        sigma=_spread(sigma, rows, len(values)),
        observed=observed,
        confidence=confidence,
        root=_spread(state.trans, rows, len(values)),
        skeleton_lengths=skeleton.lengths(),
        view={"heading_deg": round(float(np.rad2deg(heading)), 1), "pitch_deg": 0.0, "pitch_source": "points in space"},
        residual_m=round(float(np.median(typical)), 4),
    )


def _skeleton(grid: Float, seen: Float, stature_m: float | None) -> Skeleton:
    """The skeleton with every length that the points show as its median; the rest follows the stature."""
    measured = _lengths(grid, seen)
    if stature_m is None:
        guesses = [measured[name] / SEGMENTS[name].stature_fraction for name in _LONG if name in measured]
        stature_m = float(np.clip(np.median(guesses), 0.8, 2.3)) if guesses else MEAN_STATURE
    skeleton = Skeleton.from_stature(stature_m)
    usual = skeleton.lengths()
    sane = {name: value for name, value in measured.items() if 0.6 * usual[name] < value < 1.6 * usual[name]}
    return skeleton.with_lengths(sane)


def _lengths(grid: Float, seen: Float) -> dict[str, float]:
    def at(name: str, side: int) -> tuple[Float, NDArray[np.bool_]]:
        k = GRID.index(name)
        return grid[:, k, side], seen[:, k, side] > 0

    found: dict[str, float] = {}
    pairs = {"thigh": ("hip", "knee"), "shank": ("knee", "ankle"), "upper_arm": ("shoulder", "elbow")}
    pairs["forearm"] = ("elbow", "wrist")
    for side, letter in enumerate("rl"):
        for name, (start, end) in pairs.items():
            (a, seen_a), (b, seen_b) = at(start, side), at(end, side)
            _median(found, f"{name}_{letter}", np.linalg.norm(b - a, axis=1), seen_a & seen_b)
    for name, part in (("hip_width", "hip"), ("shoulder_width", "shoulder")):
        (a, seen_a), (b, seen_b) = at(part, 0), at(part, 1)
        _median(found, name, np.linalg.norm(b - a, axis=1), seen_a & seen_b)
    middle = grid[:, GRID.index("shoulder")].mean(axis=1) - grid[:, GRID.index("hip")].mean(axis=1)
    both = np.asarray((seen[:, [GRID.index("shoulder"), GRID.index("hip")]] > 0).all(axis=(1, 2)))
    _median(found, "trunk", np.linalg.norm(middle, axis=1), both)
    return {name: value for name, value in found.items() if name in SEGMENTS}


def _median(found: dict[str, float], name: str, values: Float, seen: NDArray[np.bool_]) -> None:
    if seen.any():
        found[name] = float(np.median(values[seen]))


def _chain(skeleton: Skeleton, toe_share: float) -> Chain:
    """The chain with hips at the joints, and the toe point where this marker set has it."""
    chain = Chain.of(skeleton)
    far = np.stack([skeleton.place(f"toe_tip_{s}") - skeleton.place(f"subtalar_{s}") for s in "rl"])
    near = np.stack([skeleton.place(f"ball_{s}") - skeleton.place(f"subtalar_{s}") for s in "rl"])
    return replace(chain, hip_marker=np.zeros((2, 3)), toe=near + toe_share * (far - near))


def _solve(chain: Chain, grid: Float, seen: Float, pelvis: Float | None) -> tuple[State, Float, Float]:
    """State, errors (T, 8, 2, 3) and covariance (T, 29, 29) of frames with points (T, 8, 2, 3), each by itself."""
    state = guess_state(chain, grid)
    middle = grid[:, GRID.index("hip")].mean(axis=1)
    state = replace(state, trans=middle - place(chain, state).markers[:, GRID.index("hip")].mean(axis=1))
    flexion = flexion_of(np.asarray(BONES @ grid.reshape(len(grid), 16, 3)))
    weight = (np.sqrt(seen) / MARKER_SD)[..., None]
    for _ in range(STEPS):
        placed = place(chain, state)
        rows = (jacobian(placed) * weight[..., None]).reshape(len(grid), 48, N_VARIABLES)
        residual = ((placed.markers - grid) * weight).reshape(len(grid), 48)
        turned = np.swapaxes(rows, -1, -2)
        normal, gradient = turned @ rows, (turned @ residual[..., None])[..., 0]
        add_priors(state, flexion, FLEXION_SD, normal, gradient)
        if pelvis is not None:
            _add_pelvis(state, pelvis, normal, gradient)
        information = normal.copy()
        diagonal = range(N_VARIABLES)
        normal[:, diagonal, diagonal] = normal[:, diagonal, diagonal] * (1.0 + DAMPING) + 1e-6
        state = state.moved(bounded(-solve_blocks(normal, gradient[..., None])[..., 0]))
    covariance = np.asarray(np.linalg.inv(information + 1e-6 * np.eye(N_VARIABLES)), dtype=np.float64)
    return state, (place(chain, state).markers - grid) * (seen > 0)[..., None], covariance


def _add_pelvis(state: State, pelvis: Float, normal: Float, gradient: Float) -> None:
    """Bind the pelvis's rotation to the measured one (T, 3, 3), where it is not NaN."""
    has = np.isfinite(pelvis[:, 0, 0])
    error = np.zeros((len(pelvis), 3))
    error[has] = log_rotation(np.swapaxes(pelvis[has], -1, -2) @ state.pelvis[has])
    information = np.where(has, PELVIS_SD**-2.0, 0.0)
    columns = list(range(N_VARIABLES))[PELVIS]
    normal[:, columns, columns] += information[:, None]
    gradient[:, columns] += information[:, None] * error


def _sigma(state: State, head: Float, covariance: Float, typical: Float, pelvis: Float | None) -> Float:
    """Standard deviation (T, 46) of the angles' errors, radians; `typical` (T,) is how far points lie from the body."""
    wider = np.maximum(1.0, _FREEDOM * typical / (np.sqrt(3.0) * MARKER_SD))  # such points bind less than markers
    sigma = np.hypot(angle_spread(state, head, covariance) * wider[:, None], LEAST_SIGMA)
    unseen = np.ones(len(sigma)) if pelvis is None else ~np.isfinite(pelvis[:, 0, 0])
    for name in ("pelvis_tilt", "lumbar_extension", "hip_flexion_r", "hip_flexion_l"):
        sigma[:, DOF_INDEX[name]] = np.hypot(sigma[:, DOF_INDEX[name]], UNSEEN_PELVIS * unseen)
    return np.asarray(np.minimum(sigma, MOST))


def _head(skeleton: Skeleton, state: State, points: Float, trust: Float) -> tuple[Float, Float]:
    """The head's rotation in the thorax, upright where its five points are not all there; and their trust."""
    head = np.tile(np.eye(3), (len(points), 1, 1))
    whole = np.asarray(np.isfinite(points).all(axis=(1, 2)))
    if whole.any():
        head[whole] = head_rotation(skeleton, state.take(np.flatnonzero(whole)), points[whole])
    return head, np.where(whole[:, None], trust, 0.0)


def _spread(values: Float, rows: NDArray[np.intp], frames: int) -> Float:
    out = np.full((frames, *values.shape[1:]), np.nan)
    out[rows] = values
    return out
