"""Gauss-Newton over a whole clip: every frame's variables at once, neighbours bound by small accelerations."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qevd_bio.pose.fit.chain import (
    ANKLE,
    ELBOW,
    HIP,
    KNEE,
    N_VARIABLES,
    PELVIS,
    SHOULDER,
    SPINE,
    SUBTALAR,
    TRANS,
    Chain,
    State,
    jacobian,
    place,
)
from qevd_bio.pose.fit.evidence import Evidence, Scene, evidence_rows, project
from qevd_bio.pose.fit.lifted_prior import add_pose_prior
from qevd_bio.pose.fit.options import FitOptions
from qevd_bio.pose.fit.posterior import covariances
from qevd_bio.pose.fit.prior import add_priors
from qevd_bio.pose.fit.rotations import Float, log_rotation

MAX_STEP, MAX_MOVE = 0.5, 0.3  # radians and metres in one Gauss-Newton step
COUPLING_S = 0.4  # frames further apart do not bind each other
ROOT_ACCELERATION = 12.0  # m/s², somewhat more than free fall
DAMPING = 1e-3


@dataclass(frozen=True)
class Solution:
    """A fitted clip: state, image errors (T, 8, 2) in pixels, covariance (T, 29, 29) of the variables."""

    state: State
    image_error: Float
    covariance: Float


def solve_clip(
    chain: Chain,
    start: State,
    evidence: Evidence,
    time_s: Float,
    scene: Scene,
    options: FitOptions,
) -> Solution:
    """The pose sequence that explains the evidence best, `options.iterations` Gauss-Newton steps from `start`."""
    state = start
    couple = _couplings(time_s)
    spread = _acceleration_spread(options)
    for i in range(options.iterations):
        normal, gradient = frame_normals(chain, state, evidence, trustful(scene, i, options.iterations), options)
        add_priors(state, evidence.flexion, evidence.flexion_sd, normal, gradient)
        if evidence.pose is not None:
            add_pose_prior(evidence.pose, state, normal, gradient)
        gradient += _acceleration_gradient(state, couple, spread)
        state = state.moved(bounded(_solve_banded(normal, gradient, couple, spread)))
    markers = place(chain, state).markers
    normal[:, range(N_VARIABLES), range(N_VARIABLES)] += DAMPING
    return Solution(
        state,
        np.linalg.norm(project(markers, scene.focal) - evidence.image, axis=-1),
        covariances(normal, couple, spread**-2.0),
    )


def frame_normals(
    chain: Chain, state: State, evidence: Evidence, scene: Scene, options: FitOptions
) -> tuple[Float, Float]:
    """Normal matrices (T, 29, 29) and gradients (T, 29) of the evidence."""
    placed = place(chain, state)
    rows = evidence_rows(placed, jacobian(placed), evidence, scene, options)
    turned = np.swapaxes(rows.derivative, -1, -2)
    return turned @ rows.derivative, (turned @ rows.residual[..., None])[..., 0]


def trustful(scene: Scene, step: int, steps: int) -> Scene:
    """The scene with which step `step` of `steps` judges landmarks.

    Early steps take every landmark at its word: a limb still far from its place must not pass for a mistaken one.
    """
    return scene if step >= steps - 2 else replace(scene, robust=8.0 * scene.robust)


def bounded(step: Float) -> Float:
    """The step with each frame's largest turn and move limited, directions kept."""
    turn = np.abs(step[:, PELVIS.start :]).max(1) / MAX_STEP
    move = np.abs(step[:, TRANS]).max(1) / MAX_MOVE
    return np.asarray(step / np.maximum(1.0, np.maximum(turn, move))[:, None])


def _acceleration_spread(options: FitOptions) -> Float:
    spread = np.full(N_VARIABLES, options.acceleration)
    spread[TRANS] = ROOT_ACCELERATION
    spread[PELVIS] = spread[SPINE] = 0.4 * options.acceleration
    return spread


def _couplings(time_s: Float) -> Float:
    """Coefficients (T-2, 3) of the second difference; zero where frames are too far apart."""
    h = np.diff(time_s)
    h1, h2 = h[:-1], h[1:]
    out = 2.0 * np.stack([1.0 / (h1 * (h1 + h2)), -1.0 / (h1 * h2), 1.0 / (h2 * (h1 + h2))], axis=1)
    out[(h1 > COUPLING_S) | (h2 > COUPLING_S)] = 0.0
    return np.asarray(out)


def _increments(state: State) -> Float:
    """Steps (T-1, 29) that lead from each frame to the next."""
    out = np.empty((len(state) - 1, N_VARIABLES))
    out[:, TRANS] = np.diff(state.trans, axis=0)
    out[:, SPINE] = np.diff(state.spine, axis=0)
    out[:, PELVIS] = log_rotation(np.swapaxes(state.pelvis[:-1], -1, -2) @ state.pelvis[1:])
    hips = log_rotation(np.swapaxes(state.hip[:-1], -1, -2) @ state.hip[1:])
    shoulders = log_rotation(np.swapaxes(state.shoulder[:-1], -1, -2) @ state.shoulder[1:])
    for side in range(2):
        out[:, HIP[side]], out[:, SHOULDER[side]] = hips[:, side], shoulders[:, side]
    for columns, angle in (
        (KNEE, state.knee),
        (ANKLE, state.ankle),
        (SUBTALAR, state.subtalar),
        (ELBOW, state.elbow),
    ):
        out[:, columns] = np.diff(angle, axis=0)
    return out


def _acceleration_gradient(state: State, couple: Float, spread: Float) -> Float:
    gradient = np.zeros((len(state), N_VARIABLES))
    if len(couple):
        step = _increments(state)
        acceleration = couple[:, 2:] * step[1:] - couple[:, :1] * step[:-1]
        pull = acceleration / spread**2
        for i in range(3):
            gradient[i : len(state) - 2 + i] += couple[:, i : i + 1] * pull
    return gradient


def solve_blocks(normal: Float, right: Float) -> Float:
    """Solutions (T, n, k) of T small symmetric systems (T, n, n) x = (T, n, k), as one banded system.

    One call for all: a general solver would start threads for each little matrix and wait for them.
    """
    frames, n, columns = right.shape
    return _solved(_lower_band(normal, n - 1), right.reshape(frames * n, columns)).reshape(frames, n, columns)


def _solve_banded(normal: Float, gradient: Float, couple: Float, spread: Float) -> Float:
    """Newton step (T, 29) of the block system with neighbours bound (lower band of width 58)."""
    frames, n = gradient.shape
    flat = _lower_band(normal, 2 * n)
    band = flat.reshape(2 * n + 1, frames, n)
    information = spread**-2.0
    for i in range(3):
        for j in range(i + 1):
            band[(i - j) * n, j : frames - 2 + j] += (couple[:, i] * couple[:, j])[:, None] * information
    band[0] = band[0] * (1.0 + DAMPING) + 1e-9
    return _solved(flat, -gradient.ravel()).reshape(frames, n)


def _solved(band: Float, right: Float) -> Float:
    """The solution of a positive definite system whose lower band is overwritten."""
    from scipy.linalg import solveh_banded  # slow to import: only a process that fits pays for it

    return np.asarray(solveh_banded(band, right, lower=True, overwrite_ab=True, check_finite=False))


def _lower_band(blocks: Float, width: int) -> Float:
    """Lower band (width + 1, T n) of the matrix with `blocks` (T, n, n) along its diagonal."""
    frames, n, _ = blocks.shape
    band = np.zeros((width + 1, frames, n))
    for d in range(n):
        band[d, :, : n - d] = blocks[:, np.arange(d, n), np.arange(n - d)]
    return band.reshape(width + 1, frames * n)
