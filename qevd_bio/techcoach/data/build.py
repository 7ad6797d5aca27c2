"""`qevd-bio techcoach build`: takes to coached instances, with counts, a review sheet and the released JSON."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from qevd_bio.annotation.asking import Asking
from qevd_bio.egoexo.release import Release, open_release
from qevd_bio.feedback.technique import DIMENSIONS, dimension_index
from qevd_bio.store.atomic import write_json
from qevd_bio.store.errors import UserError
from qevd_bio.store.manifest import manifest
from qevd_bio.store.plain_data import read_json
from qevd_bio.tables.coaching import INSTANCES, INSTANCES_FILE, CoachingInstance
from qevd_bio.techcoach.data.by_model import ask_annotations, ask_coach_scores, ask_points
from qevd_bio.techcoach.data.drafts import Counts, Draft, drafts_of_requests, drafts_of_takes
from qevd_bio.techcoach.data.released import read_released, write_released
from qevd_bio.techcoach.data.review import corrected, read_sheet, write_sheet
from qevd_bio.techcoach.data.rules import Annotation, annotate_by_rules, points_by_rules
from qevd_bio.techcoach.options import PUBLISHED_COUNTS, BuildOptions

ANNOTATIONS, POINTS, REPORT, SHEET = "annotations.json", "points.json", "build.json", "review.csv"
_DRAW = 0


@dataclass(frozen=True)
class Built:
    """What a build gave: the instances, and the report that lies beside them."""

    instances: Sequence[CoachingInstance]
    report: Mapping[str, Any]
    folder: Path

    def describe(self) -> list[str]:
        """Lines for people."""
        splits = self.report["instances"]
        lines = [f"{len(self.instances)} instances ({', '.join(f'{n} {s}' for s, n in splits.items())})"]
        for what in ("takes", "windows", "remarks", "ratings", "annotation"):
            dropped = {k: v for k, v in self.report["counts"].get(what, {}).items() if k != "kept" and v}
            if dropped:
                lines.append(f"  {what} left out: {', '.join(f'{v} {k}' for k, v in dropped.items())}")
        return lines


def build(
    root: Path, out: Path, options: BuildOptions, *, released: Path | None = None, review: Path | None = None,
    asking: Asking | None = None, redo: bool = False, say: Callable[[str], None] = print,
) -> Built:  # fmt: skip
    """Write `instances.parquet`, `annotations.json`, `points.json`, `review.csv` and `build.json` into `out`.

    `released`: an annotation file in the authors' layout, joined instead of made; `review`: a sheet with decisions.
    Technical points that stand in `points.json` are kept, also edited ones. Raises UserError for damaged input, for
    participants in several splits (`options.leaks`), and where `out` holds a build with other settings.
    """
    inputs = {"data": root, "released": released, "review": review}
    settings = {**asdict(options), **{name: str(path) if path else None for name, path in inputs.items()}}
    _check_free(out, settings, redo)
    release, counts = open_release(root), Counts()
    requests = None if released is None else read_released(released)
    drafts = (
        drafts_of_takes(release, options, counts) if requests is None else drafts_of_requests(release, requests, counts)
    )
    drafts, leaks = _without_leaks(release, drafts, options)
    made = Counter[str]()
    points = _points(drafts, out, options, asking, say)
    annotations = _annotations(drafts, points, options, asking, made, say)
    instances = [_instance(draft, points, annotations[draft.id]) for draft in drafts if draft.id in annotations]
    decisions: Counter[str] = Counter()
    if review is not None:
        instances, decisions = corrected(instances, read_sheet(review))
    _check_ids(instances, released or root)
    report = {
        "instances": dict(sorted(Counter(one.split for one in instances).items())),
        "published": PUBLISHED_COUNTS,
        "counts": {**counts.as_json(), "annotation": dict(made)},
        "leaks": {name: list(splits) for name, splits in leaks.items()},
        "review": dict(decisions),
        "slots": _slots(instances),
        "coach_score": _coach_score(instances, options, asking, say),
        **manifest("techcoach-build", settings),
    }
    _write(out, instances, points, report)
    return Built(instances, report, out)


def read_instances(folder: Path) -> list[CoachingInstance]:
    """The instances of a build. UserError where there is none."""
    path = folder.expanduser() / INSTANCES_FILE
    if not path.is_file():
        raise UserError("no instances here", where=folder, expected=INSTANCES_FILE, fix="qevd-bio techcoach build")
    return INSTANCES.load(path)


def _check_free(out: Path, settings: Mapping[str, Any], redo: bool) -> None:
    path = out / REPORT
    if redo or not path.is_file():
        return
    there = read_json(path).get("settings", {})
    odd = sorted(name for name in {*settings, *there} if _plain(settings.get(name)) != there.get(name))
    if odd:
        raise UserError(
            f"holds a build with other settings ({', '.join(odd[:3])})", where=out, expected="the same settings",
            fix="--redo to replace it, or another --out",
        )  # fmt: skip


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _without_leaks(
    release: Release, drafts: list[Draft], options: BuildOptions
) -> tuple[list[Draft], Mapping[str, tuple[str, ...]]]:
    """Drafts and the participants that stand in several splits: refused, dropped from train, or kept, as asked."""
    leaks = release.split_leaks([draft.take for draft in drafts])
    if leaks and options.leaks == "refuse":
        told = ", ".join(f"{name} ({', '.join(splits)})" for name, splits in list(leaks.items())[:3])
        raise UserError(
            f"{len(leaks)} participants in several splits: {told}", where=release.root,
            expected="each participant in one split", fix="--leaks drop leaves their training takes out; --leaks keep",
        )  # fmt: skip
    if options.leaks == "drop":
        drafts = [d for d in drafts if d.split != "train" or d.take.participant not in leaks]
    return drafts, leaks


def _points(
    drafts: Sequence[Draft], out: Path, options: BuildOptions, asking: Asking | None, say: Callable[[str], None]
) -> dict[str, tuple[str, ...]]:
    """Task -> seven points: those kept in the folder first, then released ones, else by rules or by the model."""
    kept = _read_points(out / POINTS)
    found: dict[str, tuple[str, ...]] = {}
    wanted: dict[str, str] = {}
    for draft in drafts:
        if draft.task in kept:
            found[draft.task] = kept[draft.task]
        elif draft.points is not None and all(draft.points):
            found.setdefault(draft.task, draft.points)
        elif draft.task not in found:
            wanted[draft.task] = draft.take.scenario
    wanted = {task: scenario for task, scenario in wanted.items() if task not in found}
    if asking is None:
        return found | {task: points_by_rules(scenario, task) for task, scenario in wanted.items()}
    outcome = ask_points([(scenario, task) for task, scenario in wanted.items()], asking)
    say(f"technical points of {len(wanted)} tasks: {outcome.totals.describe(asking.client)}")
    if outcome.failed:
        task, reason = next(iter(outcome.failed.items()))
        raise UserError(
            f"no technical points of {len(outcome.failed)} tasks ({task}: {reason})", where=out / POINTS,
            expected="seven instructions a task", fix="another --model, or write them into this file by hand",
        )  # fmt: skip
    return found | dict(outcome.values)


def _read_points(path: Path) -> dict[str, tuple[str, ...]]:
    if not path.is_file():
        return {}
    found = {}
    for task, texts in read_json(path, "task -> {dimension: technical point}").items():
        by_place = {dimension_index(str(name)): str(text) for name, text in texts.items()}
        if set(by_place) != set(range(len(DIMENSIONS))) or not all(by_place.values()):
            raise UserError(f"{task}: not one text a dimension", where=path, expected=", ".join(DIMENSIONS))
        found[task] = tuple(by_place[place] for place in range(len(DIMENSIONS)))
    return found


def _annotations(
    drafts: Sequence[Draft], points: Mapping[str, Sequence[str]], options: BuildOptions, asking: Asking | None,
    counts: Counter[str], say: Callable[[str], None],
) -> dict[str, Annotation]:  # fmt: skip
    """Annotation of each draft that has something to say; the others are counted by reason."""
    found = {draft.id: draft.annotation for draft in drafts if draft.annotation is not None}
    rest = [draft for draft in drafts if draft.annotation is None]
    if asking is None:
        found |= {draft.id: annotate_by_rules(draft.remarks) for draft in rest}
    elif rest:
        questions = {d.id: (d.take.scenario, d.task, points[d.task], d.remarks) for d in rest}
        outcome = ask_annotations(questions, asking)
        say(f"{len(rest)} instances: {outcome.totals.describe(asking.client)}")
        counts.update(outcome.failed.values())
        found |= dict(outcome.values)
    kept = {key: one for key, one in found.items() if one.slots and one.summary}
    if len(found) > len(kept):
        counts["nothing_said"] += len(found) - len(kept)
    return kept


def _instance(draft: Draft, points: Mapping[str, Sequence[str]], annotation: Annotation) -> CoachingInstance:
    return CoachingInstance(
        id=draft.id,
        take=draft.take.name,
        take_uid=draft.take.uid,
        participant=draft.take.participant,
        scenario=draft.take.scenario,
        task=draft.task,
        split=draft.split,
        start_s=draft.start_s,
        end_s=draft.end_s,
        points=list(points[draft.task]),
        well=list(annotation.well),
        improve=list(annotation.improve),
        raw=list(draft.remarks),
        summary=annotation.summary,
        score=draft.score,
        raters=draft.raters,
    )


def _check_ids(instances: Sequence[CoachingInstance], where: Path) -> None:
    double = [name for name, count in Counter(one.id for one in instances).items() if count > 1]
    if double:
        raise UserError(f"{len(double)} clips stand there twice ({double[0]})", where=where, expected="each clip once")


def _slots(instances: Sequence[CoachingInstance]) -> dict[str, float]:
    """How much is said: comments, and mean words of a comment on a point and of one on the whole."""
    slots = [text for one in instances for text in (*one.well, *one.improve) if text]
    wholes = [one.summary for one in instances]
    return {
        "comments": len(slots),
        "words_a_comment": fmean(len(text.split()) for text in slots) if slots else 0.0,
        "words_a_summary": fmean(len(text.split()) for text in wholes) if wholes else 0.0,
    }


def _coach_score(
    instances: Sequence[CoachingInstance], options: BuildOptions, asking: Asking | None, say: Callable[[str], None]
) -> dict[str, Any] | None:
    """Mean Coach-Score of drawn comments; those that could not be read are missing, not zero."""
    if not options.coach_score:
        return None
    if asking is None:
        raise UserError(
            "the Coach-Score needs a language model", expected="--method llm with --llm-url", fix="or --coach-score 0"
        )
    drawn = random.Random(_DRAW).sample(list(instances), min(options.coach_score, len(instances)))
    outcome = ask_coach_scores({one.id: one.summary for one in drawn}, asking)
    say(f"Coach-Score of {len(drawn)} comments: {outcome.totals.describe(asking.client)}")
    values = list(outcome.values.values())
    return {
        "mean": fmean(values) if values else None,
        "n": len(values),
        "missing": dict(Counter(outcome.failed.values())),
        "model": asking.client.model,
        "published": {"EE4D-DescCoach": 4.33, "Ego-Exo4D sports": 3.44},
    }


def _write(
    out: Path, instances: Sequence[CoachingInstance], points: Mapping[str, Sequence[str]], report: Mapping[str, Any]
) -> None:
    INSTANCES.save(out / INSTANCES_FILE, instances, metadata={"settings": report["settings"]})
    write_released(out / ANNOTATIONS, instances)
    by_name = {task: dict(zip(DIMENSIONS, texts, strict=True)) for task, texts in sorted(points.items())}
    write_json(out / POINTS, by_name)
    write_sheet(out / SHEET, instances)
    # Written last: where it stands, the rest belongs to it.
    write_json(out / REPORT, report)
