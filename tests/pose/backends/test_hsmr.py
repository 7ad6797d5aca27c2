"""HSMR in its own process: a small checkout that writes what the real one documents."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.dataset.opening import open_dataset
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.pose.stage import extract
from qevd_bio.store.errors import StopRun
from qevd_bio.store.work import RunOptions, Summary
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.workspace import Workspace

FRAMES = 12
SCRIPT = """
import argparse, sys
from pathlib import Path
import numpy as np
from lib.version import NAME  # found only from the checkout's own root

p = argparse.ArgumentParser()
p.add_argument("-t"); p.add_argument("-i"); p.add_argument("-o"); p.add_argument("-d"); p.add_argument("--ignore_skel", action="store_true")
a = p.parse_args()
with open(Path(__file__).parent / "calls.txt", "a") as log:
    log.write(f"{a.t} {Path(a.i).name} {a.d} {a.ignore_skel}\\n")
stem = Path(a.i).stem
if stem == "breaks":
    sys.exit("CUDA error: no kernel image")
if stem == "nobody":
    sys.exit(0)
frames = []
for k in range(12):
    n = 0 if k == 5 else 1
    pose = np.zeros((n, 46), np.float32)
    pose[:, 0] = np.pi - 0.001
    pose[:, 6] = 0.1 * k
    frames.append({"poses": pose, "betas": np.full((n, 10), 0.25, np.float32), "patch_cam_t": np.ones((n, 3), np.float32),
                   "full_cam_t": np.ones((n, 3), np.float32), "bbx_cs": [np.array([80.0, 60.0, 100.0])] * n or None})
np.save(Path(a.o) / f"{NAME}-{stem}.npy", frames)
"""
TORCH = "class cuda:\n    is_available = staticmethod(lambda: False)\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "HSMR"
    for name, text in {"exp/run_demo.py": SCRIPT, "lib/version.py": "NAME = 'HSMR'\n", "torch.py": TORCH}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def run(data: Path, workspace: Workspace, root: Path) -> Summary:
    options = ExtractOptions(backend="hsmr", hsmr_root=root, hsmr_python=Path(sys.executable))
    return extract(open_dataset(data), workspace, options, RunOptions())


def test_videos_go_through_the_users_checkout(
    checkout: Path, workspace: Workspace, videos: Callable[..., Path], empty_room: Callable[[int], list[np.ndarray]]
) -> None:
    data = videos(a=empty_room(FRAMES), breaks=empty_room(2), nobody=empty_room(2), short=empty_room(FRAMES - 3))
    summary = run(data, workspace, checkout)
    assert summary.done == 1
    assert {key: reason for key, (reason, _) in summary.failed.items()} == {
        "videos/breaks": "hsmr_failed",
        "videos/nobody": "no_person",
        "videos/short": "frame_count",
    }
    assert "no kernel image" in summary.failed["videos/breaks"][1]
    assert (checkout / "exp" / "calls.txt").read_text().splitlines()[0] == "video a.mp4 cpu True"

    found = Kinematics.read(workspace.kinematics("videos", "a"))
    assert found.raw[:, DOF_INDEX["pelvis_tilt"]][0] == pytest.approx(-0.001, abs=1e-4), "level, not near 180 degrees"
    assert np.isnan(found.raw[5]).all() and found.status.tolist() == [0] * 5 + [1] + [0] * 6
    assert found.angles[5] == pytest.approx(found.angles[4]), "the lost frame holds the last pose"
    assert found.meta["source"]["betas"] == [0.25] * 10 and found.meta["source"]["betas_frames"] == FRAMES - 1
    assert found.meta["version"].startswith("script ") and found.landmarks is None
    assert found.body == {}, "betas alone have no metres"


def test_an_environment_without_torch_stops_the_run(
    checkout: Path, workspace: Workspace, videos: Callable[..., Path], empty_room: Callable[[int], list[np.ndarray]]
) -> None:
    (checkout / "torch.py").write_text("raise ImportError('no torch here')\n")
    with pytest.raises(StopRun, match="cannot import torch"):
        run(videos(a=empty_room(2)), workspace, checkout)
