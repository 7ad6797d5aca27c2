"""`qevd-bio techcoach ablation`: rows of the paper's tables by one command, over seeds, with the paper's own beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev

from qevd_bio.learning.options import LoopOptions
from qevd_bio.scoring.descriptive.options import DescriptiveOptions
from qevd_bio.scoring.descriptive.stage import score_coaching
from qevd_bio.store.atomic import write_json, write_text
from qevd_bio.store.plain_data import read_json
from qevd_bio.techcoach.baselines.controls import CONTROLS
from qevd_bio.techcoach.baselines.regressors import REGRESSORS
from qevd_bio.techcoach.baselines.stage import run_baseline
from qevd_bio.techcoach.options import TrainOptions
from qevd_bio.techcoach.training.probe import probe_checkpoint
from qevd_bio.techcoach.training.run import run_coach
from qevd_bio.techcoach.training.stage import TrainPlace, train_coach, with_variant

RESULT, TABLE = "ablation.json", "ablation.md"
METRICS = ("spearman", "relative_l2", "bleu_1", "cider_d", "rule_m", "rule_q")
_TITLES = ("ρ", "RL2", "BLEU-1", "CIDEr-D", "rule-M", "rule-Q", "probe")
_NAMES = (*METRICS, "probe")


@dataclass(frozen=True)
class AblationPlan:
    """What is run: rows (variants of training, baselines, controls), seeds, and where from.

    `told` is the mention mask at test.
    """

    built: Path
    features: Path
    out: Path
    rows: tuple[str, ...]
    seeds: tuple[int, ...] = (0, 1, 2)
    preset: str = "small"
    split: str = "val"


Results = dict[str, dict[str, dict[str, float | None]]]


def run_ablation(
    plan: AblationPlan, options: TrainOptions, how: Callable[[LoopOptions], LoopOptions], loop: LoopOptions,
    say: Callable[[str], None],
) -> Results:  # fmt: skip
    """Train, run and score every row with every seed; what is finished is kept. Writes a table and its numbers."""
    results: Results = {}
    for seed in plan.seeds:
        for name in plan.rows:
            folder = plan.out / name / f"seed-{seed}"
            values = _finished(folder)
            if values is None:
                values = _one(name, seed, folder, plan, options, how, loop, say)
                write_json(folder / RESULT, values)
                told = [(title, values.get(metric)) for title, metric in zip(_TITLES, _NAMES, strict=True)]
                say(f"{name}, seed {seed}: {', '.join(f'{t} {v:.2f}' for t, v in told if v is not None)}")
            results.setdefault(name, {})[str(seed)] = values
    write_json(plan.out / RESULT, results)
    write_text(plan.out / TABLE, table(results))
    return results


def _finished(folder: Path) -> dict[str, float | None] | None:
    return dict(read_json(folder / RESULT)) if (folder / RESULT).is_file() else None


def _one(
    name: str, seed: int, folder: Path, plan: AblationPlan, options: TrainOptions,
    how: Callable[[LoopOptions], LoopOptions], loop: LoopOptions, say: Callable[[str], None],
) -> dict[str, float | None]:  # fmt: skip
    probed: list[float] = []
    if name in REGRESSORS or name in CONTROLS:
        preds = run_baseline(
            name, plan.built, plan.features, folder, plan.split, lambda one: replace(how(one), seed=seed), say
        )
    else:
        own = with_variant(options, name)
        place = TrainPlace(plan.built, plan.features, folder / "train", plan.preset)
        best = train_coach(place, own, replace(loop, seed=seed), say).best_folder
        preds = folder / "predictions.jsonl"
        run_coach(best, plan.built, plan.features, preds, split=plan.split, mention=own.mention, redo=True, say=say)
        if own.system == "techcoach":
            probed = [v for v in probe_checkpoint(best, plan.built, plan.features, plan.split) if v == v]
    scoring = DescriptiveOptions(metrics=METRICS, split=plan.split)
    values = score_coaching(preds, plan.built, scoring, folder / "scores", None, redo=True).values
    found: dict[str, float | None] = {metric: values[metric].value for metric in METRICS}
    return {**found, "probe": 100.0 * fmean(probed) if probed else None}


def table(results: Mapping[str, Mapping[str, Mapping[str, float | None]]]) -> str:
    """A Markdown table: means over seeds, standard deviations behind ±; a dash where a row has no such value."""
    lines = [f"| row | seeds | {' | '.join(_TITLES)} |", "|---" * (len(_TITLES) + 2) + "|"]
    for name, seeds in results.items():
        cells = [_cell([values.get(metric) for values in seeds.values()]) for metric in _NAMES]
        lines.append(f"| {name} | {len(seeds)} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    return f"{fmean(known):.2f}" + (f" ± {stdev(known):.2f}" if len(known) > 1 else "")
