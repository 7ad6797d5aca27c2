"""`qevd-bio compare`: paired tests between systems scored on the same ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from qevd_bio.scoring.options import METRICS, SCORE_NAMES, CompareOptions
from qevd_bio.scoring.results import Score, Scores, comparable_signature, read_scores
from qevd_bio.scoring.statistics import (
    Array,
    PairedTest,
    Statistic,
    f_score,
    paired_test,
    ratio,
    share,
)
from qevd_bio.store.errors import UserError
from qevd_bio.tables.pairs import PAIRS
from qevd_bio.tables.workspace import pairs_of


@dataclass(frozen=True)
class ScoredSystem:
    """One scored system: its label in tables, its scores, and the folder that holds them."""

    label: str
    folder: Path
    scores: Scores


@dataclass(frozen=True)
class Comparison:
    """One metric of one protocol: `other` against `base`; `test` is None with a `note` if they cannot be compared."""

    protocol: str
    metric: str
    base: str
    other: str
    base_score: Score
    other_score: Score
    test: PairedTest | None
    note: str = ""


def load_systems(paths: Sequence[Path]) -> list[ScoredSystem]:
    """Systems from folders of `qevd-bio score` (or their scores.json); labels are made distinct.

    Raises UserError where a file is missing or the systems were scored against different ground truth.
    """
    if len(paths) < 2:
        raise UserError(
            "one system cannot be compared", expected="two or more score folders", fix="qevd-bio compare A B"
        )
    folders = [path if path.is_dir() else path.parent for path in paths]
    scores = [read_scores(path) for path in paths]
    names = [found.name for found in scores]
    labels = [
        name if names.count(name) == 1 else f"{folder.parent.name}/{folder.name}"
        for name, folder in zip(names, folders, strict=True)
    ]
    labels = [label if labels.count(label) == 1 else f"{label} ({i + 1})" for i, label in enumerate(labels)]
    systems = [ScoredSystem(*parts) for parts in zip(labels, folders, scores, strict=True)]
    for system in systems:
        if "references_sha256" not in system.scores.inputs:
            raise UserError(
                "these scores come from a list of matched pairs: its pairs belong to no video",
                where=system.folder,
                expected="scores of predictions as JSONL",
                fix="qevd-bio score --preds run.jsonl --data DIR",
            )
        if system.scores.inputs["references_sha256"] != systems[0].scores.inputs["references_sha256"]:
            raise UserError(
                f"scored against other ground truth than {systems[0].folder}",
                where=system.folder,
                expected="systems scored on the same data set and split",
                fix="score both again with the same --data",
            )
    return systems


def compare(systems: Sequence[ScoredSystem], options: CompareOptions, protocols: Sequence[str]) -> list[Comparison]:
    """Every further system against the first, for all metrics that both have, with paired tests."""
    rows: list[Comparison] = []
    statistics = [_Statistics(system) for system in systems]
    for protocol in protocols:
        for metric in (name for m in METRICS for name in SCORE_NAMES[m]):
            base = systems[0].scores.protocols.get(protocol, {}).get(metric)
            for system, found in zip(systems[1:], statistics[1:], strict=True):
                other = system.scores.protocols.get(protocol, {}).get(metric)
                if base is None or other is None or (base.value is None and other.value is None):
                    continue
                note = _obstacle(base, other)
                test = None
                if not note:
                    test = paired_test(
                        statistics[0].of(protocol, metric),
                        found.of(protocol, metric),
                        replicates=options.replicates,
                        permutations=options.permutations,
                        level=options.level,
                        power=options.power,
                        seed=options.seed,
                    )
                rows.append(Comparison(protocol, metric, systems[0].label, system.label, base, other, test, note))
    return rows


def _obstacle(base: Score, other: Score) -> str:
    if base.value is None or other.value is None:
        return f"withheld: {base.reason or other.reason}"
    if comparable_signature(base.signature) != comparable_signature(other.signature):
        return f"not comparable: {base.signature} against {other.signature}"
    return ""


class _Statistics:
    """Sums per cluster of one system, from its pairs table."""

    def __init__(self, system: ScoredSystem) -> None:
        self._table: pa.Table = PAIRS.read(pairs_of(system.folder))
        # Every cluster has ground truth, so all systems on the same data have the same clusters.
        self._clusters = sorted(set(self._table.column("cluster").to_pylist()))

    def of(self, protocol: str, metric: str) -> Statistic:
        """The metric's statistic; clusters in the order of their names."""
        table = self._table.filter(pc.equal(self._table.column("protocol"), protocol))
        index = {name: i for i, name in enumerate(self._clusters)}
        clusters = np.array([index[name] for name in table.column("cluster").to_pylist()], np.intp)
        if metric.startswith("temporal"):
            return self._temporal(table, clusters, metric)
        pairs = np.array([role == "pair" for role in table.column("role").to_pylist()], bool)
        if metric.startswith("bleu"):
            return self._bleu(table.filter(pa.array(pairs)), clusters[pairs], int(metric[-1]))
        values = np.array([np.nan if v is None else v for v in table.column(metric).to_pylist()], np.float64)
        there = ~np.isnan(values)
        columns = [np.where(there, values, 0.0), there.astype(float)]
        return Statistic(self._sums(clusters, columns), ratio)

    def _temporal(self, table: pa.Table, clusters: np.ndarray[tuple[int], np.dtype[np.intp]], metric: str) -> Statistic:
        precise = np.array([bool(v) for v in table.column("precision_match").to_pylist()], float)
        said = np.array([v is not None for v in table.column("predicted_index").to_pylist()], float)
        matched = np.array([role == "pair" for role in table.column("role").to_pylist()], float)
        truth = np.array([v is not None for v in table.column("truth_index").to_pylist()], float)
        sums = self._sums(clusters, [precise, said, matched, truth])
        if metric == "temporal_precision":
            return Statistic(sums[:, 0:2], share)
        if metric == "temporal_recall":
            return Statistic(sums[:, 2:4], share)
        return Statistic(sums, f_score)

    def _bleu(self, table: pa.Table, clusters: np.ndarray[tuple[int], np.dtype[np.intp]], order: int) -> Statistic:
        from qevd_bio.scoring.metrics.ngrams import bleu

        texts = zip(table.column("truth_text").to_pylist(), table.column("predicted_text").to_pylist(), strict=True)
        return bleu(list(texts), order).statistic(clusters, len(self._clusters))

    def _sums(self, clusters: np.ndarray[tuple[int], np.dtype[np.intp]], columns: Sequence[Array]) -> Array:
        from qevd_bio.scoring.statistics import sums_by

        return sums_by(clusters, len(self._clusters), columns)
