"""Mesh models' rotations as the 46 angles: known poses, round trips, symmetric poses, real files."""

from __future__ import annotations

import json
import pickle
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from qevd_bio.anatomy.dofs import DOF_INDEX, DOF_NAMES, JOINT_INDEX
from qevd_bio.anatomy.forward import forward_kinematics
from qevd_bio.anatomy.mirror import mirror_angles
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.pose.formats.mesh.sam3d_body import BONES as MHR_BONES
from qevd_bio.pose.formats.mesh.smpl import FROM_CAMERA, JOINTS, PARENTS
from qevd_bio.pose.formats.recording import Recording
from qevd_bio.pose.formats.registry import Asked, recognise
from qevd_bio.store.errors import UserError

SHOULDER_ONLY = ("shoulder", "elbow")
_BONE_OF = {
    "pelvis": "pelvis", "spine1": "lumbar", "spine2": "lumbar", "spine3": "thorax", "neck": "thorax", "head": "head",
    **{
        f"{s}_{theirs}": f"{ours}_{s}"
        for s in "rl"
        for theirs, ours in (
            ("hip", "hip"), ("knee", "knee"), ("ankle", "subtalar"), ("foot", "mtp"), ("collar", "scapula"),
            ("shoulder", "shoulder"), ("elbow", "elbow"), ("wrist", "wrist"),
        )
    },
}  # fmt: skip


def smpl_locals(angles: np.ndarray, camera: bool = False) -> np.ndarray:
    """Local SMPL rotations (T, 22, 3, 3) of a body with these 46 angles."""
    bones = forward_kinematics(angles, Skeleton.from_stature()).rotations
    world = np.stack([bones[:, JOINT_INDEX[_BONE_OF[name]]] for name in JOINTS], axis=1)
    if camera:
        world = FROM_CAMERA @ world
    local = world.copy()
    for k, parent in enumerate(PARENTS):
        if parent >= 0:
            local[:, k] = np.swapaxes(world[:, parent], -1, -2) @ world[:, k]
    return local


def vectors(local: np.ndarray) -> np.ndarray:
    return Rotation.from_matrix(local.reshape(-1, 3, 3)).as_rotvec().reshape(len(local), -1)


def pose(frames: int = 1, **degrees: float) -> np.ndarray:
    angles = np.zeros((frames, 46))
    for name, value in degrees.items():
        angles[:, DOF_INDEX[name]] = np.deg2rad(value)
    return angles


def write_amass(folder: Path, angles: np.ndarray) -> Path:
    full = np.concatenate([vectors(smpl_locals(angles)), np.zeros((len(angles), 90))], axis=1)
    z_up = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    full[:, :3] = Rotation.from_matrix(z_up @ Rotation.from_rotvec(full[:, :3]).as_matrix()).as_rotvec()
    np.savez(
        folder / "amass.npz", poses=full, trans=np.zeros((len(angles), 3)), betas=np.ones(16), mocap_framerate=60.0
    )
    return folder / "amass.npz"


def write_smpl(folder: Path, angles: np.ndarray) -> Path:
    flat = vectors(smpl_locals(angles))
    np.savez(folder / "smpl.npz", global_orient=flat[:, :3], body_pose=flat[:, 3:], betas=np.ones((len(angles), 10)))
    return folder / "smpl.npz"


def write_gvhmr(folder: Path, angles: np.ndarray) -> Path:
    torch = pytest.importorskip("torch")
    flat = torch.tensor(vectors(smpl_locals(angles)), dtype=torch.float64)
    one = {
        "global_orient": flat[:, :3],
        "body_pose": flat[:, 3:66],
        "betas": torch.ones(len(flat), 10),
        "transl": torch.zeros(len(flat), 3),
    }
    torch.save(
        {"smpl_params_global": one, "smpl_params_incam": one, "K_fullimg": torch.eye(3)}, folder / "hmr4d_results.pt"
    )
    return folder / "hmr4d_results.pt"


def write_wham(folder: Path, angles: np.ndarray) -> Path:
    joblib = pytest.importorskip("joblib")
    flat = np.concatenate([vectors(smpl_locals(angles)), np.zeros((len(angles), 6))], axis=1)
    camera = np.concatenate([vectors(smpl_locals(angles, camera=True)), np.zeros((len(angles), 6))], axis=1)
    found: Any = defaultdict(dict)
    for person, frames in ((0, 1), (1, len(flat))):
        found[person] = {
            "pose": camera[:frames], "pose_world": flat[:frames], "trans": np.zeros((frames, 3)), "trans_world": np.zeros((frames, 3)),
            "betas": np.ones((frames, 10)), "verts": np.zeros((frames, 4, 3), np.float32), "frame_ids": np.arange(frames),
        }  # fmt: skip
    joblib.dump(found, folder / "wham_output.pkl")
    return folder / "wham_output.pkl"


def write_phalp(folder: Path, angles: np.ndarray) -> Path:
    joblib = pytest.importorskip("joblib")
    local = smpl_locals(angles, camera=True)
    hands = np.tile(np.eye(3), (2, 1, 1))
    frames = {
        f"frame_{t:06d}.jpg": {
            "time": t, "tid": [3], "bbox": [np.array([10.0, 20.0, 200.0, 400.0])],
            "smpl": [{"global_orient": one[:1], "body_pose": np.concatenate([one[1:], hands]), "betas": np.ones(10)}],
        }
        for t, one in enumerate(local)
    }  # fmt: skip
    joblib.dump(frames, folder / "demo.pkl", compress=3)
    return folder / "demo.pkl"


def write_prompthmr(folder: Path, angles: np.ndarray) -> Path:
    flat = np.concatenate([vectors(smpl_locals(angles)), np.zeros((len(angles), 99))], axis=1)
    world = {"pose": flat.astype(np.float64), "shape": np.ones((len(flat), 10)), "trans": np.zeros((len(flat), 3))}
    content = {
        "people": {1: {"frames": np.arange(len(flat)), "smplx_world": world}},
        "camera": {"pred_cam_R": np.eye(3)},
    }
    (folder / "results.pkl").write_bytes(pickle.dumps(content))
    return folder / "results.pkl"


def write_sam3d(folder: Path, angles: np.ndarray) -> Path:
    skeleton = Skeleton.from_stature()
    body = forward_kinematics(angles, skeleton)
    rotations, points = np.tile(np.eye(3), (len(angles), 127, 1, 1)), np.zeros((len(angles), 127, 3))
    for name, (k, axes) in MHR_BONES.items():
        rotations[:, k] = body.rotations[:, JOINT_INDEX[name]] @ axes
    for side, (ankle, ball) in {"l": (4, 8), "r": (20, 24)}.items():
        points[:, ankle] = body.place(f"ankle_{side}") @ FROM_CAMERA
        points[:, ball] = body.place(f"mtp_{side}") @ FROM_CAMERA
    np.savez(
        folder / "sam.npz",
        pred_global_rots=rotations,
        pred_joint_coords=points,
        pred_cam_t=np.zeros((len(angles), 3)),
        shape_params=np.ones((len(angles), 45)),
    )
    return folder / "sam.npz"


def write_skel_cf(folder: Path, angles: np.ndarray) -> Path:
    np.savez(
        folder / "cf.npz",
        skel_poses=angles,
        skel_betas=np.ones((len(angles), 10)),
        skel_trans=np.zeros((len(angles), 3)),
    )
    return folder / "cf.npz"


def write_hsmr(folder: Path, angles: np.ndarray) -> Path:
    """One dict a frame; the pelvis in the axes of a level camera (x right, y down, z away), as HSMR has it."""
    camera = angles.copy()
    camera[:, :3] = angles[:, :3] * (1.0, -1.0, -1.0) + (np.pi, 0.0, 0.0)
    box = [np.array([100.0, 100.0, 150.0])]
    frames = [
        {"poses": one[None].astype(np.float32), "betas": np.ones((1, 10), np.float32), "bbx_cs": box} for one in camera
    ]
    np.save(folder / "HSMR-clip.npy", np.array(frames, dtype=object), allow_pickle=True)
    return folder / "HSMR-clip.npy"


def write_json(folder: Path, angles: np.ndarray) -> Path:
    local = smpl_locals(angles)
    content = {"global_orient": local[:, :1].tolist(), "body_pose": local[:, 1:].tolist(), "betas": [[1.0] * 10]}
    (folder / "fit3d.json").write_text(json.dumps(content))
    return folder / "fit3d.json"


WRITERS: dict[str, Callable[[Path, np.ndarray], Path]] = {
    "amass": write_amass, "smpl": write_smpl, "gvhmr": write_gvhmr, "wham": write_wham, "phalp": write_phalp,
    "prompthmr": write_prompthmr, "sam3d": write_sam3d, "skel_cf": write_skel_cf,
    "hsmr": write_hsmr, "json": write_json,
}  # fmt: skip


def read(path: Path) -> Recording:
    found = recognise(path).read(path, Asked())
    assert isinstance(found, Recording)
    return found


def named(found: Recording, frame: int = 0) -> Mapping[str, float]:
    return dict(zip(DOF_NAMES, np.rad2deg(found.raw[frame]), strict=True))


@pytest.mark.parametrize("model", WRITERS)
def test_the_t_pose_is_zero(model: str, tmp_path: Path) -> None:
    found = read(WRITERS[model](tmp_path, pose(2)))
    assert np.rad2deg(found.raw) == pytest.approx(np.zeros((2, 46)), abs=1e-4)
    assert found.details["betas"][:10] == pytest.approx([1.0] * 10)


@pytest.mark.parametrize("model", WRITERS)
def test_a_squat_of_100_degrees(model: str, tmp_path: Path) -> None:
    both = {
        f"{n}_{s}": v for s in "rl" for n, v in (("hip_flexion", 95.0), ("knee_angle", 100.0), ("ankle_angle", 20.0))
    }
    angles = named(read(WRITERS[model](tmp_path, pose(2, pelvis_tilt=-30, pelvis_rotation=25, **both))))
    for name, value in {**both, "pelvis_tilt": -30.0, "pelvis_rotation": 25.0}.items():
        assert angles[name] == pytest.approx(value, abs=1.0 if model == "sam3d" else 0.01), name


@pytest.mark.parametrize("model", WRITERS)
def test_an_arm_raised_by_150_degrees_and_a_bent_elbow(model: str, tmp_path: Path) -> None:
    angles = named(read(WRITERS[model](tmp_path, pose(2, shoulder_r_x=-60, elbow_flexion_l=90))))
    assert angles["shoulder_r_x"] == pytest.approx(-60, abs=0.01)  # 150 from hanging: 60 above the T-pose
    assert angles["elbow_flexion_l"] == pytest.approx(90, abs=0.01)
    assert max(abs(v) for k, v in angles.items() if k not in ("shoulder_r_x", "elbow_flexion_l")) < 0.01


@pytest.mark.parametrize("model", WRITERS)
def test_round_trip_of_random_poses(model: str, tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    angles = np.deg2rad(draw.uniform(-20, 20, (40, 46)))
    for name in ("knee_angle_r", "knee_angle_l", "elbow_flexion_r", "elbow_flexion_l"):
        angles[:, DOF_INDEX[name]] = np.deg2rad(draw.uniform(5, 120, 40))
    for name in DOF_NAMES:
        if name.startswith(("pro_sup", "wrist")) or (
            model == "sam3d" and name.startswith(("scapula", "subtalar", "mtp"))
        ):
            angles[:, DOF_INDEX[name]] = 0.0
    found = read(WRITERS[model](tmp_path, angles))
    error = np.rad2deg(np.abs(found.raw - angles)).max(axis=0)
    for name, worst in zip(DOF_NAMES, error, strict=True):
        assert worst < (5.0 if model == "sam3d" and name.startswith("ankle") else 0.01), name


@pytest.mark.parametrize("model", WRITERS)
def test_a_symmetric_pose_has_equal_sides(model: str, tmp_path: Path) -> None:
    angles = np.deg2rad(np.random.default_rng(5).uniform(-15, 15, (3, 46)))
    angles = (angles + mirror_angles(angles)) / 2
    found = read(WRITERS[model](tmp_path, angles)).raw
    assert np.rad2deg(found) == pytest.approx(np.rad2deg(mirror_angles(found)), abs=0.01)


def test_an_elbow_that_turns_off_its_hinge_rolls_the_upper_arm(tmp_path: Path) -> None:
    """The forearm of a T-pose bent upward: no hinge does that, but an upper arm rolled by a quarter turn does."""
    flat = np.zeros((2, 66))
    flat[:, 3 * JOINTS.index("l_elbow") + 2] = np.pi / 2  # about the forward axis
    np.savez(tmp_path / "a.npz", poses=flat, trans=np.zeros((2, 3)), pose_body=flat[:, 3:], root_orient=flat[:, :3])
    found = read(tmp_path / "a.npz")
    body = forward_kinematics(found.raw, Skeleton.from_stature())
    fore = body.place("wrist_l") - body.place("elbow_l")
    assert fore[0] / np.linalg.norm(fore[0]) == pytest.approx(
        [0, 1, 0], abs=0.15
    )  # the forearm turns about a slanting axis
    assert named(found)["elbow_flexion_l"] == pytest.approx(90, abs=6)


def test_what_hinges_leave_out_is_told(tmp_path: Path) -> None:
    flat = np.zeros((2, 66))
    flat[:, 3 * JOINTS.index("l_knee") + 1] = np.deg2rad(30)  # a shank turned about itself
    np.savez(tmp_path / "a.npz", global_orient=flat[:, :3], body_pose=flat[:, 3:])
    found = read(tmp_path / "a.npz")
    assert found.details["off_hinge_deg"]["knee_l"]["median"] == pytest.approx(30, abs=0.1)
    assert any(isinstance(flag, dict) and flag["kind"] == "off_hinge" for flag in found.flags)


def test_of_several_people_the_longest_seen_or_the_named_one(tmp_path: Path) -> None:
    path = write_wham(tmp_path, pose(3, knee_angle_r=50))
    found = recognise(path).read(path, Asked())
    assert len(found.raw) == 3 and "several_people" in found.flags  # type: ignore[union-attr]
    assert len(recognise(path).read(path, Asked(person="0")).raw) == 1  # type: ignore[union-attr]
    with pytest.raises(UserError, match="no person '7'"):
        recognise(path).read(path, Asked(person="7"))


class _Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return os.mkdir, ("/tmp/qevd-bio-must-not-exist",)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps({"people": _Evil()}))
    torch.save({"smpl_params_global": _Evil()}, tmp_path / "evil.pt")
    for name in ("evil.pkl", "evil.pt"):
        with pytest.raises(UserError, match="nothing in it was run"):
            read(tmp_path / name)
    assert not Path("/tmp/qevd-bio-must-not-exist").exists()


def test_camera_tracks_are_told_from_bodies(tmp_path: Path) -> None:
    (tmp_path / "slam_results.pth").write_bytes(pickle.dumps({"traj": np.zeros((3, 7)), "tstamp": np.arange(3)}))
    with pytest.raises(UserError, match="SLAM"):
        read(tmp_path / "slam_results.pth")


@pytest.mark.parametrize("name", ["sam3d_body_00.npz", "sam3d_body_01.npz"])
def test_real_files_of_sam3d_body(shared: Callable[..., Path], name: str) -> None:
    """Bones of the angles point where the file's own joints say."""
    path = shared("data", "importers", name)
    found = read(path)
    joints = np.load(path)["pred_joint_coords"] @ FROM_CAMERA
    body = forward_kinematics(found.raw, Skeleton.from_stature())
    for start, end, a, b in (
        ("hip_l", "knee_l", 2, 3), ("knee_l", "ankle_l", 3, 4), ("hip_r", "knee_r", 18, 19), ("knee_r", "ankle_r", 19, 20),
        ("shoulder_r", "elbow_r", 39, 40), ("elbow_r", "wrist_r", 40, 42), ("shoulder_l", "elbow_l", 75, 76), ("elbow_l", "wrist_l", 76, 78),
    ):  # fmt: skip
        ours, theirs = (body.place(end) - body.place(start))[0], joints[b] - joints[a]
        cosine = ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs)
        assert np.rad2deg(np.arccos(min(cosine, 1.0))) < 4, (start, end)
    assert 100 < named(found)["knee_angle_r"] < 112 and found.details["betas"]
