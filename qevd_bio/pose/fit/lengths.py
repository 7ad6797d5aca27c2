"""Bone lengths of one clip, its floor, and the world landmarks' depth scale, estimated over its frames.

A bundle adjustment on frames spread over the clip: each frame keeps its own pose, all share the lengths (eliminated
by the Schur complement). Bones seen along the image plane fix the lengths; bones seen end-on then tell their depth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from qevd_bio.anatomy.skeleton import SEGMENTS, Skeleton
from qevd_bio.pose.fit.chain import LENGTHS, N_VARIABLES, Chain, State, jacobian, place, rest_state
from qevd_bio.pose.fit.evidence import Evidence, Scene, evidence_rows, length_rows
from qevd_bio.pose.fit.options import FitOptions
from qevd_bio.pose.fit.prior import add_priors
from qevd_bio.pose.fit.rotations import Float
from qevd_bio.pose.fit.solve import DAMPING, bounded, solve_blocks, trustful
from qevd_bio.pose.fit.stance import floor_height
from qevd_bio.pose.fit.world import BONE_KIND, BONES, calibrate_depth

STEPS, FIRST_DEPTH_STEP = 10, 2
# The depth of the world landmarks is what is being judged here: it counts less, so as not to confirm itself.
DOUBT = 5.0
# One camera shows no absolute size: the mean log length of the long bones stays where the stature puts it.
LONG = np.array([name in {"trunk", "thigh", "shank", "upper_arm", "forearm"} for name in LENGTHS], dtype=float)
SIZE_LOG_SD = 0.005
INDEPENDENT_FRAMES = 30.0  # neighbouring frames share their errors: no clip counts for more than this many
LONG_KINDS = (2, 3, 4, 6)
KNOWN_LOG_SD = 0.003  # of lengths that are known from the person's other clips


@dataclass(frozen=True)
class Proportions:
    """What one clip says of a body: logarithms (8,) of its LENGTHS over the generic body's of the same stature, and
    the information (8, 8) that its frames hold about them, without the prior's."""

    logs: Float
    information: Float


@dataclass(frozen=True)
class Calibration:
    """What is constant for a clip."""

    skeleton: Skeleton
    scene: Scene
    proportions: Proportions


def shared_logs(clips: Sequence[Proportions]) -> Float:
    """Logarithms (8,) of one person's LENGTHS from several clips, each counting as much as its frames tell."""
    prior = _prior(_spreads())
    total = sum((clip.information for clip in clips), prior)
    pull = sum(((clip.information + prior) @ clip.logs for clip in clips), np.zeros(len(LENGTHS)))
    return np.asarray(np.linalg.solve(total, pull))


def _groups() -> list[list[str]]:
    return [[name] if name in SEGMENTS else [f"{name}_r", f"{name}_l"] for name in LENGTHS]


def _spreads() -> Float:
    """Spread (8,) of the logarithms between people."""
    segments = [SEGMENTS[group[0]] for group in _groups()]
    return np.array([segment.sd_fraction / segment.stature_fraction for segment in segments])


def _prior(spread: Float) -> Float:
    return np.asarray(np.diag(spread**-2.0) + np.outer(LONG, LONG) / (LONG.sum() * SIZE_LOG_SD) ** 2)


def calibrate(
    skeleton: Skeleton,
    start: State,
    evidence: Evidence,
    focal: float,
    tilt: Float,
    options: FitOptions,
    known: Float | None = None,
) -> Calibration:
    """Lengths, floor and depth scale from the poses `start` and `evidence` of N frames of a camera tilted by `tilt`.

    `skeleton` is the starting point and the centre of the lengths' prior, whose spread is that between people; where
    the person's logarithms (8,) are `known` from other clips, they are.
    """
    options, evidence = replace(options, depth_sd=DOUBT * options.depth_sd), evidence.doubted(DOUBT)
    groups, reference, sd = _groups(), skeleton.lengths(), _spreads()
    most, centre = 3.0 * sd, np.zeros(len(LENGTHS)) if known is None else known
    prior = _prior(sd if known is None else np.full(len(LENGTHS), KNOWN_LOG_SD))
    logs = centre.copy()
    state, current, information = start, skeleton, np.zeros_like(prior)
    scene = Scene.start(focal, 0.0, tilt)
    scene = replace(scene, floor=floor_height(place(Chain.of(skeleton), start), evidence.trust, scene.level))
    for i in range(STEPS):
        at, now = Chain.of(current), trustful(scene, i, STEPS)
        step, move, information = _step(at, state, evidence, now, prior, logs - centre, options)
        state = state.moved(bounded(step))
        logs = np.clip(logs + np.clip(move, -0.1, 0.1), -most, most)
        scaled = {
            name: reference[name] * np.exp(log) for group, log in zip(groups, logs, strict=True) for name in group
        }
        current = skeleton.with_lengths(scaled)
        placed = place(Chain.of(current), state)
        if i >= FIRST_DEPTH_STEP and evidence.bone_sd is None:
            gain, bias = calibrate_depth(placed, evidence.bones, evidence.bone_trust)
            scene = replace(scene, gain=gain, bias=bias)
        scene = replace(scene, floor=floor_height(placed, evidence.trust, scene.level))
    return Calibration(current, scene, Proportions(logs, information))


def world_scale(chain: Chain, evidence: Evidence) -> float:
    """Factor that brings the world landmarks' long bones to the chain's lengths (medians over the clip)."""
    seen = np.median(np.linalg.norm(evidence.bones, axis=-1), axis=0)
    rest = place(chain, rest_state(1)).markers[0].reshape(16, 3)
    own = np.linalg.norm(BONES @ rest, axis=-1)
    long = np.isin(BONE_KIND, LONG_KINDS)
    return float(own[long].sum() / max(float(seen[long].sum()), 1e-6))


def _step(
    chain: Chain, state: State, evidence: Evidence, scene: Scene, prior: Float, logs: Float, options: FitOptions
) -> tuple[Float, Float, Float]:
    """Gauss-Newton step (N, 29) of the poses and (8,) of the log lengths that they share, `logs` from the prior's
    centre; and the frames' information (8, 8) about these."""
    placed = place(chain, state)
    rows = evidence_rows(placed, jacobian(placed), evidence, scene, options)
    shared = length_rows(chain, placed, evidence, scene, options)
    turned = np.swapaxes(rows.derivative, -1, -2)
    normal = turned @ rows.derivative
    gradient = (turned @ rows.residual[..., None])[..., 0]
    add_priors(state, evidence.flexion, evidence.flexion_sd, normal, gradient)
    diagonal = range(N_VARIABLES)
    normal[:, diagonal, diagonal] = normal[:, diagonal, diagonal] * (1.0 + DAMPING) + 1e-6
    cross = turned @ shared
    solved = solve_blocks(normal, np.concatenate([cross, gradient[..., None]], axis=2))
    poses, rest = solved[..., :-1], solved[..., -1]
    share = min(1.0, INDEPENDENT_FRAMES / len(state))
    schur = np.einsum("tri,trj->ij", shared, shared) - np.einsum("tri,trj->ij", cross, poses)
    pull = np.einsum("tri,tr->i", shared, rows.residual) - np.einsum("tri,tr->i", cross, rest)
    move = -np.linalg.solve(share * schur + prior, share * pull + prior @ logs)
    return -(rest + poses @ move), move, share * schur
