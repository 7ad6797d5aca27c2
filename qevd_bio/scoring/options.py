"""What can be chosen when predictions are scored; each default lives here and nowhere else."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from qevd_bio.store.errors import UserError

WITHHELD_EXIT = 3
"""Exit code when a metric that was asked for has no value (unavailable, or too few readable judgements)."""

TEXT_METRICS = ("meteor", "rouge_l", "bertscore_f1")
JUDGED_METRICS = ("llm_acc", "llm_bio_acc")
FURTHER_METRICS = ("bleu_1", "bleu_4", "cider_d")
SAMPLINGS = {"released": (0.6, 0.9), "greedy": (0.0, 1.0)}
"""Temperature and top-p of the judge by name."""

METRICS = ("temporal", *TEXT_METRICS, *JUDGED_METRICS, *FURTHER_METRICS)
DEFAULT_METRICS = ("temporal", *TEXT_METRICS)

PROTOCOLS = ("official", "strict", "ordered")

# A metric has one name: in options, in scores.json, as a column. "temporal" is short for three of them.
TEMPORAL_NAMES = ("temporal_f_score", "temporal_precision", "temporal_recall")
SCORE_NAMES: dict[str, tuple[str, ...]] = {name: TEMPORAL_NAMES if name == "temporal" else (name,) for name in METRICS}
# Spellings of earlier versions, still read.
OLD_NAMES = {
    "rouge": "rouge_l", "bertscore": "bertscore_f1", "llm-acc": "llm_acc", "llm-bio-acc": "llm_bio_acc",
    "bleu-1": "bleu_1", "bleu-4": "bleu_4", "cider-d": "cider_d",
}  # fmt: skip


@dataclass(frozen=True)
class MatchingOptions:
    """`tolerance_s`: two times match when they differ by less than this (the papers' 3 s window is ±1.5 s).

    `meaning`: weight of the texts' likeness (ROUGE-L) against that of time in the protocol `ordered`, 0 to 1.
    """

    tolerance_s: float = 1.5
    meaning: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.tolerance_s) and self.tolerance_s > 0):
            raise UserError(
                f"a tolerance of {self.tolerance_s:g} s", where="--tolerance", expected="a number of seconds above 0"
            )
        if not 0 <= self.meaning <= 1:
            raise UserError(f"a weight of {self.meaning:g}", where="--meaning", expected="a number from 0 to 1")


@dataclass(frozen=True)
class BertScoreOptions:
    """Model of the BERTScore; the defaults are what the published numbers used (no idf, no rescaling).

    `layer` None takes the model's usual one where that is known. `prefix_space` puts a blank before each
    text, as transformers before version 5 did for RoBERTa and GPT-2 when bert_score asked for it.
    """

    model: str = "roberta-large"
    layer: int | None = None
    rescale: bool = False
    baseline: Path | None = None
    prefix_space: bool = False
    batch_tokens: int = 4096


@dataclass(frozen=True)
class JudgeOptions:
    """How judges are asked; prompt and sampling as the released evaluation of LLM-Acc has them.

    `prompt` is `released`, `paper` or the path of an own one. The endpoint takes `temperature` and `top_p`.
    """

    models: tuple[str, ...] = ()
    base_url: str | None = None
    prompt: str = "released"
    bio_prompt: Path | None = None
    temperature: float = SAMPLINGS["released"][0]
    top_p: float = SAMPLINGS["released"][1]
    max_tokens: int = 64
    repeats: int = 1
    min_judged: float = 0.95
    seed: int = 0
    max_calls: int | None = None

    @property
    def local(self) -> bool:
        """Whether there are judges and all of them are folders with a model."""
        return bool(self.models) and all((Path(m).expanduser() / "config.json").is_file() for m in self.models)


@dataclass(frozen=True)
class ConfidenceOptions:
    """Percentile bootstrap over clusters; a level of 0.95 gives the 2.5 % and 97.5 % percentiles."""

    replicates: int = 1000
    level: float = 0.95
    seed: int = 0


@dataclass(frozen=True)
class CompareOptions:
    """Paired tests between systems; power and level of the minimum detectable effect."""

    replicates: int = 1000
    permutations: int = 10_000
    level: float = 0.95
    power: float = 0.8
    seed: int = 0


@dataclass(frozen=True)
class ScoreOptions:
    """Everything that changes the numbers of `qevd-bio score`."""

    metrics: tuple[str, ...] | None = None
    split: str = "QEVD-FIT-COACH-Benchmark"
    wordnet: Path | None = None
    matching: MatchingOptions = MatchingOptions()
    bertscore: BertScoreOptions = BertScoreOptions()
    judge: JudgeOptions = JudgeOptions()
    interval: ConfidenceOptions = ConfidenceOptions()

    def __post_init__(self) -> None:
        if self.metrics is not None:
            object.__setattr__(self, "metrics", tuple(OLD_NAMES.get(name, name) for name in self.metrics))

    def chosen(self) -> tuple[str, ...]:
        """The metrics to compute, in the order of METRICS.

        By default all that need no paid call: judged ones where every judge is a model on this machine.
        """
        wanted = self.metrics
        if wanted is None:
            wanted = (*DEFAULT_METRICS, *(JUDGED_METRICS if self.judge.local else ()))
        return tuple(name for name in METRICS if name in wanted)

    def asked(self) -> tuple[str, ...]:
        """The metrics that must have a value: those named, or those that a given judge is for."""
        if self.metrics is not None:
            return self.metrics
        return JUDGED_METRICS if self.judge.local else ()

    def as_json(self) -> dict[str, Any]:
        """The options as plain JSON values, nested as here."""
        plain: dict[str, Any] = _plain(self)
        return plain


def parse_metrics(text: str | None) -> tuple[str, ...] | None:
    """`"temporal,meteor"` as a tuple; None stays None (the default set).

    Old names are read as well. Raises UserError for unknown ones.
    """
    if text is None:
        return None
    parts = [part.strip().lower() for part in text.split(",") if part.strip()]
    names = tuple(dict.fromkeys(OLD_NAMES.get(part, part) for part in parts))
    unknown = [name for name in names if name not in METRICS]
    if unknown or not names:
        raise UserError(
            f"unknown metric {unknown[0]!r}" if unknown else "no metric named",
            where="--metrics",
            expected=f"a comma-separated choice of {', '.join(METRICS)}",
            fix="qevd-bio score --metrics temporal,meteor,rouge_l",
        )
    return names


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value
