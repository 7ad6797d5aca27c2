"""Body measures: a box and cylinders in closed form, tables of persons, estimates with their uncertainty."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qevd_bio.pose.body.estimate import estimate_measures
from qevd_bio.pose.body.measures import Person, body_of, find_mesh, read_people, with_stature
from qevd_bio.pose.body.mesh import girth_at, measure, read_mesh, volume
from qevd_bio.store.errors import UserError

WIDE, TALL, DEEP = 0.4, 1.8, 0.2


def prism(outline: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Closed prism over a convex outline (n, 2) in x, z; faces point outward."""
    n = len(outline)
    rings = [np.column_stack([outline[:, 0], np.full(n, y), outline[:, 1]]) for y in (low, high)]
    faces = [[i, n + i, n + (i + 1) % n] for i in range(n)] + [[i, n + (i + 1) % n, (i + 1) % n] for i in range(n)]
    faces += [[0, i, i + 1] for i in range(1, n - 1)] + [[n, n + i + 1, n + i] for i in range(1, n - 1)]
    return np.concatenate(rings), np.array(faces)


def ellipse(a: float, b: float, x: float = 0.0, n: int = 200) -> np.ndarray:
    t = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return np.column_stack([x + a * np.cos(t), b * np.sin(t)])


def box() -> tuple[np.ndarray, np.ndarray]:
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [WIDE / 2, DEEP / 2]
    return prism(half, 0.0, TALL)


def store(path: Path, parts: list[tuple[np.ndarray, np.ndarray]], **levels: float) -> Path:
    vertices, faces, start = [], [], 0
    for v, f in parts:
        vertices.append(v)
        faces.append(f + start)
        start += len(v)
    np.savez(path, vertices=np.concatenate(vertices), faces=np.concatenate(faces), **levels)
    return path


def test_box_in_closed_form(tmp_path: Path) -> None:
    mesh = read_mesh(store(tmp_path / "a.npz", [box()]))
    assert abs(volume(mesh)) == pytest.approx(WIDE * TALL * DEEP)
    found = measure(mesh)
    assert found["height"] == pytest.approx(TALL)
    assert found["mass"] == pytest.approx(985 * WIDE * TALL * DEEP)
    assert [found[k] for k in ("chest", "waist", "hips")] == pytest.approx([2 * (WIDE + DEEP)] * 3)


def test_arms_beside_the_trunk_are_not_measured_but_both_thighs_are(tmp_path: Path) -> None:
    trunk = prism(ellipse(0.16, 0.11), 0.9, 1.8)
    arms = [prism(ellipse(0.05, 0.05, x), 0.8, 1.5) for x in (-0.35, 0.35)]
    legs = [prism(ellipse(0.08, 0.08, x), 0.0, 0.88) for x in (-0.09, 0.09)]
    path = store(tmp_path / "a.npz", [trunk, *arms, *legs], chest_y=1.3, waist_y=1.1, hips_y=0.7)
    mesh = read_mesh(path)
    h = ((0.16 - 0.11) / (0.16 + 0.11)) ** 2
    round_trunk = np.pi * 0.27 * (1 + 3 * h / (10 + np.sqrt(4 - 3 * h)))
    assert measure(mesh)["waist"] == pytest.approx(round_trunk, rel=1e-3)
    assert measure(mesh)["hips"] == pytest.approx(2 * np.pi * 0.08 + 2 * 0.18, rel=1e-3)
    assert mesh.levels_given and girth_at(mesh, 3.0) is None


def test_obj_with_quads(tmp_path: Path) -> None:
    vertices, _ = box()
    lines = [f"v {x} {y} {z}" for x, y, z in vertices]
    lines += ["f 1 2 3 4", "f 8 7 6 5", *(f"f {i}/1 {i + 4}/1 {i % 4 + 5}/1 {i % 4 + 1}/1" for i in range(1, 5))]
    (tmp_path / "a.obj").write_text("\n".join(lines))
    assert measure(read_mesh(tmp_path / "a.obj"))["mass"] == pytest.approx(985 * WIDE * TALL * DEEP)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v, f: (v, f[:-1]), "not closed"),
        (lambda v, f: (v * 100, f), "180.00 units tall"),
        (lambda v, f: (v, f + 5), "a vertex that is not there"),
        (lambda v, f: (v * np.nan, f), "not a finite point"),
        (lambda v, f: (v[:, :2], f), "vertices"),
    ],
)
def test_bad_meshes(tmp_path: Path, change: object, message: str) -> None:
    store(tmp_path / "a.npz", [change(*box())])  # type: ignore[operator]
    with pytest.raises(UserError, match=message):
        read_mesh(tmp_path / "a.npz")


def test_nothing_is_invented() -> None:
    assert body_of(Person()) == {}
    assert body_of(Person(sex="female")) == {}
    only_mass = body_of(Person((("mass", 70.0),)))
    assert set(only_mass) == {"mass"} and only_mass["mass"]["method"] == "entered"


def test_estimates_from_stature_are_marked() -> None:
    body = body_of(Person((("height", 1.8), ("mass", 80.0)), "male"))
    assert list(body) == ["height", "mass", "chest", "waist", "hips"]
    assert body["waist"]["value"] == pytest.approx(1.0249 - 0.43577 * 1.8 + 0.00796 * 80, abs=1e-3)
    assert body["waist"]["sd"] == 0.044 and body["waist"]["method"] == "stature_regression"
    assert body["height"]["sd"] is None and body["height"]["method"] == "entered"


def test_uncertainty_grows_with_what_is_not_known() -> None:
    known = estimate_measures(1.7, mass_kg=70, sex="male")["waist"]["sd"]
    without_mass = estimate_measures(1.7, sex="male")["waist"]["sd"]
    without_sex = estimate_measures(1.7)["waist"]["sd"]
    assert known < without_mass < without_sex
    assert without_mass == pytest.approx(np.hypot(0.044, 0.00796 * 12.6), abs=1e-3)
    men, women = (estimate_measures(1.7, mass_kg=70, sex=s)["hips"]["value"] for s in ("male", "female"))
    assert estimate_measures(1.7, mass_kg=70)["hips"]["value"] == pytest.approx((men + women) / 2, abs=1e-3)


def test_mesh_goes_before_estimates_and_entries_before_the_mesh(tmp_path: Path) -> None:
    path = store(tmp_path / "a.npz", [box()])
    body = body_of(Person((("waist", 0.8),), mesh=path))
    assert {k: v["method"] for k, v in body.items()} == {
        "height": "shapy_mesh", "mass": "shapy_mesh", "chest": "shapy_mesh", "waist": "entered", "hips": "shapy_mesh",
    }  # fmt: skip


def test_table_of_people(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("participant,stature_m,sex,mass_kg\np1,1.62,F,\np2,,,\n")
    people = read_people(path)
    assert people["p1"] == Person((("height", 1.62),), "female")
    assert with_stature(people["p2"], 1.9, "male") == Person((("height", 1.9),), "male")
    assert with_stature(people["p1"], 1.9, "male").stature_m == 1.62


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,stature_m\na,1.7\n", "unknown columns name"),
        ("stature_m\n1.7\n", "no column video or participant"),
        ("video,stature_m\na,175\n", "line 2: height of 175 m"),
        ("video,stature_m\na,tall\n", "stature_m is 'tall'"),
        ("video,sex\na,x\n", "sex 'x'"),
    ],
)
def test_bad_tables_of_people(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "people.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        read_people(path)


def test_stature_in_centimetres_is_refused() -> None:
    with pytest.raises(UserError, match="--stature: height of 175 m"):
        with_stature(Person(), 175.0, "unknown")


def test_mesh_of_a_video_or_participant(tmp_path: Path) -> None:
    (tmp_path / "p1.obj").write_text("")
    assert find_mesh(tmp_path, ["0001", "p1"]) == tmp_path / "p1.obj"
    assert find_mesh(tmp_path, ["../p1"]) == tmp_path / "p1.obj", "a name never leads out of the folder"
    assert find_mesh(tmp_path, ["p2", ""]) is None and find_mesh(None, ["p1"]) is None


def test_an_estimated_stature_widens_what_rests_on_it() -> None:
    sure, unsure = (estimate_measures(1.75, sex="male", height_sd=sd) for sd in (0.0, 0.09))
    assert {name: entry["value"] for name, entry in sure.items()} == {n: e["value"] for n, e in unsure.items()}
    assert unsure["mass"]["sd"] == pytest.approx(np.hypot(12.6, 97.273 * 0.09), abs=0.01)
    assert all(unsure[name]["sd"] > sure[name]["sd"] for name in sure)
