from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scoring_build import SPLIT, predictions_for, write_benchmark, write_lines

from qevd_bio.scoring.options import (
    PROTOCOLS,
    SCORE_NAMES,
    BertScoreOptions,
    ConfidenceOptions,
    JudgeOptions,
    MatchingOptions,
    ScoreOptions,
    parse_metrics,
)
from qevd_bio.scoring.pairing.references import load_references
from qevd_bio.scoring.results import MAIN_SCORES, read_scores
from qevd_bio.scoring.stage import score
from qevd_bio.store.errors import UserError
from qevd_bio.tables.pairs import PAIRS

QUICK = ScoreOptions(metrics=("temporal", "rouge_l"), interval=ConfidenceOptions(replicates=100))


def labels(texts):
    return {text: "long" if len(text) > 40 else "short" for text in texts}


def run(path, data, out, options=QUICK, **more):
    return score(path, data, options, out=out, **more)


def test_a_run_from_end_to_end(run_file, benchmark_data, tmp_path, debian_wordnet, tiny_roberta):
    metrics = ("temporal", "meteor", "rouge_l", "bertscore_f1", "bleu_1", "bleu_4", "cider_d")
    options = ScoreOptions(metrics=metrics, bertscore=BertScoreOptions(str(tiny_roberta), 3))
    out = tmp_path / "out"
    scores = run(run_file, benchmark_data, out, options, label=labels)
    assert sorted(path.name for path in out.iterdir()) == ["manifest.json", "pairs.parquet", "scores.json"]
    found = json.loads((out / "scores.json").read_text())
    assert (found["schema"], found["version"], found["name"]) == ("qevd-bio.scores", 1, "run")
    for protocol in PROTOCOLS:
        for name in MAIN_SCORES:
            entry = found[protocol][name]
            assert {"value", "low", "high", "n", "coverage", "signature"} <= entry.keys()
            assert (entry["value"] is None) == bool(entry["reason"])
            assert f"metric:{name}|protocol:{protocol}|tolerance:1.5s" in entry["signature"]
        meteor = found[protocol]["meteor"]
        assert 0 < meteor["low"] <= meteor["value"] <= meteor["high"] < 1
        assert 0 < meteor["coverage"]["ground_truth"] <= 1
        assert "wordnet:3.0@" in meteor["signature"]
        assert "punkt-" in meteor["signature"]
        assert found[protocol]["llm_acc"]["reason"].startswith("not computed: add llm_acc to --metrics; needs a judge")
    assert found["interval"] | {"seed": 0, "clusters": 4, "clustered_by": "video"} == found["interval"]
    assert read_scores(out).as_json() == scores.as_json()
    assert json.loads((out / "manifest.json").read_text())["stage"] == "score"


def test_the_same_run_gives_the_same_bytes(run_file, benchmark_data, tmp_path):
    for name in ("a", "b"):
        run(run_file, benchmark_data, tmp_path / name)
    assert (tmp_path / "a" / "scores.json").read_bytes() == (tmp_path / "b" / "scores.json").read_bytes()
    assert (tmp_path / "a" / "pairs.parquet").read_bytes() == (tmp_path / "b" / "pairs.parquet").read_bytes()


def test_a_system_that_knew_the_annotations_is_marked(run_file, benchmark_data, tmp_path):
    lines = [json.loads(line) for line in run_file.read_text().splitlines()]
    found = {}
    for source in ("selector", "annotated"):
        own = tmp_path / f"{source}.jsonl"
        own.write_text("".join(json.dumps({**line, "settings": {"salient": source}}) + "\n" for line in lines))
        found[source] = run(own, benchmark_data, tmp_path / source)
    plain, oracle = found["selector"], found["annotated"]
    assert (plain.inputs["salient"], oracle.inputs["salient"]) == ("selector", "annotated")
    for name, score_of in oracle.protocols["official"].items():
        assert "salient:annotated (oracle)" in score_of.signature
        assert "salient" not in plain.protocols["official"][name].signature
    assert [text for text in oracle.warnings if text.startswith("oracle: contexts of")]
    assert not [text for text in plain.warnings if "oracle" in text]


def test_hand_counted(benchmark_data, tmp_path):
    """One prediction a segment, on its first feedback with its text: everything can be counted by hand."""
    references = load_references(benchmark_data, SPLIT).segments
    lines = [
        {"video": r.video, "segment": r.segment, "feedbacks": [{"time": r.times[0], "text": r.texts[0]}]}
        for r in references
    ]
    scores = run(write_lines(tmp_path / "p.jsonl", lines), benchmark_data, tmp_path / "out")
    for protocol in PROTOCOLS:
        found = scores.protocols[protocol]
        assert found["temporal_precision"].value == 1.0
        assert found["temporal_recall"].value == pytest.approx(12 / 60)
        assert found["temporal_f_score"].value == pytest.approx(2 * 0.2 / 1.2)
        assert found["rouge_l"].value == 1.0
        assert found["rouge_l"].n == 12
        assert found["rouge_l"].coverage.ground_truth == pytest.approx(0.2)
        assert found["rouge_l"].coverage.predicted == 1.0


def test_pairs_hold_everything_once(run_file, benchmark_data, tmp_path):
    scores = run(run_file, benchmark_data, tmp_path / "out")
    rows = PAIRS.read_rows(tmp_path / "out" / "pairs.parquet")
    references = load_references(benchmark_data, SPLIT).segments
    said = [json.loads(line) for line in run_file.read_text().splitlines()]
    for protocol in PROTOCOLS:
        own = [row for row in rows if row["protocol"] == protocol]
        truth = {(r["video"], r["segment"], r["truth_index"]) for r in own if r["truth_index"] is not None}
        predicted = [(r["video"], r["segment"], r["predicted_index"]) for r in own if r["predicted_index"] is not None]
        assert truth == {(r.video, r.segment, i) for r in references for i in range(len(r.times))}
        assert len(predicted) == len(set(predicted)) == sum(len(line["feedbacks"]) for line in said)
        pairs = [r for r in own if r["role"] == "pair"]
        assert np.mean([r["rouge_l"] for r in pairs]) == pytest.approx(scores.protocols[protocol]["rouge_l"].value)
        assert all(abs(r["delta_s"]) < 1.5 for r in pairs)
        assert all(r["rouge_l"] is None for r in own if r["role"] != "pair")


@pytest.mark.parametrize("tolerance", [0.0, -1.0, float("nan"), float("inf")])
def test_a_window_that_is_none(tolerance):
    with pytest.raises(UserError, match="a tolerance of"):
        MatchingOptions(tolerance)


def test_a_wider_window_is_another_signature(run_file, benchmark_data, tmp_path):
    narrow = run(run_file, benchmark_data, tmp_path / "a", replace(QUICK, matching=MatchingOptions(0.2)))
    wide = run(run_file, benchmark_data, tmp_path / "b")
    a, b = (found.protocols["strict"]["temporal_recall"] for found in (narrow, wide))
    assert a.value < b.value
    assert "tolerance:0.2s" in a.signature


def test_segments_not_in_the_file_count_as_silent_and_are_named(run_file, benchmark_data, tmp_path):
    lines = [json.loads(line) for line in run_file.read_text().splitlines()]
    part = run(write_lines(tmp_path / "part.jsonl", lines[1:]), benchmark_data, tmp_path / "a")
    lines[0]["feedbacks"] = []
    silent = run(write_lines(tmp_path / "silent.jsonl", lines), benchmark_data, tmp_path / "b")
    assert part.protocols["official"]["temporal_recall"].value == silent.protocols["official"]["temporal_recall"].value
    assert part.counts["not_run"] == ["0000/0"]
    assert silent.counts["not_run"] == []
    assert any("1 of 12 segments are not in the file" in warning for warning in part.warnings)


def test_a_system_that_never_speaks(benchmark_data, tmp_path):
    lines = [{**line, "feedbacks": []} for line in predictions_for(benchmark_data)]
    scores = run(write_lines(tmp_path / "p.jsonl", lines), benchmark_data, tmp_path / "out")
    official = scores.protocols["official"]
    assert (official["temporal_f_score"].value, official["temporal_precision"].value) == (0, 0)
    assert (official["rouge_l"].value, official["rouge_l"].reason) == (None, "no matched pair")
    assert "this system never speaks: all its scores are of silence" in scores.warnings


def test_a_system_that_repeats_one_sentence_every_second(benchmark_data, tmp_path):
    said = [{"time": float(second), "text": "Keep going!"} for second in range(30)]
    lines = [{**line, "feedbacks": said} for line in predictions_for(benchmark_data)]
    scores = run(write_lines(tmp_path / "p.jsonl", lines), benchmark_data, tmp_path / "out")
    text = "\n".join(scores.warnings)
    assert "one sentence only, 360 times: 'Keep going!'" in text
    assert "speaks far too often" in text
    assert scores.counts["predicted"]["distinct_share"] == pytest.approx(1 / 360)


def test_break_down(run_file, benchmark_data, tmp_path):
    scores = run(run_file, benchmark_data, tmp_path / "out", label=labels)
    rows = [row for row in scores.breakdown if row["protocol"] == "official"]
    groupings = {by: [row for row in rows if row["by"] == by] for by in {row["by"] for row in rows}}
    assert groupings.keys() == {"exercise", "time in segment", "matching", "intent"}
    assert {row["group"] for row in groupings["intent"]} == {"long", "short"}
    whole = scores.protocols["official"]["rouge_l"]
    for found in groupings.values():
        assert sum(row["ground_truth"] for row in found) == 60
        assert sum(row["matched_ground_truth"] for row in found) == whole.n
    parts = groupings["exercise"]
    mean = sum(row["rouge_l"] * row["matched_ground_truth"] for row in parts) / whole.n
    assert mean == pytest.approx(whole.value)


def test_intervals_are_clustered_by_participant_where_the_map_exists(tmp_path):
    data = write_benchmark(tmp_path / "data")
    lines = "".join(f"{SPLIT},{video:04d},P{video % 2}\n" for video in range(4))
    (data / "participants.csv").write_text("split,video,participant\n" + lines)
    path = write_lines(tmp_path / "p.jsonl", predictions_for(data))
    scores = run(path, data, tmp_path / "out")
    assert (scores.interval["clustered_by"], scores.interval["clusters"]) == ("participant", 2)


def test_official_list_of_pairs(tmp_path):
    path = tmp_path / "pairs.json"
    path.write_text(json.dumps([{"GT": "Keep going!", "Pred": "Keep going!"}, {"GT": "Stop", "Pred": "go"}]))
    scores = run(path, None, tmp_path / "out")
    assert scores.protocols["official"]["rouge_l"].value == 0.5
    assert "no times" in scores.protocols["official"]["temporal_f_score"].reason
    assert "no times" in scores.protocols["strict"]["rouge_l"].reason
    rows = PAIRS.read_rows(tmp_path / "out" / "pairs.parquet")
    assert [row["truth_text"] for row in rows] == ["Keep going!", "Stop"]
    assert rows[0]["truth_time_s"] is None


def test_metrics_that_are_not_there_are_named_with_what_mends_them(run_file, benchmark_data, tmp_path, monkeypatch):
    from qevd_bio.scoring.metrics import wordnet

    monkeypatch.setattr(wordnet, "find_wordnet", lambda chosen: None)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    options = replace(QUICK, metrics=("meteor", "rouge_l", "bertscore_f1", "llm_acc"))
    scores = run(run_file, benchmark_data, tmp_path / "out", options)
    official = scores.protocols["official"]
    assert "apt-get install wordnet-base" in official["meteor"].reason
    assert "hf download roberta-large" in official["bertscore_f1"].reason
    assert "--judge" in official["llm_acc"].reason
    assert official["rouge_l"].value is not None
    assert scores.withheld(("meteor", "rouge_l")) == ["meteor"]


def test_too_few_readable_judgements_withhold_the_metric(run_file, benchmark_data, tmp_path, monkeypatch):
    from qevd_bio.scoring import measures
    from qevd_bio.scoring.judges import judge_models as judges
    from qevd_bio.scoring.judges.llm_accuracy import JudgeAnswer

    class HalfJudge:
        name = "half"

        def ask(self, questions):
            for question in questions:
                yield JudgeAnswer(question.pair, question.repeat, "{'score': 4}" if question.pair % 2 else "no idea")

    monkeypatch.setattr(judges, "make_judges", lambda options, cache: [HalfJudge()])
    monkeypatch.setattr(measures, "missing", lambda metric, options: None)
    strict = replace(QUICK, metrics=("llm_acc",), judge=JudgeOptions(("half",)))
    scores = run(run_file, benchmark_data, tmp_path / "a", strict)
    found = scores.protocols["official"]["llm_acc"]
    assert found.value is None
    assert "could be read (--min-judged 0.95)" in found.reason
    assert 0 < found.n < found.details["unreadable"]["no_object"] + found.n
    lenient = replace(strict, judge=JudgeOptions(("half",), min_judged=0.1))
    scores = run(run_file, benchmark_data, tmp_path / "b", lenient)
    assert scores.protocols["official"]["llm_acc"].value == 4.0
    assert scores.protocols["official"]["llm_acc"].standard_error == 0
    assert scores.protocols["official"]["llm_acc"].details["as_published"]["value"] == 4.0
    rows = PAIRS.read_rows(tmp_path / "b" / "pairs.parquet")
    kept = [json.loads(row["llm_acc_replies"]) for row in rows if row["role"] == "pair"]
    assert {reply[0]["text"] for reply in kept} == {"{'score': 4}", "no idea"}
    assert {(row["llm_acc"] is None) == (reply[0]["score"] is None) for row, reply in zip(rows, kept, strict=False)}


@pytest.mark.parametrize(
    ("change", "problem"),
    [({"video": "9999"}, "video '9999' is not in the data set"), ({"segment": 77}, "has no segment 77"),
     ({"feedbacks": [{"time": 1e9, "text": "a"}]}, "a feedback at 1e+09 s in a segment of")],
)  # fmt: skip
def test_predictions_for_what_does_not_exist(run_file, benchmark_data, tmp_path, change, problem):
    lines = [json.loads(line) for line in run_file.read_text().splitlines()]
    lines[3] |= change
    path = write_lines(tmp_path / "p.jsonl", lines)
    with pytest.raises(UserError) as caught:
        run(path, benchmark_data, tmp_path / "out")
    assert problem in str(caught.value)
    assert f"{path}:4" in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_times_past_the_end_are_a_warning(benchmark_data, tmp_path):
    lines = predictions_for(benchmark_data)
    lines[0]["feedbacks"].append({"time": 300.0, "text": "late"})
    scores = run(write_lines(tmp_path / "p.jsonl", lines), benchmark_data, tmp_path / "out")
    assert any("later than the end of their segment" in warning for warning in scores.warnings)


def test_a_damaged_scores_file_is_named(run_file, benchmark_data, tmp_path):
    out = tmp_path / "out"
    run(run_file, benchmark_data, out)
    file = out / "scores.json"
    good = json.loads(file.read_text())
    for content, problem in (
        ("{", "cannot be read"), ("[]", "not scores of version 1"), (json.dumps({**good, "version": 9}), "version 9"),
        (json.dumps({**good, "official": {"meteor": {}}}), "damaged"),
    ):  # fmt: skip
        file.write_text(content)
        with pytest.raises(UserError, match=problem):
            read_scores(out)
    with pytest.raises(UserError, match="no such file"):
        read_scores(tmp_path / "nowhere")


def test_a_local_judge_is_asked_by_default_and_a_served_one_only_when_named(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    local = ScoreOptions(judge=JudgeOptions((str(tmp_path),)))
    served = ScoreOptions(judge=JudgeOptions(("some-model",), base_url="http://127.0.0.1:1/v1"))
    assert {"llm_acc", "llm_bio_acc"} <= set(local.chosen())
    assert local.asked() == ("llm_acc", "llm_bio_acc")
    assert "llm_acc" not in served.chosen()
    assert served.asked() == ()


def test_a_faulty_own_prompt_stops_the_run_before_anything_is_computed(run_file, benchmark_data, tmp_path):
    options = replace(QUICK, judge=JudgeOptions(prompt=str(tmp_path / "none.yaml")))
    with pytest.raises(UserError, match=r"none\.yaml"):
        run(run_file, benchmark_data, tmp_path / "out", options)
    assert not (tmp_path / "out").exists()


def test_intents_are_remembered_until_the_rules_change(tmp_path, monkeypatch):
    from qevd_bio.scoring.intents import remembered

    monkeypatch.setenv("QEVD_BIO_CACHE", str(tmp_path / "cache"))
    rules = tmp_path / "rules.py"
    rules.write_text("one")
    loads = []

    def load():
        loads.append(1)
        return str.upper

    label = remembered(load, [rules])
    assert label(["a", "b"]) == {"a": "A", "b": "B"}
    assert label(["b"]) == {"b": "B"}
    assert len(loads) == 1
    assert label(["c"]) == {"c": "C"}
    rules.write_text("two")
    assert label(["a"]) == {"a": "A"}
    assert len(loads) == 3
    for file in (tmp_path / "cache" / "intents").iterdir():
        file.write_text("[damaged")
    assert label(["a"]) == {"a": "A"}


def test_a_metric_has_one_name_and_old_names_are_still_read():
    assert parse_metrics("ROUGE, rouge_l,bertscore,llm-acc,bleu-4") == ("rouge_l", "bertscore_f1", "llm_acc", "bleu_4")
    assert ScoreOptions(metrics=("rouge", "cider-d")).metrics == ("rouge_l", "cider_d")
    assert all(names == (name,) for name, names in SCORE_NAMES.items() if name != "temporal")
