"""How fast recordings are read: 1 h of OpenSim motion at 100 Hz, 10 min of markers. Run: python tests/benchmarks/bench_formats.py"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.pose.formats.registry import Asked, recognise
from qevd_bio.pose.formats.writers.text import mot


def long_motion(path: Path, hours: float = 1.0) -> Path:
    frames = int(hours * 360_000)
    time_s = np.arange(frames) / 100
    angles = np.zeros((frames, 46))
    for name in ("knee_angle_r", "knee_angle_l", "hip_flexion_r", "hip_flexion_l"):
        angles[:, DOF_INDEX[name]] = 0.8 - 0.8 * np.cos(3 * time_s)
    block = mot("long", time_s[:1000], angles[:1000], np.zeros((1000, 3)), ())
    head, _, rows = block.partition("endheader\n")
    names, _, rows = rows.partition("\n")
    lines = [f"{float(line.partition(chr(9))[0]):.4f}" + "\t" + line.partition("\t")[2] for line in rows.splitlines()]
    tails = [line.partition("\t")[2] for line in lines]
    short = ["\t".join(f"{float(c):.6f}" for c in tail.split("\t")) for tail in tails]
    with path.open("w") as out:
        out.write(head.replace("nRows=1000", f"nRows={frames}") + "endheader\n" + names + "\n")
        out.writelines(f"{t / 100:.2f}\t{short[t % 1000]}\n" for t in range(frames))
    return path


def markers(path: Path, minutes: float = 10.0) -> Path:
    import ezc3d

    from tests.pose.formats.markers.test_markers import body, keypoints

    _, _, pose = body(60)
    points = keypoints(pose, "halpe_26")
    content = ezc3d.c3d()
    content["parameters"]["POINT"]["RATE"]["value"] = [100]
    content["parameters"]["POINT"]["LABELS"]["value"] = list(points)
    content["parameters"]["POINT"]["UNITS"]["value"] = ["mm"]
    frames = int(minutes * 6000)
    data = np.ones((4, len(points), frames))
    for k, v in enumerate(points.values()):
        data[:3, k] = np.resize((v[:, [0, 2, 1]] * [1000, -1000, 1000]), (frames, 3)).T
    content["data"]["points"] = data
    content.write(str(path))
    return path


def timed(path: Path) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    found = recognise(path).read(path, Asked())
    frames = len(found.raw) if hasattr(found, "raw") else len(found.values)
    print(
        f"{path.name}: {frames} frames, {path.stat().st_size >> 20} MiB, {time.perf_counter() - wall:.2f} s wall, {time.process_time() - cpu:.2f} s CPU"
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        timed(long_motion(Path(folder) / "hour.mot"))
        timed(markers(Path(folder) / "ten_minutes.c3d"))
