"""Options of `qevd-bio score`, by what they are about."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from qevd_bio.scoring.options import (
    SAMPLINGS,
    BertScoreOptions,
    ConfidenceOptions,
    JudgeOptions,
    MatchingOptions,
    ScoreOptions,
    parse_metrics,
)

D = ScoreOptions()
BERT, JUDGE, INTERVAL, MATCHING = "BERTScore", "Judges (LLM-Acc, LLM-Bio-Acc)", "Intervals", "Matching and METEOR"


@dataclass(frozen=True)
class BertFlags:
    """The model of the BERTScore."""

    bert_model: Annotated[str, typer.Option(help="Model name or folder.", rich_help_panel=BERT)] = D.bertscore.model
    bert_layer: Annotated[
        int | None,
        typer.Option(min=0, help="Hidden layer.", show_default="the model's usual one", rich_help_panel=BERT),
    ] = D.bertscore.layer
    bert_rescale: Annotated[
        bool, typer.Option("--bert-rescale", help="Rescale with the baseline.", rich_help_panel=BERT)
    ] = D.bertscore.rescale
    bert_baseline: Annotated[
        Path | None, typer.Option(help="Table LAYER,P,R,F of baselines.", rich_help_panel=BERT)
    ] = D.bertscore.baseline
    bert_prefix_space: Annotated[
        bool,
        typer.Option("--bert-prefix-space", help="Tokenize as transformers < 5 did.", rich_help_panel=BERT),
    ] = D.bertscore.prefix_space

    def of(self) -> BertScoreOptions:
        """The options as the stage takes them."""
        return BertScoreOptions(**{name.removeprefix("bert_"): value for name, value in vars(self).items()})


@dataclass(frozen=True)
class JudgeFlags:
    """Who judges, and how they are asked."""

    judge: Annotated[
        list[str] | None,
        typer.Option(help="Folder of a model, or a served model; repeatable.", rich_help_panel=JUDGE),
    ] = None
    judge_url: Annotated[str | None, typer.Option(help="OpenAI-compatible endpoint.", rich_help_panel=JUDGE)] = (
        D.judge.base_url
    )
    judge_prompt: Annotated[
        str,
        typer.Option(
            metavar="released|paper|FILE",
            help="Prompt for LLM-Acc: the released evaluation's, the paper's, or an own one (YAML).",
            rich_help_panel=JUDGE,
        ),
    ] = D.judge.prompt
    judge_bio_prompt: Annotated[
        Path | None, typer.Option(help="Own prompt for LLM-Bio-Acc (YAML).", rich_help_panel=JUDGE)
    ] = D.judge.bio_prompt
    judge_repeats: Annotated[
        int, typer.Option(min=1, max=100, help="Judgements of each pair.", rich_help_panel=JUDGE)
    ] = D.judge.repeats
    judge_seed: Annotated[int, typer.Option(min=0, help="Seed of the sampling.", rich_help_panel=JUDGE)] = D.judge.seed
    judge_calls: Annotated[int | None, typer.Option(min=1, help="Most calls to pay for.", rich_help_panel=JUDGE)] = (
        D.judge.max_calls
    )
    judge_sampling: Annotated[
        Literal["released", "greedy"],
        typer.Option(
            help="released: temperature 0.6, top-p 0.9, as published numbers; greedy: the likeliest reply.",
            rich_help_panel=JUDGE,
        ),
    ] = "released"
    temperature: Annotated[
        float | None,
        typer.Option(
            min=0.0, rich_help_panel=JUDGE, help="Temperature of the judge.", show_default="as --judge-sampling says"
        ),
    ] = None
    top_p: Annotated[
        float | None,
        typer.Option(
            min=0.0, max=1.0, rich_help_panel=JUDGE, help="Top-p of the judge.", show_default="as --judge-sampling says"
        ),
    ] = None
    min_judged: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Least share of readable replies.", rich_help_panel=JUDGE)
    ] = D.judge.min_judged

    def of(self) -> JudgeOptions:
        """The options as the stage takes them."""
        temperature, top_p = SAMPLINGS[self.judge_sampling]
        return JudgeOptions(
            models=tuple(self.judge or ()),
            base_url=self.judge_url,
            prompt=self.judge_prompt,
            bio_prompt=self.judge_bio_prompt,
            temperature=temperature if self.temperature is None else self.temperature,
            top_p=top_p if self.top_p is None else self.top_p,
            repeats=self.judge_repeats,
            min_judged=self.min_judged,
            seed=self.judge_seed,
            max_calls=self.judge_calls,
        )


@dataclass(frozen=True)
class IntervalFlags:
    """The bootstrap; fields as in IntervalOptions."""

    replicates: Annotated[int, typer.Option(min=2, help="Bootstrap replicates.", rich_help_panel=INTERVAL)] = (
        D.interval.replicates
    )
    level: Annotated[
        float, typer.Option(min=0.5, max=0.999, help="Level of the intervals.", rich_help_panel=INTERVAL)
    ] = D.interval.level
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.", rich_help_panel=INTERVAL)] = D.interval.seed

    def of(self) -> ConfidenceOptions:
        """The options as the stage takes them."""
        return ConfidenceOptions(**vars(self))


@dataclass(frozen=True)
class ScoreFlags:
    """What is scored, and within which times."""

    split: Annotated[str, typer.Option(help="Split of the data set.")] = D.split
    tolerance: Annotated[
        float, typer.Option(min=0.0, help="Seconds within which two feedbacks match.", rich_help_panel=MATCHING)
    ] = D.matching.tolerance_s
    meaning: Annotated[
        float,
        typer.Option(
            min=0.0, max=1.0, help="Protocol ordered: weight of ROUGE-L against time.", rich_help_panel=MATCHING
        ),
    ] = D.matching.meaning
    wordnet: Annotated[
        Path | None,
        typer.Option(
            help="Folder of WordNet's files.", show_default="where NLTK or Debian have it", rich_help_panel=MATCHING
        ),
    ] = D.wordnet

    def of(self, metrics: str | None, bert: BertFlags, judge: JudgeFlags, interval: IntervalFlags) -> ScoreOptions:
        """All options of a scoring as the stage takes them."""
        return ScoreOptions(
            metrics=parse_metrics(metrics),
            split=self.split,
            wordnet=self.wordnet,
            matching=MatchingOptions(self.tolerance, self.meaning),
            bertscore=bert.of(),
            judge=judge.of(),
            interval=interval.of(),
        )
