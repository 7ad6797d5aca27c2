"""`qevd-bio techcoach train`: instances and features to a checkpoint, on the loop that every system shares."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from qevd_bio.learning.loop import Trained, train
from qevd_bio.learning.options import LoopOptions
from qevd_bio.learning.precision import settled
from qevd_bio.store.errors import UserError
from qevd_bio.store.hashing import hash_file
from qevd_bio.tables.coaching import INSTANCES_FILE, CoachingInstance
from qevd_bio.techcoach.data.build import read_instances
from qevd_bio.techcoach.data.features import FeatureFolder, open_features
from qevd_bio.techcoach.model.bert_weights import load_bert
from qevd_bio.techcoach.model.checkpoint import Checkpoint
from qevd_bio.techcoach.model.config import ModelConfig, fitted, read_preset
from qevd_bio.techcoach.model.text_encoder import WORDS, encode_once, make_encoder
from qevd_bio.techcoach.model.vocabulary import PretrainedVocabulary, Vocabulary, WordVocabulary
from qevd_bio.techcoach.model.whole import TechCoach
from qevd_bio.techcoach.options import VARIANTS, WARM_UP_SHARE, TrainOptions
from qevd_bio.techcoach.training.examples import Examples, texts_of
from qevd_bio.techcoach.training.task import CoachTask

LOOP = LoopOptions(
    learning_rate=1e-4, batch=32, epochs=30, beta2=0.999, weight_decay=0.05, clip_norm=1.0, schedule="linear",
    validation_share=0.1,
)  # fmt: skip
"""Own choices (the paper names AdamW, warm-up and linear decay alone)."""
_GROUPS = 10


@dataclass(frozen=True)
class TrainPlace:
    """Where a training finds what it needs: a build, features, a preset, the text generator's weights or none."""

    built: Path
    features: Path
    out: Path
    preset: str = "small"
    text_weights: Path | None = None


def with_variant(options: TrainOptions, name: str) -> TrainOptions:
    """`options` as a row of the tables; UserError for an unknown name."""
    if name not in VARIANTS:
        raise UserError(f"no variant {name!r}", expected=", ".join(VARIANTS))
    return replace(options, **VARIANTS[name])  # type: ignore[arg-type]


def train_coach(place: TrainPlace, options: TrainOptions, loop: LoopOptions, say: Callable[[str], None]) -> Trained:
    """Train on the build's train split; run again to continue. UserError for missing files and other settings."""
    instances = [one for one in read_instances(place.built) if one.split == "train"]
    if not instances:
        raise UserError("no training instances", where=place.built / INSTANCES_FILE, expected="split train")
    folder = open_features(place.features)
    vocabulary = _vocabulary(place, instances)
    encoder = make_encoder(options.encoder, read_preset(place.preset).text_width)
    config = shaped(read_preset(place.preset), folder, vocabulary, encoder.width, options)
    vectors = encode_once(texts_of(instances), encoder, place.out)
    torch.manual_seed(loop.seed)
    model = TechCoach(config)
    if place.text_weights is not None:
        say(f"text generator: {load_bert(model.assessor, place.text_weights)} tensors of {place.text_weights}")
    # Initial weights alone follow from the seed; the loop seeds each step itself.
    examples = Examples(instances, folder, config, vocabulary, vectors, options)
    if examples.cut:
        say(f"{examples.cut} comments are longer than {config.longest} tokens and are cut there")
    about = {"options": asdict(options), "features": folder.encoder, "system": options.system}
    task = CoachTask(Checkpoint(model, vocabulary, options.encoder, about), examples, options, loop)
    loop = _with_warm_up(settled(loop, torch.device("cpu"), "float32"), len(task.lengths))
    settings = {
        "preset": config.as_json(),
        "train": asdict(options),
        "instances": hash_file(place.built / INSTANCES_FILE),
        "encoder": encoder.digest,
        "text_weights": None if place.text_weights is None else str(place.text_weights),
    }
    return train(task, loop, place.out, settings, say)


def shaped(
    preset: ModelConfig, folder: FeatureFolder, vocabulary: Vocabulary, text_width: int, options: TrainOptions
) -> ModelConfig:
    """The preset with the views, switches and sizes that options, features and texts ask for."""
    wanted: Sequence[str] = ("ego", "exo") if options.views in ("ego+exo", "none") else (options.views,)
    unknown = [view for view in wanted if view not in folder.views]
    if unknown:
        raise UserError(f"no view {unknown[0]}", where=folder.root, expected=", ".join(folder.views))
    if options.poses and not folder.dofs:
        raise UserError("--poses needs joint angles", where=folder.root, expected='"poses" in features.json')
    switched = replace(
        preset, query=options.query, reasoner=options.system == "techcoach", poses=folder.dofs if options.poses else 0,
        groups=_GROUPS if options.system == "pgmi" else 0,
    )  # fmt: skip
    return fitted(switched, {view: folder.views[view] for view in wanted}, vocabulary.size, text_width)


def _vocabulary(place: TrainPlace, instances: Sequence[CoachingInstance]) -> Vocabulary:
    """The tokenizer beside the text generator's weights; without weights the words of the training texts."""
    if place.text_weights is not None:
        return PretrainedVocabulary(place.text_weights)
    tasks = [f"{one.task} with a score of : attend to all points , ." for one in instances]
    numbers = [" ".join(map(str, range(11)))]
    names = [" ".join(("head & eyes torso & core arms & elbows wrists & hands legs & knees feet & heels",
                       "human-object interaction"))]  # fmt: skip
    return WordVocabulary.of([*(one.summary for one in instances), *tasks, *numbers, *names])


def _with_warm_up(loop: LoopOptions, items: int) -> LoopOptions:
    total = loop.steps or loop.epochs * math.ceil(items / loop.batch)
    return replace(loop, warm_up_steps=max(round(WARM_UP_SHARE * total), 1))


def describe(done: Trained) -> list[str]:
    """Lines for people about a finished training."""
    best = "" if done.best is None else f", best loss {done.best:.4g} at step {done.best_step}"
    return [f"{done.steps} steps in {done.seconds:.0f} s{best}", f"checkpoint: {done.best_folder}"]


def presets_listed() -> list[dict[str, Any]]:
    """Each preset with its numbers of parameters."""
    from qevd_bio.techcoach.model.config import preset_names
    from qevd_bio.techcoach.model.whole import parameters_by_part

    return [{"name": name, **parameters_by_part(read_preset(name))} for name in preset_names()]


__all__ = ["LOOP", "WORDS", "TrainPlace", "describe", "presets_listed", "shaped", "train_coach", "with_variant"]
