"""The table of models that can be fetched: `refs/models.yaml` as typed rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from qevd_bio.store.errors import UserError
from qevd_bio.store.resources import refs_path

SourceKind = Literal["url", "pypi", "npm"]
SOURCE_KINDS: tuple[SourceKind, ...] = ("url", "pypi", "npm")


@dataclass(frozen=True)
class Source:
    """A place that a file can be had from: an address, or a package and the file's name in it."""

    kind: SourceKind
    place: str
    member: str | None = None

    def __str__(self) -> str:
        return self.place if self.kind == "url" else f"{self.member} in the {self.kind} package {self.place}"


@dataclass(frozen=True)
class Edition:
    """One content of a file: SHA-256 as hex, size in bytes, where it can be had from."""

    sha256: str
    size: int
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class ModelFile:
    """A file of a model; any of its editions will do."""

    name: str
    editions: tuple[Edition, ...]


@dataclass(frozen=True)
class Model:
    """A row of the table."""

    name: str
    kind: str
    about: str
    licence: str
    author: str
    card: str
    needs: tuple[str, ...]
    files: tuple[ModelFile, ...]


@cache
def models() -> Mapping[str, Model]:
    """Every model by name, in the table's order."""
    import yaml

    rows = yaml.safe_load(refs_path("models.yaml").read_text(encoding="utf-8"))
    return {name: _model(name, row) for name, row in rows.items()}


def find_model(name: str) -> Model:
    """The model of this name. Raises UserError with the names there are."""
    try:
        return models()[name]
    except KeyError:
        raise UserError(
            f"no model is called {name}", expected=f"one of {', '.join(models())}", fix="qevd-bio models"
        ) from None


def with_needs(name: str) -> tuple[Model, ...]:
    """A model and those it needs, each once."""
    model = find_model(name)
    found = {model.name: model}
    for other in model.needs:
        found |= {each.name: each for each in with_needs(other)}
    return tuple(found.values())


def _model(name: str, row: Mapping[str, Any]) -> Model:
    files = tuple(
        ModelFile(
            file["name"],
            tuple(Edition(e["sha256"], e["size"], tuple(map(_source, e["from"]))) for e in file["editions"]),
        )
        for file in row["files"]
    )
    words = (row["kind"], row["about"], row["licence"], row["author"], row["card"])
    return Model(name, *words, tuple(row.get("needs", ())), files)


def _source(row: Mapping[str, str]) -> Source:
    kind = next(kind for kind in SOURCE_KINDS if kind in row)
    return Source(kind, row[kind], row.get("member"))
