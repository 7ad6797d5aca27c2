"""`qevd-bio techcoach baseline`: a regressor or a control, to a file of predictions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qevd_bio.learning.options import LoopOptions
from qevd_bio.store.errors import UserError
from qevd_bio.techcoach.baselines.controls import CONTROLS, run_control
from qevd_bio.techcoach.baselines.score_task import LOOP, train_and_predict
from qevd_bio.techcoach.data.build import read_instances
from qevd_bio.techcoach.training.run import of_split, prediction, write_predictions

PREDICTIONS = "predictions.jsonl"
_TOLD = {"mention-only": "oracle"}


def run_baseline(
    name: str, built: Path, features: Path | None, out: Path, split: str,
    how: Callable[[LoopOptions], LoopOptions], say: Callable[[str], None],
) -> Path:  # fmt: skip
    """Write `predictions.jsonl` into `out`. UserError where a trained baseline has no features."""
    loop = how(LOOP)
    if name in CONTROLS:
        said = run_control(name, read_instances(built), split, loop.seed)
        rows = [prediction(one, name, _TOLD.get(name, "none"), text, score) for one, (text, score) in said]
    elif features is None:
        raise UserError(f"{name} is trained on features", expected="--features FOLDER")
    else:
        scores = train_and_predict(name, built, features, out, split, loop, say)
        rows = [prediction(one, name, "none", None, scores[one.id]) for one in of_split(built, split)]
    write_predictions(out / PREDICTIONS, rows)
    return out / PREDICTIONS
