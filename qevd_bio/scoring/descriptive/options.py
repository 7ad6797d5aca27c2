"""Options of `score --task techcoach`; each default lives here once (standard library and options only)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from qevd_bio.scoring.options import BertScoreOptions, ConfidenceOptions
from qevd_bio.store.errors import UserError

SCORES = ("spearman", "spearman_takes", "relative_l2", "relative_l2_9", "relative_l2_data")
TEXTS = ("bleu_1", "meteor", "cider_d", "cider", "bertscore_f1")
RULES = ("rule_m", "rule_q", "rule_mq")
JUDGED = ("gpt_m", "gpt_q", "gpt_mq")
ALL = (*SCORES, *TEXTS, *RULES, *JUDGED)
CHEAP = tuple(name for name in ALL if name not in (*JUDGED, "bertscore_f1"))
BERT_MODEL = "microsoft/deberta-xlarge-mnli"
"""Own: the paper says DeBERTa-xlarge; this variant is the usual one for BERTScore."""


@dataclass(frozen=True)
class OpinionOptions:
    """The model that counts details (published: GPT-4o-mini). Own: temperature 0, three repeats."""

    model: str | None = None
    url: str | None = None
    temperature: float = 0.0
    max_tokens: int = 256
    repeats: int = 3
    max_calls: int | None = None


@dataclass(frozen=True)
class DescriptiveOptions:
    """What is computed, on which split. `low` and `high` are the range of the headline RL2 (own reading: 0 to 10)."""

    metrics: tuple[str, ...] = CHEAP
    split: str = "val"
    low: float = 0.0
    high: float = 10.0
    wordnet: Path | None = None
    bertscore: BertScoreOptions = field(default_factory=lambda: BertScoreOptions(model=BERT_MODEL))
    judge: OpinionOptions = OpinionOptions()
    interval: ConfidenceOptions = field(default_factory=ConfidenceOptions)


def parse(text: str | None, judged: bool) -> tuple[str, ...]:
    """Metrics named in `text`; without it those that need neither a judge nor a large model, and a judge's own."""
    if text is None:
        return (*CHEAP, *JUDGED) if judged else CHEAP
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    odd = [name for name in names if name not in ALL]
    if odd or not names:
        raise UserError(f"no metric {odd[0] if odd else text!r}", where="--metrics", expected=", ".join(ALL))
    return names
