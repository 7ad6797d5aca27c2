"""The two sides that are scored, read and matched by every protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qevd_bio.scoring.metrics.lexical import rouge_likeness
from qevd_bio.scoring.options import PROTOCOLS, ScoreOptions
from qevd_bio.scoring.pairing.corpus import Alignment, Corpus, SegmentReference, Side, align, join
from qevd_bio.scoring.pairing.pairs_file import is_pairs_file, parse_pairs
from qevd_bio.scoring.pairing.predictions import issues_error, parse_predictions, read_bytes
from qevd_bio.scoring.pairing.references import References, load_references
from qevd_bio.scoring.pairing.warnings import ORACLE, corpus_warnings
from qevd_bio.store.errors import UserError
from qevd_bio.store.hashing import hash_bytes

Pair = tuple[str, str]


@dataclass(frozen=True)
class Inputs:
    """What is scored: the two sides and their alignment by each protocol."""

    corpus: Corpus
    alignments: Mapping[str, Alignment]
    about: Mapping[str, Any]
    warnings: tuple[str, ...]
    timed: bool = True

    @property
    def oracle(self) -> bool:
        """Whether the system knew the annotations of what it is tested on."""
        return ORACLE in str(self.about.get("salient", "")).split(", ")


def load_inputs(preds: Path, data: Path | None, options: ScoreOptions) -> Inputs:
    """Read both sides and match them. Raises UserError naming file, line and what was expected."""
    raw = read_bytes(preds)
    about = {"predictions": preds.name, "predictions_sha256": hash_bytes(raw)}
    if is_pairs_file(raw):
        return _from_pairs(parse_pairs(raw, preds), about)
    segments, issues = parse_predictions(raw)
    if issues:
        raise issues_error(preds, issues)
    if data is None:
        raise UserError(
            "no data set to compare with",
            where=preds,
            expected="--data FOLDER (or the variable QEVD_BIO_DATA) with the benchmark's annotations",
            fix=f"qevd-bio score --preds {preds} --data FOLDER",
        )
    references = load_references(data, options.split)
    corpus, faults = join(
        references.segments, segments, _people(references), without_feedback=references.without_feedback
    )
    if faults:
        raise issues_error(preds, faults)
    timing = sorted({segment.timing for segment in segments if segment.timing})
    about |= {
        "references": f"{references.source}/{references.split}",
        "references_sha256": references.sha256,
        "timing": ", ".join(timing) or "not stated",
        "salient": ", ".join(sorted({segment.salient for segment in segments if segment.salient})) or "not stated",
        "clusters": "participant" if _people(references) else "video",
    }
    matching, likeness = options.matching, rouge_likeness()
    alignments = {name: align(corpus, name, matching.tolerance_s, matching.meaning, likeness) for name in PROTOCOLS}
    return Inputs(corpus, alignments, about, tuple(corpus_warnings(corpus, segments, references.split)))


def _people(references: References) -> Mapping[str, str] | None:
    """The participant of each video, if that is known for all of them."""
    videos = {segment.video for segment in references.segments}
    return references.participants if videos <= references.participants.keys() else None


def _from_pairs(pairs: Sequence[Pair], about: Mapping[str, Any]) -> Inputs:
    """Pairs as a corpus of one-pair segments: text metrics work as always, intervals resample pairs."""
    nowhere = float("nan")
    segments = [SegmentReference("", -1, "", nowhere, (nowhere,), (truth,)) for truth, _ in pairs]
    corpus = Corpus(
        segments=tuple(segments),
        clusters=tuple(f"pair {i}" for i in range(len(pairs))),
        run=(True,) * len(pairs),
        truth=Side.of([(s.times, s.texts) for s in segments]),
        predicted=Side.of([((nowhere,), (text,)) for _, text in pairs]),
    )
    both = np.repeat(np.arange(len(pairs))[:, None], 2, axis=1)
    alignment = Alignment("official", both, both)
    return Inputs(corpus, {"official": alignment}, {**about, "clusters": "pair", "timing": "none"}, (), timed=False)


def matched_texts(corpus: Corpus, alignment: Alignment) -> list[Pair]:
    """(ground truth, prediction) of the alignment's pairs, in its order."""
    return [(corpus.truth.texts[g], corpus.predicted.texts[p]) for g, p in alignment.recall.tolist()]
