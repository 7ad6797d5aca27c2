"""One video of the page: a fold with a figure and its tables for each exercise."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Sequence
from itertools import groupby

from qevd_bio.exercise.explain import explain
from qevd_bio.exercise.wording import SIDES, digits, with_unit
from qevd_bio.reporting.content.views import Clip, Prediction, SegmentView, TrainerFeedback, VideoView, rule_words
from qevd_bio.reporting.html import Html, fold, join, number, said, short, table, tag
from qevd_bio.reporting.page.finder import segment_anchor
from qevd_bio.reporting.page.timeline import timeline
from qevd_bio.scoring.render import TITLES
from qevd_bio.tables.verdicts import Verdict

_BOTH, _SIDE_BY_SIDE = 60, 2


def video(view: VideoView, place: int, opened: bool, marks: Sequence[str] = ()) -> Html:
    """The fold of one video; `place` makes its anchor, `marks` are what the filters choose its exercises by."""
    about = [counted(len(view.segments), "exercise")]
    if any(s.analysed for s in view.segments):
        about += [
            counted(sum(len(s.reps) for s in view.segments), "repetition"),
            counted(sum(len(s.faults) for s in view.segments), "fault"),
        ]
    else:
        about.append("not analysed" if view.kinematics else "no kinematics, nothing measured")
    title = join((tag("bdi", f"{view.split}/{view.video}"), " — ", ", ".join(about)))
    content = [tag("p", note, class_="soft") for note in view.notes]
    content += [
        segment(one, view.file, segment_anchor(place, number_), marks[number_] if number_ < len(marks) else "")
        for number_, one in enumerate(view.segments)
    ]
    # The link's target lies inside: a browser opens the fold around it.
    inside = tag("div", *content, id=anchor(place), class_="inside")
    return fold(title, inside, open_=opened, class_="video")


def counted(number_: int, word: str) -> str:
    """`2 rules`, `1 rule`."""
    return f"{number_} {word}" + ("" if number_ == 1 else "s")


def anchor(place: int) -> str:
    """The anchor of a video: a number, so that no name from data becomes one."""
    return f"video-{place}"


def segment(view: SegmentView, file: str = "", id_: str | None = None, marks: str = "") -> Html:
    """Heading, timeline, feedback, faults and notes of one exercise; moments are links into the video `file`."""
    span = f"{view.start_s:.1f}–{view.end_s:.1f} s"
    parts: list[Html] = [tag("h3", tag("bdi", short(view.exercise, 120)), " ", tag("small", span))]
    caption = _caption(view)
    if caption or view.strip is not None or view.truths or view.lanes:
        parts.append(tag("figure", timeline(view), tag("figcaption", caption) if caption else ""))
    if view.clips:
        parts.append(tag("div", *(_clip(one, view) for one in view.clips), class_="clips"))
    if view.truths or any(lane.predictions for lane in view.lanes):
        parts.append(_feedback(view, file))
    if view.faults:
        parts.append(_violations(view, file))
    parts += [tag("p", note, class_="soft") for note in (*view.notes, *_silent(view))]
    return tag("section", *parts, id=id_, class_="seg", data_k=marks)


def moment(at_s: float, text: str, file: str) -> Html | str:
    """`text` as a link to this second of the video beside the page, where there is one."""
    return tag("a", text, href=f"{file}#t={max(at_s, 0.0):.1f}") if file else text


def clock(time_s: float) -> str:
    """`1:05`: minutes and seconds of the video."""
    return f"{int(time_s) // 60}:{int(time_s) % 60:02d}"


def _clip(clip: Clip, view: SegmentView) -> Html:
    source = f"data:video/mp4;base64,{base64.b64encode(clip.mp4).decode()}"
    about = f"{clip.about}, at {clip.at_s - view.start_s:.1f} s of the exercise"
    film = tag(
        "video", controls=True, muted=True, loop=True, playsinline=True, preload="none", width=clip.width,
        height=clip.height, src=source, aria_label=short(about, 120),
    )  # fmt: skip
    return tag("figure", film, tag("figcaption", about))


def _caption(view: SegmentView) -> str:
    parts = []
    if view.curve is not None:
        text = f"Angle: {view.curve.expression}, in degrees"
        if view.curve.bands:
            text += f"; green: the reference laid over each repetition, ±{view.curve.bands[0].half_width:g}°"
        parts.append(text)
    if view.reps:
        scores = [rep.score for rep in view.reps if math.isfinite(rep.score)]
        units = sum(rep.units for rep in view.reps)
        text = counted(len(view.reps), "repetition")
        text += "" if units == len(view.reps) else f" ({units:g} as people count)"
        parts.append(text + (f", mean similarity to the reference {sum(scores) / len(scores):.2f}" if scores else ""))
    if view.lanes and view.truths:
        parts.append("Squares: trainer; dots: system; filled and tied: matched (official protocol)")
    return ". ".join(parts) + "." if parts else ""


def _silent(view: SegmentView) -> Iterator[str]:
    if not (view.analysed or view.reps or view.faults):
        yield "Not analysed, so no repetitions and no faults are known."
    if view.status not in ("", "ok"):
        yield f"No repetitions: {view.status.replace('_', ' ')}."
    if view.not_judged:
        listed = ", ".join(f"{count} × {reason.replace('_', ' ')}" for reason, count in view.not_judged.items())
        yield f"Rules that could not be judged: {listed}."
    if view.not_sure:
        listed = ", ".join(f"{count} × {rule_words(rule)}" for rule, count in sorted(view.not_sure.items()))
        yield f"Not sure, and so no faults: {listed}."
    if view.measurements:
        yield f"{counted(view.measurements, 'measurement')} outside a textbook range, which are no faults."
    for lane in view.lanes:
        if not lane.predictions:
            yield f"{lane.run} said nothing here."


def _feedback(view: SegmentView, file: str) -> Html:
    """Side by side for one or two systems; for more, all that was said in one list by time."""
    if len(view.lanes) <= _SIDE_BY_SIDE:
        head = ["time", "trainer", *(short(lane.run, 60) for lane in view.lanes)]
        lines = [(time, [left, *cells]) for time, left, cells in _lines(view)]
        made, class_ = sorted(lines, key=lambda line: line[0]), "said"
    else:
        head, class_ = ["time", "who", "feedback"], "said who"
        made = sorted(_listed(view), key=lambda line: line[0])
    rows = [[moment(time, f"{time - view.start_s:.1f} s", file), *cells] for time, cells in made]
    title = f"Feedback: {len(view.truths)} by the trainer"
    return fold(title, table(head, rows, class_=class_, text=len(head), file="feedback"), open_=len(rows) <= _BOTH)


def _listed(view: SegmentView) -> Iterator[tuple[float, list[Html]]]:
    """(time, who and what): the trainer's feedback with who met it, then what each system said."""
    for place, truth in enumerate(view.truths):
        met = [lane.run for lane in view.lanes if any(p.truth == place for p in lane.predictions)]
        text = f"met by {', '.join(met)}" if met else "missed by all"
        mark = tag("span", tag("bdi", text), class_="tag hit" if met else "tag miss")
        yield truth.time_s, [tag("b", "trainer"), join((_truth(place, truth), " ", mark))]
    for lane in view.lanes:
        for p in lane.predictions:
            yield (
                p.time_s,
                [tag("bdi", short(lane.run, 60)), _lone(p) if p.truth is None else _pair(p, f"{p.truth + 1}, ")],
            )


def _lines(view: SegmentView) -> Iterator[tuple[float, Html, list[Html]]]:
    """(time, the trainer's cell, a cell for each system): first pairs and misses, then unmatched predictions."""
    for place, truth in enumerate(view.truths):
        cells = []
        for lane in view.lanes:
            found = next((p for p in lane.predictions if p.truth == place), None)
            cells.append(_pair(found) if found else tag("span", "missed", class_="tag miss"))
        yield truth.time_s, _truth(place, truth), cells
    for column, lane in enumerate(view.lanes):
        for p in lane.predictions:
            if p.truth is None:
                yield p.time_s, Html(""), [_lone(p) if i == column else Html("") for i in range(len(view.lanes))]


def _truth(place: int, truth: TrainerFeedback) -> Html:
    parts: list[object] = [tag("b", f"{place + 1} "), said(truth.text)]
    if truth.intent:
        parts += [" ", tag("span", truth.intent, class_="tag")]
    if truth.rewritten:
        parts += [tag("br"), tag("small", "rewritten: "), said(truth.rewritten)]
    if truth.original:
        parts += [tag("br"), tag("small", "the trainer said: "), said(truth.original)]
    return join(parts)


def _pair(p: Prediction, which: str = "") -> Html:
    values = "".join(f", {TITLES.get(name, name)} {value:.2f}" for name, value in p.values.items())
    delta = "" if p.delta_s is None else f"{p.delta_s:+.1f} s"
    return join((said(p.text), " ", tag("span", f"matched {which}{delta}{values}", class_="tag hit")))


def _lone(p: Prediction) -> Html:
    return join((said(p.text), " ", tag("span", "no feedback to match", class_="tag miss")))


def _violations(view: SegmentView, file: str) -> Html:
    ordered = sorted(view.faults, key=lambda f: (f.rule, f.cycle))
    groups = [list(group) for _, group in groupby(ordered, key=lambda f: f.rule)]
    groups.sort(key=lambda group: -sum(fault.severity for fault in group))
    first = ("fault", "what to do", "why", "repetitions", "gravest at")
    head = (*first, "measured", "allowed", "goal", "sure", "severity")
    rows = [_rule(group, view, file) for group in groups]
    title = f"{counted(len(view.faults), 'fault')} of {counted(len(groups), 'rule')}"
    return fold(title, table(head, rows, text=len(first), file="faults"), open_=True)


def _rule(group: Sequence[Verdict], view: SegmentView, file: str) -> list[object]:
    first = group[0]
    low, high = min(group, key=lambda fault: fault.value), max(group, key=lambda fault: fault.value)
    measured = with_unit(high.value, first.unit)
    if len(group) > 1:
        measured = f"{digits(low.value, first.unit)} to {measured}"
    soft = tag("span", "soft", class_="tag") if first.alarm != "hard" else ""
    sides = sorted({SIDES[fault.side] for fault in group if fault.side in SIDES}, reverse=True)
    name = join((rule_words(first.rule), f", {' and '.join(sides)}" if sides else "", " ", soft))
    gravest = max(group, key=lambda fault: fault.severity)
    words = explain(gravest, view.rules)
    at = moment(gravest.at_s, clock(gravest.at_s), file)
    sure = f"{100 * max(fault.probability for fault in group):.0f} %"
    cycles = ", ".join(str(fault.cycle + 1) for fault in group[:12]) + (" …" if len(group) > 12 else "")
    goal = with_unit(first.goal, first.unit)
    return [name, words.do, words.why, cycles, at, measured, _allowed(first), goal, sure, number(gravest.severity, 2)]


def _allowed(fault: Verdict) -> str:
    low, high, unit = fault.low, fault.high, fault.unit
    if math.isfinite(low) and math.isfinite(high):
        return f"{digits(low, unit)} to {with_unit(high, unit)}"
    if math.isfinite(low):
        return f"≥ {with_unit(low, unit)}"
    return f"≤ {with_unit(high, unit)}" if math.isfinite(high) else "–"
