"""`qevd-bio score`: predictions and a data set in; scores, pairs and a manifest out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qevd_bio.scoring.assemble import interval_about, protocol_scores
from qevd_bio.scoring.breakdown import breakdown, counts
from qevd_bio.scoring.inputs import Inputs, load_inputs, matched_texts
from qevd_bio.scoring.intents import Labeller
from qevd_bio.scoring.measures import MetricOutcome, check_prompts, measure
from qevd_bio.scoring.options import PROTOCOLS, SCORE_NAMES, ScoreOptions
from qevd_bio.scoring.pairs_table import pair_rows
from qevd_bio.scoring.results import Scores, write_scores
from qevd_bio.store.atomic import write_json
from qevd_bio.store.manifest import manifest, versions
from qevd_bio.tables.pairs import PairRow, write_pairs
from qevd_bio.tables.workspace import pairs_of

MANIFEST_FILE = "manifest.json"


def score(
    preds: Path,
    data: Path | None,
    options: ScoreOptions,
    *,
    out: Path,
    cache: Path | None = None,
    label: Labeller | None = None,
) -> Scores:
    """Score the file `preds` against the data set `data` and write everything into the folder `out`.

    `cache` keeps replies of served judges; `label` names the intents of texts for the break-down.
    Raises UserError for bad input; a metric that cannot be computed is withheld with its reason.
    """
    check_prompts(options)
    inputs = load_inputs(preds, data, options)
    pairs = {name: matched_texts(inputs.corpus, found) for name, found in inputs.alignments.items()}
    outcomes = {metric: measure(metric, pairs, options, cache) for metric in options.chosen() if metric != "temporal"}
    protocols = {name: protocol_scores(name, inputs, outcomes, options) for name in PROTOCOLS}
    intents = label(inputs.corpus.truth.texts) if label is not None else {}
    scores = Scores(
        name=preds.name.removesuffix(".jsonl").removesuffix(".json"),
        protocols=protocols,
        interval=interval_about(inputs, options),
        counts=counts(inputs.corpus) if inputs.timed else {"pairs": len(inputs.corpus.segments)},
        inputs={**inputs.about, "versions": versions()},
        options=options.as_json(),
        warnings=inputs.warnings,
        breakdown=tuple(_breakdown(inputs, outcomes, intents)),
    )
    _write(out, scores, inputs, outcomes, intents)
    return scores


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


def _write(
    out: Path, scores: Scores, inputs: Inputs, outcomes: Mapping[str, MetricOutcome], intents: Mapping[str, str]
) -> None:
    rows: list[PairRow] = []
    for protocol, alignment in inputs.alignments.items():
        measured = {SCORE_NAMES[m][0]: o.measured[protocol] for m, o in outcomes.items() if protocol in o.measured}
        judged = {SCORE_NAMES[m][0]: o.judged[protocol] for m, o in outcomes.items() if o.judged is not None}
        rows += pair_rows(inputs.corpus, alignment, measured, judged, intents)
    write_json(out / MANIFEST_FILE, manifest("score", scores.options, inputs=dict(inputs.about)))
    write_pairs(pairs_of(out), rows, {"inputs": dict(inputs.about), "options": scores.options})
    # Written last: where scores.json stands, the pairs beside it belong to it.
    write_scores(out, scores)
