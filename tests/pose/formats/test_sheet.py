"""OpenSim's sheets in their dialects, and what must not pass in silence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.pose.formats.opensim import read_mot
from qevd_bio.pose.formats.registry import Asked, recognise
from qevd_bio.pose.formats.sheet import read_sheet
from qevd_bio.store.errors import UserError

KNEE = DOF_INDEX["knee_angle_r"]
TABLE = "time\tknee_angle_r\tknee_angle_l\n0.0\t10.5\t20.0\n0.1\t90.0\t80.0\n0.2\t45.0\t40.0\n"


def sheet(tmp_path: Path, text: str | bytes, name: str = "a.mot") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def headed(table: str, header: str = "inDegrees=yes") -> str:
    return f"Coordinates\nversion=1\n{header}\n\nendheader\n{table}"


@pytest.mark.parametrize(
    "text",
    [
        headed(TABLE),
        headed(TABLE, "nRows=3\nnColumns=3\ninDegrees=yes"),
        headed(TABLE, "datacolumns 3\ndatarows 3\nrange 0.0 0.2\ninDegrees=yes"),
        headed(TABLE, "nr=3\nnc=3\ninDegrees=yes"),
        headed(TABLE, "# units deg"),
        headed("\n\n" + TABLE),
        headed(TABLE.replace("time", "Time").replace("knee_angle_r\t", "Knee_Angle_R\t")),
        headed(TABLE.replace("\t", "   ")),
        headed(TABLE.replace("\n", "\t\n")),
        headed(TABLE.replace("\t", "\t  ")),
        headed(TABLE.replace(".", ",")),
        headed(TABLE).replace("\n", "\r\n"),
        "\ufeff" + headed(TABLE),
        headed(TABLE.replace("0.1\t", "\n0.1\t")),
        headed(TABLE.replace("knee_angle_r\t", "/jointset/walker_knee_r/knee_angle_r/value\t")),
        headed(TABLE).encode("utf-16"),
        headed(TABLE, "name=\u00e9t\u00e9\ninDegrees=yes").encode("latin-1"),
    ],
)
def test_dialects_are_read_alike(tmp_path: Path, text: str | bytes) -> None:
    found = read_mot(sheet(tmp_path, text))
    assert np.rad2deg(found.raw[:, KNEE]) == pytest.approx([10.5, 90, 45])
    assert found.time_s == pytest.approx([0, 0.1, 0.2]) and found.details["source_unit"] == "degrees"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (headed(TABLE, "inDegrees=no"), "cannot be radians"),
        (headed(TABLE.replace("10.5", "0.1").replace("90.0", "1.5").replace("20.0\n", "0.2\n").replace("80.0", "1.4").replace("45.0", "0.7").replace("40.0", "0.7")), "look like radians"),
        (headed(TABLE, ""), "does not say whether"),
        (headed(TABLE, "nRows=30\ninDegrees=yes"), "announces 30 rows, there are 3"),
        (headed(TABLE.replace("knee_angle_l", "knee_angle_r")), "two columns are named 'knee_angle_r'"),
        (headed(TABLE.replace("knee_angle_l", "Knee_Angle_R")), "two columns mean knee_angle_r"),
        (headed(TABLE.replace("0.2\t45.0\t40.0", "0.2\t45.0")), "line 9 has 2 values"),
        (headed(TABLE.replace("90.0", "9 0")), "is not a number|has 4 values"),
        (headed(TABLE.replace("90.0", "9_0")), "'9_0' is not a number"),
        (headed("time\tknee_angle_r\n"), "nothing after the endheader"),
        ("\0\0" + headed(TABLE), "binary data"),
    ],
)  # fmt: skip
def test_what_would_be_read_wrongly_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_mot(sheet(tmp_path, text))


def test_the_user_can_overrule_a_wrong_header(tmp_path: Path) -> None:
    found = read_mot(sheet(tmp_path, headed(TABLE, "inDegrees=no")), unit="degrees")
    assert np.rad2deg(found.raw[1, KNEE]) == pytest.approx(90) and found.details["source_unit_stated_by"] == "--unit"
    # a few degrees stay degrees where somebody says so
    small = read_mot(sheet(tmp_path, headed("time\tknee_angle_r\n0\t1.5\n0.1\t2\n")), unit="degrees")
    assert np.rad2deg(small.raw[0, KNEE]) == pytest.approx(1.5)


def test_an_empty_cell_is_a_missing_value_and_other_rows_stay(tmp_path: Path) -> None:
    found = read_mot(sheet(tmp_path, headed(TABLE.replace("90.0", ""))))
    assert np.isnan(found.raw[1]).all() and found.confidence.tolist() == [1, 0, 1]


def test_a_number_cut_at_the_end_costs_its_row_and_is_told(tmp_path: Path) -> None:
    rows = "".join(f"{t / 10:.2f}\t{t * 10:.2f}\n" for t in range(6))
    found = read_mot(sheet(tmp_path, headed("time\tknee_angle_r\n" + rows)[:-2]))
    assert len(found.raw) == 5 and [flag["kind"] for flag in found.flags] == ["cut_end"]
    assert len(read_mot(sheet(tmp_path, headed("time\tknee_angle_r\n" + rows)[:-1])).raw) == 6  # whole, no newline


def test_one_impossible_angle_is_left_out_and_told(tmp_path: Path) -> None:
    rows = "".join(f"{t / 10}\t{5057 if t == 3 else t * 5}\n" for t in range(20))
    found = read_mot(sheet(tmp_path, headed("time\tknee_angle_r\n" + rows)))
    assert np.isnan(found.raw[3]).all() and np.isfinite(np.delete(found.raw, 3, 0)).all()
    assert "frame 3, knee_angle_r 5057" in found.flags[0]["detail"]
    with pytest.raises(UserError, match="no joint reaches"):
        read_mot(sheet(tmp_path, headed("time\tknee_angle_r\n" + rows.replace("0\n", "9999\n"))))


def test_states_are_radians(tmp_path: Path) -> None:
    names = (
        "time\t/jointset/knee_r/knee_angle_r/value\t/jointset/knee_r/knee_angle_r/speed\t/forceset/soleus/activation"
    )
    found = read_mot(sheet(tmp_path, headed(f"{names}\n0\t1.5\t99\t0.5\n0.1\t1.6\t99\t0.5\n", "version=3"), "a.sto"))
    assert (
        found.raw[:, KNEE].tolist() == [1.5, 1.6] and found.details["source_unit_stated_by"] == "a file of model states"
    )


def test_pose2sim_spine_is_the_sum_of_its_joints(tmp_path: Path) -> None:
    parts = [
        f"{joint}_{turn}" for joint in ("L5_S1", "L4_L5") for turn in ("Flex_Ext", "Lat_Bending", "axial_rotation")
    ]
    found = read_mot(sheet(tmp_path, headed("\t".join(["time", *parts]) + "\n0\t-20\t0\t0\t-30\t0\t0\n")), "lumbar")
    assert np.rad2deg(found.raw[0, DOF_INDEX["lumbar_extension"]]) == pytest.approx(-50)


def test_sports2d(tmp_path: Path) -> None:
    names = "time\tRight knee\tLeft hip\tRight elbow\tRight shoulder\tTrunk"
    path = sheet(
        tmp_path,
        headed(names + "\n0\t45\t30\t90\t20\t88\n0.1\t50\t35\t\t20\t88\n"),
        "clip_Sports2D_angles_person01.mot",
    )
    form = recognise(path)
    found = form.read(path, Asked())
    assert form.name == "sports2d" and found.details["source_person"] == "01"
    assert np.rad2deg(found.raw[:, DOF_INDEX["hip_flexion_l"]]) == pytest.approx([30, 35])
    elbow = DOF_INDEX["elbow_flexion_r"]
    assert found.observed[:, elbow].tolist() == [True, False] and np.isfinite(found.raw).all()
    assert not found.observed[:, DOF_INDEX["shoulder_r_x"]].any() and found.details["columns_not_used"] == ["trunk"]


def test_content_chooses_the_reader_not_the_ending(tmp_path: Path) -> None:
    assert recognise(sheet(tmp_path, headed(TABLE), "a.txt")).name == "opensim"
    assert recognise(sheet(tmp_path, headed(TABLE), "A.MOT")).name == "opensim"
    assert recognise(sheet(tmp_path, "time_s,knee_angle_r_deg\n0,1\n", "b.mot")).name == "csv"
    with pytest.raises(UserError, match="in no format that is known"):
        recognise(sheet(tmp_path, "hello", "c.txt"))
    with pytest.raises(UserError, match="is empty"):
        recognise(sheet(tmp_path, "", "c.mot"))


def test_columns_can_be_padded_and_many(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(50, 40)) * 100
    lines = ["\t".join(f"{v:16.8f}" for v in row) for row in values]
    path = sheet(tmp_path, headed("\t".join(f"c{k}" for k in range(40)) + "\n" + "\n".join(lines) + "\n"))
    assert np.column_stack(read_sheet(path).columns) == pytest.approx(values, abs=1e-8)


Shared = Callable[..., Path]


@pytest.mark.parametrize(
    "name", ["01b_sports2d", "02_oldheader", "03_blankafter", "09b_Time", "10_deccomma", "11_states", "12_UP"]
)
def test_reported_inputs_that_were_refused(shared: Shared, name: str) -> None:
    path = next(p for p in shared("data", "repro", "mot-refused").iterdir() if p.stem == name)
    found = recognise(path).read(path, Asked())
    assert np.rad2deg(found.raw[:2, KNEE]) == pytest.approx([45, 51.26279], abs=1e-4) and not found.flags
