"""The commands as a user runs them, in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from scoring_build import predictions_for, write_lines


def qevd(*arguments, **environment):
    command = [sys.executable, "-m", "qevd_bio", *map(str, arguments)]
    variables = {**os.environ, "COLUMNS": "160", "NO_COLOR": "1", **environment}
    return subprocess.run(command, capture_output=True, text=True, env=variables, timeout=120)


def test_score_and_compare(benchmark_data, tmp_path):
    for name, seed in (("one", 1), ("two", 2)):
        path = write_lines(tmp_path / f"{name}.jsonl", predictions_for(benchmark_data, seed=seed))
        done = qevd("score", "--preds", path, "--data", benchmark_data, "--workspace", tmp_path / "ws",
                    "--metrics", "temporal,rouge_l", "--published", "--by", "intent", "--by", "time")  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "ROUGE-L" in done.stdout
        assert "Stream-VLM (w/o 3D CNN)" in done.stdout
        assert "By intent (official)" in done.stdout
        assert "0–10 s" in done.stdout
        assert (tmp_path / "ws" / "scores" / name / "scores.json").is_file()
    done = qevd("compare", tmp_path / "ws/scores/one", tmp_path / "ws/scores/two", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert {row["metric"] for row in json.loads(done.stdout)["comparisons"]} >= {"rouge_l", "temporal_f_score"}


def test_json_for_machines(run_file, benchmark_data, tmp_path):
    done = qevd(
        "score",
        "--preds",
        run_file,
        "--data",
        benchmark_data,
        "--out",
        tmp_path / "o",
        "--json",
        "--metrics",
        "rouge_l",
    )
    assert json.loads(done.stdout) == json.loads((tmp_path / "o" / "scores.json").read_text())


def test_a_withheld_metric_has_its_own_exit_code(run_file, benchmark_data, tmp_path):
    done = qevd(
        "score", "--preds", run_file, "--data", benchmark_data, "--out", tmp_path / "o", "--metrics", "rouge_l,llm_acc"
    )
    assert done.returncode == 3
    assert "needs a judge" in done.stdout
    found = json.loads((tmp_path / "o" / "scores.json").read_text())
    assert found["official"]["rouge_l"]["value"] is not None


def test_what_was_not_asked_for_is_named_but_no_failure(run_file, benchmark_data, tmp_path):
    done = qevd(
        "score", "--preds", run_file, "--data", benchmark_data, "--out", tmp_path / "o", HF_HUB_CACHE=str(tmp_path)
    )
    assert done.returncode == 0, done.stderr
    assert "hf download roberta-large" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("content", "problem"),
    [("{}", "run.jsonl:1: no 'video'"), ("", "the file holds no segment"), ("[", "not JSON")],
)
def test_bad_input_is_one_message_and_code_2(benchmark_data, tmp_path, content, problem):
    path = tmp_path / "run.jsonl"
    path.write_text(content)
    done = qevd("score", "--preds", path, "--data", benchmark_data, "--out", tmp_path / "o")
    assert done.returncode == 2
    assert problem in done.stderr
    assert "expected:" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "o").exists()


def test_a_folder_instead_of_a_file_and_no_data(benchmark_data, run_file, tmp_path):
    assert "this is a folder" in qevd("score", "--preds", tmp_path, "--data", benchmark_data).stderr
    done = qevd("score", "--preds", run_file)
    assert (done.returncode, "no data set to compare with" in done.stderr) == (2, True)


def test_validate(run_file, benchmark_data, tmp_path):
    done = qevd("validate", run_file, "--data", benchmark_data)
    assert done.returncode == 0, done.stdout
    assert "ok: 12 segments of 4 videos, 60 feedbacks" in done.stdout
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"video": "9999", "segment": 0, "feedbacks": []}\n{}\n')
    done = qevd("validate", bad, "--data", benchmark_data)
    assert done.returncode == 2
    assert "bad.jsonl:1: video '9999' is not in the data set" in done.stdout
    assert "bad.jsonl:2: no 'video'" in done.stdout


@pytest.fixture
def two_runs(benchmark_data, tmp_path):
    """Two files of one name, from two folders."""
    paths = []
    for name, seed in (("a", 1), ("b", 2)):
        (tmp_path / name).mkdir()
        paths.append(write_lines(tmp_path / name / "run.jsonl", predictions_for(benchmark_data, seed=seed)))
    return paths


def test_two_files_of_one_name_both_survive(two_runs, benchmark_data, tmp_path):
    here = ("--data", benchmark_data, "--workspace", tmp_path / "ws", "--metrics", "rouge_l", "--replicates", "20")
    first, second = (qevd("score", "--preds", path, *here) for path in two_runs)
    assert (first.returncode, second.returncode) == (0, 0), second.stderr
    folders = sorted(path.name for path in (tmp_path / "ws" / "scores").iterdir())
    assert len(folders) == 2 and folders[0] == "run" and folders[1].startswith("run-")
    assert f"these are called {folders[1]}" in " ".join(second.stderr.split())
    assert folders[1] in second.stdout and "signature: protocol:official" in second.stdout
    values = {
        json.loads((tmp_path / "ws" / "scores" / name / "scores.json").read_text())["official"]["rouge_l"]["value"]
        for name in folders
    }
    assert len(values) == 2
    done = qevd("score", "--preds", two_runs[1], *here, "--out", tmp_path / "ws" / "scores" / "run")
    assert done.returncode == 2 and "holds the score of other predictions" in done.stderr
    # Both at once, in one line each.
    done = qevd("score", "--preds", two_runs[0], "--preds", two_runs[1], *here, "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == folders
    assert all("ROUGE-L 0." in line and "[protocol:official|tolerance:1.5s" in line for line in lines)


def test_latex_markdown_and_what_to_cite(two_runs, benchmark_data, tmp_path):
    here = ("--data", benchmark_data, "--workspace", tmp_path / "ws", "--metrics", "temporal,rouge_l")
    files = ("--preds", two_runs[0], "--preds", two_runs[1])
    done = qevd("score", *files, *here, "--format", "latex", "--published", "--cite")
    assert done.returncode == 0, done.stderr
    table, _, cited = done.stdout.partition(r"\end{tabular}")
    body = [line for line in table.splitlines() if line.endswith(r"\\")]
    assert {line.count("&") for line in body} == {4}
    assert [rule in table for rule in (r"\toprule", r"\midrule", r"\bottomrule", r"\begin{tabular}{lrrrr}")] == [
        True
    ] * 4
    assert r"ISCT\_FitCoach" in table and r"\textbf{0.850}" in table
    assert "@inproceedings{lin2004rouge," in cited and "@software{qevdbio," in cited and "meteor" not in cited
    done = qevd("score", *files, *here, "--format", "markdown")
    rows = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert len(rows) == 4 and len({row.count("|") for row in rows}) == 1 and "**" in rows[2] + rows[3]
    done = qevd("score", *files, *here, "--format", "json")
    assert [len(one["official"]) > 0 for one in json.loads(done.stdout)] == [True, True]


def test_a_faulty_file_does_not_keep_the_others_from_being_scored(two_runs, benchmark_data, tmp_path):
    two_runs[0].write_text("{}\n")
    done = qevd("score", "--preds", two_runs[0], "--preds", two_runs[1], "--data", benchmark_data,
                "--workspace", tmp_path / "ws", "--metrics", "rouge_l", "-q")  # fmt: skip
    assert done.returncode == 2
    assert done.stdout.startswith("run: ") and "run.jsonl:1: no 'video'" in done.stderr
