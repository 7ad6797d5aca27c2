"""The subject is the largest sum of area × presence over the clip."""

from __future__ import annotations

import numpy as np
import pytest

from qevd_bio.pose.people import Sighting, Track, choose_subject, iou


def seen(step: int, x: float, size: float, presence: float = 1.0, row: int = 0) -> Sighting:
    return Sighting(step / 10, step, np.array([x, 0.0, x + size, size]), presence, row)


def test_overlap_in_closed_form() -> None:
    a = np.array([0.0, 0.0, 2.0, 2.0])
    assert iou(a, a) == 1.0
    assert iou(a, a + 1) == pytest.approx(1 / 7)
    assert iou(a, a + 5) == 0.0
    assert iou(np.zeros(4), np.zeros(4)) == 0.0


def test_rows_that_swap_do_not_swap_people() -> None:
    steps = [
        [seen(t, 0, 10, row=t % 2), seen(t, 50, 6, row=1 - t % 2)]
        if t % 2 == 0
        else [seen(t, 50, 6, row=0), seen(t, 0, 10, row=1)]
        for t in range(10)
    ]
    subject = choose_subject(steps)
    assert subject.track is not None and [s.row for s in subject.track.sightings] == [0, 1] * 5
    assert subject.several and subject.record()["candidates"] == 2
    assert subject.record()["area_presence_shares"] == [round(100 / 136, 3), round(36 / 136, 3)]


def test_presence_over_the_whole_clip_beats_one_large_moment() -> None:
    steps = [[seen(t, 0, 10), *([seen(t, 50, 20, row=1)] if t == 3 else [])] for t in range(30)]
    subject = choose_subject(steps)
    assert subject.track is not None and {s.row for s in subject.track.sightings} == {0}
    assert not subject.several, "a passer-by seen once is no candidate"


def test_low_presence_counts_less() -> None:
    steps = [[seen(t, 0, 10, 0.3), seen(t, 50, 8, 0.9, row=1)] for t in range(5)]
    track = choose_subject(steps).track
    assert track is not None and track.sightings[0].row == 1


def test_a_jump_of_one_person_is_not_a_second_person() -> None:
    steps = [[seen(t, 0 if t < 5 else 80, 10)] for t in range(10)]
    subject = choose_subject(steps)
    assert subject.track is not None and len(subject.track.sightings) == 10 and not subject.several


def test_nobody() -> None:
    subject = choose_subject([[], [], []])
    assert subject.track is None and subject.record()["candidates"] == 0


def test_box_between_sightings_is_linear() -> None:
    track = Track([seen(0, 0, 10), seen(10, 20, 10)])
    assert track.box_at(0.5).tolist() == [10, 0, 20, 10]
    assert track.box_at(9.0).tolist() == [20, 0, 30, 10]
