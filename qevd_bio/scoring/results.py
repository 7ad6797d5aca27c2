"""`scores.json`: every score with its signature, n, coverage and interval; typed, with a schema version."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from qevd_bio.scoring.options import PROTOCOLS, SCORE_NAMES
from qevd_bio.store.atomic import write_json
from qevd_bio.store.errors import UserError

SCHEMA = "qevd-bio.scores"
VERSION = 1
SCORES_FILE = "scores.json"

MAIN_SCORES = tuple(name for metric in list(SCORE_NAMES)[:6] for name in SCORE_NAMES[metric])


@dataclass(frozen=True)
class Coverage:
    """Shares of the ground truth and of the predictions that were matched; None where there are none."""

    ground_truth: float | None
    predicted: float | None


@dataclass(frozen=True)
class Score:
    """One number. `value` is None with a `reason` where it is withheld, unavailable or undefined.

    `n` counts the items it is made of: matched pairs with a value, or feedbacks for the temporal scores.
    `details` holds what only some metrics have (judged share, agreement).
    """

    value: float | None
    low: float | None
    high: float | None
    standard_error: float | None
    n: int
    coverage: Coverage
    signature: str
    reason: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.value is None) != (self.reason is not None):
            raise ValueError("a score has either a value or a reason")


@dataclass(frozen=True)
class Scores:
    """All of `scores.json`; `protocols` stand at the top level of the file, under `official` and `strict`."""

    name: str
    protocols: Mapping[str, Mapping[str, Score]]
    interval: Mapping[str, Any]
    counts: Mapping[str, Any]
    inputs: Mapping[str, Any]
    options: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
    breakdown: tuple[Mapping[str, Any], ...] = ()

    def withheld(self, asked: tuple[str, ...]) -> list[str]:
        """Names of scores without a value that belong to the metrics `asked` for."""
        names = {name for metric in asked for name in SCORE_NAMES[metric]}
        found = [n for scores in self.protocols.values() for n, s in scores.items() if s.value is None]
        return sorted(names.intersection(found))

    def as_json(self) -> dict[str, Any]:
        """The content of the file; NaN and infinities become null."""
        about = {"schema": SCHEMA, "version": VERSION, "name": self.name}
        protocols = {name: {n: asdict(s) for n, s in scores.items()} for name, scores in self.protocols.items()}
        rest = {
            "interval": dict(self.interval),
            "counts": dict(self.counts),
            "inputs": dict(self.inputs),
            "options": dict(self.options),
            "warnings": list(self.warnings),
            "breakdown": [dict(row) for row in self.breakdown],
        }
        plain: dict[str, Any] = _finite({**about, **protocols, **rest})
        return plain


def signature(metric: str, protocol: str, tolerance_s: float, parts: Mapping[str, str], package: str) -> str:
    """One line that says what the number depends on: equal lines, comparable numbers."""
    fields = {"metric": metric, "protocol": protocol, "tolerance": f"{tolerance_s:g}s", **parts, "qevd-bio": package}
    return "|".join(f"{key}:{_clean(value)}" for key, value in fields.items())


def comparable_signature(signature: str) -> str:
    """The signature without the version of this package, which is not part of the protocol."""
    return "|".join(part for part in signature.split("|") if not part.startswith("qevd-bio:"))


def common_signature(scores: Mapping[str, Score]) -> str:
    """The signatures of all scores of a protocol that have a value, in one line: what they share, then each one's own.

    Whether two lines are equal tells whether the numbers may be compared.
    """
    parts = {
        name: dict(part.split(":", 1) for part in score.signature.split("|"))
        for name, score in scores.items()
        if score.value is not None
    }
    if not parts:
        return "no score has a value"
    first = next(iter(parts.values()))
    shared = [k for k, v in first.items() if all(own.get(k) == v for own in parts.values()) and k != "metric"]
    line = "|".join(f"{key}:{first[key]}" for key in shared)
    for name, own in parts.items():
        rest = ",".join(f"{key}:{value}" for key, value in own.items() if key not in (*shared, "metric"))
        line += f"|{name}" + (f"({rest})" if rest else "")
    return line


def write_scores(folder: Path, scores: Scores) -> Path:
    """Write `scores.json` into `folder`, atomically; returns its path."""
    path = folder / SCORES_FILE
    write_json(path, scores.as_json())
    return path


def read_scores(path: Path) -> Scores:
    """Scores from the file or from the folder that holds it.

    Raises UserError where it is missing, no such file, or of another version.
    """
    file = path / SCORES_FILE if path.is_dir() else path
    fix = "qevd-bio score --preds run.jsonl --data DIR makes it"
    try:
        value: Any = json.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise UserError("no such file", where=file, expected="a folder made by qevd-bio score", fix=fix) from error
    except (OSError, ValueError, RecursionError) as error:
        problem = "cannot be read as JSON"
        raise UserError(problem, where=file, expected=f"a {SCORES_FILE} of qevd-bio score", fix=fix) from error
    if not isinstance(value, dict) or value.get("schema") != SCHEMA or value.get("version") != VERSION:
        found = value.get("version") if isinstance(value, dict) else None
        raise UserError(
            f"not scores of version {VERSION} (version {found})", where=file, expected=f"schema {SCHEMA}", fix=fix
        )
    try:
        return _scores(value)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        problem = f"damaged ({type(error).__name__}: {error})"
        raise UserError(problem, where=file, expected=f"schema {SCHEMA}, version {VERSION}", fix=fix) from error


def _scores(value: Mapping[str, Any]) -> Scores:
    protocols = {
        protocol: {name: _score(score) for name, score in value[protocol].items()}
        for protocol in PROTOCOLS
        if protocol in value
    }
    return Scores(
        name=str(value["name"]),
        protocols=protocols,
        interval=dict(value["interval"]),
        counts=dict(value["counts"]),
        inputs=dict(value["inputs"]),
        options=dict(value["options"]),
        warnings=tuple(value["warnings"]),
        breakdown=tuple(value["breakdown"]),
    )


def _score(value: Mapping[str, Any]) -> Score:
    return Score(**{**value, "coverage": Coverage(**value["coverage"])})


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


def _clean(value: str) -> str:
    return value.replace("|", "/").replace("\n", " ")
