"""`qevd-bio score --task techcoach`: predictions and a build in; scores with intervals over takes out."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qevd_bio.scoring.descriptive.inputs import match
from qevd_bio.scoring.descriptive.measure import Value, measure_all
from qevd_bio.scoring.descriptive.options import DescriptiveOptions
from qevd_bio.store.atomic import write_json
from qevd_bio.store.errors import UserError
from qevd_bio.store.hashing import hash_file
from qevd_bio.store.manifest import versions
from qevd_bio.store.plain_data import read_json
from qevd_bio.store.resources import refs_path
from qevd_bio.tables.coaching import INSTANCES_FILE

SCORES_FILE = "scores.json"
_TITLES = {
    "spearman": "ρ", "spearman_takes": "ρ takes", "relative_l2": "RL2", "relative_l2_9": "RL2 (1-10)",
    "relative_l2_data": "RL2 (data)", "bleu_1": "BLEU-1", "meteor": "METEOR", "cider_d": "CIDEr-D", "cider": "CIDEr",
    "bertscore_f1": "BERT", "rule_m": "rule-M", "rule_q": "rule-Q", "rule_mq": "rule-M×Q", "gpt_m": "GPT-M",
    "gpt_q": "GPT-Q", "gpt_mq": "GPT-M×Q",
}  # fmt: skip
# The paper's CIDEr is that of the caption evaluation, which is CIDEr-D.
_PUBLISHED_AS = {"cider_d": "cider"}


@dataclass(frozen=True)
class CoachingScores:
    """The scores of one file of predictions. `coverage`: instances in all, with a score, with a comment."""

    system: str
    mention_mask: str
    values: Mapping[str, Value]
    coverage: Mapping[str, int]
    inputs: Mapping[str, Any]

    def withheld(self) -> list[str]:
        """Metrics without a value."""
        return [name for name, value in self.values.items() if value.value is None]


def score_coaching(
    preds: Path, built: Path, options: DescriptiveOptions, out: Path, cache: Path | None, redo: bool = False
) -> CoachingScores:
    """Score a file of predictions into `out/scores.json`.

    UserError for faulty input, and where `out` holds the scores of something else.
    """
    matched = match(preds, built, options.split)
    inputs = {
        "predictions": hash_file(preds),
        "instances": hash_file(built / INSTANCES_FILE if built.is_dir() else built),
        "split": options.split,
    }
    _check_free(out / SCORES_FILE, inputs, redo)
    values = measure_all(matched, options, cache)
    coverage = {
        "instances": len(matched.instances),
        "takes": len({one.take for one in matched.instances}),
        "scores": len(matched.scored()),
        "comments": len(matched.commented()),
    }
    scores = CoachingScores(matched.about("system"), matched.about("mention_mask"), values, coverage, inputs)
    write_json(
        out / SCORES_FILE,
        {
            "task": "techcoach", "system": scores.system, "mention_mask": scores.mention_mask, "coverage": coverage,
            "values": {name: asdict(value) for name, value in values.items()}, "inputs": inputs,
            "options": _plain(asdict(options)), "versions": versions(),
        },
    )  # fmt: skip
    return scores


def _check_free(path: Path, inputs: Mapping[str, Any], redo: bool) -> None:
    if redo or not path.is_file():
        return
    there = read_json(path)
    if there.get("task") != "techcoach" or there.get("inputs") != dict(inputs):
        raise UserError("holds the scores of something else", where=path, expected="a new folder",
                        fix="--redo to replace them, or another --out")  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return str(value) if isinstance(value, Path) else value


def published_rows() -> list[dict[str, str]]:
    """Rows of the paper's tables, in their order; values as printed."""
    with refs_path("published", "techcoach.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def describe(scores: Sequence[CoachingScores], published: bool = True) -> list[str]:
    """Lines for people: metrics down, systems across, published rows after them."""
    lines: list[str] = []
    for one in scores:
        cover = one.coverage
        lines.append(
            f"{one.system} (mention mask: {one.mention_mask}): {cover['instances']} instances of {cover['takes']} "
            f"takes, {cover['scores']} with a score, {cover['comments']} with a comment"
        )
        lines += [f"  {_TITLES[name]:12s} {_shown(value)}" for name, value in one.values.items()]
    if published and scores:
        names = [name for name in scores[0].values if _column(name) in published_rows()[0]]
        lines.append("published, on EE4D-DescCoach's evaluation set (other data; mention mask: oracle):")
        for row in published_rows():
            told = ", ".join(f"{_TITLES[name]} {row[_column(name)]}" for name in names if row[_column(name)])
            if told:
                lines.append(f"  {row['method']} ({row['group']}): {told}")
    return lines


def _column(name: str) -> str:
    return _PUBLISHED_AS.get(name, "" if name == "cider" else name)


def _shown(value: Value) -> str:
    if value.value is None:
        return f"–  ({value.reason})"
    text = f"{value.value:6.2f}"
    if value.low is not None and value.high is not None:
        text += f" [{value.low:.2f}, {value.high:.2f}]"
    if "range" in value.more:
        low, high = value.more["range"]
        text += f"  range {low:g} to {high:g}; constant mean {value.more['constant_mean']:.2f}"
    return f"{text}  n {value.n}"
