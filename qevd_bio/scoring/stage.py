"""`qevd-bio score`: predictions and a data set in; scores, pairs and a manifest out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qevd_bio.scoring.assemble import interval_about, protocol_scores
from qevd_bio.scoring.breakdown import breakdown
from qevd_bio.scoring.finished import added, added_pairs, check_free, find_place, kept_metrics
from qevd_bio.scoring.inputs import Inputs, load_inputs, matched_texts
from qevd_bio.scoring.intents import Labeller
from qevd_bio.scoring.measures import MetricOutcome, check_prompts, measure
from qevd_bio.scoring.options import PROTOCOLS, SCORE_NAMES, ScoreOptions
from qevd_bio.scoring.pairing.warnings import counts
from qevd_bio.scoring.pairs_table import pair_rows
from qevd_bio.scoring.results import Scores, write_scores
from qevd_bio.store.atomic import write_json
from qevd_bio.store.manifest import manifest, versions
from qevd_bio.tables.pairs import PairRow, write_pairs
from qevd_bio.tables.workspace import pairs_of

MANIFEST_FILE = "manifest.json"


@dataclass(frozen=True)
class Scored:
    """Scores and the folder they were written to.

    `kept`: names of scores that an earlier run gave and this one did not compute. `other`: the folder that would have
    been taken, had it not held the score of something else.
    """

    scores: Scores
    folder: Path
    kept: tuple[str, ...] = ()
    other: Path | None = None


def score(
    preds: Path,
    data: Path | None,
    options: ScoreOptions,
    *,
    out: Path,
    cache: Path | None = None,
    label: Labeller | None = None,
    redo: bool = False,
) -> Scores:
    """Score the file `preds` against the data set `data` and write everything into the folder `out`.

    Where a score of the same predictions and settings stands in `out`, its further metrics are kept.
    `cache` keeps replies of served judges; `label` names the intents of texts for the break-down; `redo` replaces
    what stands in `out`. Raises UserError for bad input, and where `out` holds a score of something else; a metric
    that cannot be computed is withheld with its reason.
    """
    return score_into(preds, data, options, out=out, cache=cache, label=label, redo=redo).scores


def score_into(
    preds: Path,
    data: Path | None,
    options: ScoreOptions,
    *,
    out: Path,
    cache: Path | None = None,
    label: Labeller | None = None,
    distinct: bool = False,
    redo: bool = False,
) -> Scored:
    """As `score`; with `distinct` a folder that is taken is left alone for one beside it with another name."""
    check_prompts(options)
    inputs = load_inputs(preds, data, options)
    if not distinct and not redo:
        check_free(out, inputs.about, options.as_json())
    pairs = {name: matched_texts(inputs.corpus, found) for name, found in inputs.alignments.items()}
    outcomes = {metric: measure(metric, pairs, options, cache) for metric in options.chosen() if metric != "temporal"}
    intents = label(inputs.corpus.truth.texts) if label is not None else {}
    new = Scores(
        name=preds.name.removesuffix(".jsonl").removesuffix(".json"),
        protocols={name: protocol_scores(name, inputs, outcomes, options) for name in PROTOCOLS},
        interval=interval_about(inputs, options),
        counts=counts(inputs.corpus) if inputs.timed else {"pairs": len(inputs.corpus.segments)},
        inputs={**inputs.about, "versions": versions()},
        options=options.as_json(),
        warnings=inputs.warnings,
        breakdown=tuple(_breakdown(inputs, outcomes, intents)),
    )
    place = find_place(out, new, distinct=distinct, redo=redo)
    rows = _pairs(inputs, outcomes, intents)
    if place.finished is not None:
        scores, rows = added(place.finished, new), added_pairs(place.folder, rows)
        kept = kept_metrics(place.finished, new)
    else:
        scores, kept = replace(new, name=place.folder.name) if place.other else new, ()
    _write(place.folder, scores, rows)
    return Scored(scores, place.folder, kept, place.other)


def _breakdown(
    inputs: Inputs, outcomes: Mapping[str, MetricOutcome], intents: Mapping[str, str]
) -> list[dict[str, Any]]:
    if not inputs.timed:
        return []
    rows: list[dict[str, Any]] = []
    for protocol, alignment in inputs.alignments.items():
        measured = {SCORE_NAMES[m][0]: o.measured[protocol] for m, o in outcomes.items() if protocol in o.measured}
        rows += breakdown(inputs.corpus, alignment, measured, intents)
    return rows


def _pairs(inputs: Inputs, outcomes: Mapping[str, MetricOutcome], intents: Mapping[str, str]) -> list[PairRow]:
    rows: list[PairRow] = []
    for protocol, alignment in inputs.alignments.items():
        measured = {SCORE_NAMES[m][0]: o.measured[protocol] for m, o in outcomes.items() if protocol in o.measured}
        judged = {SCORE_NAMES[m][0]: o.judged[protocol] for m, o in outcomes.items() if o.judged is not None}
        rows += pair_rows(inputs.corpus, alignment, measured, judged, intents)
    return rows


def _write(out: Path, scores: Scores, rows: list[PairRow]) -> None:
    about = {name: value for name, value in scores.inputs.items() if name != "versions"}
    write_json(out / MANIFEST_FILE, manifest("score", scores.options, inputs=about))
    write_pairs(pairs_of(out), rows, {"inputs": about, "options": scores.options})
    # Written last: where scores.json stands, the pairs beside it belong to it.
    write_scores(out, scores)
