"""Body measurements: entered values kept, estimates labelled and widened, nothing invented; meshes in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from qevd_bio.anatomy.body import Measurement, describe_body, entered, estimate_body
from qevd_bio.anatomy.mesh import DENSITY, LANDMARKS, girth_at, measure_mesh, volume
from qevd_bio.store.errors import UserError


def test_nothing_known_gives_nothing() -> None:
    assert estimate_body({}) == {}
    assert describe_body({}) == ""


def test_population_means_only_on_request() -> None:
    found = estimate_body({}, sex="women", population=True)
    assert found["height"] == Measurement(
        1.629, "m", 0.064, "population_mean", "ANSUR II regression (Gordon et al. 2014, NATICK/TR-15/007), women"
    )
    assert set(found) == {"height", "mass", "chest", "waist", "hips"}


def test_girths_from_entered_height_and_mass() -> None:
    known = {"height": entered(1.78, "height"), "mass": entered(73.2, "mass")}
    found = estimate_body(known, sex="men")
    assert found["waist"].value == pytest.approx(1.0249 - 0.43577 * 1.78 + 0.00796 * 73.2)
    assert found["waist"].sd == pytest.approx(0.044)
    assert found["waist"].method == "stature_regression"
    assert found["height"] is known["height"]


def test_errors_of_the_inputs_widen_the_estimate() -> None:
    known = {"height": entered(1.78, "height", sd=0.02), "mass": entered(73.2, "mass", sd=3.0)}
    found = estimate_body(known, sex="men")
    expected = np.sqrt(0.026**2 + (0.14014 * 0.02) ** 2 + (0.00535 * 3.0) ** 2)
    assert found["hips"].sd == pytest.approx(expected)


def test_unknown_sex_averages_and_widens_by_half_the_difference() -> None:
    known = {"height": entered(1.70, "height")}
    men, women, unknown = (estimate_body(known, sex=sex)["mass"] for sex in ("men", "women", "unknown"))
    assert unknown.value == pytest.approx((men.value + women.value) / 2)
    assert unknown.sd == pytest.approx(np.sqrt((12.6**2 + 9.3**2) / 2) + abs(men.value - women.value) / 2)


def test_the_more_certain_method_wins() -> None:
    known = {
        "height": entered(1.70, "height"),
        "waist_breadth": entered(0.30, "waist_breadth", sd=0.002),
        "hip_breadth": entered(0.34, "hip_breadth", sd=0.002),
        "shoulder_breadth": entered(0.47, "shoulder_breadth", sd=0.002),
    }
    found = estimate_body(known, sex="women")
    assert {name: found[name].method for name in ("mass", "waist")} == {
        "mass": "silhouette_regression",
        "waist": "silhouette_regression",
    }


def test_height_from_metric_limb_lengths() -> None:
    found = estimate_body({"limb_sum": entered(1.42, "limb_sum")}, sex="men")
    assert found["height"].value == pytest.approx(0.6234 + 0.79155 * 1.42)
    assert found["height"].method == "segment_regression"


def test_too_uncertain_estimates_are_not_fit_for_advice() -> None:
    found = estimate_body({"height": entered(1.78, "height")})
    assert not found["mass"].fit_for_advice
    assert found["height"].fit_for_advice


def test_sentence_prints_estimates_as_estimates() -> None:
    body = {
        "height": entered(1.78, "height"),
        "mass": entered(73.22, "mass"),
        "chest": Measurement(1.0032, "m", 0.03, "stature_regression", ""),
        "waist": Measurement(0.8312, "m", 0.0, "mesh", ""),
    }
    expected = "User body: height 1.78m, mass 73.22kg, chest about 1.0m (estimated), waist 0.83m."
    assert describe_body(body) == expected


def test_an_impossible_entry_is_refused() -> None:
    with pytest.raises(UserError, match="height 178 m"):
        entered(178, "height")
    with pytest.raises(UserError, match="mass nan kg"):
        entered(float("nan"), "mass")


def elliptic_cylinder(a: float, b: float, height: float, sides: int = 400) -> tuple[np.ndarray, np.ndarray]:
    turn = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    ring = np.stack([a * np.cos(turn), np.zeros(sides), b * np.sin(turn)], axis=1)
    vertices = np.concatenate([ring, np.add(ring, [0, height, 0])])
    hull = ConvexHull(vertices)
    faces = hull.simplices.copy()
    outward = np.einsum(
        "ij,ij->i",
        np.cross(vertices[faces[:, 1]] - vertices[faces[:, 0]], vertices[faces[:, 2]] - vertices[faces[:, 0]]),
        hull.equations[:, :3],
    )
    faces[outward < 0] = faces[outward < 0][:, ::-1]
    return vertices, faces.astype(np.int64)


def test_a_cylinder_has_the_mass_height_and_girth_of_a_cylinder() -> None:
    vertices, faces = elliptic_cylinder(0.15, 0.15, 1.7)
    points = dict(zip(LANDMARKS, ([0, 1.7, 0], [0, 0, 0], [0, 1.2, 0], [0, 1.0, 0], [0, 0.8, 0]), strict=True))
    found = measure_mesh(vertices, faces, {name: np.array(point) for name, point in points.items()})
    assert found["mass"].value == pytest.approx(np.pi * 0.15**2 * 1.7 * DENSITY, rel=1e-4)
    assert found["height"].value == pytest.approx(1.7)
    for girth in ("chest", "waist", "hips"):
        assert found[girth].value == pytest.approx(2 * np.pi * 0.15, rel=1e-4)
        assert found[girth].method == "mesh"


def test_volume_does_not_depend_on_the_origin() -> None:
    vertices, faces = elliptic_cylinder(0.2, 0.1, 0.5)
    assert volume(np.add(vertices, [3.0, -2.0, 1.0]), faces) == pytest.approx(volume(vertices, faces))


def test_mesh_errors_name_what_is_missing() -> None:
    vertices, faces = elliptic_cylinder(0.2, 0.1, 0.5)
    with pytest.raises(UserError, match="no landmark left_heel, right_nipple, belly_button, crotch"):
        measure_mesh(vertices, faces, {"head_top": np.zeros(3)})
    with pytest.raises(UserError, match=r"the plane y = 2\.000 m does not cut the mesh"):
        girth_at(vertices, faces, 2.0)
