"""What lies at a path, who is in it, and how much is said where it is something else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qevd_bio.dataset.items import lies_on_its_side
from qevd_bio.dataset.opening import open_dataset
from qevd_bio.store.errors import ItemError, UserError

Make = Callable[..., Any]


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("b.MOV", "a.mp4", "notes.txt", "._a.mp4"):
        (folder / name).write_bytes(b"x")
    return folder


def test_root_with_two_splits_and_each_split_alone(split: Make, record: Make) -> None:
    test = split([record()])
    train = split([record("0001")], name="QEVD-FIT-COACH")
    both = open_dataset(test.parent)
    assert (both.kind, both.splits) == ("qevd", ("QEVD-FIT-COACH", "QEVD-FIT-COACH-Benchmark"))
    assert both.has_ground_truth
    assert [w.key for w in both.workouts()] == ["QEVD-FIT-COACH/0001", "QEVD-FIT-COACH-Benchmark/0200"]
    assert [s.key for s in both.segments("QEVD-FIT-COACH")] == ["QEVD-FIT-COACH/0001/0"]
    alone = open_dataset(train)
    assert (alone.splits, alone.folder("QEVD-FIT-COACH")) == (("QEVD-FIT-COACH",), train)
    with pytest.raises(UserError, match="no split 'train'"):
        alone.workouts("train")


def test_a_split_named_by_a_dot(split: Make, record: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(split([record()]))
    assert open_dataset(".").splits == ("QEVD-FIT-COACH-Benchmark",)
    monkeypatch.chdir("..")
    assert open_dataset(".").splits == ("QEVD-FIT-COACH-Benchmark",)


def test_videos_need_not_exist_and_those_without_record_are_found(split: Make, record: Make) -> None:
    folder = split([record("0200")])
    (folder / "long_range_videos/0007.mp4").write_bytes(b"x")
    first, second = open_dataset(folder).videos()
    assert (first.stem, first.lies_on_side, first.timestamps_path) == ("0007", True, None)
    first.check()
    assert (second.key, second.lies_on_side) == ("QEVD-FIT-COACH-Benchmark/0200", False)
    assert second.timestamps_path == folder / "long_range_videos/0200_timestamps.npy"
    with pytest.raises(ItemError, match="video_missing: no such file"):
        second.check()


def test_a_folder_in_place_of_a_video_and_a_bad_record(split: Make, record: Make) -> None:
    folder = split([record(), {"long_range_video_file": "/etc/x.mp4", "video_timestamps": "x"}])
    (folder / "long_range_videos/0200.mp4").mkdir()
    first, second = open_dataset(folder).videos()
    with pytest.raises(ItemError, match="video_is_folder"):
        first.check()
    with pytest.raises(ItemError, match=r"unsafe_path: record 1 of .*: path '/etc/x\.mp4'"):
        second.check()


@pytest.mark.parametrize(
    ("name", "stem", "lying"),
    [
        ("QEVD-FIT-COACH-Benchmark", "0000", True),
        ("QEVD-FIT-COACH-Benchmark", "0145", True),
        ("QEVD-FIT-COACH-Benchmark", "0146", False),
        ("QEVD-FIT-COACH", "0003", False),
        ("videos", "0003", False),
        ("QEVD-FIT-COACH-Benchmark", "warmup", False),
    ],
)
def test_early_benchmark_videos_lie_on_their_side(name: str, stem: str, lying: bool) -> None:
    assert lies_on_its_side(name, stem) is lying


def test_strict_reading_names_the_first_bad_record(split: Make, record: Make) -> None:
    dataset = open_dataset(split([record(), {}, []]))
    with pytest.raises(UserError) as error:
        dataset.workouts()
    assert error.value.problem.startswith("missing_key: record 1 of feedbacks_long_range.json")
    assert error.value.problem.endswith("(and 1 more)")
    assert len(dataset.workouts(strict=False)) == 1
    assert [p.level for p in dataset.problems()] == ["error", "error"]


def test_competition_release_has_no_ground_truth(split: Make) -> None:
    entry = {
        "long_range_video_file": "./long_range_videos/0300.mp4",
        "video_timestamps": "./long_range_videos/0300_timestamps.npy",
        "exercises": ["squats"],
        "exercise_start_timestamps": [1600000000.5],
        "exercise_end_timestamps": [1600000004.9],
    }
    dataset = open_dataset(split([entry], name="QEVD-FIT-COACH-Competition-CVPR2025"))
    assert not dataset.has_ground_truth
    [segment] = dataset.segments()
    assert (segment.exercise_id, segment.feedbacks) == ("squats", ())


def test_transitions_without_feedback_are_segments_where_the_split_has_no_ground_truth(
    split: Make, record: Make
) -> None:
    shown = (("First up are squats!", 2, 6, True), ("Moving on to high knees!", 20, 25, True), ("End", 80, 90, True))
    root = split([record()]).parent
    split([record("0300", shown=shown)], name="QEVD-FIT-COACH-Competition-CVPR2025")
    dataset = open_dataset(root)
    assert dataset.has_ground_truth
    assert [s.exercise_id for s in dataset.segments("QEVD-FIT-COACH-Competition-CVPR2025")] == [
        "squats",
        "high_knees",
    ]
    assert dataset.problems() == []
    assert dataset.segments("QEVD-FIT-COACH-Competition-CVPR2025", keep_empty=False) == []


def test_a_split_without_annotation_file(split: Make, record: Make) -> None:
    folder = split([record()])
    (folder / "long_range_videos/0200.mp4").write_bytes(b"x")
    (folder / "feedbacks_long_range.json").unlink()
    dataset = open_dataset(folder)
    assert not dataset.has_ground_truth
    assert [(s.video, s.end_frame) for s in dataset.segments()] == [("0200", 99)]


def test_plain_folder(videos: Path) -> None:
    dataset = open_dataset(videos, exercise="pushups")
    assert (dataset.kind, dataset.splits, dataset.has_ground_truth) == ("videos", ("videos",), False)
    assert [(v.stem, v.exercise.id if v.exercise else None) for v in dataset.videos()] == [
        ("a", "push_ups"),
        ("b", "push_ups"),
    ]
    assert all(not v.lies_on_side and v.timestamps_path is None for v in dataset.videos())
    assert [(s.video, s.start_s, s.bounded) for s in dataset.segments()] == [("a", 0.0, False), ("b", 0.0, False)]
    assert dataset.workouts() == [] and dataset.problems() == []


def test_one_video(videos: Path) -> None:
    dataset = open_dataset(videos / "a.mp4", exercise="squats")
    assert [v.key for v in dataset.videos()] == ["videos/a"]


def test_exercises_from_a_csv(videos: Path, tmp_path: Path) -> None:
    table = tmp_path / "exercises.csv"
    table.write_text("\ufeffVideo, Exercise \nvideos/a.mp4,quad stretch left\n")
    first, second = open_dataset(videos, exercise=str(table)).videos()
    assert first.exercise is not None and (first.exercise.id, first.exercise.side) == ("quad_stretch", "left")
    assert second.exercise is None
    table.write_text("video,exercise\na,squats\nb,squuats\n")
    with pytest.raises(UserError, match="unknown exercise 'squuats'") as error:
        open_dataset(videos, exercise=str(table)).videos()
    assert error.value.where == f"{table}, line 3"


def test_unknown_exercise_for_a_folder(videos: Path) -> None:
    with pytest.raises(UserError, match="unknown exercise 'swimming'"):
        open_dataset(videos, exercise="swimming").videos()


def test_two_files_of_one_stem(videos: Path) -> None:
    (videos / "a.mov").write_bytes(b"x")
    with pytest.raises(UserError, match=r"a\.mov and a\.mp4 would give results of the same name"):
        open_dataset(videos).videos()


def test_exercise_option_is_refused_for_annotated_data(split: Make, record: Make) -> None:
    with pytest.raises(UserError, match="--exercise is for folders of videos without annotations"):
        open_dataset(split([record()]), exercise="squats")


def test_what_is_no_data_set(tmp_path: Path, videos: Path, split: Make, record: Make) -> None:
    def problem(path: Path) -> tuple[str, str | None]:
        with pytest.raises(UserError) as error:
            open_dataset(path)
        return error.value.problem, error.value.fix

    assert problem(tmp_path / "nowhere") == ("no such folder", "name the data set with --data FOLDER")
    (tmp_path / "empty").mkdir()
    assert problem(tmp_path / "empty") == ("no data set here; found nothing", None)
    assert problem(videos / "notes.txt") == ("this is a file", f"perhaps --data {videos}")
    (tmp_path / "empty/note.txt").write_text("x")
    assert problem(tmp_path / "empty") == ("no data set here; found note.txt", None)
    assert problem(tmp_path) == (
        "no videos or annotations here, but one folder further down",
        f"--data {videos}",
    )
    folder = split([record()])
    assert problem(folder / "long_range_videos") == ("this is the video folder of a split", f"--data {folder}")


def test_participants_are_carried_and_those_in_both_splits_reported(split: Make, record: Make, tmp_path: Path) -> None:
    root = split([record("0200"), record("0201")]).parent
    split([record("0001"), record("0200")], name="QEVD-FIT-COACH")
    table = tmp_path / "people.csv"
    table.write_text("video,participant\nQEVD-FIT-COACH/0200,P1\n0201.mp4,P1\n0001,P2\n0999,P3\n")
    dataset = open_dataset(root, participants=table)
    assert {v.key: v.participant for v in dataset.videos()} == {
        "QEVD-FIT-COACH/0001": "P2",
        "QEVD-FIT-COACH/0200": "P1",
        "QEVD-FIT-COACH-Benchmark/0200": None,
        "QEVD-FIT-COACH-Benchmark/0201": "P1",
    }
    assert [s.participant for s in dataset.segments("QEVD-FIT-COACH-Benchmark")] == [None, "P1"]
    assert dataset.shared_participants() == {"P1": ("QEVD-FIT-COACH", "QEVD-FIT-COACH-Benchmark")}
    assert dataset.unused_participants == ["0999"]


def test_participants_file_in_the_data_set_is_found(split: Make, record: Make) -> None:
    root = split([record("0200")]).parent
    (root / "participants.csv").write_text("video,split,participant\n0200,QEVD-FIT-COACH-Benchmark,P9\n")
    assert open_dataset(root).workouts()[0].participant == "P9"


@pytest.mark.parametrize(
    ("content", "problem", "line"),
    [
        ("video,person\n0200,P1\n", "no column participant", ""),
        ("", "no column video and participant", ""),
        ("video,participant\n0200,\n", "empty cell", ", line 2"),
        (
            "video,participant\n0200,P1\n0200.mp4,P2\n",
            "video '0200.mp4' has participant 'P2' here and 'P1' in line 2",
            ", line 3",
        ),
        (
            "video,participant\n0200,P1\n",
            "video '0200' is in several splits: QEVD-FIT-COACH, QEVD-FIT-COACH-Benchmark",
            ", line 2",
        ),
        ("video,participant\n\xff", "cannot be read: 'utf-8' codec can't decode", ""),
    ],
)
def test_bad_participant_map(split: Make, record: Make, tmp_path: Path, content: str, problem: str, line: str) -> None:
    root = split([record("0200")]).parent
    split([record("0200")], name="QEVD-FIT-COACH")
    table = tmp_path / "people.csv"
    table.write_bytes(content.encode("latin-1"))
    with pytest.raises(UserError) as error:
        open_dataset(root, participants=table).segments()
    assert error.value.problem.startswith(problem)
    assert error.value.where == f"{table}{line}"


def test_missing_participant_map(split: Make, record: Make, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read: No such file"):
        open_dataset(split([record()]), participants=tmp_path / "none.csv").segments()


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    root = tmp_path / "fit300k"
    (root / "short_clips").mkdir(parents=True)
    (root / "QEVD-FIT-300k-Part-2").mkdir()
    (root / "short_clips/00000340.mp4").write_bytes(b"x")
    (root / "QEVD-FIT-300k-Part-2/00000341.mp4").write_bytes(b"x")
    labels = [
        {"video_path": "./short_clips/00000340.mp4", "split": "train", "labels": ["squats - shallow", "squats - slow"],
         "labels_descriptive": ["doing shallow squats"]},
        {"video_path": "00000341.mp4", "split": "test", "labels": ["pushups - fast"], "labels_descriptive": []},
    ]  # fmt: skip
    workers = [{**label, "worker_id": index + 7} for index, label in enumerate(labels)]
    feedbacks = [
        {"video_path": "./00000340.mp4", "split": "train", "feedback": ["Go deeper!", "Deeper."]},
        {"video_path": "00000341.mp4", "split": "test", "feedbacks": ["Nice pace."]},
    ]
    block = {"query": ["What is it?"], "response": ["Squats."], "query_type": ["exercise"]}
    empty: dict[str, list[str]] = {"query": [], "response": [], "query_type": []}
    questions = [{"video_path": "short_clips/00000340.mp4", "split": "train", "high_level": block, "fine_grain": empty}]
    for name, content in (
        ("fine_grained_labels", labels),
        ("fine_grained_labels_with_worker_ids", workers),
        ("feedbacks_short_clips", feedbacks),
        ("questions", questions),
    ):
        (root / f"{name}.json").write_text(json.dumps(content))
    return root


def test_short_clips_are_joined_by_file(clips: Path) -> None:
    dataset = open_dataset(clips)
    assert (dataset.kind, dataset.splits, dataset.has_ground_truth) == ("short_clips", ("short_clips",), True)
    first, second = dataset.clips
    assert (first.file, first.split, first.exercise, first.participant) == ("00000340.mp4", "train", "squats", "7")
    assert first.labels == ("squats - shallow", "squats - slow")
    assert first.feedbacks == ("Go deeper!", "Deeper.")
    assert [(q.level, q.query, q.response, q.query_type) for q in first.questions] == [
        ("high_level", "What is it?", "Squats.", "exercise")
    ]
    assert second.feedbacks == ("Nice pace.",)
    items = dataset.videos()
    assert [(i.stem, i.exercise.id if i.exercise else None, i.participant) for i in items] == [
        ("00000340", "squats", "7"),
        ("00000341", "push_ups", "8"),
    ]
    for item in items:
        item.check()
    assert dataset.shared_participants() == {}


def test_one_worker_in_train_and_test(clips: Path) -> None:
    path = clips / "fine_grained_labels_with_worker_ids.json"
    records = json.loads(path.read_text())
    records[1]["worker_id"] = "7"
    path.write_text(json.dumps(records))
    assert open_dataset(clips).shared_participants() == {"7": ("test", "train")}


@pytest.mark.parametrize(
    ("name", "change", "problem"),
    [
        ("questions", {"fine_grain": {"query": ["a"], "response": [], "query_type": []}},
         "fine_grain: query, response and query_type have 1, 0, 0 entries"),
        ("questions", {"high_level": 3}, "high_level is a number, expected an object"),
        ("feedbacks_short_clips", {"feedback": "x"}, "feedback is a text, expected a list of texts"),
        ("feedbacks_short_clips", {"split": "test"}, "00000340.mp4 is in split 'test' here and 'train' elsewhere"),
        ("fine_grained_labels", {"video_path": "../x.mp4"}, "path '../x.mp4' is not a plain path inside the data set"),
        ("fine_grained_labels_with_worker_ids", {"worker_id": None}, "worker_id is null"),
    ],
)  # fmt: skip
def test_bad_short_clip_records(clips: Path, name: str, change: dict[str, Any], problem: str) -> None:
    path = clips / f"{name}.json"
    records = json.loads(path.read_text())
    records[0].update(change)
    path.write_text(json.dumps(records))
    with pytest.raises(UserError) as error:
        _ = open_dataset(clips).clips
    assert error.value.problem.startswith(problem)
    assert error.value.where == f"{path}, record 0"


def test_clips_without_annotations(clips: Path) -> None:
    for path in clips.glob("*.json"):
        path.unlink()
    dataset = open_dataset(clips)
    assert [clip.file for clip in dataset.clips] == ["00000340.mp4", "00000341.mp4"]
    assert not dataset.has_ground_truth


def test_a_key_that_stands_twice_in_an_annotation_is_refused(split: Make, record: Make) -> None:
    folder = split([record(), record("0201")])
    path = folder / "feedbacks_long_range.json"
    text = path.read_text()
    place = text.rindex('"is_transition"')
    path.write_text(text[:place] + '"feedback_timestamps": [], ' + text[place:])
    with pytest.raises(UserError) as error:
        open_dataset(folder).workouts()
    assert error.value.problem == "key 'feedback_timestamps' stands twice in one object of record 1"
    assert error.value.where == str(path)
