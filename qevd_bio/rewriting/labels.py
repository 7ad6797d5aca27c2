"""Labels of faults from QEVD itself: QEVD-FIT-300K's fine-grained labels, and what trainers said in QEVD-FIT-COACH.

The table refs/labels.csv says which "<exercise> - <variation>" is which fault. A trainer who asks for the mending of a
fault labels it present; faults of the same exercise that no correction of the segment can mean are labelled absent.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from qevd_bio.dataset.names import NameBook
from qevd_bio.dataset.opening import Dataset
from qevd_bio.dataset.segments import segments_of
from qevd_bio.dataset.short_clips import SPLIT, ShortClip, read_clips
from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.rules import Exercise
from qevd_bio.feedback.intent import classify_intent
from qevd_bio.rewriting.agree import Wish, match, wish
from qevd_bio.store.atomic import write_text
from qevd_bio.store.errors import UserError
from qevd_bio.store.resources import refs_path

NONE = "none"
COLUMNS = ("clip", "exercise", "fault", "present", "participant")
LabelRow = tuple[str, str, str, int, str]


@dataclass(frozen=True)
class FoundLabels:
    """Lines of the CSV, and the variations that the table does not know, with how often they stand there."""

    rows: tuple[LabelRow, ...]
    unknown: Mapping[str, int]


@cache
def variations() -> dict[tuple[str, str], str]:
    """(exercise, variation) -> id of the fault, or "none" for a variation that is no fault, from refs/labels.csv."""
    with refs_path("labels.csv").open(encoding="utf-8", newline="") as stream:
        return {(row["exercise"], plain(row["variation"])): row["fault"] for row in csv.DictReader(stream)}


def plain(variation: str) -> str:
    """Lower case, single blanks."""
    return " ".join(variation.lower().replace("-", " ").replace("_", " ").split())


def of_clips(clips: Iterable[ShortClip], names: NameBook, catalogue: Mapping[str, Exercise]) -> FoundLabels:
    """Labels of short clips. A clip with an unknown variation tells only of the faults it is known to show."""
    rows: list[LabelRow] = []
    unknown: Counter[str] = Counter()
    for clip in clips:
        for exercise, own in _by_exercise(clip, names).items():
            if exercise not in catalogue:
                unknown.update(f"{exercise} - {variation}" for variation in own)
                continue
            faults = {variations().get((exercise, plain(variation))) for variation in own}
            unknown.update(f"{exercise} - {v}" for v in own if (exercise, plain(v)) not in variations())
            told = {fault for fault in faults if fault not in (None, NONE)}
            rest = () if None in faults else _told_of(exercise)
            for fault in sorted({*told, *rest} & {error.id for error in catalogue[exercise].errors}):
                rows.append((f"{SPLIT}/{clip.stem}", exercise, fault, int(fault in told), clip.participant or ""))
    return FoundLabels(tuple(rows), dict(unknown.most_common()))


def _by_exercise(clip: ShortClip, names: NameBook) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for label in clip.labels:
        written, _, variation = label.partition(" - ")
        known = names.lookup(written)
        found.setdefault(known.id if known else written.strip(), []).append(variation.strip() or "good")
    return found


def _told_of(exercise: str) -> set[str]:
    """Faults that the table has a variation for: only their absence means anything."""
    return {fault for (own, _), fault in variations().items() if own == exercise and fault != NONE}


def of_feedback(dataset: Dataset, catalogue: Mapping[str, Exercise]) -> Iterator[LabelRow]:
    """Labels of long videos by what trainers said; segments in which nobody said anything tell nothing."""
    for split in dataset.splits:
        for workout in dataset.workouts(split):
            segments, _ = segments_of(workout, dataset.names)
            for segment in segments:
                texts = [feedback.span.text for feedback in segment.feedbacks]
                exercise = catalogue.get(segment.exercise_id or "")
                if not texts or exercise is None:
                    continue
                wishes = [wish(intent, t) for t in texts if (intent := classify_intent(t)).label == "corrective"]
                for fault, present in sorted(told_faults(wishes, exercise).items()):
                    yield f"{split}/{workout.video}", exercise.id, fault, int(present), workout.participant or ""


def told_faults(wishes: Sequence[Wish], exercise: Exercise) -> dict[str, bool]:
    """Fault -> present, from the corrections of one segment; a fault that a correction may mean or not is left out."""
    said: set[str] = set()
    may_be: set[str] = set()
    for asked in wishes:
        scores = {}
        for error in exercise.errors:
            found = match(asked, error.parts, error.directions, "", error.says)
            if not found.contradicts and (found.said or found.part or found.direction or asked.vague):
                scores[error.id] = found.score
        best = [fault for fault, score in scores.items() if score == max(scores.values())]
        may_be |= set(scores)
        if len(best) == 1 and scores[best[0]] >= 1.0:
            said.add(best[0])
    absent = {error.id for error in exercise.errors} - may_be - said
    return dict.fromkeys(said, True) | dict.fromkeys(absent, False)


def write_labels(dataset: Dataset, out: Path, user_refs: Path | None = None) -> FoundLabels:
    """Write the labels of a data set as CSV for `refs calibrate`. UserError for one that has none."""
    catalogue = load(() if user_refs is None else (user_refs / "exercises",))
    if dataset.kind == "short_clips":
        found = of_clips(read_clips(dataset.root), dataset.names, catalogue)
    elif dataset.kind == "qevd" and dataset.has_ground_truth:
        found = FoundLabels(tuple(of_feedback(dataset, catalogue)), {})
    else:
        raise UserError(
            "there are no labels of faults",
            where=dataset.root,
            expected="QEVD-FIT-300K with its fine-grained labels, or QEVD-FIT-COACH with its feedback",
        )
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(found.rows)
    write_text(out, buffer.getvalue())
    return found
