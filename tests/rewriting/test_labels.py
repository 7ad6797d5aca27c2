"""Labels from QEVD: variations by the table, faults by what trainers said."""

from __future__ import annotations

from pathlib import Path

import pytest

from qevd_bio.dataset.names import load_names
from qevd_bio.dataset.opening import open_dataset
from qevd_bio.dataset.short_clips import ShortClip
from qevd_bio.exercise.catalogue import load
from qevd_bio.feedback.intent import classify_intent
from qevd_bio.rewriting.agree import wish
from qevd_bio.rewriting.labels import of_clips, told_faults, variations, write_labels
from qevd_bio.store.errors import UserError

KNOWN = load()


def found(*labels: str) -> dict[str, int]:
    clips = [ShortClip("00000340.mp4", "train", labels, participant="7")]
    rows = of_clips(clips, load_names(), KNOWN).rows
    assert all(row[0] == "short_clips/00000340" and row[4] == "7" for row in rows)
    return {row[2]: row[3] for row in rows}


def test_every_fault_of_the_table_is_one_of_its_exercise() -> None:
    for (exercise, variation), fault in variations().items():
        assert fault == "none" or fault in {error.id for error in KNOWN[exercise].errors}, (exercise, variation)
    assert {exercise for exercise, _ in variations()} == set(KNOWN)


def test_a_variation_is_its_fault_and_the_absence_of_the_others() -> None:
    told = found("push-ups - Hips too high")
    assert told["hips_high"] == 1 and told["shallow"] == 0 and sum(told.values()) == 1
    both = found("pushups - shallow", "pushups - head down")
    assert both["shallow"] == both["head_drops"] == 1
    assert set(found("push-ups - good").values()) == {0}


def test_an_unknown_variation_tells_only_what_is_known() -> None:
    clips = [
        ShortClip("1.mp4", "train", ("push-ups - shallow", "push-ups - on one leg")),
        ShortClip("2.mp4", "train", ("burpees - slow",)),
    ]
    made = of_clips(clips, load_names(), KNOWN)
    assert [(row[2], row[3]) for row in made.rows] == [("shallow", 1)]
    assert made.unknown == {"push_ups - on one leg": 1, "burpees - slow": 1}


def told(exercise: str, *texts: str) -> dict[str, bool]:
    return told_faults([wish(classify_intent(text), text) for text in texts], KNOWN[exercise])


def test_a_correction_labels_its_fault_and_leaves_out_what_it_may_mean_too() -> None:
    made = told("squats", "Push your knees out.")
    assert made["knees_cave"] is True and made["back_rounds"] is False
    assert "knees_shallow" not in made, "it is about the knees, too"


def test_vague_words_label_nothing_present() -> None:
    assert not any(told("squats", "Watch your form.").values())


def test_a_folder_of_videos_has_no_labels(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"")
    with pytest.raises(UserError, match="no labels of faults"):
        write_labels(open_dataset(tmp_path), tmp_path / "labels.csv")
