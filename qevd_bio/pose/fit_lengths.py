"""Bone lengths, focal length and the world landmarks' depth scale of one clip, estimated together over its frames.

A bundle adjustment on frames spread over the clip: each frame keeps its own pose, all share the lengths (eliminated
by the Schur complement). Bones seen along the image plane fix the lengths; bones seen end-on then tell their depth.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qevd_bio.anatomy.skeleton import SEGMENTS, Skeleton

from .fit_chain import LENGTHS, Chain, State, jacobian, place
from .fit_evidence import (
    BONE_KIND,
    BONES,
    Evidence,
    Scene,
    calibrate_depth,
    evidence_rows,
    floor_height,
    global_rows,
)
from .fit_options import FitOptions
from .fit_prior import add_priors
from .fit_rotations import Float
from .fit_solve import DAMPING, bounded

FOCAL_RATIO, FOCAL_LOG_SD = 1.0, 0.08
STEPS = 8
SIZE_LOG_SD = 0.005  # one camera shows no absolute size: the mean of the log lengths stays where the stature puts it
LONG = np.array([0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0])
INDEPENDENT_FRAMES = 30.0  # neighbouring frames share their errors: no clip counts for more than this many


@dataclass(frozen=True)
class Calibration:
    """What is constant for a clip."""

    skeleton: Skeleton
    scene: Scene
    state: State  # of the calibration frames


def calibrate(skeleton: Skeleton, start: State, evidence: Evidence, focal: float, options: FitOptions) -> Calibration:
    """Lengths, focal length (pixels) and depth scale from frames `start` and `evidence` (N frames).

    `skeleton` and `focal` are the starting point and the centre of the prior; a focal length given in the options
    stays.
    """
    names = [_segments(name) for name in LENGTHS]
    reference = skeleton.lengths()
    sd = np.array([SEGMENTS[n[0]].sd_fraction / SEGMENTS[n[0]].stature_fraction for n in names])
    prior_sd = np.append(sd, 1e-4)
    prior = np.diag(prior_sd**-2.0)
    prior += np.outer(LONG, LONG) / (LONG.sum() * SIZE_LOG_SD) ** 2
    shared = np.zeros(len(LENGTHS) + 1)
    state, current = start, skeleton
    scene = Scene.start(focal, floor_height(place(Chain.of(skeleton), start), evidence))
    for i in range(STEPS):
        chain = Chain.of(current)
        trusting = replace(scene, robust=scene.robust * (8.0 if i < STEPS - 2 else 1.0))
        step, move = _step(chain, state, evidence, trusting, prior, prior @ shared, options)
        state = state.moved(bounded(step))
        shared = np.clip(shared + np.clip(move, -0.1, 0.1), -3.0 * prior_sd, 3.0 * prior_sd)
        scaled = {n: reference[n] * float(np.exp(s)) for group, s in zip(names, shared, strict=False) for n in group}
        current = skeleton.with_lengths(scaled)
        placed = place(Chain.of(current), state)
        gain, bias = calibrate_depth(placed, evidence) if i >= 2 else (scene.gain, scene.bias)
        scene = Scene(focal * float(np.exp(shared[-1])), gain, bias, floor_height(placed, evidence))
    return Calibration(current, scene, state)


def world_scale(chain: Chain, evidence: Evidence) -> float:
    """Factor that brings the world landmarks' long bones to the chain's lengths (medians over the clip)."""
    lengths = np.linalg.norm(evidence.bones, axis=-1)
    own = chain_bone_lengths(chain)
    long = np.isin(BONE_KIND, (2, 3, 4, 6))
    return float(own[long].sum() / np.maximum(np.median(lengths[:, long], axis=0).sum(), 1e-6))


def chain_bone_lengths(chain: Chain) -> Float:
    """Lengths (13,) of the bones of the chain's zero pose."""
    eye = np.eye(3)[None]
    pair = np.broadcast_to(np.eye(3), (1, 2, 3, 3))
    zero = np.zeros((1, 2))
    rest = State(np.zeros((1, 3)), eye, np.zeros((1, 3)), pair, zero, zero, zero, pair, zero)
    return np.asarray(np.linalg.norm(BONES @ place(chain, rest).markers[0].reshape(16, 3), axis=-1))


def _segments(name: str) -> list[str]:
    return [name] if name in SEGMENTS else [f"{name}_r", f"{name}_l"]


def _step(
    chain: Chain,
    state: State,
    evidence: Evidence,
    scene: Scene,
    prior: Float,
    prior_gradient: Float,
    options: FitOptions,
) -> tuple[Float, Float]:
    """Gauss-Newton step (N, 29) of the poses and (9,) of what they share."""
    placed = place(chain, state)
    rows = evidence_rows(placed, jacobian(placed), evidence, scene, options)
    shared = global_rows(chain, placed, evidence, scene, options)
    turned = np.swapaxes(rows.derivative, -1, -2)
    normal = turned @ rows.derivative
    gradient = (turned @ rows.residual[..., None])[..., 0]
    add_priors(state, evidence.flexion, normal, gradient)
    normal[:, range(29), range(29)] *= 1.0 + DAMPING
    normal[:, range(29), range(29)] += 1e-6
    cross = turned @ shared
    solved = np.linalg.solve(normal, np.concatenate([cross, gradient[..., None]], axis=2))
    share = min(1.0, INDEPENDENT_FRAMES / len(state))
    schur = np.einsum("tri,trj->ij", shared, shared) - np.einsum("tri,trj->ij", cross, solved[..., :-1])
    pull = np.einsum("tri,tr->i", shared, rows.residual) - np.einsum("tri,tr->i", cross, solved[..., -1])
    schur = share * schur + prior
    move = -np.linalg.solve(schur, share * pull + prior_gradient)
    return -(solved[..., -1] + solved[..., :-1] @ move), move
