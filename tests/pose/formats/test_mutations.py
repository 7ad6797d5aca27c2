"""Damaged files, reader by reader: an error in words or angles that can be told, never a traceback, never nonsense.

QEVD_BIO_FUZZ=1000 tries so many damaged files a reader; by default a few dozen, of C3D (a process each) five.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from qevd_bio.anatomy.dofs import DOF_NAMES, LIMITS
from qevd_bio.pose.backends.base import Clip
from qevd_bio.pose.backends.times import on_video
from qevd_bio.pose.formats.markers.space import FARTHEST_M
from qevd_bio.pose.formats.recording import BEYOND_JOINT, BEYOND_TURNS, Keypoints, Markers, Recording
from qevd_bio.pose.formats.registry import Asked, recognise
from qevd_bio.pose.formats.writers.export import export
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.tables.kinematics import Kinematics
from tests.pose.formats.keypoints.test_keypoints import points_of
from tests.pose.formats.markers.test_markers import body, keypoints, write_trc
from tests.pose.formats.mesh.test_mesh_models import WRITERS as MESH
from tests.pose.formats.test_export import kinematics
from tests.pose.seen import landmarks_of, squats

TRIES = int(os.environ.get("QEVD_BIO_FUZZ", "25"))


def _exported(to: str) -> Callable[[Path], Path]:
    return lambda folder: export(kinematics(), to, folder / f"good.{to}")  # type: ignore[arg-type]


def _trc(folder: Path) -> Path:
    time_s, _, pose = body(12)
    return write_trc(folder / "good.trc", keypoints(pose, "halpe_26"), time_s)


def _openpose(folder: Path) -> Path:
    frame = points_of(landmarks_of(squats(2)[1]), "body_25")[0]
    path = folder / "good.json"
    path.write_text(
        json.dumps({"version": 1.3, "people": [{"person_id": [-1], "pose_keypoints_2d": frame.reshape(-1).tolist()}]})
    )
    return path


def _mmpose(folder: Path) -> Path:
    points = points_of(landmarks_of(squats(6)[1]), "coco_17")
    frames = [
        {"frame_id": t, "instances": [{"keypoints": p[:, :2].tolist(), "keypoint_scores": p[:, 2].tolist()}]}
        for t, p in enumerate(points)
    ]
    path = folder / "good.json"
    path.write_text(json.dumps({"instance_info": frames}))
    return path


def _hsmr(folder: Path) -> Path:
    frames = [
        {
            "poses": np.full((1, 46), 0.1, np.float32),
            "betas": np.zeros((1, 10), np.float32),
            "bbx_cs": [np.array([50.0, 50, 40])],
        }
        for _ in range(5)
    ]
    np.save(folder / "HSMR-good.npy", np.array(frames, dtype=object), allow_pickle=True)
    return folder / "HSMR-good.npy"


def _sports2d(folder: Path) -> Path:
    rows = "".join(f"{t / 30}\t{40 + t}\t{30 - t}\n" for t in range(20))
    path = folder / "good.mot"
    path.write_text(
        f"Coordinates\nversion=1\nnRows=20\nnColumns=3\ninDegrees=yes\nendheader\ntime\tRight knee\tLeft hip\n{rows}"
    )
    return path


def _c3d(folder: Path) -> Path:
    ezc3d = pytest.importorskip("ezc3d")
    time_s, _, pose = body(8)
    points = keypoints(pose, "halpe_26")
    content = ezc3d.c3d()
    content["parameters"]["POINT"]["RATE"]["value"] = [30]
    content["parameters"]["POINT"]["LABELS"]["value"] = list(points)
    content["parameters"]["POINT"]["UNITS"]["value"] = ["mm"]
    data = np.ones((4, len(points), len(time_s)))
    for k, v in enumerate(points.values()):
        data[:3, k] = (v[:, [0, 2, 1]] * [1000, -1000, 1000]).T
    content["data"]["points"] = data
    content.write(str(folder / "good.c3d"))
    return folder / "good.c3d"


def _freemocap(folder: Path) -> Path:
    np.save(folder / "good.npy", np.random.default_rng(0).normal(size=(5, 33, 3)) * 300)
    return folder / "good.npy"


def _mesh(name: str) -> Callable[[Path], Path]:
    return lambda folder: MESH[name](folder, squats(6)[1])


GOOD: dict[str, Callable[[Path], Path]] = {
    **{to: _exported(to) for to in ("mot", "sto", "csv", "npz")},
    "sports2d": _sports2d, "trc": _trc, "openpose": _openpose, "mmpose": _mmpose, "hsmr": _hsmr, "c3d": _c3d, "freemocap": _freemocap,
    **{name: _mesh(name) for name in MESH},
}  # fmt: skip


def damaged(data: bytes, draw: np.random.Generator) -> bytes:
    """One of the ways in which files go bad: cut, bytes flipped, pieces doubled, removed, zeroed or swapped."""
    out = bytearray(data)
    for _ in range(int(draw.integers(1, 4))):
        if not out:
            break
        kind, at = int(draw.integers(8)), int(draw.integers(len(out)))
        span = int(draw.integers(1, 40))
        if kind == 0:
            del out[at:]
        elif kind == 1:
            out[at] = int(draw.integers(256))
        elif kind == 2:
            del out[at : at + span]
        elif kind == 3:
            out[at:at] = out[at : at + span]
        elif kind == 4:
            out[at : at + span] = bytes(len(out[at : at + span]))
        elif kind == 5:
            out[at : at + 1] = draw.choice([b"-", b".", b"e9", b"\t", b"\n", b",", b"nan", b"inf", b"=", b" "]).item()
        elif kind == 6:
            lines = bytes(out).split(b"\n")
            k = int(draw.integers(len(lines)))
            lines.insert(int(draw.integers(len(lines) + 1)), lines[k]) if draw.random() < 0.5 else lines.pop(k)
            out = bytearray(b"\n".join(lines))
        else:
            out[at] ^= 1 << int(draw.integers(8))
    return bytes(out)


@pytest.mark.timeout(max(300, 12 * TRIES))
@pytest.mark.parametrize("name", GOOD)
def test_damaged_files(name: str, tmp_path: Path) -> None:
    good = GOOD[name](tmp_path)
    data, draw = good.read_bytes(), np.random.default_rng(list(GOOD).index(name))
    accepted = 0
    tries = 5 if name == "c3d" and "QEVD_BIO_FUZZ" not in os.environ else TRIES
    for k in range(tries):
        path = tmp_path / f"{k}-{good.name}"
        path.write_bytes(damaged(data, draw))
        try:
            found = recognise(path).read(path, Asked())
            own = found.time_s
            frames = len(found.raw) if isinstance(found, Recording) else len(found.values)
            on_video(frames, own, Clip("videos", "a", None), ExtractOptions(backend="files"), path)
        except (UserError, ItemError) as error:
            assert str(error)
        else:
            accepted += 1
            sane(found, tmp_path)
        path.unlink()
    assert accepted < tries or name in ("hsmr", "freemocap", "c3d")


def sane(found: Recording | Markers | Keypoints, folder: Path) -> None:
    """What is accepted is of the declared shape, within a body's reach, and comes back from a file of ours."""
    if isinstance(found, Keypoints):
        inside = found.values[np.isfinite(found.values)]
        assert found.values.shape[1:] == (len(found.names), 3) and (np.abs(inside) <= 1e5).all()
        return
    if isinstance(found, Markers):
        assert found.values.shape == (*found.trust.shape, 3) and not np.isinf(found.values).any()
        assert found.trust.any() and np.nanmax(np.nanmax(found.values, 1) - np.nanmin(found.values, 1)) < 2 * FARTHEST_M
        return
    whole = np.isfinite(found.raw).all(axis=1)
    assert found.raw.shape[1] == len(DOF_NAMES) == len(LIMITS) and whole.any()
    assert np.isnan(found.raw[~whole]).all() and not found.observed[~whole].any()
    assert np.abs(found.raw[whole]).max() <= BEYOND_TURNS and (found.confidence[~whole] == 0).all()
    hinges = [k for k, name in enumerate(DOF_NAMES) if name.startswith(("knee", "elbow", "ankle"))]
    assert np.abs(found.raw[whole][:, hinges]).max() <= BEYOND_JOINT
    assert found.details["source_unit"]
    count = len(found.raw)
    again = Kinematics(
        "v", "a", 30.0, np.arange(count, dtype=np.int32), np.arange(count) / 30, found.raw.astype(np.float32), found.raw.astype(np.float32),
        found.observed, found.confidence.astype(np.float32), np.where(whole, 0, 2).astype(np.uint8), found.root.astype(np.float32),
    )  # fmt: skip
    path = export(again, "npz", folder / "again.npz", overwrite=True)
    back = recognise(path).read(path, Asked())
    assert isinstance(back, Recording)
    assert np.array_equal(back.raw.astype(np.float32), again.angles, equal_nan=True)
