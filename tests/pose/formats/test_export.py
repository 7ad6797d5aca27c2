"""Kinematics written for other programs come back through our own readers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from qevd_bio.cli.app import app
from typer.testing import CliRunner

from qevd_bio.anatomy.dofs import DOF_INDEX, DOF_NAMES, JOINT_NAMES, JOINTS
from qevd_bio.anatomy.forward import forward_kinematics
from qevd_bio.anatomy.rotations import about_axis
from qevd_bio.pose.fit.points import fit_points
from qevd_bio.pose.formats.recording import Markers, Recording
from qevd_bio.pose.formats.registry import Asked, recognise
from qevd_bio.pose.formats.writers.export import TARGETS, content, export, skeleton_of
from qevd_bio.store.errors import UserError
from qevd_bio.tables.kinematics import MISSING, Kinematics

N = 40


def kinematics(missing: bool = True) -> Kinematics:
    draw = np.random.default_rng(1)
    time_s = np.cumsum(np.r_[0.25, draw.uniform(0.02, 0.05, N - 1)])
    phase = 0.5 - 0.5 * np.cos(4 * time_s)
    angles = np.deg2rad(draw.uniform(-8, 8, 46)) + np.zeros((N, 46))
    for name, value in {"hip_flexion": 90.0, "knee_angle": 100.0, "ankle_angle": 20.0, "elbow_flexion": 60.0}.items():
        for side in "rl":
            angles[:, DOF_INDEX[f"{name}_{side}"]] += np.deg2rad(value * phase)
    angles[:, DOF_INDEX["pelvis_tilt"]] -= np.deg2rad(30 * phase)
    angles[:, DOF_INDEX["shoulder_r_x"]] += 1.2
    angles[:, DOF_INDEX["shoulder_l_x"]] -= 1.2
    observed = np.ones((N, 46), dtype=bool)
    observed[:, DOF_INDEX["mtp_angle_r"]] = False
    status = np.zeros(N, dtype=np.uint8)
    root = np.column_stack([0.1 * phase, 0.95 - 0.3 * phase, -3.0 + 0 * phase])
    if missing:
        status[7] = MISSING
        angles[7] = np.nan
        observed[7] = False
    return Kinematics(
        "videos", "clip", 30.0, np.arange(N, dtype=np.int32), time_s, angles.astype(np.float32), angles.astype(np.float32),
        observed, np.where(status == MISSING, 0, 1).astype(np.float32), status, root.astype(np.float32),
    )  # fmt: skip


def read(path: Path) -> Recording | Markers:
    found = recognise(path).read(path, Asked())
    assert isinstance(found, (Recording, Markers))
    return found


@pytest.mark.parametrize("to", ["mot", "csv", "npz"])
def test_angles_come_back_exactly(to: str, tmp_path: Path) -> None:
    made = kinematics()
    path = export(made, to, tmp_path / f"clip.{to}")  # type: ignore[arg-type]
    found = read(path)
    assert isinstance(found, Recording) and found.time_s is not None
    seen = made.observed.any(axis=0)
    assert found.time_s.tolist() == made.time_s.tolist()
    wanted = made.angles[:, seen].astype(np.float64)
    if to == "mot":  # through matrices and back
        assert found.raw[:, seen] == pytest.approx(wanted, abs=1e-9, nan_ok=True)
    else:
        assert np.array_equal(found.raw[:, seen].astype(np.float32), made.angles[:, seen], equal_nan=True)
    assert np.array_equal(found.observed, made.observed)
    assert (
        np.allclose(found.root.astype(np.float32), made.root) and found.confidence.tolist() == made.confidence.tolist()
    )


def test_states_are_radians_by_path(tmp_path: Path) -> None:
    made = kinematics(missing=False)
    path = export(made, "sto", tmp_path / "clip.sto")
    text = path.read_text()
    assert "inDegrees=no" in text and "/jointset/walker_knee_r/knee_angle_r/value" in text
    found = read(path)
    assert isinstance(found, Recording)
    for name in ("knee_angle_l", "hip_rotation_r", "pelvis_list", "elbow_flexion_r", "pro_sup_l", "wrist_deviation_r"):
        assert found.raw[:, DOF_INDEX[name]] == pytest.approx(made.angles[:, DOF_INDEX[name]], abs=1e-6), name
    # the spine's turn is there as a whole, divided anew
    ends = [
        forward_kinematics(a.astype(float), skeleton_of(made)).rotations[:, JOINT_NAMES.index("thorax")]
        for a in (found.raw, made.angles)
    ]
    assert ends[0] == pytest.approx(ends[1], abs=1e-6)


def test_small_motions_written_here_are_not_taken_for_radians(tmp_path: Path) -> None:
    still = kinematics(missing=False)
    small = Kinematics(
        **{**{f: getattr(still, f) for f in still.__dataclass_fields__}, "angles": 0.01 * np.ones((N, 46), np.float32)}
    )
    found = read(export(small, "mot", tmp_path / "a.mot"))
    assert isinstance(found, Recording) and found.raw[:, DOF_INDEX["knee_angle_r"]] == pytest.approx(0.01)


def test_joint_centres_keep_places_and_fit_back(tmp_path: Path) -> None:
    made = kinematics(missing=False)
    found = read(export(made, "trc", tmp_path / "clip.trc"))
    assert isinstance(found, Markers) and found.set == "skeleton" and found.details["source_unit"] == "m"
    body = forward_kinematics(made.angles.astype(float), skeleton_of(made), made.root.astype(float))
    assert found.values[:, list(found.names).index("knee_r")] == pytest.approx(body.place("knee_r"), abs=1e-12)
    assert found.time_s is not None and found.time_s == pytest.approx(made.time_s, abs=1e-12)
    fit = fit_points(found.values, found.names, found.trust, found.set, found.time_s)
    for name in ("knee_angle_r", "knee_angle_l", "hip_flexion_r", "elbow_flexion_l"):
        error = np.rad2deg(fit.raw[:, DOF_INDEX[name]] - made.angles[:, DOF_INDEX[name]])
        assert np.sqrt((error**2).mean()) < 6, name


def test_bvh_places_the_joints_where_the_body_has_them(tmp_path: Path) -> None:
    made = kinematics()
    angles = made.angles.astype(float)
    for name in DOF_NAMES:
        if name.startswith(("lumbar", "thorax", "head", "scapula")):
            angles[:, DOF_INDEX[name]] = 0.0  # BVH has no sliding joints
    still = Kinematics(
        **{**{f: getattr(made, f) for f in made.__dataclass_fields__}, "angles": angles.astype(np.float32)}
    )
    places = bvh_places(export(still, "bvh", tmp_path / "clip.bvh").read_text())
    body = forward_kinematics(angles, skeleton_of(still), still.root.astype(float))
    for joint in ("head", "wrist_r", "mtp_l", "ankle_r"):
        wanted = np.delete(body.place(joint) * 100, 7, axis=0)
        assert np.delete(places[joint], 7, axis=0) == pytest.approx(wanted, abs=0.01), joint
    assert places["head"][7] == pytest.approx(places["head"][6], abs=5.0)  # a lost frame repeats the one before


def bvh_places(text: str) -> dict[str, np.ndarray]:
    """Joint places (T, 3) of a BVH file, by a reader of its own."""
    head, _, motion = text.partition("MOTION")
    rows = np.array([[float(c) for c in line.split()] for line in motion.split("\n")[3:] if line.strip()])
    stack: list[str] = []
    parent: dict[str, str | None] = {}
    offset: dict[str, np.ndarray] = {}
    names: list[str] = []
    for line in head.split("\n"):
        words = line.split()
        if words[:1] in (["ROOT"], ["JOINT"]):
            parent[words[1]] = stack[-1] if stack else None
            stack.append(words[1])
            names.append(words[1])
        elif words[:1] == ["End"]:
            stack.append("end")
        elif words[:1] == ["OFFSET"] and stack[-1] != "end":
            offset[stack[-1]] = np.array([float(w) for w in words[1:]])
        elif words == ["}"]:
            stack.pop()
    turns, places = {}, {}
    for k, name in enumerate(names):
        z, x, y = np.deg2rad(rows[:, 3 + 3 * k : 6 + 3 * k].T)
        e = np.eye(3)
        local = about_axis(e[2], z) @ about_axis(e[0], x) @ about_axis(e[1], y)
        up = parent[name]
        turns[name] = local if up is None else turns[up] @ local
        places[name] = rows[:, :3] if up is None else places[up] + turns[up] @ offset[name]
    assert len(names) == len(JOINTS)
    return places


def test_the_command(tmp_path: Path) -> None:
    made = kinematics()
    made.write(tmp_path / "ws" / "kinematics" / "videos" / "clip.parquet")
    runner = CliRunner()
    for to in TARGETS:
        done = runner.invoke(app, ["export", "clip", "--to", to, "--workspace", str(tmp_path / "ws")])
        assert done.exit_code == 0, done.output
        path = tmp_path / "ws" / "export" / "videos" / f"clip.{to}"
        assert path.read_bytes() == content(
            Kinematics.read(tmp_path / "ws" / "kinematics" / "videos" / "clip.parquet"), to
        )
    again = runner.invoke(app, ["export", "clip", "--to", "mot", "--workspace", str(tmp_path / "ws")])
    assert again.exit_code == 2
    with pytest.raises(UserError, match="there already"):
        export(made, "mot", path.with_suffix(".mot"))


def test_opensim_reads_what_is_written(tmp_path: Path) -> None:
    """The names, units and signs as OpenSim itself takes them."""
    opensim = pytest.importorskip("opensim")
    made = kinematics(missing=False)
    table = opensim.TimeSeriesTable(str(export(made, "mot", tmp_path / "clip.mot")))
    assert table.getNumRows() == N and table.getTableMetaDataString("inDegrees") == "yes"
    knee = table.getDependentColumn("knee_angle_r").to_numpy()
    assert np.deg2rad(knee) == pytest.approx(made.angles[:, DOF_INDEX["knee_angle_r"]], abs=1e-6)


def test_a_measured_squat_comes_back(shared: Callable[..., Path], tmp_path: Path) -> None:
    """OpenSim's own coordinates, through the 46 angles, and back into OpenSim's columns."""
    source = shared("data", "kinematics", "opencap_squats1.mot")
    first = read(source)
    assert isinstance(first, Recording) and first.time_s is not None
    made = Kinematics(
        "videos", "squat", 100.0, np.arange(len(first.raw), dtype=np.int32), first.time_s, first.raw.astype(np.float32),
        first.raw.astype(np.float32), first.observed, first.confidence.astype(np.float32), np.zeros(len(first.raw), np.uint8),
        first.root.astype(np.float32),
    )  # fmt: skip
    path = export(made, "mot", tmp_path / "squat.mot")
    theirs, ours = columns(source), columns(path)
    for name in ("pelvis_tilt", "pelvis_ty", "hip_flexion_r", "hip_adduction_l", "knee_angle_l", "lumbar_extension", "arm_flex_r", "arm_add_l", "elbow_flex_r", "pro_sup_r"):  # fmt: skip
        assert ours[name] == pytest.approx(theirs[name], abs=2e-3), name


def columns(path: Path) -> dict[str, np.ndarray]:
    from qevd_bio.pose.formats.sheet import read_sheet

    sheet = read_sheet(path)
    return dict(zip(sheet.names, sheet.columns, strict=True))
