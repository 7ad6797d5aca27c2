"""`qevd-bio annotate`: salient joints of every segment, by a vision-language model or by rules."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from qevd_bio.anatomy.dofs import JOINT_NAMES
from qevd_bio.annotation.asking import Asking, alias_of, answer_of, ask_all, estimate, for_stage, split_detail
from qevd_bio.annotation.frames import VideoFrames
from qevd_bio.annotation.options import AnnotateMethod, FrameOptions
from qevd_bio.annotation.review.decisions import apply_reviews, read_reviews
from qevd_bio.annotation.salient import (
    SCHEMA,
    in_order,
    prompt,
    prompt_values,
    read_salient,
    standard_set,
    vector_of,
)
from qevd_bio.dataset.items import VideoItem
from qevd_bio.dataset.opening import Dataset
from qevd_bio.dataset.workout import Segment
from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.rules import Exercise
from qevd_bio.language.budget import CallPlan, Totals
from qevd_bio.language.cache import Cache
from qevd_bio.language.request import Image, Messages, Request
from qevd_bio.scoring.agreement import cohen_kappa, nominal_alpha
from qevd_bio.store.atomic import write_json
from qevd_bio.store.errors import ItemError
from qevd_bio.store.execution import Item
from qevd_bio.store.work import RunOptions, Summary, run_stage, select
from qevd_bio.tables.annotations import SALIENT, SalientRow
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.workspace import Workspace


@dataclass(frozen=True)
class SegmentToAnnotate:
    """One segment with its exercise and files."""

    segment: Segment
    video: VideoItem
    exercise: Exercise | None
    kinematics: Path

    def known_exercise(self) -> Exercise:
        if self.exercise is None:
            raise ItemError("unknown_exercise", f"no exercise is called {self.segment.exercise_written!r}")
        return self.exercise


def places(dataset: Dataset, workspace: Workspace) -> list[SegmentToAnnotate]:
    """Every segment of a data set with what annotating it needs."""
    catalogue = load((workspace.user_refs / "exercises",))
    videos = {(item.split, item.stem): item for item in dataset.videos()}
    return [
        SegmentToAnnotate(
            segment,
            videos[segment.split, segment.video],
            catalogue.get(segment.exercise_id or ""),
            workspace.kinematics(segment.split, segment.video),
        )
        for segment in dataset.segments(strict=False)
    ]


def annotate(
    dataset: Dataset,
    workspace: Workspace,
    method: AnnotateMethod,
    frames: FrameOptions,
    options: RunOptions,
    asking: Asking | None = None,
) -> tuple[Summary, Totals | None]:
    """Annotate the selected segments and write the table of salient joints; a model is asked only with "vlm".

    Raises StopRun where the endpoint refuses or a budget is used up; what was answered is kept.
    """
    found = places(dataset, workspace)
    totals = None
    if method == "rules":
        summary = run_stage(
            "annotate-rules", workspace, _items(found, True), by_rules, settings={}, options=options, version=2
        )
    else:
        if asking is None:
            raise ValueError("the method vlm needs an endpoint")
        asking = for_stage(asking, workspace, "annotate", options.retry_failed)
        chosen = _chosen(found, options)
        totals = ask_all(lambda: questions(chosen, asking, frames), asking)
        settings = {**asking.settings(), **asdict(frames), "prompt": prompt().version}
        cache = Cache(asking.client.cache)
        try:
            work = partial(by_model, asking=asking, frames=frames, cache=cache)
            local = replace(options, jobs=1, executor="local")
            summary = run_stage("annotate-vlm", workspace, _items(found, False), work, settings=settings, options=local)
        finally:
            cache.close()
    _write(workspace, method, found, summary)
    return summary, totals


def dry_run(
    dataset: Dataset, workspace: Workspace, frames: FrameOptions, options: RunOptions, asking: Asking
) -> CallPlan:
    """What annotating with a model would send; no frame is decoded."""
    asking = for_stage(asking, workspace, "annotate", options.retry_failed)
    return estimate(questions(_chosen(places(dataset, workspace), options), asking, frames, decode=False), asking)


def _items(found: Sequence[SegmentToAnnotate], with_kinematics: bool) -> list[Item[SegmentToAnnotate]]:
    return [
        Item(
            place.segment.key,
            (place.kinematics if with_kinematics else place.video.path,),
            (),
            place,
            source=place.video.path,
        )
        for place in found
    ]


def _chosen(found: Sequence[SegmentToAnnotate], options: RunOptions) -> list[SegmentToAnnotate]:
    return [item.payload for item in select(_items(found, False), options)]


def by_rules(item: Item[SegmentToAnnotate]) -> dict[str, Any]:
    """One segment by rules: the standard set, and what its kinematics show beyond it."""
    from qevd_bio.annotation.evidence import expand

    place = item.payload
    exercise = place.known_exercise()
    standard = standard_set(exercise)
    expansions: dict[str, str] = {}
    since: dict[str, float] = {}
    if place.kinematics.is_file():
        segment = place.segment
        whole = Kinematics.read(place.kinematics)
        shown = expand(exercise, whole.between(segment.start_s, segment.end_s))
        expansions = {joint: seen.reason for joint, seen in shown.items() if joint not in standard}
        since = {joint: shown[joint].since_s for joint in expansions}
    joints = list(in_order((*standard, *expansions)))
    return {"joints": joints, "expansions": expansions, "since": since, "standard": list(standard)}


def questions(
    found: Sequence[SegmentToAnnotate], asking: Asking, frames: FrameOptions, decode: bool = True
) -> Iterator[Request]:
    """One question a segment whose exercise and video are known; frames are decoded when it has to be sent."""
    by_video: dict[str, list[SegmentToAnnotate]] = OrderedDict()
    for place in found:
        if place.exercise is not None and place.video.path.is_file():
            by_video.setdefault(place.video.key, []).append(place)
    for group in by_video.values():
        shots = VideoFrames(group[0].video, [place.segment for place in group], frames)
        for place in group:
            yield _question(place, asking, frames, shots if decode else None)


def _question(place: SegmentToAnnotate, asking: Asking, frames: FrameOptions, shots: VideoFrames | None) -> Request:
    exercise = place.known_exercise()
    standard = standard_set(exercise)

    def build() -> Messages:
        images = (Image(place.segment.key.encode()),) * frames.count
        if shots is not None:
            images = shots.take(place.segment)
        return prompt().fill(_values(place, exercise, len(images)), images)

    return Request(
        id=place.segment.key,
        messages=build,
        sampling=asking.sampling(),
        schema=SCHEMA,
        read=partial(read_salient, standard=standard),
        alias=_alias(place, asking, frames),
        prompt_hash=prompt().filled_hash(_values(place, exercise, frames.count)),
    )


def _values(place: SegmentToAnnotate, exercise: Exercise, count: int) -> dict[str, str]:
    seconds = place.segment.duration_s if place.segment.bounded else 0.0
    return prompt_values(exercise, place.segment.side, count, seconds)


def _alias(place: SegmentToAnnotate, asking: Asking, frames: FrameOptions) -> str:
    status = place.video.path.stat()
    file = [place.video.key, status.st_size, status.st_mtime_ns, place.video.lies_on_side]
    segment = [place.segment.start_s, place.segment.end_s if place.segment.bounded else None]
    question = prompt().filled_hash(_values(place, place.known_exercise(), frames.count))
    return alias_of(asking, "salient", file, segment, asdict(frames), question)


def by_model(item: Item[SegmentToAnnotate], asking: Asking, frames: FrameOptions, cache: Cache) -> dict[str, Any]:
    """One segment from its kept answer."""
    place = item.payload
    exercise = place.known_exercise()
    place.video.check()
    standard = standard_set(exercise)
    answer = answer_of(cache, _alias(place, asking, frames), partial(read_salient, standard=standard))
    return {
        "joints": list(answer.value.joints),
        "expansions": dict(answer.value.expansions),
        "standard": list(standard),
        "model": answer.model,
        "prompt_hash": answer.prompt_hash,
        "raw": answer.text,
        "frame_times_s": list(answer.image_times_s),
    }


def _write(workspace: Workspace, method: str, found: Sequence[SegmentToAnnotate], summary: Summary) -> None:
    """The method's own table and, as the current one, that without a method's name; rows of items not selected stay."""
    path = workspace.annotation("salient", method)
    rows = {}
    if path.is_file():
        rows = {row.key: row for row in SALIENT.load(path)}
    for place in found:
        key = place.segment.key
        if key in summary.results:
            rows[key] = _row(place, method, summary.results[key])
        elif key in summary.failed:
            rows[key] = _failed_row(place, method, *summary.failed[key])
    ordered = [rows[place.segment.key] for place in found if place.segment.key in rows]
    history = [{"operation": f"annotate --method {method}"}]
    reviewed = apply_reviews("salient", ordered, read_reviews(workspace))
    for target in (path, workspace.annotation("salient")):
        SALIENT.save(target, reviewed, metadata={"method": method, "joints": list(JOINT_NAMES)}, history=history)


def _row(place: SegmentToAnnotate, method: str, result: dict[str, Any]) -> SalientRow:
    return replace(
        _empty_row(place, method),
        joints=result["joints"],
        vector=vector_of(result["joints"]),
        standard=result["standard"],
        expansions=json.dumps(result["expansions"], ensure_ascii=False),
        since=json.dumps(result["since"]) if result.get("since") else None,
        frame_times_s=result.get("frame_times_s"),
        model=result.get("model"),
        prompt_hash=result.get("prompt_hash"),
        raw=result.get("raw"),
    )


def _failed_row(place: SegmentToAnnotate, method: str, reason: str, detail: str) -> SalientRow:
    return replace(_empty_row(place, method), status="failed", reason=reason, raw=split_detail(detail)[1])


def _empty_row(place: SegmentToAnnotate, method: str) -> SalientRow:
    segment = place.segment
    return SalientRow(
        split=segment.split,
        video=segment.video,
        segment=segment.index,
        exercise=segment.exercise_id,
        status="ok",
        method=method,
    )


def methods_agreement(workspace: Workspace) -> dict[str, Any] | None:
    """Agreement of the two methods on the segments that both annotated: per joint Cohen's kappa, alpha over all.

    Written to `annotations/agreement-salient.json`; None where one of the two tables is not there yet.
    """
    paths = [workspace.annotation("salient", method) for method in ("vlm", "rules")]
    if not all(path.is_file() for path in paths):
        return None
    model, rules = ({row.key: row.vector for row in SALIENT.load(path) if row.vector} for path in paths)
    both = sorted(set(model) & set(rules))
    joints = {}
    for index, joint in enumerate(JOINT_NAMES):
        first, second = [model[key][index] for key in both], [rules[key][index] for key in both]
        same = sum(a == b for a, b in zip(first, second, strict=True))
        joints[joint] = {
            "kappa": cohen_kappa(first, second),
            "equal": same / len(both) if both else None,
            "vlm": sum(first),
            "rules": sum(second),
        }
    flat = [[bit for key in both for bit in table[key]] for table in (model, rules)]
    report = {"segments": len(both), "alpha": nominal_alpha(flat), "joints": joints}
    write_json(workspace.annotations / "agreement-salient.json", report)
    return report


def describe_agreement(report: dict[str, Any]) -> str:
    """The report of `methods_agreement` as lines for people; joints that neither method ever chose are left out."""
    alpha = "-" if report["alpha"] is None else f"{report['alpha']:.2f}"
    lines = [f"agreement of vlm and rules on {report['segments']} segments: Krippendorff's alpha {alpha}; per joint"]
    for joint, entry in report["joints"].items():
        if entry["vlm"] or entry["rules"]:
            kappa = "-" if entry["kappa"] is None else f"{entry['kappa']:.2f}"
            lines.append(
                f"  {joint:14} kappa {kappa:>5}, equal {entry['equal']:.0%}, vlm {entry['vlm']}, rules {entry['rules']}"
            )
    return "\n".join(lines)
