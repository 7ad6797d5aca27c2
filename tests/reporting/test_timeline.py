"""The timeline: everything stands where its time is."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np

from qevd_bio.reporting.timeline import LEFT, RIGHT, WIDTH, timeline
from qevd_bio.reporting.video_part import segment
from qevd_bio.reporting.views import Band, Curve, Fault, Lane, Prediction, Rep, SegmentView, Truth

SPAN = WIDTH - LEFT - RIGHT


def view(**more: object) -> SegmentView:
    return SegmentView(index=0, exercise="squats", start_s=100.0, end_s=120.0, **more)  # type: ignore[arg-type]


def elements(shown: SegmentView, name: str) -> list[ElementTree.Element]:
    """Elements of the picture; parsing as XML also proves that it is well formed."""
    return list(ElementTree.fromstring(re.search(r"<svg.*</svg>", timeline(shown), re.DOTALL)[0]).iter(name))  # type: ignore[index]


def at(seconds: float) -> float:
    return round(LEFT + seconds / 20.0 * SPAN, 1)


def test_feedback_and_matches_stand_at_their_times() -> None:
    lane = Lane("run", (Prediction(106.0, "deep", truth=0, delta_s=1.0), Prediction(119.0, "done")))
    shown = view(truths=(Truth(105.0, "deeper"), Truth(110.0, "nice")), lanes=(lane,))
    circles = elements(shown, "circle")
    assert [(float(c.get("cx") or 0), c.get("class")) for c in circles] == [(at(6.0), "got"), (at(19.0), "lost")]
    ties = [line for line in elements(shown, "line") if line.get("class") == "tie"]
    assert [(float(t.get("x1") or 0), float(t.get("x2") or 0)) for t in ties] == [(at(5.0), at(6.0))]
    squares = [r.get("class") for r in elements(shown, "rect") if r.get("width") == "6"]
    assert squares == ["got", "lost"]
    assert "run: 2 predictions, 1 matched" in timeline(shown)


def test_repetitions_and_violations() -> None:
    reps = (Rep(0, 102.0, 104.0, 1.0, "", 0.9, 1), Rep(1, 104.0, 105.0, 1.0, "end", None, 0))
    fault = Fault("error:knees_shallow", "r", 0, 103.0, 78.0, 85.0, None, 90.0, "deg", 0.5, "hard")
    shown = view(reps=reps, faults=(fault,))
    boxes = [r for r in elements(shown, "rect") if (r.get("class") or "").startswith("rep")]
    assert [(b.get("x"), b.get("width")) for b in boxes] == [
        (str(at(2.0)), f"{at(4.0) - at(2.0):.1f}"), (str(at(4.0)), f"{at(5.0) - at(4.0):.1f}")
    ]  # fmt: skip
    assert ["cut" in (b.get("class") or "") for b in boxes] == [False, True]
    assert [p.get("d", "").split()[0] for p in elements(shown, "path")] == [f"M{round(at(3.0))}"]
    several = view(faults=(fault, replace(fault, side="l"), replace(fault, alarm="soft"), replace(fault, at_s=109.0)))
    marks = [(p.get("class"), (p[0].text or "").count("knees_shallow")) for p in elements(several, "path")]
    assert marks == [("hard", 2), ("weak", 1), ("hard", 1)]


def test_a_gap_in_the_angles_is_a_gap_in_the_curve() -> None:
    time_s = np.linspace(100.0, 120.0, 201)
    values = np.sin(time_s) * 40
    values[100:120] = np.nan
    curve = Curve("knee", time_s, values, (Band(time_s[:50], values[:50], 10.0),))
    lines = [p for p in elements(view(curve=curve), "polyline") if p.get("class") == "curve"]
    counts = [len((line.get("points") or "").split()) for line in lines]
    assert counts == [100, 81]


def test_a_long_curve_is_thinned_and_an_unknown_one_is_empty() -> None:
    time_s = np.linspace(100.0, 120.0, 5000)
    lines = elements(view(curve=Curve("knee", time_s, time_s)), "polyline")
    assert 290 < len((lines[0].get("points") or "").split()) < 330
    nothing = view(curve=Curve("knee", time_s, np.full(5000, np.nan)))
    assert elements(nothing, "polyline") == []
    assert elements(view(curve=Curve("knee", time_s[:1], time_s[:1])), "polyline") == []


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
    made = segment(view(truths=(Truth(105.0, "deeper", "corrective", "bend to 90°"),), lanes=lanes))
    assert re.search(r"deeper.*corrective.*rewritten.*bend to 90°.*deep<.*matched \+1\.0 s, METEOR 0\.50.*missed", made)
    assert made.count("no feedback to match") == 1
    assert "b said nothing here." in made


def test_violations_are_grouped_by_rule_with_their_bounds() -> None:
    shallow = Fault("error:knees_shallow", "r", 0, 103.0, 78.0, 85.0, None, 90.0, "deg", 0.5, "hard")
    slow = Fault("target:tempo", "", 0, 104.0, 1.2, None, 1.0, None, "s", 0.2, "soft")
    faults = (*(replace(shallow, cycle=n, value=78.0 + n) for n in range(3)), slow)
    made = segment(view(faults=faults, fixes={"error:knees_shallow": "bend the knees further"}))
    assert "4 violations of 2 rules" in made
    assert re.search(r"knees shallow, right.*bend the knees further.*1, 2, 3.*78\.0 to 80\.0°.*≥ 85\.0°.*90\.0°", made)
    assert re.search(r"tempo.*soft.*1\.2 s.*≤ 1\.0 s", made)
