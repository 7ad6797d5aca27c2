from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
from scoring_build import predictions_for, write_benchmark, write_lines

from qevd_bio.scoring.compare import compare, load_systems
from qevd_bio.scoring.compare_formats import formatted, overview
from qevd_bio.scoring.options import CompareOptions, ConfidenceOptions, MatchingOptions, ScoreOptions
from qevd_bio.scoring.published import BENCHMARKS, choose_benchmark, published_rows
from qevd_bio.scoring.results import read_scores
from qevd_bio.scoring.stage import score
from qevd_bio.store.errors import UserError

METRICS = ScoreOptions(metrics=("temporal", "rouge_l", "bleu_4", "cider_d"), interval=ConfidenceOptions(replicates=200))
QUICK = CompareOptions(replicates=200, permutations=500)


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """Three systems on 14 videos: a poor one, a better one, and the poor one again under another name."""
    root = tmp_path_factory.mktemp("systems")
    data = write_benchmark(root / "data", videos=14)
    runs = {
        "poor": predictions_for(data, seed=1, copy=0.1, jitter=1.2),
        "better": predictions_for(data, seed=2, copy=0.8, jitter=0.3),
        "again": predictions_for(data, seed=1, copy=0.1, jitter=1.2),
    }
    for name, lines in runs.items():
        score(write_lines(root / f"{name}.jsonl", lines), data, METRICS, out=root / name)
    return root


def row_of(rows, metric, other, protocol="official"):
    (row,) = (r for r in rows if (r.metric, r.other, r.protocol) == (metric, other, protocol))
    return row


def test_values_come_back_from_the_pairs(scored):
    systems = load_systems([scored / "poor", scored / "better"])
    for row in compare(systems, QUICK, ("official", "strict")):
        saved = read_scores(scored / "better").protocols[row.protocol][row.metric].value
        base = read_scores(scored / "poor").protocols[row.protocol][row.metric].value
        assert row.test.difference == pytest.approx(saved - base, abs=1e-9)


def test_a_better_system_is_found_and_an_equal_one_is_not(scored):
    systems = load_systems([scored / "poor", scored / "better", scored / "again"])
    rows = compare(systems, QUICK, ("official",))
    better = row_of(rows, "rouge_l", "better").test
    assert better.low > 0
    assert better.p_value < 0.01
    assert 0 < better.detectable < better.difference
    for metric in ("rouge_l", "temporal_f_score", "bleu_4", "cider_d"):
        equal = row_of(rows, metric, "again").test
        assert (equal.difference, equal.p_value, equal.low, equal.high) == (0, 1.0, 0, 0)


def test_seeded(scored):
    systems = load_systems([scored / "poor", scored / "better"])
    first, second = (compare(systems, QUICK, ("official",)) for _ in range(2))
    assert first == second


def test_every_format(scored):
    systems = load_systems([scored / "poor", scored / "better"])
    rows = compare(systems, QUICK, ("official",))
    text = formatted(rows, QUICK, "text")
    assert "ROUGE-L" in text
    assert "seed 0" in text
    markdown = formatted(rows, QUICK, "markdown").splitlines()
    assert len({line.count("|") for line in markdown[: len(rows) + 2]}) == 1
    latex = formatted(rows, QUICK, "latex")
    assert latex.count(r"\\") == len(rows) + 1
    assert "_" not in latex.replace(r"\_", "").split("\\end{tabular}")[0]
    table = list(csv.DictReader(io.StringIO(formatted(rows, QUICK, "csv"))))
    assert len(table) == len(rows)
    assert float(table[0]["difference"]) == rows[0].test.difference
    parsed = json.loads(formatted(rows, QUICK, "json"))
    assert len(parsed["comparisons"]) == len(rows)
    with pytest.raises(UserError, match="unknown format"):
        formatted(rows, QUICK, "pdf")
    assert overview(systems, "official", "text").splitlines()[2].startswith("better")
    assert overview(systems, "official", "markdown").startswith("| system |")


def test_scores_of_different_protocols_are_not_compared(scored, tmp_path):
    wide = replace(METRICS, matching=MatchingOptions(3.0))
    score(scored / "better.jsonl", scored / "data", wide, out=tmp_path / "wide")
    rows = compare(load_systems([scored / "poor", tmp_path / "wide"]), QUICK, ("official",))
    assert all(row.test is None and "not comparable" in row.note for row in rows)
    assert "tolerance:3s" in formatted(rows, QUICK, "text")


def test_other_ground_truth_is_refused(scored, tmp_path):
    data = write_benchmark(tmp_path / "data", videos=14, seed=5)
    score(write_lines(tmp_path / "x.jsonl", predictions_for(data)), data, METRICS, out=tmp_path / "x")
    with pytest.raises(UserError, match="other ground truth"):
        load_systems([scored / "poor", tmp_path / "x"])


def test_one_system_or_a_list_of_pairs_is_refused(scored, tmp_path):
    with pytest.raises(UserError, match="one system"):
        load_systems([scored / "poor"])
    pairs = tmp_path / "pairs.json"
    pairs.write_text('[{"GT": "a", "Pred": "a"}]')
    score(pairs, None, METRICS, out=tmp_path / "pairs")
    with pytest.raises(UserError, match="list of matched pairs"):
        load_systems([scored / "poor", tmp_path / "pairs"])


def test_labels_are_distinct(scored):
    labels = [system.label for system in load_systems([scored / "poor", scored / "poor"])]
    assert len(set(labels)) == 2


def test_published_tables_are_whole():
    original, bio = published_rows("original"), published_rows("bio")
    assert [sum(row.group == group for row in original) for group in ("zero-shot", "fine-tuned", "ablation")] == [
        6,
        5,
        3,
    ]
    assert [sum(row.group == group for row in bio) for group in ("fine-tuned", "ablation")] == [2, 5]
    by_name = {row.method: row for row in original}
    assert by_name["Stream-VLM"].values == {
        "meteor": "0.127", "rouge_l": "0.112", "bertscore_f1": "0.863", "llm_acc": "2.45", "temporal_f_score": "0.56"
    }  # fmt: skip
    assert all(row.source and row.values for row in (*original, *bio))
    assert all(len(row.values) == 6 for row in bio)


def test_the_rows_of_the_challenge():
    rows = {row.method: row for row in published_rows("original") if row.group == "challenge"}
    assert {method: list(row.values.values()) for method, row in rows.items()} == {
        "PKU-FitCoach": ["0.296", "0.194", "0.891", "3.556", "0.652"],
        "ISCT_FitCoach": ["0.182", "0.131", "0.887", "2.797", "0.727"],
    }
    assert all("llm_bio_acc" not in row.values and "VAR workshop 2026" in row.source for row in rows.values())


def test_the_published_numbers_are_those_of_the_papers(shared):
    """Every number of the tables stands in the paper that is named."""
    papers = {
        "Panchal": shared("seeds", "002_24320bb9cc37b4e8.txt").read_text(),
        "Ji": shared("seeds", "001_16ab1faba953b373.txt").read_text(),
    }
    for benchmark in BENCHMARKS:
        for row in published_rows(benchmark):
            if row.group == "challenge":  # printed on a page of the workshop, checked below
                continue
            paper = papers[row.source.split()[0]]
            name = row.method.split(" (")[0].upper()
            lines = [
                line for line in paper.replace("**", "").splitlines() if all(v in line for v in row.values.values())
            ]
            assert lines, (row.method, row.values)
            if "ablation" not in row.group:
                assert any(name in line.upper() for line in lines), row.method


def test_which_published_table():
    assert choose_benchmark("auto", "qevd/QEVD-bio-fit-coach-Benchmark") == "bio"
    assert choose_benchmark("auto", "qevd/QEVD-FIT-COACH-Benchmark") == "original"
    assert choose_benchmark("bio", "x") == "bio"
    with pytest.raises(UserError, match="no published table"):
        choose_benchmark("other", "x")
