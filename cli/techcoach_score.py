"""`qevd-bio score --task techcoach`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qevd_bio.scoring.descriptive.options import BERT_MODEL, DescriptiveOptions, OpinionOptions, parse
from qevd_bio.scoring.options import WITHHELD_EXIT, BertScoreOptions, ScoreOptions
from qevd_bio.store.errors import UserError
from qevd_bio.store.terminal import say

from .common import PlaceFlags
from .ending import leave
from .score_flags import BertFlags, IntervalFlags, JudgeFlags, ScoreFlags


def score_techcoach(
    preds: Sequence[Path], place: PlaceFlags, out: Path | None, metrics: str | None, redo: bool, flags: ScoreFlags,
    bert: BertFlags, judge: JudgeFlags, interval: IntervalFlags,
) -> None:  # fmt: skip
    """Score files of comments and scores against the build named with --data."""
    from qevd_bio.language.cache import default_cache
    from qevd_bio.scoring.descriptive.stage import describe, score_coaching

    if place.data is None:
        raise UserError("no instances named", expected="--data FOLDER of qevd-bio techcoach build")
    where = place.open()
    models = judge.of().models
    # Options that were left alone mean what this task's paper used.
    model = BERT_MODEL if bert.bert_model == BertScoreOptions().model else bert.bert_model
    options = DescriptiveOptions(
        metrics=parse(metrics, judged=bool(models)),
        split="val" if flags.split == ScoreOptions().split else flags.split,
        wordnet=flags.wordnet,
        bertscore=BertScoreOptions(**{**vars(bert.of()), "model": model}),
        judge=OpinionOptions(
            model=models[0] if models else None, url=judge.judge_url, max_calls=judge.judge_calls,
            temperature=judge.temperature or 0.0, repeats=max(judge.judge_repeats, 1),
        ),
        interval=interval.of(),
    )  # fmt: skip
    found = []
    for file in preds:
        folder = where.scores(file.stem) if out is None else out / file.stem if len(preds) > 1 else out
        found.append(
            score_coaching(file, place.data.expanduser(), options, folder, default_cache(where.annotations), redo)
        )
        say(f"written: {folder}")
    for line in describe(found):
        say(line)
    leave(WITHHELD_EXIT if metrics is not None and any(one.withheld() for one in found) else 0)
