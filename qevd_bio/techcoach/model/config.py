"""The shape of a TechCoach and what of it is switched on; needs neither torch nor transformers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from qevd_bio.store.errors import UserError
from qevd_bio.store.plain_data import read_yaml
from qevd_bio.store.resources import refs_path

DIMENSIONS, QUALITIES = 7, 2
QUERY_PARTS = ("text", "type", "quality")


@dataclass(frozen=True)
class AssessorConfig:
    """The text generator, shaped as BERT-base (published size 136 M, which this shape nearly is)."""

    layers: int = 12
    width: int = 768
    heads: int = 12
    inner: int = 3072
    vocabulary: int = 30522
    positions: int = 512


@dataclass(frozen=True)
class ModelConfig:
    """A TechCoach.

    grid, views  features (time, rows, columns) and channels of each view; views are joined on channels
    pool         own: features are averaged over such blocks before anything else; 1, 1, 1 as published
    query        parts of a technical point's query (Table 4, right)
    reasoner     False: no technical points, as SwinBERT
    poses        own: number of joint angles that come as further tokens, 0 without them
    groups       own reading of PGMI: score groups, 0 without them
    longest      own: most tokens of a comment, its marks included
    """

    name: str = "techcoach"
    grid: tuple[int, int, int] = (16, 8, 8)
    pool: tuple[int, int, int] = (1, 1, 1)
    views: Mapping[str, int] = field(default_factory=lambda: {"ego": 1408, "exo": 1408})
    width: int = 512
    heads: int = 8
    enhancer_layers: int = 4
    reasoner_layers: int = 2
    text_width: int = 1024
    dropout: float = 0.1
    longest: int = 120
    assessor: AssessorConfig = AssessorConfig()
    query: tuple[str, ...] = QUERY_PARTS
    reasoner: bool = True
    poses: int = 0
    groups: int = 0

    @property
    def cells(self) -> tuple[int, int, int]:
        """(time, rows, columns) of the video tokens, after pooling."""
        steps, rows, columns = (size // by for size, by in zip(self.grid, self.pool, strict=True))
        return steps, rows, columns

    @property
    def channels(self) -> int:
        """Channels of all views together."""
        return sum(self.views.values())

    def as_json(self) -> dict[str, Any]:
        """For a checkpoint."""
        return asdict(self)


def read_config(value: Any, where: Path) -> ModelConfig:
    """A configuration from plain data; UserError names an entry that is unknown or does not fit."""
    if not isinstance(value, Mapping):
        raise UserError("is no table of settings", where=where, expected="name, grid, views, width, …")
    known = {one.name for one in fields(ModelConfig)}
    odd = sorted(set(value) - known)
    if odd:
        raise UserError(f"unknown entry {odd[0]!r}", where=where, expected=", ".join(sorted(known)))
    given = dict(value)
    try:
        if "assessor" in given:
            given["assessor"] = AssessorConfig(**given["assessor"])
        for name in ("grid", "pool", "query"):
            if name in given:
                given[name] = tuple(given[name])
        config = ModelConfig(**given)
    except TypeError as error:
        raise UserError(f"cannot be used ({error})", where=where, expected="settings as the shipped presets") from error
    _check(config, where)
    return config


def _check(config: ModelConfig, where: Path) -> None:
    if any(size % by for size, by in zip(config.grid, config.pool, strict=True)):
        raise UserError(f"pool {config.pool} does not divide grid {config.grid}", where=where, expected="whole blocks")
    if config.width % config.heads or config.assessor.width % config.assessor.heads:
        raise UserError("heads do not divide the width", where=where, expected="width a multiple of heads")
    if config.reasoner and (not config.query or set(config.query) - set(QUERY_PARTS)):
        raise UserError(f"query {config.query}", where=where, expected=f"some of {', '.join(QUERY_PARTS)}")
    if config.longest > config.assessor.positions:
        raise UserError(
            f"longest {config.longest} exceeds positions {config.assessor.positions}", where=where,
            expected="room for a whole comment",
        )  # fmt: skip


def preset_names() -> list[str]:
    """The shipped presets."""
    return sorted(path.stem for path in refs_path("techcoach").glob("*.yaml"))


def read_preset(name: str) -> ModelConfig:
    """A shipped preset by name, or a YAML file by path. UserError for an unknown name."""
    path = Path(name) if name.endswith((".yaml", ".yml")) else refs_path("techcoach", f"{name}.yaml")
    if not path.is_file():
        raise UserError(f"no preset {name!r}", expected=f"{', '.join(preset_names())}, or a YAML file")
    return read_config(read_yaml(path), path)


def fitted(config: ModelConfig, views: Mapping[str, tuple[int, ...]], vocabulary: int, text_width: int) -> ModelConfig:
    """`config` for features of these shapes, a vocabulary and a text encoder.

    UserError where the views' grids differ, or pooling does not divide them.
    """
    grids = {shape[:3] for shape in views.values()}
    if len(grids) != 1:
        raise UserError(f"views of different grids: {dict(views)}", expected="one grid (time, rows, columns)")
    steps, rows, columns = next(iter(grids))
    made = replace(
        config, grid=(steps, rows, columns), views={name: shape[3] for name, shape in views.items()},
        text_width=text_width, assessor=replace(config.assessor, vocabulary=vocabulary),
    )  # fmt: skip
    _check(made, Path(config.name))
    return made
