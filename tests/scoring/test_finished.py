"""Finished scores: metrics are added to them, and nothing takes their place unasked."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from scoring_build import predictions_for, write_lines

from qevd_bio.scoring.options import ConfidenceOptions, JudgeOptions, MatchingOptions, ScoreOptions
from qevd_bio.scoring.results import read_scores
from qevd_bio.scoring.stage import score, score_into
from qevd_bio.store.errors import UserError
from qevd_bio.tables.pairs import PAIRS
from qevd_bio.tables.workspace import pairs_of

FIRST = ScoreOptions(metrics=("temporal", "rouge_l"), interval=ConfidenceOptions(replicates=50))
MORE = replace(FIRST, metrics=("cider_d",))


def values(scores, protocol="official"):
    return {name: score.value for name, score in scores.protocols[protocol].items() if score.value is not None}


def test_metrics_asked_for_later_are_added(run_file, benchmark_data, tmp_path):
    first = score(run_file, benchmark_data, FIRST, out=tmp_path / "o", label=dict.fromkeys)
    then = score_into(run_file, benchmark_data, MORE, out=tmp_path / "o")
    assert then.kept == ("temporal_f_score", "temporal_precision", "temporal_recall", "rouge_l")
    at_once = score(run_file, benchmark_data, replace(FIRST, metrics=(*FIRST.metrics, "cider_d")), out=tmp_path / "p")
    for protocol in ("official", "strict", "ordered"):
        assert values(then.scores, protocol) == values(at_once, protocol)
        assert values(first, protocol).items() <= values(then.scores, protocol).items()
    assert read_scores(tmp_path / "o").as_json() == then.scores.as_json()
    assert then.scores.options["metrics"] == ["temporal", "rouge_l", "cider_d"]
    row = next(row for row in then.scores.breakdown if row["by"] == "exercise")
    assert row["rouge_l"] is not None and row["cider_d"] is not None
    kept, whole = (PAIRS.load(pairs_of(tmp_path / name)) for name in "op")
    for a, b in zip(kept, whole, strict=True):
        assert a.values == b.values
        assert (a.role == "pair") == (not math.isnan(a.rouge_l)) == (not math.isnan(a.cider_d))


def test_a_metric_that_cannot_be_computed_wipes_nothing(run_file, benchmark_data, tmp_path, monkeypatch):
    from qevd_bio.scoring import measures

    first = score(
        run_file, benchmark_data, replace(FIRST, metrics=("temporal", "rouge_l", "cider_d")), out=tmp_path / "o"
    )
    monkeypatch.setattr(measures, "missing", lambda metric, options: f"needs what {metric} needs")
    options = replace(FIRST, metrics=("bleu_4", "rouge_l"))
    then = score(run_file, benchmark_data, options, out=tmp_path / "o")
    assert values(then) == values(first)
    assert then.protocols["official"]["bleu_4"].reason == "needs what bleu_4 needs"
    assert then.withheld(options.asked()) == ["bleu_4"]


def test_the_same_again_gives_the_same_bytes(run_file, benchmark_data, tmp_path):
    for metrics in (("temporal", "rouge_l"), ("cider_d",), ("temporal", "rouge_l", "cider_d")):
        score(run_file, benchmark_data, replace(FIRST, metrics=metrics), out=tmp_path / "o")
    score(run_file, benchmark_data, replace(FIRST, metrics=("temporal", "rouge_l", "cider_d")), out=tmp_path / "p")
    for name in ("scores.json", "pairs.parquet"):
        assert (tmp_path / "o" / name).read_bytes() == (tmp_path / "p" / name).read_bytes()


@pytest.fixture
def other_file(benchmark_data, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    return write_lines(tmp_path / "elsewhere" / "run.jsonl", predictions_for(benchmark_data, seed=5))


def test_other_predictions_do_not_take_the_place(run_file, other_file, benchmark_data, tmp_path):
    first = score(run_file, benchmark_data, FIRST, out=tmp_path / "o")
    before = (tmp_path / "o" / "scores.json").read_bytes()
    with pytest.raises(UserError, match="the score of other predictions") as caught:
        score(other_file, benchmark_data, FIRST, out=tmp_path / "o")
    assert "--redo" in str(caught.value)
    assert (tmp_path / "o" / "scores.json").read_bytes() == before
    beside = score_into(other_file, benchmark_data, FIRST, out=tmp_path / "o", distinct=True)
    assert beside.folder.parent == tmp_path and beside.folder.name.startswith("o-")
    assert (beside.scores.name, beside.other) == (beside.folder.name, tmp_path / "o")
    assert read_scores(tmp_path / "o").as_json() == first.as_json()
    # The same command finds its own folder again and adds to it.
    again = score_into(other_file, benchmark_data, MORE, out=tmp_path / "o", distinct=True)
    assert again.folder == beside.folder and "rouge_l" in again.kept
    replaced = score(other_file, benchmark_data, FIRST, out=tmp_path / "o", redo=True)
    assert values(read_scores(tmp_path / "o")) == values(replaced) != values(first)


@pytest.mark.parametrize(
    ("change", "problem"),
    [({"matching": MatchingOptions(3.0)}, "other matching"), ({"interval": ConfidenceOptions(60)}, "other intervals"),
     ({"matching": MatchingOptions(meaning=0.5)}, "other matching")],
)  # fmt: skip
def test_other_settings_do_not_take_the_place(run_file, benchmark_data, tmp_path, change, problem):
    score(run_file, benchmark_data, FIRST, out=tmp_path / "o")
    with pytest.raises(UserError, match=f"these predictions with {problem}"):
        score(run_file, benchmark_data, replace(FIRST, **change), out=tmp_path / "o")


def test_another_judge_does_not_take_the_place(run_file, benchmark_data, tmp_path, monkeypatch):
    from qevd_bio.scoring import measures
    from qevd_bio.scoring.judges import judge_models
    from qevd_bio.scoring.judges.llm_accuracy import JudgeAnswer

    class Judge:
        def __init__(self, name):
            self.name = name

        def ask(self, questions):
            for question in questions:
                yield JudgeAnswer(question.pair, question.repeat, "{'score': 4}")

    monkeypatch.setattr(measures, "missing", lambda metric, options: None)
    monkeypatch.setattr(judge_models, "make_judges", lambda options, cache: [Judge(options.models[0])])
    for name in ("a", "b", "a"):
        options = replace(FIRST, metrics=("llm_acc",), judge=JudgeOptions((name,)))
        found = score_into(run_file, benchmark_data, options, out=tmp_path / "o", distinct=True)
        assert (found.other is None) == (name == "a")
        assert f"model:{name}" in found.scores.protocols["official"]["llm_acc"].signature
    # What needs no judge is added to the first, with the judge's replies kept.
    found = score_into(run_file, benchmark_data, FIRST, out=tmp_path / "o", distinct=True)
    assert found.folder == tmp_path / "o" and found.kept == ("llm_acc",)
    assert found.scores.options["judge"]["models"] == ["a"]
    rows = [row for row in PAIRS.load(pairs_of(tmp_path / "o")) if row.role == "pair"]
    assert all(json.loads(row.llm_acc_replies)[0]["score"] == 4 and row.llm_acc == 4 for row in rows)


def test_a_damaged_score_is_left_alone(run_file, benchmark_data, tmp_path):
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "scores.json").write_text("{")
    with pytest.raises(UserError, match="cannot be read"):
        score(run_file, benchmark_data, FIRST, out=tmp_path / "o")
    beside = score_into(run_file, benchmark_data, FIRST, out=tmp_path / "o", distinct=True)
    assert beside.folder != tmp_path / "o"
    assert (tmp_path / "o" / "scores.json").read_text() == "{"
