"""`qevd-bio refs calibrate`: bounds of form errors from labelled clips, as references of the workspace."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.rules import Exercise
from qevd_bio.motion.bounds.candidates import Candidate, SegmentReadings, candidates_of
from qevd_bio.motion.bounds.choose import Chosen, HeldOut, RuleClips, choose, clips_area, enough, held_out, standing
from qevd_bio.motion.bounds.labels import FaultLabel, read_labels
from qevd_bio.motion.bounds.options import CalibrateOptions
from qevd_bio.motion.bounds.page import page
from qevd_bio.motion.cycles.curves import skeleton_of
from qevd_bio.motion.frames import frames_of
from qevd_bio.motion.segment import seen_curves
from qevd_bio.store.atomic import write_json, write_text
from qevd_bio.store.errors import UserError
from qevd_bio.store.plain_data import read_yaml
from qevd_bio.store.resources import refs_path
from qevd_bio.tables.by_video import ByVideo, by_segment
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.motion import CYCLES
from qevd_bio.tables.workspace import Workspace

SOURCE = "LABELS"


@dataclass(frozen=True)
class Calibrated:
    """One rule: its clips, what was chosen (None for too few labels), and how it does on people left out."""

    exercise: str
    clips: RuleClips
    chosen: Chosen | None
    before: HeldOut
    after: HeldOut

    @property
    def name(self) -> str:
        return f"{self.exercise}: {self.clips.error.id}"

    @property
    def changed(self) -> bool:
        """Whether the labels set a bound."""
        return self.chosen is not None and math.isfinite(self.chosen.found)

    def line(self) -> str:
        """The rule in one line of text."""
        clips, chosen = self.clips, self.chosen
        counts = f"{self.name}: {int(clips.present.sum())} of {len(clips.present)} clips faulty"
        if chosen is None:
            return f"{counts}; too few to set a bound"
        candidate = clips.candidates[chosen.number]
        bound = f"bound {chosen.bound:.3g} ({candidate.name})" if self.changed else "no bound reaches the precision"
        after, before = self.after, self.before
        tested = f"held out {after.hits} of {after.called} right, before {before.hits} of {before.called}"
        return f"{counts}; area {chosen.area.value:.2f}; {bound}; {tested}"


@dataclass(frozen=True)
class Calibration:
    """All rules that have labels, the clips that were not found, and the files written."""

    rules: tuple[Calibrated, ...]
    unseen: tuple[str, ...]
    page: Path
    written: tuple[Path, ...]


def calibrate(
    workspace: Workspace,
    labels: Sequence[Path],
    options: CalibrateOptions,
    write: bool = False,
    today: date | None = None,
) -> Calibration:
    """Compare measures and bounds on labelled clips that `analyze` has seen; with `write` they become references.

    UserError for labels that cannot be read or fit no clip of the workspace.
    """
    catalogue = load((workspace.user_refs / "exercises",))
    told = read_labels(labels, catalogue, workspace.user_refs)
    if not workspace.cycles.is_file():
        raise UserError("no such file", where=workspace.cycles, expected="the motion tables", fix="qevd-bio analyze")
    rules, unseen = [], set()
    for exercise, error_id, own in _by_rule(told):
        made, lost = _measured(workspace, catalogue[exercise], error_id, own, options.switch)
        unseen |= lost
        if made is not None:
            rules.append(_calibrated(exercise, made, options))
    if not rules:
        raise UserError(
            "none of the labelled clips has repetitions in this workspace",
            where=workspace.cycles,
            expected="clips named split/video or video, such as " + ", ".join(_names(workspace)[:3]),
        )
    when = today or date.today()
    folder = workspace.path("calibration")
    write_json(folder / "calibration.json", [_row(rule, when) for rule in rules])
    where = folder / "calibration.html"
    write_text(where, page([(r.name, r.clips, r.chosen, r.before, r.after) for r in rules], labels, when))
    written = _write_references(workspace, catalogue, rules, labels, when) if write else ()
    return Calibration(tuple(rules), tuple(sorted(unseen)), where, tuple(written))


def _by_rule(labels: Sequence[FaultLabel]) -> Iterator[tuple[str, str, list[FaultLabel]]]:
    found: dict[tuple[str, str], list[FaultLabel]] = defaultdict(list)
    for label in labels:
        found[label.exercise, label.fault].append(label)
    for (exercise, fault), own in sorted(found.items()):
        yield exercise, fault, own


def _names(workspace: Workspace) -> list[str]:
    return [f"{split}/{video}" for split, video in ByVideo(CYCLES, workspace.cycles).videos]


def _measured(
    workspace: Workspace, exercise: Exercise, error_id: str, labels: Sequence[FaultLabel], switch: int
) -> tuple[RuleClips | None, set[str]]:
    """The candidates' values on the labelled clips, and the clips that could not be found."""
    error = next(error for error in exercise.errors if error.id == error_id)
    faulty = sum(label.present for label in labels)
    candidates = candidates_of(error, exercise)
    if min(faulty, len(labels) - faulty) < switch:
        candidates = candidates[:1]
    cycles = ByVideo(CYCLES, workspace.cycles)
    places = {name: key for key in cycles.videos for name in (key[1], "/".join(key))}
    columns, kept, lost = [], [], set()
    for label in labels:
        key = places.get(label.clip)
        values = None if key is None else _values(workspace, cycles, key, exercise, candidates)
        if values is None:
            lost.add(label.clip)
        else:
            columns.append(values)
            kept.append(label)
    if not kept:
        return None, lost
    people = np.unique([label.person for label in kept], return_inverse=True)[1].astype(np.intp)
    present = np.array([label.present for label in kept])
    return RuleClips(error, candidates, np.array(columns, dtype=np.float64).T, present, people), lost


def _values(
    workspace: Workspace,
    cycles: ByVideo[Any],
    key: tuple[str, str],
    exercise: Exercise,
    candidates: Sequence[Candidate],
) -> list[float] | None:
    """One value a candidate, of the clip's first segment of that exercise; None where it has no repetition."""
    segments = by_segment(row for row in cycles.rows(*key) if row.exercise == exercise.id)
    path = workspace.kinematics(*key)
    if not segments or not path.is_file():
        return None
    kinematics = Kinematics.read(path)
    frames = frames_of(kinematics)
    curves = seen_curves(frames, skeleton_of(kinematics.skeleton_lengths, _stature(kinematics)))
    seen = SegmentReadings(exercise, curves, frames.time_s, next(iter(segments.values())))
    return [seen.value(candidate) for candidate in candidates]


def _stature(kinematics: Kinematics) -> float | None:
    value = kinematics.body.get("height", {}).get("value")
    return float(value) if value else None


def _calibrated(exercise: str, clips: RuleClips, options: CalibrateOptions) -> Calibrated:
    before, after = held_out(clips, options)
    return Calibrated(exercise, clips, choose(clips, options) if enough(clips, options) else None, before, after)


def _row(rule: Calibrated, when: date) -> dict[str, Any]:
    clips, chosen = rule.clips, rule.chosen
    faulty = int(clips.present.sum())
    row: dict[str, Any] = {
        "exercise": rule.exercise, "fault": clips.error.id, "date": when.isoformat(), "clips": len(clips.present),
        "faulty": faulty, "people": int(clips.people.max()) + 1, "measure": clips.candidates[0].name,
        "bound": standing(clips, 0), "area": clips_area(clips), "held_out_before": asdict(rule.before),
        "held_out_after": asdict(rule.after), "chosen": None,
    }  # fmt: skip
    if chosen is not None:
        row["chosen"] = {
            "measure": clips.candidates[chosen.number].name, "area": list(chosen.area), "found": chosen.found,
            "recall": chosen.recall, "bound": chosen.bound,
        }  # fmt: skip
    plain: dict[str, Any] = _without_nan(row)
    return plain


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write_references(
    workspace: Workspace,
    catalogue: Mapping[str, Exercise],
    rules: Sequence[Calibrated],
    labels: Sequence[Path],
    when: date,
) -> Iterator[Path]:
    """Exercise files of the workspace with the new bounds; what the labels leave open stays as it was."""
    changed: dict[str, list[Calibrated]] = defaultdict(list)
    for rule in rules:
        if rule.changed:
            changed[rule.exercise].append(rule)
    for exercise, own in changed.items():
        mine = workspace.user_refs / "exercises" / f"{exercise}.yaml"
        data = read_yaml(mine if mine.is_file() else refs_path("exercises", f"{exercise}.yaml"))
        by_id = {entry["id"]: entry for entry in data["errors"]}
        for rule in own:
            by_id[rule.clips.error.id].update(_entry(rule, labels, when))
            for name in ("below", "above", "outside"):
                if by_id[rule.clips.error.id].get(name) is None:
                    by_id[rule.clips.error.id].pop(name, None)
        write_text(mine, yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=140))
        yield mine


def _entry(rule: Calibrated, labels: Sequence[Path], when: date) -> dict[str, Any]:
    """The keys of a form error that the labels change."""
    chosen, clips = rule.chosen, rule.clips
    assert chosen is not None
    candidate, error = clips.candidates[chosen.number], clips.error
    bound = float(f"{chosen.bound:.3g}")
    low, high = (float(f"{end:.2f}") for end in chosen.area[1:])
    basis = (
        f"{len(clips.present)} clips of {int(clips.people.max()) + 1} people, {int(clips.present.sum())} faulty; "
        f"area {chosen.area.value:.2f} ({low} to {high}); {when.isoformat()}; {', '.join(path.name for path in labels)}"
    )
    entry: dict[str, Any] = {
        "below": None, "above": None, "outside": None, "above" if candidate.above else "below": bound,
        "source": SOURCE, "confidence": "medium", "basis": basis,
    }  # fmt: skip
    if error.outside is not None and chosen.number == 0:
        ends = [error.outside[0], bound] if candidate.above else [bound, error.outside[1]]
        entry |= {"above": None, "below": None, "outside": ends}
    measure = candidate.measure
    if chosen.number:
        entry |= {"quantity": measure.quantity, "side": measure.side, "stat": measure.stat, "at": measure.at}
    entry["goal"] = _goal(rule, bound)
    return entry


def _goal(rule: Calibrated, bound: float) -> float:
    """The value to reach: the old one where it is no fault now, else the median of the clips without the fault."""
    chosen, clips = rule.chosen, rule.clips
    assert chosen is not None
    candidate, goal = clips.candidates[chosen.number], clips.error.goal
    if chosen.number == 0 and candidate.score(goal) < candidate.score(bound):
        return goal
    fine = clips.values[chosen.number][~clips.present]
    middle = float(np.nanmedian(fine))
    return float(f"{middle if candidate.score(middle) < candidate.score(bound) else bound:.3g}")
