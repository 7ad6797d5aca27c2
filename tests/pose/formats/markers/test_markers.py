"""Marker files to joint angles: every set, both units, missing markers, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.anatomy.forward import Pose, forward_kinematics
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.pose.fit.points import PointsFit, fit_points
from qevd_bio.pose.formats.markers.sets import find_set, marker_sets, set_by_name
from qevd_bio.pose.formats.recording import Markers
from qevd_bio.pose.formats.registry import Asked, recognise
from qevd_bio.store.errors import ItemError, UserError
from tests.pose.seen import squats

ANGLES = ("knee_angle_r", "knee_angle_l", "hip_flexion_r", "hip_flexion_l", "elbow_flexion_r", "ankle_angle_r")


def body(frames: int = 60) -> tuple[np.ndarray, np.ndarray, Pose]:
    time_s, angles = squats(frames)
    root = np.column_stack([0 * time_s, 0.9 + 0 * time_s, 0 * time_s])
    return time_s, angles, forward_kinematics(angles, Skeleton.from_stature(1.75), root)


def pelvis_points(pose: Pose) -> dict[str, np.ndarray]:
    """Front and back hip bones on a level plane whose hip centres, by Harrington's regression, are the body's."""
    half = abs(pose.skeleton.offsets[1][0])
    width, depth = (half - 0.0073) / 0.33, 0.15
    middle = (pose.place("hip_r") + pose.place("hip_l")) / 2
    axes = pose.rotations[:, 0]
    lift = np.array([0.0, 0.30 * width + 0.0109, 0.24 * depth + 0.0099])

    def at(x: float, back: float) -> np.ndarray:
        return middle + axes @ (lift + np.array([x, 0.0, -back]))

    return {"RASI": at(-width / 2, 0.0), "LASI": at(width / 2, 0.0), "RPSI": at(-0.05, depth), "LPSI": at(0.05, depth)}


def plug_in_gait(pose: Pose) -> dict[str, np.ndarray]:
    found = pelvis_points(pose)
    for side, letter, sign in (("R", "r", -1.0), ("L", "l", 1.0)):
        across = pose.rotations[:, 0, :, 0]
        for name, place, out in (("KNE", "knee", 0.05), ("ANK", "ankle", 0.035)):
            found[side + name] = pose.place(f"{place}_{letter}") + sign * out * across
        found[side + "HEE"], found[side + "TOE"] = pose.place(f"heel_{letter}"), pose.place(f"ball_{letter}")
        found[side + "SHO"], found[side + "WRI"] = pose.place(f"shoulder_{letter}"), pose.place(f"wrist_{letter}")
        found[side + "ELB"] = pose.place(f"elbow_{letter}") + sign * 0.04 * across
    return found


def keypoints(pose: Pose, set_name: str) -> dict[str, np.ndarray]:
    """The points of a set, each at the place it stands for."""
    found = {}
    for place, options in set_by_name(set_name).places.items():
        name = {"toe_r": "toe_tip_r", "toe_l": "toe_tip_l"}.get(place, place)
        for part in options[0]:
            found[part] = pose.place(name)
    return found


def fit(found: Markers) -> PointsFit:
    assert found.time_s is not None
    return fit_points(found.values, found.names, found.trust, found.set, found.time_s)


def rmse(found: PointsFit, angles: np.ndarray, name: str) -> float:
    error = np.rad2deg(found.raw[:, DOF_INDEX[name]] - angles[:, DOF_INDEX[name]])
    return float(np.sqrt(np.nanmean(error**2)))


def write_trc(
    path: Path, points: dict[str, np.ndarray], time_s: np.ndarray, units: str = "mm", rate: float = 30.0
) -> Path:
    """A file as OpenSim has it: x forward, y up, z right; missing points are empty cells."""
    scale = {"mm": 1000.0, "m": 1.0}[units]
    keys = "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames"
    lines = [
        f"PathFileType\t4\t(X/Y/Z)\t{path.name}",
        keys,
        f"{rate}\t{rate}\t{len(time_s)}\t{len(points)}\t{units}\t{rate}\t1\t{len(time_s)}",
    ]
    lines += [
        "Frame#\tTime\t" + "\t\t\t".join(points) + "\t\t",
        "\t\t" + "\t".join(f"{a}{k + 1}" for k in range(len(points)) for a in "XYZ"),
        "",
    ]
    for t in range(len(time_s)):
        cells = [str(t + 1), f"{time_s[t]:.5f}"]
        for values in points.values():
            x, y, z = values[t] * scale
            cells += ["", "", ""] if np.isnan(x) else [f"{z:.6f}", f"{y:.6f}", f"{-x:.6f}"]
        lines.append("\t".join(cells))
    path.write_text("\n".join(lines) + "\n")
    return path


def read(path: Path) -> Markers:
    found = recognise(path).read(path, Asked())
    assert isinstance(found, Markers)
    return found


@pytest.mark.parametrize("units", ["mm", "m"])
@pytest.mark.parametrize("name", ["plug_in_gait", "halpe_26", "coco_133", "mediapipe", "skeleton"])
def test_every_set_gives_the_angles(name: str, units: str, tmp_path: Path) -> None:
    time_s, angles, pose = body()
    points = plug_in_gait(pose) if name == "plug_in_gait" else keypoints(pose, name)
    found = read(write_trc(tmp_path / "a.trc", points, time_s, units))
    # three of these sets name the same points; what matters is where they are
    assert set_by_name(found.set).places.keys() >= set_by_name(name).places.keys() - {"pelvis"}
    result = fit(found)
    pelvis_seen = name in ("plug_in_gait", "skeleton")
    for dof in ANGLES:
        # without a pelvis of its own its tilt is the trunk's lean, here the same: these squats do not round the back
        assert rmse(result, angles, dof) < 4.0, dof
    assert result.residual_m < 0.02 and result.observed[:, DOF_INDEX["knee_angle_r"]].all()
    assert result.observed[:, DOF_INDEX["lumbar_extension"]].all() == pelvis_seen


def test_lateral_markers_and_a_rounded_back(tmp_path: Path) -> None:
    """Four pelvis markers tell the pelvis's tilt from the spine's flexion."""
    time_s, angles, _ = body()
    angles[:, DOF_INDEX["lumbar_extension"]] = -0.6 * angles[:, DOF_INDEX["knee_angle_r"]] / 3
    angles[:, DOF_INDEX["thorax_extension"]] = -0.4 * angles[:, DOF_INDEX["knee_angle_r"]] / 3
    pose = forward_kinematics(angles, Skeleton.from_stature(1.75), np.tile([0, 0.9, 0.0], (len(angles), 1)))
    result = fit(read(write_trc(tmp_path / "a.trc", plug_in_gait(pose), time_s)))
    assert rmse(result, angles, "pelvis_tilt") < 3 and rmse(result, angles, "hip_flexion_r") < 4


@pytest.mark.parametrize("noise_m", [0.0, 0.01, 0.03])
@pytest.mark.parametrize("name", ["plug_in_gait", "halpe_26"])
def test_sigma_holds_the_error_and_grows_with_it(name: str, noise_m: float) -> None:
    time_s, angles, pose = body()
    points = plug_in_gait(pose) if name == "plug_in_gait" else keypoints(pose, name)
    values = np.stack(list(points.values()), axis=1)
    values = values + np.random.default_rng(1).normal(0.0, noise_m, values.shape)
    found = fit_points(values, list(points), np.ones(values.shape[:2]), name, time_s)
    known = found.observed & np.isfinite(found.sigma)
    off = (np.abs(found.raw - angles) / found.sigma)[known]
    assert np.mean(off < 2.0) > 0.9 and (off < 1.0).mean() > 0.55
    assert np.isnan(found.sigma[:, [DOF_INDEX["wrist_flexion_r"], DOF_INDEX["head_twist"]]]).all()
    knee = np.rad2deg(np.median(found.sigma[:, DOF_INDEX["knee_angle_r"]]))
    assert knee < 3.0 if noise_m == 0.0 else knee > 150.0 * noise_m


def test_a_missing_marker_lowers_what_is_observed(tmp_path: Path) -> None:
    time_s, angles, pose = body()
    points = {name: values.copy() for name, values in keypoints(pose, "halpe_26").items()}
    points["RKnee"][20:40] = np.nan
    result = fit(read(write_trc(tmp_path / "a.trc", points, time_s)))
    knee = result.observed[:, DOF_INDEX["knee_angle_r"]]
    assert not knee[20:40].any() and knee[:20].all() and knee[40:].all()
    assert result.observed[:, DOF_INDEX["knee_angle_l"]].all() and np.isfinite(result.raw).all()
    for name in ("RElbow", "LElbow", "RWrist", "LWrist"):
        del points[name]
    legs = fit(read(write_trc(tmp_path / "b.trc", points, time_s)))
    assert not legs.observed[:, DOF_INDEX["elbow_flexion_r"]].any() and rmse(legs, angles, "knee_angle_l") < 4


def test_subject_prefix_case_and_blank_separators(tmp_path: Path) -> None:
    time_s, _, pose = body(5)
    points = {f"Anna:{name.lower()}": values for name, values in plug_in_gait(pose).items()}
    assert read(write_trc(tmp_path / "a.trc", points, time_s)).set == "plug_in_gait"


def test_a_table_of_another_shape_says_what_is_wrong(tmp_path: Path) -> None:
    time_s, _, pose = body(6)
    good = write_trc(tmp_path / "a.trc", keypoints(pose, "halpe_26"), time_s).read_text()
    for text, message in (
        (good.replace("\tmm\t", "\tm\t"), "shanks would be"),
        (good.replace("\tmm\t", "\tfurlong\t"), "its unit is 'furlong'"),
        (good.replace("RKnee", "LKnee"), "two markers are named 'LKnee'"),
        (good.replace("\t6\t", "\t60\t", 1), "announces 60 frames, there are 6"),
        (good.replace("RHip\t\t\t", ""), "three columns a marker"),
        (good.replace("Frame#", "Frames"), "no line that begins with Frame#"),
        ("\n".join(good.split("\n")[:6]), "has no frames"),
        (good.replace("0.00000\t", "0.00000\tx", 1), "is not a number"),
    ):
        path = tmp_path / "bad.trc"
        path.write_text(text)
        with pytest.raises(UserError) as caught:
            read(path)
        assert message in str(caught.value), message
    unknown = write_trc(
        tmp_path / "c.trc", {f"*{k}": v for k, v in enumerate(keypoints(pose, "halpe_26").values())}, time_s
    )
    with pytest.raises(UserError, match="of no set that is known"):
        read(unknown)


def test_no_unit_in_the_header_is_told_by_the_body(tmp_path: Path) -> None:
    time_s, _, pose = body(6)
    path = write_trc(tmp_path / "a.trc", keypoints(pose, "halpe_26"), time_s)
    path.write_text(path.read_text().replace("Units", "Dunno"))
    assert read(path).details["source_unit_stated_by"] == "the size of the body"


def test_z_up_is_seen_where_the_body_stands(tmp_path: Path) -> None:
    time_s, angles, pose = body()
    points = {n: v[:, [1, 2, 0]] * [-1, -1, 1] for n, v in keypoints(pose, "halpe_26").items()}
    found = read(write_trc(tmp_path / "a.trc", points, time_s))
    assert any(isinstance(f, dict) and f["kind"] == "up_axis" for f in found.flags)
    assert rmse(fit(found), angles, "knee_angle_r") < 4


def test_too_few_markers_are_an_item_failure() -> None:
    values = np.full((3, 2, 3), np.nan)
    with pytest.raises(ItemError, match="too_few_markers"):
        fit_points(values, ("RHip", "LHip"), np.ones((3, 2)), "halpe_26", np.arange(3.0))


def test_c3d(tmp_path: Path) -> None:
    ezc3d = pytest.importorskip("ezc3d")
    time_s, angles, pose = body()
    points = plug_in_gait(pose)
    content = ezc3d.c3d()
    content["parameters"]["POINT"]["RATE"]["value"] = [30]
    content["parameters"]["POINT"]["LABELS"]["value"] = list(points)
    content["parameters"]["POINT"]["UNITS"]["value"] = ["mm"]
    data = np.ones((4, len(points), len(time_s)))
    for k, values in enumerate(points.values()):
        data[0, k], data[1, k], data[2, k] = values[:, 0] * 1000, -values[:, 2] * 1000, values[:, 1] * 1000
    residuals = np.zeros((1, len(points), len(time_s)))
    residuals[0, list(points).index("RKNE"), 10:20] = -1
    content["data"]["points"] = data
    content["data"]["meta_points"]["residuals"] = residuals
    content.write(str(tmp_path / "a.c3d"))
    found = read(tmp_path / "a.c3d")
    assert (
        found.set == "plug_in_gait" and found.details["source_unit"] == "mm" and found.details["source_rate_hz"] == 30
    )
    result = fit(found)
    assert rmse(result, angles, "knee_angle_l") < 4 and not result.observed[10:20, DOF_INDEX["knee_angle_r"]].any()
    (tmp_path / "bad.c3d").write_bytes((tmp_path / "a.c3d").read_bytes()[:700])
    with pytest.raises(UserError):
        read(tmp_path / "bad.c3d")


def test_freemocap(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    time_s, angles, pose = body()
    own = keypoints(pose, "mediapipe")
    order = set_by_name("mediapipe").order
    points = np.stack([own.get(name, pose.place("nose")) for name in order], axis=1)
    z_up = points[..., [0, 2, 1]] * [1000, -1000, 1000]
    np.save(tmp_path / "mediapipe_body_3d_xyz.npy", z_up)
    found = read(tmp_path / "mediapipe_body_3d_xyz.npy")
    assert found.time_s is None and found.set == "mediapipe"
    result = fit_points(found.values, found.names, found.trust, found.set, time_s)
    assert rmse(result, angles, "knee_angle_r") < 4
    columns = {f"body_{name}_{axis}": z_up[:, k, a] for k, name in enumerate(order) for a, axis in enumerate("xyz")}
    pq.write_table(pa.table({"timestamp": time_s, **columns}), tmp_path / "freemocap_data_by_frame.parquet")
    table = read(tmp_path / "freemocap_data_by_frame.parquet")
    assert np.allclose(table.values, found.values) and table.time_s is not None


def test_opencap_session_gives_stature_and_mass(tmp_path: Path, shared: Callable[..., Path]) -> None:
    from qevd_bio.pose.backends.files import list_recordings

    folder = tmp_path / "session" / "OpenSimData" / "Kinematics"
    folder.mkdir(parents=True)
    (tmp_path / "session" / "MarkerData").mkdir()
    (tmp_path / "session" / "MarkerData" / "squats1.trc").write_text("x")
    (folder / "squats1.mot").write_bytes(shared("data", "kinematics", "opencap_squats1.mot").read_bytes())
    (tmp_path / "session" / "sessionMetadata.yaml").write_text("height_m: 1.81\nmass_kg: 77.5\nsubjectID: x\n")
    assert list(list_recordings(tmp_path / "session")) == ["Kinematics/squats1"]
    found = recognise(folder / "squats1.mot").read(folder / "squats1.mot", Asked())
    assert found.details["person"] == {"height": 1.81, "mass": 77.5, "source": "sessionMetadata.yaml"}


def test_tables_of_names_hold_together() -> None:
    names = [found.name for found in marker_sets()]
    assert len(set(names)) == len(names) >= 8
    for found in marker_sets():
        assert found.title and found.source and 0 <= found.toe_share <= 1
        if found.order:
            known = set(found.order)
            used = {part for options in found.places.values() for parts in options for part in parts}
            assert used <= known, found.name
            assert found.count >= len(found.order)
            assert find_set(found.order, Path("x")).found(found.order) >= found.found(found.order)
