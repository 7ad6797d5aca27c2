"""Training on simulated takes: the loss is put together as published, masks are right, a stopped run ends the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from qevd_bio.learning.log import read_log
from qevd_bio.learning.loop import learning_rate
from qevd_bio.learning.options import LoopOptions
from qevd_bio.store.errors import UserError
from qevd_bio.techcoach.baselines.regressors import REGRESSORS, USDL, CoRe, ScoreBatch
from qevd_bio.techcoach.baselines.score_task import Exemplars, Pooled
from qevd_bio.techcoach.baselines.stage import run_baseline
from qevd_bio.techcoach.data.build import Built
from qevd_bio.techcoach.data.features import open_features
from qevd_bio.techcoach.model.config import AssessorConfig, ModelConfig
from qevd_bio.techcoach.model.text_encoder import WordEncoder
from qevd_bio.techcoach.model.vocabulary import WordVocabulary
from qevd_bio.techcoach.model.whole import TechCoach
from qevd_bio.techcoach.options import VARIANTS, TrainOptions
from qevd_bio.techcoach.training.examples import IGNORE, Examples, texts_of
from qevd_bio.techcoach.training.run import run_coach
from qevd_bio.techcoach.training.stage import LOOP, TrainPlace, shaped, train_coach, with_variant
from qevd_bio.techcoach.training.task import CoachLoss, CoachTask

PRESET = """
name: tiny
grid: [8, 4, 4]
pool: [2, 2, 2]
views: {ego: 12, exo: 12}
width: 16
heads: 2
enhancer_layers: 1
reasoner_layers: 1
text_width: 8
dropout: 0.1
longest: 100
assessor: {layers: 1, width: 16, heads: 2, inner: 32, vocabulary: 100, positions: 150}
"""
SHORT = replace(
    LOOP, learning_rate=3e-3, batch=16, steps=6, save_every=2, validate_every=3, validation_share=0.3, device="cpu"
)


def quiet(_: str) -> None:
    return None


@pytest.fixture
def place(built: Built, simulated: Path, tmp_path: Path) -> TrainPlace:
    (tmp_path / "tiny.yaml").write_text(PRESET)
    return TrainPlace(built.folder, simulated / "features", tmp_path / "run", str(tmp_path / "tiny.yaml"))


def made(built: Built, simulated: Path, **changes: Any) -> tuple[Examples, CoachLoss]:
    options = TrainOptions(**changes)
    instances = [one for one in built.instances if one.split == "train"]
    folder = open_features(simulated / "features")
    words, encoder = WordVocabulary.of([one.summary for one in instances]), WordEncoder(8)
    vectors = dict(zip(texts_of(instances), encoder.encode(texts_of(instances)), strict=True))
    preset = ModelConfig(pool=(2, 2, 2), width=16, heads=2, enhancer_layers=1, reasoner_layers=1, dropout=0.0,
                         assessor=AssessorConfig(1, 16, 2, 32, 100, 150), longest=100)  # fmt: skip
    config = shaped(preset, folder, words, 8, options)
    torch.manual_seed(0)
    return Examples(instances, folder, config, words, vectors, options), CoachLoss(TechCoach(config).eval(), options)


def test_the_loss_is_text_plus_a_tenth_of_the_score_plus_three_tenths_of_alignment(
    built: Built, simulated: Path
) -> None:
    examples, loss = made(built, simulated)
    batch = examples.batch(range(5), torch.Generator().manual_seed(1))
    terms = {name: float(value) for name, value in loss.terms(batch).items()}
    assert set(terms) == {"text", "score", "align"}
    assert float(loss(batch)) == pytest.approx(terms["text"] + 0.1 * terms["score"] + 0.3 * terms["align"], rel=1e-5)
    for only, weight in (("text", 1.0), ("score", 0.1), ("align", 0.3)):
        loss.options = replace(loss.options, losses=(only,))  # type: ignore[arg-type]
        assert float(loss(batch)) == pytest.approx(weight * terms[only], rel=1e-5)


@pytest.mark.parametrize("name", [name for name in VARIANTS if name != "poses"])
def test_every_variant_trains_its_own_parameters(built: Built, simulated: Path, name: str) -> None:
    options = with_variant(TrainOptions(), name)
    examples, loss = made(built, simulated, **{k: getattr(options, k) for k in VARIANTS[name]})
    checkpoint = type("C", (), {"model": loss.model})()
    task = CoachTask(checkpoint, examples, examples.options, replace(SHORT, validation_share=0.0))
    loss(task.collate(range(4))).backward()
    without = [n for n, p in loss.model.named_parameters() if p.requires_grad and p.grad is None]
    assert not without
    assert not [n for n, p in loss.model.named_parameters() if not p.requires_grad and p.grad is not None]


def test_half_of_the_text_is_masked_and_never_the_first(built: Built, simulated: Path) -> None:
    examples, _ = made(built, simulated)
    words = examples._vocabulary
    batch = examples.batch(range(40), torch.Generator().manual_seed(3))
    fates = np.zeros(3)
    for row, caption in enumerate(examples.captions[:40]):
        there = batch.targets[row] != IGNORE
        assert int(there.sum()) == min(max(round(0.5 * (len(caption) + 1)), 1), 95)
        assert not there[0] and batch.ids[row, 0] == words.first and not there[len(caption) + 2 :].any()
        whole = torch.tensor([words.first, *caption, words.last])
        assert torch.equal(batch.targets[row][there], whole[there[: len(whole)]])
        assert torch.equal(batch.ids[row][: len(whole)][~there[: len(whole)]], whole[~there[: len(whole)]])
        put = batch.ids[row][there]
        fates += [int((put == words.mask).sum()), int((put == batch.targets[row][there]).sum()), len(put)]
    assert fates[0] / fates[2] == pytest.approx(0.8, abs=0.05) and 0.05 < fates[1] / fates[2] < 0.17


def test_valid_slots_and_mentions_follow_the_comments(built: Built, simulated: Path) -> None:
    examples, _ = made(built, simulated)
    batch = examples.batch(range(6))
    for row in range(6):
        one = examples.instances[row]
        assert batch.valid[row].tolist() == [[bool(a), bool(b)] for a, b in zip(one.well, one.improve, strict=True)]
        assert batch.mentioned[row].tolist() == list(one.mention)
        assert bool((batch.comments[row].abs().sum(-1) > 0).eq(batch.valid[row]).all())
    assert examples.inputs([0]).mention is not None
    assert made(built, simulated, mention="none")[0].inputs([0]).mention is None
    blind = made(built, simulated, views="none")[0].inputs([0])
    assert not any(bool(values.any()) for values in blind.views.values())
    assert set(made(built, simulated, views="ego")[0].inputs([0]).views) == {"ego"}


def test_the_rate_rises_for_a_tenth_and_falls_to_zero() -> None:
    options = LoopOptions(learning_rate=1.0, warm_up_steps=2, schedule="linear")
    rates = [learning_rate(options, step, 20) for step in range(20)]
    assert (
        rates[:3] == [0.5, 1.0, 1.0]
        and rates[-1] == pytest.approx(1 / 18)
        and rates == sorted(rates[:2]) + sorted(rates[2:], reverse=True)
    )


def test_a_stopped_training_ends_like_a_whole_one_and_runs(
    place: TrainPlace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    done = train_coach(place, TrainOptions(), SHORT, quiet)
    logged = [row for row in read_log(place.out) if row["kind"] == "validation"]
    assert done.steps == 6 and {"loss", "text", "score", "align"} <= set(logged[0])
    other, calls = replace(place, out=tmp_path / "stopped"), []
    whole = Examples.batch

    def stop(self: Examples, *args: Any) -> Any:
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return whole(self, *args)

    monkeypatch.setattr(Examples, "batch", stop)
    with pytest.raises(KeyboardInterrupt):
        train_coach(other, TrainOptions(), SHORT, quiet)
    monkeypatch.setattr(Examples, "batch", whole)
    said: list[str] = []
    train_coach(other, TrainOptions(), SHORT, said.append)
    assert any("continues after step" in line for line in said)
    ours, theirs = (load_file(p.out / "last" / "model.safetensors") for p in (place, other))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    with pytest.raises(UserError, match="other settings"):
        train_coach(place, TrainOptions(align="infonce"), SHORT, quiet)

    out = tmp_path / "preds.jsonl"
    count = run_coach(done.best_folder, place.built, place.features, out, say=quiet)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(rows) == count and {row["mention_mask"] for row in rows} == {"oracle"}
    assert all(1 < row["score"] < 10 and isinstance(row["commentary"], str) for row in rows)
    with pytest.raises(UserError, match="stand there already"):
        run_coach(done.best_folder, place.built, place.features, out, say=quiet)
    part = tmp_path / "again.jsonl.part"
    run_coach(done.best_folder, place.built, place.features, tmp_path / "again.jsonl", batch=4, say=quiet)
    assert not part.exists()
    again = [json.loads(line) for line in (tmp_path / "again.jsonl").read_text().splitlines()]
    assert [row["commentary"] for row in again] == [row["commentary"] for row in rows]


def test_an_unfinished_run_keeps_its_rows(place: TrainPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = train_coach(place, TrainOptions(losses=("text",)), replace(SHORT, steps=1), quiet)
    whole, calls, seen = Examples.inputs, [], []

    def stop(self: Examples, places: Any) -> Any:
        seen.extend(places)
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return whole(self, places)

    monkeypatch.setattr(Examples, "inputs", stop)
    with pytest.raises(KeyboardInterrupt):
        run_coach(done.last_folder, place.built, place.features, tmp_path / "p.jsonl", batch=4, say=quiet)
    count, seen[:] = len(seen), []
    total = run_coach(done.last_folder, place.built, place.features, tmp_path / "p.jsonl", batch=4, say=quiet)
    assert len(seen) == total - 8 and count == 12
    assert {json.loads(line)["score"] for line in (tmp_path / "p.jsonl").read_text().splitlines()} == {None}


def test_missing_features_and_unknown_variants_are_named(place: TrainPlace, built: Built, tmp_path: Path) -> None:
    copy = tmp_path / "features"
    copy.mkdir()
    (copy / "features.json").write_text((place.features / "features.json").read_text())
    with pytest.raises(UserError, match="feature files are missing"):
        train_coach(replace(place, features=copy), TrainOptions(), SHORT, quiet)
    with pytest.raises(UserError, match="--poses needs joint angles"):
        train_coach(place, TrainOptions(poses=True), SHORT, quiet)
    with pytest.raises(UserError, match="no variant 'half'"):
        with_variant(TrainOptions(), "half")


@pytest.mark.parametrize("name", list(REGRESSORS))
def test_score_baselines_learn(name: str, place: TrainPlace, tmp_path: Path) -> None:
    path = run_baseline(
        name,
        place.built,
        place.features,
        tmp_path / name,
        "val",
        lambda loop: replace(loop, steps=12, device="cpu"),
        quiet,
    )
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert all(np.isfinite(row["score"]) and row["commentary"] is None for row in rows)
    losses = [row["loss"] for row in read_log(tmp_path / name) if row["kind"] == "train"]
    assert np.mean(losses[-3:]) < np.mean(losses[:3])


@pytest.mark.parametrize("name", ["constant", "task-mean", "mention-only", "frequent", "random", "shuffled"])
def test_controls_need_no_features(name: str, built: Built, tmp_path: Path) -> None:
    path = run_baseline(name, built.folder, None, tmp_path, "val", lambda loop: loop, quiet)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(rows) == sum(one.split == "val" for one in built.instances)
    scores = {row["score"] for row in rows}
    assert (len(scores) == 1) == (name in ("constant", "frequent"))
    known = {one.summary for one in built.instances if one.split == ("val" if name == "shuffled" else "train")}
    assert all(row["commentary"] is None or row["commentary"] in known for row in rows)


def test_usdl_targets_and_core_groups() -> None:
    target = USDL(4, [5.0]).target(torch.tensor([3.0]))
    assert target.sum() == pytest.approx(1.0) and int(target.argmax()) == 30
    torch.manual_seed(0)
    core = CoRe(4, [1.0, 3.0, 8.0])
    assert core.edges[0] == pytest.approx(-7.0, abs=0.01) and core.edges[-1] == pytest.approx(7.0, abs=0.01)
    batch = ScoreBatch(torch.randn(2, 3, 4), torch.tensor([1.0, 8.0]), torch.randn(2, 5, 3, 4), torch.full((2, 5), 3.0))
    assert core.predict(batch).shape == (2,) and torch.isfinite(core(batch))


def test_exemplars_come_from_other_takes_of_the_task() -> None:
    known = Pooled(
        torch.zeros(6, 2, 3), torch.arange(6.0), ("a", "a", "a", "b", "b", "c"), ("t1", "t1", "t2", "t3", "t3", "t4")
    )
    draw = np.random.default_rng(0)
    assert set(Exemplars(known).draw("a", "t1", 10, draw)) == {2}
    assert set(Exemplars(known).draw("b", "t9", 20, draw)) == {3, 4}
    assert 5 not in Exemplars(known).draw("c", "t4", 10, draw)
