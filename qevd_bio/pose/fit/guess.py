"""A first pose for every frame, read off the directions of the world landmarks' bones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qevd_bio.pose.fit.chain import ANKLES, ELBOWS, HEELS, HIPS, KNEES, SHOULDERS, TOES, WRISTS, Chain, State, place
from qevd_bio.pose.fit.rotations import Float, frame_xy, frame_yx, log_rotation, swing, unit


def guess_state(chain: Chain, world: Float) -> State:
    """Pose from world markers (T, 8, 2, 3) in the level frame; the pelvis is left at the origin.

    Where a knee or elbow is nearly straight its plane is not seen: then the thigh takes the pelvis' side axis and
    the upper arm the smallest turn from the T-pose.
    """
    hips, shoulders = world[:, HIPS], world[:, SHOULDERS]
    up = shoulders.mean(1) - hips.mean(1)
    pelvis = frame_xy(hips[:, 1] - hips[:, 0], up)
    chest = frame_xy(shoulders[:, 1] - shoulders[:, 0], up)
    spine = log_rotation(np.swapaxes(pelvis, -1, -2) @ chest)
    # hips and shoulders seen from the side can appear swapped: never start with a wrung spine
    spine *= np.minimum(1.0, 0.5 / np.maximum(np.linalg.norm(spine, axis=-1, keepdims=True), 1e-6))
    thigh, knee = _leg(pelvis, world)
    upper_arm, elbow = _arm(chest, chain, world)
    return State(
        trans=np.zeros((len(world), 3)),
        pelvis=pelvis,
        spine=spine,
        hip=np.swapaxes(pelvis, -1, -2)[:, None] @ thigh,
        knee=knee,
        ankle=np.zeros_like(knee),
        subtalar=np.zeros_like(knee),
        shoulder=np.swapaxes(chest, -1, -2)[:, None] @ upper_arm,
        elbow=elbow,
    )


def place_roots(chain: Chain, state: State, image: Float, weight: Float, focal: float) -> State:
    """Put the pelvis where the markers' centre and spread in the image (T, 8, 2, 2) say, level camera frame.

    `image` is in pixels from the principal point with v upward; `weight` (T, 8, 2) >= 0.
    """
    markers = place(chain, state).markers[..., :2]
    share = weight[..., None] / np.maximum(weight.sum((1, 2)), 1e-9)[:, None, None, None]
    model_mid = (share * markers).sum((1, 2))
    image_mid = (share * image).sum((1, 2))
    model_size = np.sqrt((share * (markers - model_mid[:, None, None]) ** 2).sum((1, 2, 3)))
    image_size = np.sqrt((share * (image - image_mid[:, None, None]) ** 2).sum((1, 2, 3)))
    distance = focal * model_size / np.maximum(image_size, 1e-6)
    trans = np.empty_like(state.trans)
    trans[:, :2] = image_mid * (distance / focal)[:, None] - model_mid
    trans[:, 2] = -distance
    return replace(state, trans=trans)


def _leg(pelvis: Float, world: Float) -> tuple[Float, Float]:
    thigh = unit(world[:, KNEES] - world[:, HIPS])
    shank = unit(world[:, ANKLES] - world[:, KNEES])
    normal = np.cross(thigh, shank)
    side = pelvis[:, None, :, 0]
    bends_back = np.einsum("tsi,tsi->ts", normal, np.broadcast_to(side, normal.shape))
    normal = np.where(bends_back[..., None] > -0.3, normal, 0.0)
    foot = unit(world[:, TOES] - world[:, HEELS])
    across = np.cross(-thigh, foot)  # thigh up × toes forward = to the left
    frame = frame_xy(0.3 * side + 1.5 * normal + 0.2 * across, -thigh)
    knee = np.arctan2(np.einsum("tsi,tsi->ts", normal, frame[..., 0]), np.einsum("tsi,tsi->ts", thigh, shank))
    return frame, np.maximum(knee, 0.0)


def _arm(chest: Float, chain: Chain, world: Float) -> tuple[Float, Float]:
    upper = unit(world[:, ELBOWS] - world[:, SHOULDERS])
    fore = unit(world[:, WRISTS] - world[:, ELBOWS])
    outward: NDArray[np.float64] = np.array([-1.0, 1.0])
    normal = np.cross(upper, fore) * -outward[:, None]  # along the T-pose's up axis on both sides
    local = np.einsum("tji,tsj->tsi", chest, upper)
    rest = chest[:, None] @ swing(outward[:, None] * np.array([1.0, 0.0, 0.0]), local)
    frame = frame_yx(0.15 * rest[..., 1] + normal, upper * outward[:, None])
    elbow = np.arctan2(np.einsum("tsi,tsi->ts", normal, frame[..., 1]), np.einsum("tsi,tsi->ts", upper, fore))
    return frame, np.maximum(elbow, 0.0)
