"""The timeline: everything stands where its time is."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np

from qevd_bio.exercise.catalogue import load
from qevd_bio.reporting.content.views import Lane, Prediction, ReferenceBand, SegmentView, SignalCurve, TrainerFeedback
from qevd_bio.reporting.page.timeline import LEFT, RIGHT, WIDTH, timeline
from qevd_bio.reporting.page.video_part import segment
from tests.made_rows import cycle_row, verdict

SPAN = WIDTH - LEFT - RIGHT


def view(**more: object) -> SegmentView:
    return SegmentView(index=0, exercise="squats", start_s=100.0, end_s=120.0, **more)  # type: ignore[arg-type]


def elements(shown: SegmentView, name: str) -> list[ElementTree.Element]:
    """Elements of the picture; parsing as XML also proves that it is well formed."""
    return list(ElementTree.fromstring(re.search(r"<svg.*</svg>", timeline(shown), re.DOTALL)[0]).iter(name))  # type: ignore[index]


def paths(shown: SegmentView, kind: str) -> list[str]:
    """The stretches of the one path of a kind, each from its M to the next."""
    found = [p.get("d") or "" for p in elements(shown, "path") if p.get("class") == kind]
    assert len(found) <= 1
    return ["M" + part for part in "".join(found).split("M")[1:]]


def points(stretch: str) -> list[tuple[int, int]]:
    """Points of path data that moves once and then goes on in steps."""
    moved, _, steps = stretch.partition("l")
    numbers = [int(n) for n in re.findall(r"-?\d+", steps)]
    start = [int(n) for n in re.findall(r"-?\d+", moved)]
    every = np.cumsum([start, *np.reshape(numbers, (-1, 2)).tolist()], axis=0)
    return [(int(a), int(b)) for a, b in every]


def at(seconds: float) -> float:
    return round(LEFT + seconds / 20.0 * SPAN, 1)


def test_feedback_and_matches_stand_at_their_times() -> None:
    lane = Lane("run", (Prediction(106.0, "deep", truth=0, delta_s=1.0), Prediction(119.0, "done")))
    shown = view(truths=(TrainerFeedback(105.0, "deeper"), TrainerFeedback(110.0, "nice")), lanes=(lane,))
    circles = elements(shown, "circle")
    assert [(float(c.get("cx") or 0), c.get("class")) for c in circles] == [(at(6.0), "got"), (at(19.0), "lost")]
    assert [re.findall(r"[\d.]+", tie)[::2] for tie in paths(shown, "tie")] == [[str(at(5.0)), str(at(6.0))]]
    for kind, seconds in (("got", 5.0), ("lost", 10.0)):
        (square,) = paths(shown, kind)
        assert float(re.findall(r"[\d.]+", square)[0]) == round(at(seconds) - 3, 1)
    assert "run: 2 predictions, 1 matched" in timeline(shown)


def test_repetitions_and_violations() -> None:
    reps = (
        cycle_row(cycle=0, start_s=102.0, end_s=104.0, score=0.9),
        cycle_row(cycle=1, start_s=104.0, end_s=105.0, partial="end", violations=0),
    )
    fault = verdict(at_s=103.0, value=78.0, severity=0.5)
    shown = view(reps=reps, faults=(fault,))
    boxes = [r for r in elements(shown, "rect") if (r.get("class") or "").startswith("rep")]
    assert [(b.get("x"), b.get("width")) for b in boxes] == [
        (str(at(2.0)), f"{at(4.0) - at(2.0):.1f}"), (str(at(4.0)), f"{at(5.0) - at(4.0):.1f}")
    ]  # fmt: skip
    assert ["cut" in (b.get("class") or "") for b in boxes] == [False, True]
    assert [p.get("d", "").split()[0] for p in elements(shown, "path")[:1]] == [f"M{round(at(3.0))}"]
    several = view(faults=(fault, replace(fault, side="l"), replace(fault, alarm="soft"), replace(fault, at_s=109.0)))
    drawn = [p for p in elements(several, "path") if len(p)]
    marks = [(p.get("class"), (p[0].text or "").count("knees_shallow")) for p in drawn]
    assert marks == [("hard", 2), ("weak", 1), ("hard", 1)]


def test_marks_that_would_lie_on_each_other_are_one() -> None:
    fault = verdict(at_s=103.0, value=78.0, severity=0.5)
    near = tuple(replace(fault, at_s=103.0 + 0.05 * n, severity=0.1 * n) for n in range(6))
    marks = [p for p in elements(view(faults=near), "path") if p.get("class") == "hard"]
    assert [(p[0].text or "").count("knees_shallow") for p in marks] == [4, 2]


def test_a_gap_in_the_angles_is_a_gap_in_the_curve() -> None:
    time_s = np.linspace(100.0, 120.0, 201)
    values = np.sin(time_s) * 40
    values[100:120] = np.nan
    curve = SignalCurve("knee", time_s, values, (ReferenceBand(time_s[:50], values[:50], 10.0),))
    drawn = [points(line) for line in paths(view(curve=curve), "curve")]
    assert [len(line) for line in drawn] == [100, 81]
    assert [line[end][0] for line in drawn for end in (0, -1)] == [round(at(s)) for s in (0.0, 9.9, 12.0, 20.0)]
    (band,) = paths(view(curve=curve), "band")
    assert band.endswith("z") and len(points(band)) == 50


def test_a_long_curve_is_thinned_and_an_unknown_one_is_empty() -> None:
    time_s = np.linspace(100.0, 120.0, 5000)
    (line,) = paths(view(curve=SignalCurve("knee", time_s, time_s)), "curve")
    assert 290 < len(points(line)) < 330
    nothing = view(curve=SignalCurve("knee", time_s, np.full(5000, np.nan)))
    assert paths(nothing, "curve") == []
    assert paths(view(curve=SignalCurve("knee", time_s[:1], time_s[:1])), "curve") == []


def test_what_is_not_there_has_no_lane() -> None:
    names = [e.text for e in elements(view(), "text")]
    assert not {"angle", "frames", "repetitions", "violations", "trainer"} & set(names)
    assert "0 s" in names and "20 s" in names


def test_times_outside_the_segment_stay_in_the_picture() -> None:
    shown = view(lanes=(Lane("run", (Prediction(-500.0, "a"), Prediction(1e9, "b"))),))
    assert all(0 < float(c.get("cx") or 0) <= WIDTH for c in elements(shown, "circle"))


def test_the_feedback_table_pairs_what_was_matched() -> None:
    lanes = (
        Lane("a", (Prediction(106.0, "deep", 0, 1.0, {"meteor": 0.5}), Prediction(119.0, "done"))),
        Lane("b", ()),
    )
    made = segment(view(truths=(TrainerFeedback(105.0, "deeper", "corrective", "bend to 90°"),), lanes=lanes))
    assert re.search(r"deeper.*corrective.*rewritten.*bend to 90°.*deep<.*matched \+1\.0 s, METEOR 0\.50.*missed", made)
    assert made.count("no feedback to match") == 1
    assert "b said nothing here." in made


def test_more_than_two_systems_speak_in_one_list_by_time() -> None:
    lanes = (
        Lane("a", (Prediction(106.0, "deep", 0, 1.0, {"meteor": 0.5}), Prediction(119.0, "done"))),
        Lane("b", (Prediction(104.0, "lower", 0, -1.0),)),
        Lane("c", ()),
    )
    made = segment(view(truths=(TrainerFeedback(105.0, "deeper"), TrainerFeedback(110.0, "nice")), lanes=lanes))
    rows = re.findall(
        r'<tr><th scope="row"[^>]*>(.*?) s</th><td[^>]*><(?:b|bdi)>(.*?)</(?:b|bdi)></td>(.*?)</tr>', made
    )
    assert [row[:2] for row in rows] == [
        ("4.0", "b"),
        ("5.0", "trainer"),
        ("6.0", "a"),
        ("10.0", "trainer"),
        ("19.0", "a"),
    ]
    assert "matched 1, -1.0 s" in rows[0][2] and "met by a, b" in rows[1][2]
    assert "matched 1, +1.0 s, METEOR 0.50" in rows[2][2]
    assert "missed by all" in rows[3][2] and "no feedback to match" in rows[4][2]


def test_violations_are_grouped_by_rule_with_their_bounds() -> None:
    shallow = verdict(at_s=103.0, value=78.0, severity=0.5)
    slow = verdict(
        rule="target:tempo", kind="target", side="", at_s=104.0, value=1.24, low=-math.inf, high=1.0, goal=1.0, unit="s",
        severity=0.2, alarm="soft",
    )  # fmt: skip
    faults = (*(replace(shallow, cycle=n, value=78.0 + n) for n in range(3)), slow)
    made = segment(view(faults=faults, rules=load()["squats"]))
    assert "4 faults of 2 rules" in made
    assert re.search(
        r"knees shallow, right.*Bend the knees further.*thigh and buttock.*1, 2, 3.*78 to 80°.*≥ 85°.*90°", made
    )
    assert re.search(r"tempo.*soft.*1\.2 s.*≤ 1\.0 s", made)
