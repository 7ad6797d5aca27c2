"""A body's shape from files: SHAPY's outputs, measurements, betas on a body model, and the scale of one camera."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.pose.body.measures import Person, body_of, find_mesh
from qevd_bio.pose.body.mesh import measure, read_mesh
from qevd_bio.pose.body.model import read_body_model
from qevd_bio.pose.body.scale import POPULATION, by_camera, by_points, fitted_stature
from qevd_bio.pose.body.shape_file import read_shape
from qevd_bio.pose.formats.skel_file import read_skel, window_betas
from qevd_bio.store.errors import UserError
from tests.pose.body.test_measures import TALL, WIDE, box, store


def model_file(path: Path) -> Path:
    """A "body model" whose template is a box: its first beta makes it taller by 10 cm, its second wider by 2 cm."""
    vertices, faces = box()
    directions = np.zeros((*vertices.shape, 3))
    directions[:, 1, 0] = 0.1 * vertices[:, 1] / TALL
    directions[:, 0, 1] = 0.02 * np.sign(vertices[:, 0]) / 2
    arrays = {"v_template": vertices, "shapedirs": directions, "f": faces}
    if path.suffix == ".pkl":
        path.write_bytes(pickle.dumps(arrays))
    else:
        np.savez(path, **arrays)
    return path


@pytest.mark.parametrize("name", ["model.npz", "model.pkl"])
def test_betas_get_metres_from_the_users_model(tmp_path: Path, name: str) -> None:
    model = read_body_model(model_file(tmp_path / name))
    found = measure(model.mesh([1.0, 2.0]))
    assert found["height"] == pytest.approx(TALL + 0.1)
    assert found["waist"] == pytest.approx(2 * (WIDE + 0.04 + 0.2))


def test_betas_are_averaged_over_windows_and_their_spread_is_the_sd(tmp_path: Path) -> None:
    betas = np.zeros((180, 10))  # six seconds at 30 frames/s: two windows of 3 s
    betas[:90, 0], betas[90:, 0] = 1.0, 3.0
    betas[::2, 0] += 0.5
    betas[1::2, 0] -= 0.5
    windows = window_betas(betas, 30.0)
    assert [window[0] for window in windows] == pytest.approx([1.0, 3.0])
    body = body_of(Person(), body_model=model_file(tmp_path / "m.npz"), betas=[w[:3] for w in windows])
    assert body["height"]["value"] == pytest.approx(TALL + 0.2) and body["height"]["sd"] == pytest.approx(0.1)
    assert body["height"]["method"] == "betas"
    assert "chest" in body and body["mass"]["value"] == pytest.approx(985 * WIDE * 0.2 * (TALL + 0.2), abs=0.01)


def test_a_recording_keeps_its_betas_by_window(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", poses=np.zeros((61, 46)), betas=np.ones((61, 10)), fps=10.0)
    assert np.shape(read_skel(tmp_path / "a.npz").details["betas_by_window"]) == (3, 10)
    np.savez(tmp_path / "b.npz", poses=np.zeros((61, 46)), betas=np.ones(10), fps=10.0)
    assert read_skel(tmp_path / "b.npz").details["betas_by_window"] == []


def test_shapy_s_posed_vertices_are_not_measured(tmp_path: Path) -> None:
    vertices, faces = box()
    np.savez(tmp_path / "a.npz", vertices=0.5 * vertices, v_shaped=vertices, faces=faces, betas=np.zeros(10))
    assert read_shape(tmp_path / "a.npz", None).measures["height"] == (pytest.approx(TALL), None)


def test_a_mesh_with_small_holes_is_measured(tmp_path: Path) -> None:
    turns = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    from tests.pose.body.test_measures import prism

    vertices, faces = prism(np.column_stack([0.2 * np.cos(turns), 0.15 * np.sin(turns)]), 0.0, TALL)
    whole = measure(read_mesh(store(tmp_path / "whole.npz", [(vertices, faces)])))
    holed = measure(read_mesh(store(tmp_path / "holed.npz", [(vertices, faces[3:])])))
    assert holed["mass"] == pytest.approx(whole["mass"], rel=0.01)
    with pytest.raises(UserError, match="not closed"):
        read_mesh(store(tmp_path / "open.npz", [(vertices, faces[60:])]))


MEASURES = {"height": 1.78, "mass": 73.22, "chest": 1.0, "waist": 0.83, "hips": 0.98}


@pytest.mark.parametrize("kind", ["json", "nested", "txt", "npz"])
def test_measurements_are_read_in_every_form(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"0001.{'json' if kind == 'nested' else kind}"
    if kind == "json":
        path.write_text(json.dumps(MEASURES))
    elif kind == "nested":
        path.write_text(json.dumps({"measurements": {name: {"tensor": [v]} for name, v in MEASURES.items()}}))
    elif kind == "txt":
        units = {"mass": "kg"}
        said = "    ".join(f"{name}: {v:.2f} {units.get(name, 'm')}" for name, v in MEASURES.items())
        path.write_text(f"Processing: a.npz\n    Virtual measurements:     {said}\n")
    else:
        np.savez(path, **MEASURES)
    assert find_mesh(tmp_path, ["0001"]) == path
    body = body_of(Person(mesh=path))
    assert {name: entry["value"] for name, entry in body.items()} == MEASURES
    assert {entry["method"] for entry in body.values()} == {"shapy"}


def test_what_is_entered_goes_before_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(MEASURES))
    body = body_of(Person((("height", 1.6),), mesh=path))
    assert (body["height"]["value"], body["height"]["method"]) == (1.6, "entered")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", "[1]", "no JSON object"),
        ("a.json", "{", "is no JSON"),
        ("a.json", '{"height": "tall"}', "height is 'tall'"),
        ("a.json", '{"height": NaN}', "height is"),
        ("a.json", '{"height": 178}', "height of 178 m"),
        ("a.json", '{"size": 1}', "no measurement"),
        ("a.txt", "nothing", "no measurement"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, name: str, content: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(UserError, match=message):
        body_of(Person(mesh=path))


def test_betas_without_a_model_and_bad_models_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "b.npz", betas=np.zeros(10))
    with pytest.raises(UserError, match="no metres without their model"):
        read_shape(tmp_path / "b.npz", None)
    with pytest.raises(UserError, match="10 betas"):
        read_shape(tmp_path / "b.npz", model_file(tmp_path / "m.npz"))
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(UserError, match="no array v_template"):
        read_body_model(tmp_path / "other.npz")
    (tmp_path / "bad.pkl").write_bytes(pickle.dumps(Path("x")))
    with pytest.raises(UserError, match="cannot be read"):
        read_body_model(tmp_path / "bad.pkl")
    with pytest.raises(UserError):
        read_body_model(tmp_path / "missing.npz")


def test_the_camera_s_height_gives_the_scale() -> None:
    lengths = {name: 0.9 * length for name, length in Skeleton.from_stature(1.8).lengths().items()}
    assert fitted_stature(lengths, -1.08, 1.2) == pytest.approx(1.8, abs=0.01)
    found = by_camera(lengths, {"floor_m": -1.08}, 1.2)
    mean, spread = POPULATION["unknown"]
    assert found is not None and mean < found.value < 1.8 and found.sd < spread
    assert fitted_stature(lengths, 0.3, 1.2) is None and fitted_stature({}, -1.0, 1.2) is None
    assert fitted_stature(lengths, -0.2, 1.2) is None  # ten metres tall
    body = body_of(Person(), stature=found)
    assert body["height"]["method"] == "camera_height" and body["height"]["sd"] == found.sd
    assert body["mass"]["method"] == "stature_regression"


def test_points_in_metres_give_a_stature() -> None:
    found = by_points(Skeleton.from_stature(1.62).lengths())
    assert found is not None and found.value == pytest.approx(1.62, abs=0.01) and found.method == "points"
    assert by_points({}) is None
