"""`qevd-bio verify --against`: simulated truth with known errors, other formats, and what cannot be compared."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from cli.app import app
from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.api import simulate_kinematics
from qevd_bio.pose.formats.writers.export import export
from qevd_bio.reporting.verification.against import view_of
from qevd_bio.simulation.options import SimulateOptions
from qevd_bio.simulation.stage import Places, simulate
from qevd_bio.tables.agreement import AGREEMENT, AGREEMENT_CLIPS, ALL
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.workspace import Workspace
from tests.pose.formats.mesh.test_mesh_models import smpl_locals

HIDDEN = "thorax_bending"


def verify(*arguments: object) -> Result:
    return CliRunner().invoke(
        app, ["verify", *map(str, arguments)], catch_exceptions=False, env={"COLUMNS": "80", "TERM": "dumb"}
    )


def seen(true: Kinematics, *, bias_deg: float, late_s: float, heading_deg: float, seed: int) -> Kinematics:
    """As extraction would leave it: turned to the camera, off by a bias and noise of 2 degrees, on a clock of its own."""
    noise = np.random.default_rng(seed).normal(bias_deg, 2.0, true.angles.shape)
    angles = true.angles + np.deg2rad(noise).astype(np.float32)
    angles[:, DOF_INDEX["pelvis_rotation"]] -= np.deg2rad(true.meta.get("camera_heading_deg", 0.0))
    observed = true.observed.copy()
    observed[:, DOF_INDEX[HIDDEN]] = False
    return replace(
        true,
        angles=angles,
        observed=observed,
        time_s=true.time_s + late_s,
        sigma=np.full_like(angles, np.deg2rad(2.0)),
        meta={"backend": "test", "view": {"heading_deg": heading_deg}},
    )


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A simulated data set and a workspace: two videos, the second one seen from the side and 0.4 s late."""
    root = tmp_path_factory.mktemp("against")
    options = SimulateOptions(workouts=2, seed=3, minutes=0.6, video=False, exercises=("squats",))
    simulate(root / "sim", options)
    for number, path in enumerate(Places(root / "sim").all_kinematics()):
        true = Kinematics.read(path)
        made = seen(true, bias_deg=3.0, late_s=0.4 * number, heading_deg=(5.0, -80.0)[number], seed=number)
        made.write(Workspace(root / "w").kinematics(true.split, true.video))
    return root / "sim", root / "w"


def test_simulated_truth(simulated: tuple[Path, Path], tmp_path: Path) -> None:
    truth, workspace = simulated
    done = verify("--against", truth / "truth", "--workspace", workspace, "--out", tmp_path, "--replicates", 50)
    assert done.exit_code == 0, done.output
    assert max(map(len, done.output.splitlines()[:-1])) <= 80
    assert f"Never observed by the extraction (1): {HIDDEN}." in done.output
    rows = {(r.quantity, r.view, r.exercise): r for r in AGREEMENT.load(tmp_path / "agreement.parquet")}
    knee = rows["knee_angle_r", ALL, ALL]
    assert knee.bias == pytest.approx(3.0, abs=0.15)
    assert knee.rmse == pytest.approx(np.sqrt(13.0), abs=0.15)
    assert knee.loa_high == pytest.approx(3.0 + 1.96 * 2.0, abs=0.3)
    assert knee.within_1 == pytest.approx(0.3023, abs=0.03) and knee.correlation > 0.99
    assert knee.clips == 2 and knee.bias_low <= knee.bias <= knee.bias_high
    assert rows["pelvis_rotation", ALL, ALL].bias == pytest.approx(3.0, abs=0.15), "headings are to the camera"
    assert rows[HIDDEN, ALL, ALL].frames == 0 < rows[HIDDEN, ALL, ALL].unobserved
    assert ("knee_angle_r", "front", "squats") in rows and ("knee_angle_r", "side", ALL) in rows
    assert "shoulder_r_x" not in {r.quantity for r in rows.values()}
    clips = AGREEMENT_CLIPS.load(tmp_path / "agreement_clips.parquet")
    assert [c.offset_s for c in clips] == pytest.approx([0.0, -0.4], abs=0.01)
    assert {c.heading_by for c in clips} == {"camera"}
    page = (tmp_path / "agreement.html").read_text(encoding="utf-8")
    assert "<script" not in page and "knee_angle_r" in page and "by correlation" in page
    assert {p.name for p in tmp_path.iterdir()} == {
        f"agreement{end}" for end in (".html", ".json", ".csv", ".parquet", "_clips.csv", "_clips.parquet")
    }  # fmt: skip


def test_json_and_a_given_offset(simulated: tuple[Path, Path], tmp_path: Path) -> None:
    truth, workspace = simulated
    shared = ("--against", truth, "--workspace", workspace, "--out", tmp_path, "--only", "*147", "--json")
    wrong, right = (json.loads(verify(*shared, "--offset", offset).output) for offset in ("0", "-0.4"))
    assert [c["offset_by"] for c in wrong["clips"]] == ["given"]
    rmse = [
        next(r["rmse"] for r in found["agreement"] if r["quantity"] == "knee_angle_r") for found in (wrong, right)
    ]  # fmt: skip
    assert rmse[0] > 2 * rmse[1]
    assert right["clips"][0]["view"] == "side" and right["agreement"][0]["bias_low"] is None, "one clip: no interval"


@pytest.fixture
def one(tmp_path: Path) -> tuple[Kinematics, Path]:
    """True kinematics, and a workspace in which they were extracted with a bias of 3 degrees."""
    true = replace(simulate_kinematics("squats", seconds=9), split="videos", video="squat")
    made = seen(true, bias_deg=3.0, late_s=0.0, heading_deg=40.0, seed=1)
    made.write(Workspace(tmp_path / "w").kinematics("videos", "squat"))
    return true, tmp_path / "w"


def test_an_opensim_motion_of_another_name_and_clock(one: tuple[Kinematics, Path], tmp_path: Path) -> None:
    true, workspace = one
    held = true.observed.copy()
    held[:, DOF_INDEX["wrist_flexion_r"]] = False
    export(replace(true, observed=held, time_s=true.time_s + 12.5), "mot", tmp_path / "trial07.mot")
    done = verify("--against", tmp_path / "trial07.mot", "--workspace", workspace, "--only", "squat")
    assert done.exit_code == 0, done.output
    clip = AGREEMENT_CLIPS.load(workspace / "verify" / "agreement_clips.parquet")[0]
    assert clip.offset_s == pytest.approx(12.5, abs=0.005) and clip.view == "oblique"
    said = " ".join(done.output.split())
    assert "Not in the truth (1): wrist_flexion_r." in said
    assert "mean difference of each clip is taken out" in said
    rows = {r.quantity: r for r in AGREEMENT.load(workspace / "verify" / "agreement.parquet") if r.view == ALL}
    assert rows["knee_angle_r"].bias == pytest.approx(3.0, abs=0.4)
    assert rows["pelvis_rotation"].bias == pytest.approx(0.0, abs=0.01)


def test_markers_are_fitted(one: tuple[Kinematics, Path], tmp_path: Path) -> None:
    true, workspace = one
    export(true, "trc", tmp_path / "squat.trc")
    done = verify("--against", tmp_path / "squat.trc", "--workspace", workspace)
    assert done.exit_code == 0, done.output
    rows = {r.quantity: r for r in AGREEMENT.load(workspace / "verify" / "agreement.parquet") if r.view == ALL}
    assert rows["knee_angle_r"].bias == pytest.approx(3.0, abs=2.0)
    assert AGREEMENT_CLIPS.load(workspace / "verify" / "agreement_clips.parquet")[0].format == "trc"


def test_smplx_without_times_goes_frame_by_frame(one: tuple[Kinematics, Path], tmp_path: Path) -> None:
    true, workspace = one
    local = smpl_locals(true.angles.astype(np.float64))
    content = {"global_orient": local[:, :1].tolist(), "body_pose": local[:, 1:].tolist()}
    (tmp_path / "squat.json").write_text(json.dumps(content))
    done = verify("--against", tmp_path / "squat.json", "--workspace", workspace, "--offset", "0")
    assert done.exit_code == 0, done.output
    assert "270 of 270 frames" in done.output
    rows = {r.quantity: r for r in AGREEMENT.load(workspace / "verify" / "agreement.parquet") if r.view == ALL}
    assert rows["knee_angle_r"].bias == pytest.approx(3.0, abs=0.4)
    assert rows["knee_angle_r"].rmse == pytest.approx(np.sqrt(13.0), abs=0.4)


def test_our_own_parquet_in_a_folder(one: tuple[Kinematics, Path], tmp_path: Path) -> None:
    true, workspace = one
    true.write(tmp_path / "lab" / "squat.parquet")
    (tmp_path / "lab" / "other.mot").write_text("junk")
    assert verify("--against", tmp_path / "lab", "--workspace", workspace).exit_code == 0


def refused(*arguments: object) -> str:
    done = verify(*arguments)
    assert done.exit_code == 2, done.output
    assert "Traceback" not in done.output
    return " ".join(done.output.split())


def test_what_cannot_be_compared_says_why(one: tuple[Kinematics, Path], tmp_path: Path) -> None:
    true, workspace = one
    place = ("--workspace", workspace)
    later = tmp_path / "later" / "squat.parquet"
    replace(true, time_s=true.time_s + 100).write(later)
    assert "no overlap in time" in refused("--against", later, "--offset", "0", *place)
    blind = tmp_path / "blind" / "squat.parquet"
    replace(true, observed=np.zeros_like(true.observed)).write(blind)
    assert "no angle is both in the truth and observed" in refused("--against", blind, *place)
    (tmp_path / "empty").mkdir()
    assert "holds no truth that can be read" in refused("--against", tmp_path / "empty", *place)
    assert "no such file or folder" in refused("--against", tmp_path / "gone", *place)
    assert "no kinematics to compare" in refused("--against", later, "--workspace", tmp_path / "new")
    true.write(tmp_path / "two" / "jump.parquet")
    shutil.copy(tmp_path / "two" / "jump.parquet", tmp_path / "two" / "run.parquet")
    assert "no kinematics of a video with this name (jump, run)" in refused("--against", tmp_path / "two", *place)
    assert "matches none" in refused("--against", later, "--only", "lunge", *place)
    assert "--offset soon" in refused("--against", later, "--offset", "soon", *place)
    assert "belong to --against" in refused("--offset", "1", *place)
    assert "exclude each other" in refused("--against", later, "--oracle", *place)
    assert not (workspace / "verify").exists(), "nothing is written where nothing was compared"


def test_views_by_heading() -> None:
    headings = (0.0, -25.0, 50.0, 300.0, 90.0, -119.0, 180.0, 500.0, float("nan"))
    assert [view_of(h) for h in headings] == [
        "front", "front", "oblique", "oblique", "side", "side", "behind", "behind", "unknown",
    ]  # fmt: skip
