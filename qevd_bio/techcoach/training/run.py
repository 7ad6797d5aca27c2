"""`qevd-bio techcoach run`: a checkpoint's comment and score for every instance of a split."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from qevd_bio.store.atomic import make_folder, write_text
from qevd_bio.store.errors import UserError
from qevd_bio.store.hashing import hash_file, hash_json
from qevd_bio.tables.coaching import INSTANCES_FILE, CoachingInstance
from qevd_bio.techcoach.data.build import read_instances
from qevd_bio.techcoach.data.features import open_features
from qevd_bio.techcoach.model.checkpoint import WEIGHTS, Checkpoint, read_checkpoint
from qevd_bio.techcoach.model.decoding import generate
from qevd_bio.techcoach.model.text_encoder import encode_once, make_encoder
from qevd_bio.techcoach.model.whole import TechCoach
from qevd_bio.techcoach.options import Mention, TrainOptions
from qevd_bio.techcoach.training.examples import Examples


def run_coach(
    checkpoint: Path, built: Path, features: Path, out: Path, *, split: str = "val", mention: Mention = "oracle",
    batch: int = 16, device: str = "auto", redo: bool = False, say: Callable[[str], None] = print,
) -> int:  # fmt: skip
    """Write predictions (JSON lines) for a split; a run that was stopped goes on where it ended. Returns their number.

    `mention` oracle, as published: the model is told which points the reference speaks of. UserError for missing
    files, and where `out` holds predictions made with other settings.
    """
    check_free(out, redo)
    found = read_checkpoint(checkpoint)
    instances = of_split(built, split)
    options = options_of(found.about, mention)
    settings = {
        "weights": hash_file(checkpoint / WEIGHTS),
        "instances": hash_file(built / INSTANCES_FILE),
        "split": split,
        "mention": mention,
        "features": str(features),
    }
    done = _Partial(out, hash_json(settings))
    examples = _examples(found, instances, features, mention, checkpoint)
    model = found.model.to(_device(device))
    left = [place for place, one in enumerate(instances) if one.id not in done.rows]
    system = str(found.about.get("system", "techcoach"))
    for first in range(0, len(left), batch):
        places = left[first : first + batch]
        inputs = examples.inputs(places).to(next(model.parameters()).device)
        prompts = None
        if options.system == "pgmi":
            with torch.no_grad():
                grouped = model.read(inputs).grouped
            guessed = [0.0] * len(places) if grouped is None else grouped[0].tolist()
            prompts = [examples.prompt(instances[p], score) for p, score in zip(places, guessed, strict=True)]
        texts, scores = generate(model, inputs, found.vocabulary, prompts)
        rows = []
        for place, text, score in zip(places, texts, scores.tolist(), strict=True):
            said = text if "text" in options.losses else None
            given = score if "score" in options.losses else None
            rows.append(prediction(instances[place], system, mention, said, given))
        done.add(rows)
    done.finish([one.id for one in instances])
    say(f"{len(instances)} predictions of {system}, mention mask {mention}")
    return len(instances)


def opened_examples(
    checkpoint: Path, built: Path, features: Path, split: str, mention: Mention = "oracle"
) -> tuple[TechCoach, Examples]:
    """A trained model on the CPU, and a split's instances as it sees them."""
    found = read_checkpoint(checkpoint)
    return found.model, _examples(found, of_split(built, split), features, mention, checkpoint)


def _examples(
    found: Checkpoint, instances: Sequence[CoachingInstance], features: Path, mention: Mention, kept: Path
) -> Examples:
    encoder = make_encoder(found.encoder, found.model.config.text_width)
    points = sorted({text for one in instances for text in one.points})
    vectors = encode_once(points, encoder, kept.parent)
    options = options_of(found.about, mention)
    return Examples(instances, open_features(features), found.model.config, found.vocabulary, vectors, options)


def check_free(out: Path, redo: bool) -> None:
    """UserError where predictions stand already, unless they may be replaced."""
    if out.exists() and not redo:
        raise UserError(
            "predictions stand there already", where=out, expected="a new file", fix="--redo to replace them"
        )


def of_split(built: Path, split: str) -> list[CoachingInstance]:
    """The instances of one split. UserError where there are none."""
    instances = read_instances(built)
    chosen = [one for one in instances if one.split == split]
    if not chosen:
        raise UserError(
            f"no instances of split {split!r}", where=built / INSTANCES_FILE,
            expected=", ".join(sorted({one.split for one in instances})) or "instances",
        )  # fmt: skip
    return chosen


def prediction(
    one: CoachingInstance, system: str, mention: str, text: str | None, score: float | None
) -> dict[str, Any]:
    """One line of a file of predictions."""
    return {
        "id": one.id, "take": one.take, "task": one.task, "system": system, "mention_mask": mention, "score": score,
        "commentary": text,
    }  # fmt: skip


def write_predictions(out: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write a whole file of predictions."""
    write_text(out, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def options_of(about: Any, mention: Mention) -> TrainOptions:
    """The options that a checkpoint was trained with, with another mention mask."""
    given = {k: tuple(v) if isinstance(v, list) else v for k, v in dict(about.get("options") or {}).items()}
    known = {name: value for name, value in given.items() if name in TrainOptions.__dataclass_fields__}
    return replace(TrainOptions(**known), mention=mention)


def _device(name: str) -> torch.device:
    if name != "auto":
        return torch.device(name)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class _Partial:
    """Finished rows beside the file to be: kept when a run is stopped, moved into place when all are there."""

    def __init__(self, out: Path, mark: str) -> None:
        self._out, self._path = out, out.with_name(f"{out.name}.part")
        self.rows: dict[str, dict[str, Any]] = {}
        self._mark = mark
        make_folder(out.parent)
        if self._path.is_file():
            lines = self._path.read_text(encoding="utf-8").splitlines()
            if not lines or lines[0] != mark:
                raise UserError(
                    "unfinished predictions with other settings", where=self._path, expected="the same settings",
                    fix="remove this file, or name another --out",
                )  # fmt: skip
            for line in lines[1:]:
                try:
                    row = json.loads(line)
                except ValueError:  # the last line of a run that was killed
                    break
                self.rows[row["id"]] = row
        self._rewrite()

    def _rewrite(self) -> None:
        rows = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in self.rows.values())
        write_text(self._path, f"{self._mark}\n{rows}")

    def add(self, rows: Sequence[dict[str, Any]]) -> None:
        with self._path.open("a", encoding="utf-8") as stream:
            for row in rows:
                stream.write(json.dumps(row, ensure_ascii=False) + "\n")
                self.rows[row["id"]] = row

    def finish(self, order: Sequence[str]) -> None:
        write_predictions(self._out, [self.rows[name] for name in order])
        self._path.unlink()
