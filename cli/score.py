"""`qevd-bio score`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.scoring.options import (
    METRICS,
    WITHHELD_EXIT,
    BertScoreOptions,
    ConfidenceOptions,
    JudgeOptions,
    MatchingOptions,
    ScoreOptions,
    parse_metrics,
)

from .common import DEFAULT_WORKSPACE, Data, WorkspaceDir, open_workspace

_DEFAULT = ScoreOptions()
_BERT, _JUDGE, _INTERVAL = _DEFAULT.bertscore, _DEFAULT.judge, _DEFAULT.interval
BERT_PANEL, JUDGE_PANEL, INTERVAL_PANEL = "BERTScore", "Judges (LLM-Acc, LLM-Bio-Acc)", "Intervals"


def score(
    preds: Annotated[Path, typer.Option("--preds", help="Predictions (JSONL), or the official list of pairs.")],
    data: Data = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the results.", show_default="<workspace>/scores/<name>")
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(help=f"Choice of {', '.join(METRICS)}.", show_default="all that need no judge")
    ] = None,
    split: Annotated[str, typer.Option(help="Split of the data set.")] = _DEFAULT.split,
    tolerance: Annotated[
        float, typer.Option(min=0.0, help="Seconds within which two feedbacks match.")
    ] = _DEFAULT.matching.tolerance_s,
    wordnet: Annotated[
        Path | None, typer.Option(help="Folder of WordNet's files.", show_default="where NLTK or Debian have it")
    ] = None,
    published: Annotated[bool, typer.Option("--published", help="Print the papers' rows above ours.")] = False,
    benchmark: Annotated[
        str, typer.Option(help="Whose published rows: original, bio, or auto (by the data set's name).")
    ] = "auto",
    by: Annotated[
        list[str] | None,
        typer.Option("--by", help="Break-down to print: exercise, intent, time, matching; repeatable."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print scores.json instead of tables.")] = False,
    bert_model: Annotated[str, typer.Option(help="Model name or folder.", rich_help_panel=BERT_PANEL)] = _BERT.model,
    bert_layer: Annotated[
        int | None,
        typer.Option(min=0, help="Hidden layer.", show_default="the model's usual one", rich_help_panel=BERT_PANEL),
    ] = _BERT.layer,
    bert_rescale: Annotated[
        bool, typer.Option("--bert-rescale", help="Rescale with the baseline.", rich_help_panel=BERT_PANEL)
    ] = _BERT.rescale,
    bert_baseline: Annotated[
        Path | None, typer.Option(help="Table LAYER,P,R,F of baselines.", rich_help_panel=BERT_PANEL)
    ] = None,
    bert_prefix_space: Annotated[
        bool,
        typer.Option("--bert-prefix-space", help="Tokenize as transformers < 5 did.", rich_help_panel=BERT_PANEL),
    ] = _BERT.prefix_space,
    judge: Annotated[
        list[str] | None,
        typer.Option(help="Folder of a model, or a served model; repeatable.", rich_help_panel=JUDGE_PANEL),
    ] = None,
    judge_url: Annotated[
        str | None, typer.Option(help="OpenAI-compatible endpoint.", rich_help_panel=JUDGE_PANEL)
    ] = None,
    judge_prompt: Annotated[
        Path | None, typer.Option(help="Own prompt for LLM-Acc (YAML).", rich_help_panel=JUDGE_PANEL)
    ] = None,
    judge_bio_prompt: Annotated[
        Path | None, typer.Option(help="Own prompt for LLM-Bio-Acc (YAML).", rich_help_panel=JUDGE_PANEL)
    ] = None,
    judge_repeats: Annotated[
        int, typer.Option(min=1, max=100, help="Judgements of each pair.", rich_help_panel=JUDGE_PANEL)
    ] = _JUDGE.repeats,
    judge_seed: Annotated[
        int, typer.Option(min=0, help="Seed of the sampling.", rich_help_panel=JUDGE_PANEL)
    ] = _JUDGE.seed,
    judge_calls: Annotated[
        int | None, typer.Option(min=1, help="Most calls to pay for.", rich_help_panel=JUDGE_PANEL)
    ] = _JUDGE.max_calls,
    temperature: Annotated[
        float, typer.Option(min=0.0, rich_help_panel=JUDGE_PANEL, help="Sampling temperature of the judge.")
    ] = _JUDGE.temperature,
    top_p: Annotated[
        float, typer.Option(min=0.0, max=1.0, rich_help_panel=JUDGE_PANEL, help="Nucleus sampling of the judge.")
    ] = _JUDGE.top_p,
    min_judged: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Least share of readable replies.", rich_help_panel=JUDGE_PANEL)
    ] = _JUDGE.min_judged,
    replicates: Annotated[
        int, typer.Option(min=2, help="Bootstrap replicates.", rich_help_panel=INTERVAL_PANEL)
    ] = _INTERVAL.replicates,
    level: Annotated[
        float, typer.Option(min=0.5, max=0.999, help="Level of the intervals.", rich_help_panel=INTERVAL_PANEL)
    ] = _INTERVAL.level,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the bootstrap.", rich_help_panel=INTERVAL_PANEL)
    ] = _INTERVAL.seed,
) -> None:
    """Score predictions by the official protocol and a strict one, with intervals.

    Leaves with code 0 if every metric asked for has a value, 2 for bad input, 3 if one was withheld.
    """
    import qevd_bio.annotation
    from qevd_bio.language.cache import default_cache
    from qevd_bio.scoring.intents import remembered
    from qevd_bio.scoring.stage import score as score_file

    def classifier() -> Callable[[str], str]:
        from qevd_bio.feedback.intent import classify_intent

        return lambda text: classify_intent(text).label

    room = open_workspace(workspace)
    rules = Path(str(qevd_bio.annotation.__file__)).parent
    options = ScoreOptions(
        metrics=parse_metrics(metrics),
        split=split,
        wordnet=wordnet,
        matching=MatchingOptions(tolerance),
        bertscore=BertScoreOptions(bert_model, bert_layer, bert_rescale, bert_baseline, bert_prefix_space),
        judge=JudgeOptions(
            models=tuple(judge or ()),
            base_url=judge_url,
            prompt=judge_prompt,
            bio_prompt=judge_bio_prompt,
            temperature=temperature,
            top_p=top_p,
            repeats=judge_repeats,
            min_judged=min_judged,
            seed=judge_seed,
            max_calls=judge_calls,
        ),
        interval=ConfidenceOptions(replicates, level, seed),
    )
    folder = out if out is not None else room.scores(preds.stem)
    found = score_file(
        preds,
        data.expanduser() if data is not None else None,
        options,
        out=folder,
        cache=default_cache(room.annotations),
        label=remembered(classifier, sorted(rules.glob("intent*.py"))),
    )
    if as_json:
        typer.echo(json.dumps(found.as_json(), ensure_ascii=False, indent=1))
    else:
        from rich.console import Console

        from qevd_bio.scoring.render import show_breakdown, show_scores

        console = Console()
        show_scores(found, console, benchmark if published else None)
        show_breakdown(found, console, by or ())
        typer.echo(f"written to {folder}")
    if found.withheld(options.asked()):
        raise typer.Exit(WITHHELD_EXIT)
