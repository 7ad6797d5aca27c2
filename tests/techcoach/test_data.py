"""From Ego-Exo4D's files to instances: windows, joins, drops with reasons, the released file, review and leaks."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qevd_bio.anatomy.dofs import DOF_NAMES
from qevd_bio.annotation.asking import Asking
from qevd_bio.annotation.options import AskOptions
from qevd_bio.egoexo.commentary import Comment
from qevd_bio.egoexo.release import open_release
from qevd_bio.egoexo.writer import NewTake, write_release
from qevd_bio.feedback.technique import DIMENSIONS, dimension_index, mentioned
from qevd_bio.language.options import ClientOptions
from qevd_bio.language.reading import Unreadable
from qevd_bio.store.errors import UserError
from qevd_bio.techcoach.data.build import ANNOTATIONS, POINTS, SHEET, Built, build, read_instances
from qevd_bio.techcoach.data.by_model import read_annotation, read_coach_score, read_points
from qevd_bio.techcoach.data.features import open_features
from qevd_bio.techcoach.data.released import absent, read_released
from qevd_bio.techcoach.data.windows import cut, meaningful, remarks_by_window
from qevd_bio.techcoach.options import BuildOptions, SimulateOptions
from qevd_bio.techcoach.simulated.exercises import simulate_exercises
from qevd_bio.techcoach.simulated.signals import SEEN, block, directions
from qevd_bio.techcoach.simulated.takes import RELEASED
from qevd_bio.techcoach.simulated.truth import clip_score, read_truth
from qevd_bio.techcoach.simulated.wording import STRENGTHS, WEAKNESSES
from tests.egoexo.test_release import take


def quiet(_: str) -> None:
    return None


def test_dimensions_are_known_by_any_spelling() -> None:
    for place, name in enumerate(DIMENSIONS):
        assert dimension_index(name) == dimension_index(name.lower().replace("&", "and")) == place
    assert dimension_index("human object interaction") == 6 and dimension_index("tail") is None


@pytest.mark.parametrize("thing", ["ball", "hold"])
def test_every_simulated_sentence_says_what_it_means(thing: str) -> None:
    for polarity, sets in ((1, STRENGTHS), (-1, WEAKNESSES)):
        for place, sentences in enumerate(sets):
            for text in sentences:
                assert mentioned(text.format(thing=thing) + ".") == {(place, polarity)}, text


def test_polarity_turns_with_but_and_not() -> None:
    assert mentioned("The arms are good, but the feet drift apart.") == {(2, 1), (5, -1)}
    assert mentioned("The knees are not very steady.") == {(4, -1)}
    assert mentioned("Here we go. The ball.") == frozenset()


def test_windows_and_remarks() -> None:
    options = BuildOptions()
    assert cut(take(task_start_s=1.0, task_end_s=18.0), options) == [(1.0, 9.0), (9.0, 17.0)]
    assert len(cut(take(task_start_s=None), options)) == 5
    assert cut(take(task_start_s=1.0, task_end_s=18.0), replace(options, origin="take"))[0] == (0.0, 8.0)
    remarks = [Comment(t, "x", "e") for t in (0.5, 9.0, 10.5, 39.0)]
    spans = [(1.0, 9.0), (9.0, 17.0)]
    assert [len(found) for found in remarks_by_window(remarks, spans, 0.0)] == [0, 2]
    assert [len(found) for found in remarks_by_window(remarks, spans, 2.0)] == [2, 0]
    assert meaningful([Comment(1, "one two three four five", "e")], 5) and not meaningful([Comment(1, "Nice.", "e")], 5)


def test_the_released_file_goes_round(built: Built, simulated: Path, tmp_path: Path) -> None:
    again = build(simulated, tmp_path / "b", BuildOptions(), released=built.folder / ANNOTATIONS, say=quiet)
    assert list(again.instances) == list(built.instances) == read_instances(built.folder)
    texts = json.loads((built.folder / ANNOTATIONS).read_text())
    first = texts["request-1"]
    assert set(first) == {
        "clip_st_ed",
        "take_name",
        "take_id",
        "task_name",
        "tech_instruction",
        "raw_comment",
        "response",
    }
    assert [part["body_part"] for part in first["tech_instruction"]] == list(DIMENSIONS)
    raw = json.loads((simulated / RELEASED).read_text())
    slots = [
        p[n]
        for e in raw.values()
        for p in e["response"]["regular_dict"]
        for n in ("what_is_done_well", "what_can_be_improved")
    ]
    assert {s for s in slots if absent(s)} == {"", None, "none", "N/A"}


def test_instances_hold_the_truth_and_split_by_participant(built: Built, simulated: Path) -> None:
    truth = read_truth(simulated)
    for one in built.instances:
        said = {(d, 1) for d, text in enumerate(one.well) if text} | {
            (d, -1) for d, text in enumerate(one.improve) if text
        }
        assert said == set(truth[one.id].said) == set(mentioned(one.summary))
        assert len({other.score for other in built.instances if other.take == one.take}) == 1
    sides = {split: {one.participant for one in built.instances if one.split == split} for split in ("train", "val")}
    assert sides["train"] and sides["val"] and not sides["train"] & sides["val"]
    assert built.report["counts"]["takes"]["no_rating"] == 1
    assert built.report["counts"]["without_best_exo"] == ["sim_basketball_0001"]


def test_rules_rebuild_the_same_from_raw_commentary(built: Built, simulated: Path, tmp_path: Path) -> None:
    rebuilt = build(simulated, tmp_path / "rules", BuildOptions(), say=quiet)
    known = {one.id: one for one in built.instances}
    assert {one.id for one in rebuilt.instances} <= set(known) and len(rebuilt.instances) > 0.9 * len(known)
    for one in rebuilt.instances:
        assert one.mention == known[one.id].mention
        assert set(mentioned(one.summary)) == set(mentioned(known[one.id].summary))
    counts = rebuilt.report["counts"]
    assert counts["remarks"]["transcription_error"] == 1 and counts["takes"]["no_rating"] == 1


def test_points_written_by_hand_are_kept_and_another_build_is_refused(simulated: Path, tmp_path: Path) -> None:
    build(simulated, tmp_path, BuildOptions(), say=quiet)
    points = json.loads((tmp_path / POINTS).read_text())
    task = sorted(points)[0]
    points[task][DIMENSIONS[0]] = "Own words."
    (tmp_path / POINTS).write_text(json.dumps(points))
    again = build(simulated, tmp_path, BuildOptions(), say=quiet)
    assert all(one.points[0] == "Own words." for one in again.instances if one.task == task)
    with pytest.raises(UserError, match=r"other settings \(lag_s\)"):
        build(simulated, tmp_path, BuildOptions(lag_s=2.0), say=quiet)
    del points[task][DIMENSIONS[3]]
    (tmp_path / POINTS).write_text(json.dumps(points))
    with pytest.raises(UserError, match="not one text a dimension"):
        build(simulated, tmp_path, BuildOptions(), say=quiet)


def test_reviews_change_and_drop(simulated: Path, built: Built, tmp_path: Path) -> None:
    rows = list(csv.DictReader((built.folder / SHEET).open(newline="")))
    first, second = built.instances[0].id, built.instances[1].id
    part = next(row for row in rows if row["id"] == first and row["part"] != "summary")
    part.update(well="Better words.", improve="", decision="change")
    next(row for row in rows if row["id"] == second).update(decision="drop")
    sheet = tmp_path / "sheet.csv"
    with sheet.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    done = build(simulated, tmp_path / "out", BuildOptions(), released=simulated / RELEASED, review=sheet, say=quiet)
    assert second not in {one.id for one in done.instances} and done.report["review"] == {"change": 1, "drop": 1}
    changed = next(one for one in done.instances if one.id == first)
    assert changed.well[dimension_index(part["part"]) or 0] == "Better words."
    sheet.write_text("id,part,well,improve,decision\nx,summary,,,maybe\n")
    with pytest.raises(UserError, match="line 2: decision 'maybe'"):
        build(simulated, tmp_path / "out2", BuildOptions(), review=sheet, say=quiet)


def test_a_participant_in_two_splits_is_refused_or_dropped(simulated: Path, tmp_path: Path) -> None:
    takes = json.loads((simulated / "takes.json").read_text())
    split_of = open_release(simulated).split_of
    root = tmp_path / "leaky"
    root.mkdir()
    (root / "annotations").symlink_to(simulated / "annotations")
    val = next(t["participant_uid"] for t in takes if split_of[t["take_uid"]] == "val")
    leaking = next(t for t in takes if split_of[t["take_uid"]] == "train" and t["take_name"] != "sim_soccer_0002")
    leaking["participant_uid"] = val
    (root / "takes.json").write_text(json.dumps(takes))
    with pytest.raises(UserError, match="1 participants in several splits"):
        build(root, tmp_path / "a", BuildOptions(), say=quiet)
    dropped = build(root, tmp_path / "b", BuildOptions(leaks="drop"), say=quiet)
    assert leaking["take_name"] not in {one.take for one in dropped.instances}
    kept = build(root, tmp_path / "c", BuildOptions(leaks="keep"), say=quiet)
    assert leaking["take_name"] in {one.take for one in kept.instances} and kept.report["leaks"] == {
        val: ["train", "val"]
    }


def test_requests_are_joined_by_uid_too_and_unknown_takes_are_counted(simulated: Path, tmp_path: Path) -> None:
    raw = json.loads((simulated / RELEASED).read_text())
    raw["request-1"]["take_name"] = "renamed"
    raw["request-2"].update(take_name="nobody", take_id="nothing")
    raw["request-3"]["response"]["regular_dict"][0]["body_part"] = "Head and eyes"
    raw["request-4"]["response"]["regular_dict"].append({"body_part": "Tail", "what_is_done_well": "x"})
    path = tmp_path / "r.json"
    path.write_text(json.dumps(raw))
    assert read_released(path)[2].annotation == read_released(simulated / RELEASED)[2].annotation
    done = build(simulated, tmp_path / "out", BuildOptions(), released=path, say=quiet)
    assert done.report["counts"]["windows"]["unknown_take"] == 1 and len(done.instances) < len(raw)
    assert done.report["counts"]["oddities"]["unknown_part"] == 1


@pytest.mark.parametrize(
    ("entry", "told"),
    [({"take_name": "a", "response": {}}, "request-1: clip_st_ed is None"), ({"clip_st_ed": [3, 1]}, r"clip_st_ed is \[3, 1\]"),
     ({"clip_st_ed": [0, 8], "take_name": "a"}, "request-1: response is None")],
)  # fmt: skip
def test_a_faulty_request_is_named(tmp_path: Path, entry: dict[str, object], told: str) -> None:
    path = tmp_path / "r.json"
    path.write_text(json.dumps({"request-1": entry}))
    with pytest.raises(UserError, match=told):
        read_released(path)


def test_replies_are_read_strictly() -> None:
    whole = dict.fromkeys(DIMENSIONS, "text")
    assert len(read_points(json.dumps({"points": whole}))) == 7
    with pytest.raises(Unreadable, match="missing_points"):
        read_points(json.dumps({"points": {**whole, DIMENSIONS[2]: "n/a"}}))
    reply = {"points": {"head and eyes": {"well": "Good.", "improve": "none"}}, "summary": "Good."}
    assert read_annotation(json.dumps(reply)).well[0] == "Good." and read_annotation(json.dumps(reply)).slots == 1
    with pytest.raises(Unreadable, match="unknown_dimension"):
        read_annotation(json.dumps({"points": {"tail": {}}, "summary": "x"}))
    assert read_coach_score('{"score": 4.5}') == 4.5
    with pytest.raises(Unreadable, match="out_of_range"):
        read_coach_score('{"score": 6}')


def test_a_model_that_answers_nonsense_is_missing_not_zero(protocol_server, simulated: Path, tmp_path: Path) -> None:
    server = protocol_server()
    client = ClientOptions(url=server.url, model="m", cache=tmp_path / "replies.sqlite", structured="text", tries=1)
    with pytest.raises(UserError, match="no technical points of"):
        build(
            simulated,
            tmp_path / "o",
            BuildOptions(method="llm"),
            asking=Asking(client, AskOptions(), None, quiet),
            say=quiet,
        )
    released = simulated / RELEASED
    scored = build(
        simulated, tmp_path / "p", BuildOptions(method="llm", coach_score=5), released=released,
        asking=Asking(client, AskOptions(), None, quiet), say=quiet,
    )  # fmt: skip
    assert scored.report["coach_score"]["n"] == 0 and sum(scored.report["coach_score"]["missing"].values()) == 5
    assert scored.report["coach_score"]["mean"] is None


def test_simulated_features_carry_the_quality_of_the_dimensions_a_view_sees(simulated: Path) -> None:
    folder, truth = open_features(simulated / "features"), read_truth(simulated)
    known = directions(12)
    for view in ("ego", "exo"):
        got, wanted = [], []
        for name, true in list(truth.items())[:60]:
            if folder.path(view, name).is_file():
                values = folder.load(view, name)
                got.append([float((values[block(d, (8, 4, 4))] @ known[d]).mean()) for d in range(7)])
                wanted.append(true.quality)
        seen = [d for d in range(7) if np.corrcoef(np.array(got)[:, d], np.array(wanted)[:, d])[0, 1] > 0.6]
        assert set(SEEN[view]) <= set(seen), view
        assert not {d for d in range(7) if d not in SEEN[view]} & set(seen)


def test_the_score_follows_the_formula() -> None:
    assert clip_score([[1] * 7], 0.0) == pytest.approx(5.5 + 1.2 * 7 / np.sqrt(7))
    assert clip_score([[1] * 7], 9.0) == 10 and clip_score([[-1] * 7, [1] * 7], 0.25, -0.5) == 5.25


def test_exercises_have_faults_as_weaknesses_and_angles(tmp_path: Path) -> None:
    options = SimulateOptions(takes=8, channels=8, grid=(4, 4, 4), seed=1)
    simulate_exercises(tmp_path, options)
    done = build(
        tmp_path, tmp_path / "b", BuildOptions(scenarios=("Fitness",)), released=tmp_path / RELEASED, say=quiet
    )
    truth, folder = read_truth(tmp_path), open_features(tmp_path / "features")
    assert {one.split for one in done.instances} == {"train", "val"}
    assert any(any(one.improve) for one in done.instances) and any(any(one.well) for one in done.instances)
    for one in done.instances:
        assert set(mentioned(one.summary)) == set(truth[one.id].said), one.summary
        assert folder.load_poses(one.id).shape == (240, len(DOF_NAMES))
        assert folder.load("exo", one.id).any()
    by_take = {one.take: one for one in done.instances}
    faults = {name: np.mean([any(o.improve) for o in done.instances if o.take == name]) for name in by_take}
    assert np.corrcoef([by_take[n].score for n in by_take], [faults[n] for n in by_take])[0, 1] < 0
    write_release(tmp_path / "empty", [NewTake(take(), "train")])
    nothing = build(tmp_path / "empty", tmp_path / "e", BuildOptions(), say=quiet)
    assert not nothing.instances and nothing.report["counts"]["takes"] == {"no_commentary": 1}
