"""The body's measures as far as something supports them: entered, measured on a mesh, or estimated; else absent."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qevd_bio.pose.body.estimate import estimate_measures
from qevd_bio.pose.body.shape_file import SUFFIXES, Shape, from_betas, read_shape
from qevd_bio.pose.options import Sex
from qevd_bio.store.errors import UserError

MEASURES = {"height": "m", "mass": "kg", "chest": "m", "waist": "m", "hips": "m"}
_COLUMNS = {"height": "stature_m", "mass": "mass_kg", "chest": "chest_m", "waist": "waist_m", "hips": "hips_m"}
_RANGES = {"height": (0.5, 2.5), "mass": (10.0, 400.0), "chest": (0.3, 2.5), "waist": (0.3, 2.5), "hips": (0.3, 2.5)}
_SEXES: dict[str, Sex] = {
    "": "unknown",
    "unknown": "unknown",
    "f": "female",
    "female": "female",
    "m": "male",
    "male": "male",
}


@dataclass(frozen=True)
class Person:
    """What the user says about a person: entered measures (m, kg), sex, and a file of the body's shape."""

    entered: tuple[tuple[str, float], ...] = ()
    sex: Sex = "unknown"
    mesh: Path | None = None

    @property
    def stature_m(self) -> float | None:
        """Standing height in metres, as entered; None where it was not."""
        return dict(self.entered).get("height")


@dataclass(frozen=True)
class Measured:
    """A measure that was read off something: value and standard deviation in metres or kilograms, how and from what."""

    value: float
    sd: float
    method: str
    source: str


def with_stature(person: Person, stature_m: float | None, sex: Sex) -> Person:
    """The person, with stature and sex of the command line where the table says nothing."""
    entered = dict(person.entered)
    if stature_m is not None:
        entered.setdefault("height", in_range("height", stature_m, "--stature"))
    return Person(tuple(entered.items()), person.sex if person.sex != "unknown" else sex, person.mesh)


def with_recorded(person: Person, recorded: Mapping[str, Any] | None) -> Person:
    """The person, with height (m) and mass (kg) that a recording states where the user says nothing."""
    if not recorded:
        return person
    entered = dict(person.entered)
    for name in ("height", "mass"):
        if name in recorded:
            entered.setdefault(name, in_range(name, float(recorded[name]), str(recorded.get("source", "recording"))))
    return replace(person, entered=tuple(entered.items()))


def in_range(name: str, value: float, where: str) -> float:
    """`value`, or a UserError where no body has such a measure (centimetres instead of metres, say)."""
    low, high = _RANGES[name]
    if not low <= value <= high:
        unit = MEASURES[name]
        raise UserError(f"{name} of {value:g} {unit}", where=where, expected=f"{low:g} to {high:g} {unit}")
    return value


def read_people(path: Path) -> dict[str, Person]:
    """Persons by video or participant, from a CSV with a column `video` or `participant` and any of stature_m,
    mass_kg, chest_m, waist_m, hips_m, sex. Raises UserError with the line of a bad value."""
    path = path.expanduser()
    expected = f"CSV: video or participant, then any of {', '.join(_COLUMNS.values())}, sex"
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            names = [name.strip() for name in reader.fieldnames or []]
            reader.fieldnames = names
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"cannot be read: {error}", where=path, expected=expected) from error
    key = next((name for name in ("video", "participant") if name in names), None)
    unknown = set(names) - {"video", "participant", "sex", *_COLUMNS.values()}
    if key is None or unknown:
        odd = f"unknown columns {', '.join(sorted(unknown))}" if unknown else "no column video or participant"
        raise UserError(odd, where=path, expected=expected)
    return {_name(row[key]): _person(row, f"{path}, line {number}") for number, row in enumerate(rows, 2)}


def _name(text: str | None) -> str:
    return (text or "").strip().removeprefix("./").removesuffix(".mp4")


def _person(row: dict[str, str | None], where: str) -> Person:
    sex = (row.get("sex") or "").strip().lower()
    if sex not in _SEXES:
        raise UserError(f"sex {sex!r}", where=where, expected="female, male, or empty")
    entered = {}
    for name, column in _COLUMNS.items():
        text = (row.get(column) or "").strip()
        if not text:
            continue
        try:
            entered[name] = in_range(name, float(text), where)
        except ValueError:
            raise UserError(f"{column} is {text[:40]!r}", where=where, expected="a number, or empty") from None
    return Person(tuple(entered.items()), _SEXES[sex])


def find_mesh(mesh: Path | None, names: Sequence[str]) -> Path | None:
    """The file of the first of `names`: `mesh` itself if it is a file, else `<mesh>/<name>` with one of SUFFIXES."""
    if mesh is None:
        return None
    mesh = mesh.expanduser()
    if mesh.is_file():
        return mesh
    found = (mesh / f"{Path(name).name}{suffix}" for name in names if name for suffix in SUFFIXES)
    return next((path for path in found if path.is_file()), None)


def body_of(
    person: Person,
    *,
    body_model: Path | None = None,
    betas: Sequence[Sequence[float]] = (),
    stature: Measured | None = None,
) -> dict[str, dict[str, Any]]:
    """Measures with value, unit, sd, method and source. Entered values go before the file, both before estimates.

    body_model  the user's SMPL-type model; betas  means over windows of the recording's own, which it gives metres
    stature     height read off the picture with the camera's own, or off points; less than anything else
    Nothing is estimated without a stature: a picture alone has no scale, and betas without the licensed model
    have no metres.
    """
    body: dict[str, dict[str, Any]] = {}
    if stature is not None:
        body["height"] = _measure("height", stature.value, stature.sd, stature.method, stature.source)
    for shape in _shapes(person, body_model, betas):
        for name, (value, sd) in shape.measures.items():
            body[name] = _measure(name, in_range(name, value, shape.source), sd, shape.method, shape.source)
    for name, value in person.entered:
        body[name] = _measure(name, value, None, "entered", "the user")
    height = body.get("height")
    if height is not None:
        mass = body.get("mass", {}).get("value")
        given = estimate_measures(height["value"], mass_kg=mass, sex=person.sex, height_sd=height["sd"] or 0.0)
        for name, estimate in given.items():
            body.setdefault(name, estimate)
    return {name: body[name] for name in MEASURES if name in body}


def _shapes(person: Person, body_model: Path | None, betas: Sequence[Sequence[float]]) -> Iterator[Shape]:
    """What is known of the shape, the better last."""
    if body_model is not None and betas and person.mesh is None:
        yield from_betas([list(window) for window in betas], body_model, "the recording")
    if person.mesh is not None:
        yield read_shape(person.mesh, body_model)


def _measure(name: str, value: float, sd: float | None, method: str, source: str) -> dict[str, Any]:
    return {"value": round(value, 4), "unit": MEASURES[name], "sd": sd, "method": method, "source": source}
