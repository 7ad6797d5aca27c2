"""What validate says: faults, what score will warn of, other kinds of files, and data without ground truth."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from scoring_build import SPLIT, predictions_for, write_lines

from qevd_bio.scoring.inputs import load_inputs
from qevd_bio.scoring.options import ScoreOptions
from qevd_bio.scoring.pairing.validation import check_file
from qevd_bio.store.errors import UserError


def text(report):
    return "\n".join(report.lines(20))


def changed(lines, place, **values):
    return [{**line, **values} if i == place else line for i, line in enumerate(lines)]


ODD = {
    "late": ({"feedbacks": [{"time": 300, "text": "lower"}]}, "2 predictions are later than the end"),
    "empty": ({"feedbacks": [{"time": 1, "text": ""}, {"time": 2, "text": " "}]}, "2 predictions are empty texts"),
    "split": ({"split": "QEVD-FIT-COACH"}, f"1 segments say that they are of split 'QEVD-FIT-COACH', not of {SPLIT}"),
    "timing": ({"timing": "hurried"}, "different timings in one file: corrected, hurried"),
    "unknown": ({"timing": "hurried"}, "unknown timing 'hurried'"),
}


@pytest.mark.parametrize("name", ODD)
def test_validate_says_what_score_will_warn_of(benchmark_data, tmp_path, name):
    change, words = ODD[name]
    lines = [{**line, "split": SPLIT, "timing": "corrected"} for line in predictions_for(benchmark_data)]
    path = write_lines(tmp_path / "run.jsonl", changed(lines, 3, **change))
    report = check_file(path, benchmark_data, SPLIT)
    assert not report.issues
    assert any(words in note for note in report.notes), report.notes
    assert f"run.jsonl: note: {report.notes[0]}" in text(report)
    assert report.notes == load_inputs(path, benchmark_data, ScoreOptions()).warnings


def test_what_needs_no_data_set_is_said_without_one(benchmark_data, tmp_path):
    lines = [{**line, "split": SPLIT, "timing": "official"} for line in predictions_for(benchmark_data)]
    change = {"split": "other", "timing": "corrected", "feedbacks": [{"time": 1, "text": ""}]}
    report = check_file(write_lines(tmp_path / "run.jsonl", changed(lines, 0, **change)), None, SPLIT)
    assert "1 predictions are empty texts" in report.notes[0]
    assert "corrected, official" in report.notes[1]
    assert f"different splits in one file: {SPLIT}, other" in report.notes[2]
    assert "without --data only the form was checked" in report.notes[3]


def test_other_kinds_of_files_are_named_with_what_to_do(run_file, tmp_path):
    content = run_file.read_bytes()
    array = "[" + ",".join(run_file.read_text().splitlines()) + "]"
    for name, data, words in (
        ("run.json", array.encode(), "this is a JSON array of segments"),
        ("run.jsonl.gz", gzip.compress(content), "this is a gzip file"),
        ("run16.jsonl", content.decode().encode("utf-16"), "this is text in UTF-16"),
        ("run.parquet", b"PAR1" + content, "this is a Parquet file"),
        ("pairs.json", b'[{"GT": "a", "GT": "b", "Pred": "c"}]', "key 'GT' is given twice"),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(UserError, match=words) as caught:
            check_file(path, None, SPLIT)
        assert caught.value.expected and str(path) in str(caught.value)


def competition(folder):
    """Two videos with stated exercises and no feedback, as the competition release has them."""
    split = folder / "QEVD-FIT-COACH-Competition"
    (split / "long_range_videos").mkdir(parents=True)
    records = []
    for name in ("0300", "0301"):
        np.save(split / "long_range_videos" / f"{name}_timestamps.npy", np.arange(600) / 10)
        records.append({
            "long_range_video_file": f"./long_range_videos/{name}.mp4",
            "video_timestamps": f"./long_range_videos/{name}_timestamps.npy",
            "exercises": ["squats", "high knees"],
            "exercise_start_timestamps": [0.5, 30.0],
            "exercise_end_timestamps": [29.9, 59.0],
        })  # fmt: skip
    (split / "feedbacks_long_range.json").write_text(json.dumps(records))
    return folder


def test_data_without_ground_truth_can_be_validated_but_not_scored(tmp_path):
    data = competition(tmp_path / "data")
    said = [{"time": 5.0, "text": "lower"}]
    lines = [{"video": v, "segment": s, "feedbacks": said} for v in ("0300", "0301") for s in (0, 1)]
    path = write_lines(tmp_path / "run.jsonl", lines)
    report = check_file(path, data, SPLIT)
    assert not report.issues
    assert report.notes == (
        "QEVD-FIT-COACH-Competition has no ground truth: its segments were checked, scores need a benchmark",
    )
    with pytest.raises(UserError, match="holds no feedback to compare with"):
        load_inputs(path, data, ScoreOptions())
    late = [{"time": 40.0, "text": "lower"}]
    wrong = [*changed(lines[:3], 1, feedbacks=late), {"video": "0301", "segment": 9, "feedbacks": said}]
    report = check_file(write_lines(path, wrong), data, SPLIT)
    assert [issue.problem for issue in report.issues] == ["video '0301' has no segment 9"]
    report = check_file(write_lines(path, wrong[:3]), data, SPLIT)
    assert [note.split(":")[0][:40] for note in report.notes[:2]] == [
        "1 of 4 segments are not in the file",
        "1 predictions are later than the end of ",
    ]


def test_the_shared_files_that_were_taken_for_good_ones(shared):
    folder = shared("data", "repro", "predictions-messages")
    for name, words in (("array.jsonl", "JSON array of segments"), ("run.jsonl.gz", "gzip")):
        with pytest.raises(UserError, match=words):
            check_file(folder / name, None, SPLIT)
    for name, words in (("empty", "empty texts"), ("badtiming", "timing"), ("othersplit", "different splits")):
        assert words in text(check_file(folder / f"{name}.jsonl", None, SPLIT))
