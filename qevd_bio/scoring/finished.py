"""Scores that stand already: metrics asked for later are added to them, and nothing else takes their place."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qevd_bio.scoring.options import DEFAULT_METRICS, JUDGED_METRICS, METRICS, OLD_NAMES, SCORE_NAMES
from qevd_bio.scoring.results import SCORES_FILE, Score, Scores, comparable_signature, read_scores
from qevd_bio.store.errors import UserError
from qevd_bio.store.hashing import hash_json
from qevd_bio.tables.pairs import PAIRS, VALUE_NAMES, PairRow
from qevd_bio.tables.workspace import pairs_of

_KEY_LENGTH = 8
_REPLIES = ("llm_acc_replies", "llm_bio_acc_replies")


@dataclass(frozen=True)
class Place:
    """Where scores go. `finished` is the score there, to be added to; `other` the folder that another score has."""

    folder: Path
    finished: Scores | None = None
    other: Path | None = None


def settings(inputs: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """All that the scores of one folder have in common: both sides, what is resampled, matching, intervals."""
    sides = {name: inputs.get(name) for name in ("predictions_sha256", "references_sha256", "clusters")}
    return {**sides, "matching": options.get("matching"), "interval": options.get("interval")}


def find_place(out: Path, new: Scores, *, distinct: bool, redo: bool) -> Place:
    """The folder for `new`: `out` where it is free or holds a score to which `new` adds.

    Where it holds another score, one beside it with part of a hash in its name if `distinct`, else UserError. The
    name depends on what is scored alone: the same command finds its own folder again.
    """
    key = hash_json(settings(new.inputs, new.options))
    places = [out]
    if distinct:
        signed = hash_json([key, *(comparable_signature(score.signature) for score in _valued(new))])
        places += [out.with_name(f"{out.name}-{name[:_KEY_LENGTH]}") for name in (key, signed)]
    for folder in places:
        other = out if folder != out else None
        if redo or not (folder / SCORES_FILE).exists():
            return Place(folder, None, other)
        obstacle, finished = _standing(folder, new)
        if not obstacle:
            return Place(folder, finished, other)
    raise taken(places[-1], new)


def check_free(out: Path, inputs: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Raise UserError, before anything is computed, where `out` holds a score of something else."""
    if (out / SCORES_FILE).exists():
        about = Scores("", {}, {}, {}, inputs, options)
        if _standing(out, about)[0]:
            raise taken(out, about)


def taken(folder: Path, new: Scores) -> UserError:
    """The error that says what stands in `folder`."""
    return UserError(
        f"this folder holds {_standing(folder, new)[0]}",
        where=folder,
        expected="a folder without scores, or with scores of the same predictions and settings",
        fix="name another folder with --out, leave --out away, or replace what stands there with --redo",
    )


def _standing(folder: Path, new: Scores) -> tuple[str, Scores | None]:
    """What keeps `new` from being added to the score in `folder` ("" for nothing), and that score."""
    try:
        finished = read_scores(folder)
    except UserError as error:
        return f"a score that cannot be read ({error.problem})", None
    mine, theirs = settings(new.inputs, new.options), settings(finished.inputs, finished.options)
    if mine["predictions_sha256"] != theirs["predictions_sha256"]:
        return "the score of other predictions", None
    if mine != theirs:
        differs = next(name for name in mine if mine[name] != theirs[name])
        words = {"references_sha256": "ground truth", "clusters": "participants", "interval": "intervals"}
        return f"the score of these predictions with other {words.get(differs, differs)}", None
    for protocol, scores in new.protocols.items():
        for name, score in scores.items():
            old = finished.protocols.get(protocol, {}).get(name)
            if old is None or old.value is None or score.value is None:
                continue
            if comparable_signature(old.signature) != comparable_signature(score.signature):
                return f"{name} of these predictions with another signature ({old.signature})", None
    if not pairs_of(folder).is_file():
        return "a score without its table of pairs", None
    return "", finished


def _valued(scores: Scores) -> list[Score]:
    return [score for found in scores.protocols.values() for score in found.values() if score.value is not None]


def added(finished: Scores, new: Scores) -> Scores:
    """`new` with every value that only `finished` has."""
    protocols = {
        protocol: {
            name: finished.protocols.get(protocol, {}).get(name, score) if score.value is None else score
            for name, score in _all_names(finished.protocols.get(protocol, {}), scores).items()
        }
        for protocol, scores in new.protocols.items()
    }
    return replace(
        new,
        name=finished.name,
        protocols=protocols,
        options=_options(finished.options, new.options),
        breakdown=tuple(_breakdown(finished.breakdown, new.breakdown)),
    )


def kept_metrics(finished: Scores, new: Scores) -> tuple[str, ...]:
    """Names of scores that have a value from `finished` alone."""
    mine = {name for scores in new.protocols.values() for name, score in scores.items() if score.value is not None}
    theirs = dict.fromkeys(
        n for scores in finished.protocols.values() for n, s in scores.items() if s.value is not None
    )
    return tuple(name for name in theirs if name not in mine)


def _all_names(finished: Mapping[str, Score], new: Mapping[str, Score]) -> dict[str, Score]:
    found = {**finished, **new}
    order = [name for metric in METRICS for name in SCORE_NAMES[metric]]
    return {name: found[name] for name in order if name in found}


def _options(finished: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The new options, with all metrics of both, and the old ones of metrics that were not computed now."""
    then, now = ({OLD_NAMES.get(name, name) for name in of.get("metrics") or DEFAULT_METRICS} for of in (finished, new))
    merged = {**new, "metrics": [name for name in METRICS if name in then | now]}
    for group, metrics in {"bertscore": {"bertscore_f1"}, "judge": set(JUDGED_METRICS), "wordnet": {"meteor"}}.items():
        if metrics & then and not metrics & now:
            merged[group] = finished.get(group)
    return merged


def _breakdown(finished: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    def key(row: Mapping[str, Any]) -> tuple[Any, ...]:
        return row["protocol"], row["by"], row["group"]

    old = {key(row): row for row in finished}
    for row in new:
        before = old.pop(key(row), {})
        yield {**before, **{name: value for name, value in row.items() if value is not None or name not in before}}
    yield from old.values()


def added_pairs(folder: Path, rows: Sequence[PairRow]) -> list[PairRow]:
    """`rows` with the values and replies that only the table in `folder` has.

    Raises UserError where the table holds other pairs.
    """
    before = PAIRS.load(pairs_of(folder))
    if [_identity(row) for row in before] != [_identity(row) for row in rows]:
        raise UserError(
            "the table of pairs does not belong to these scores",
            where=pairs_of(folder),
            expected="the pairs of the same predictions",
            fix="score again with --redo",
        )
    return [_with_old(old, row) for old, row in zip(before, rows, strict=True)]


def _with_old(old: PairRow, row: PairRow) -> PairRow:
    lost: dict[str, Any] = {
        name: getattr(old, name) for name in VALUE_NAMES if math.isnan(getattr(row, name)) and name in old.values
    }
    lost |= {name: getattr(old, name) for name in _REPLIES if getattr(row, name) is None and getattr(old, name)}
    if row.truth_intent is None and old.truth_intent is not None:
        lost["truth_intent"] = old.truth_intent
    return replace(row, **lost) if lost else row


def _identity(row: PairRow) -> tuple[Any, ...]:
    return row.protocol, row.role, row.video, row.segment, row.truth_index, row.predicted_index
