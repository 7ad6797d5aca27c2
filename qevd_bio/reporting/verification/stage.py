"""`qevd-bio verify`: what the stages found in simulated workouts, against what is true of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qevd_bio.feedback.intent import classify_intent
from qevd_bio.reporting.verification.angles import AngleErrors, angle_errors
from qevd_bio.reporting.verification.motion import (
    Counts,
    Repetitions,
    Violations,
    compare_repetitions,
    compare_violations,
)
from qevd_bio.reporting.verification.rewriting import Rewriting, compare_rewriting
from qevd_bio.simulation.stage import Places
from qevd_bio.store.atomic import make_folder, write_bytes
from qevd_bio.store.errors import UserError
from qevd_bio.tables.by_video import by_segment
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.motion import CYCLES, CycleRow
from qevd_bio.tables.rewritten import FeedbackRow
from qevd_bio.tables.truth import JUDGEMENTS, REPETITIONS, TRUE_FEEDBACKS, TrueFeedback, TrueRepetition
from qevd_bio.tables.verdicts import VERDICTS
from qevd_bio.tables.workspace import Workspace, video_of


@dataclass(frozen=True)
class Verified:
    """Everything that was compared; parts are None where the workspace does not hold what they need.

    missed_while  repetitions not found, by the mistake being made ("" for none);  clean  true ones without a mistake
    """

    oracle: bool
    videos: int
    repetitions: Repetitions
    missed_while: Mapping[str, int]
    clean: int
    violations: Violations
    intents: Mapping[str, Counts]
    intent_right: int
    intent_total: int
    parts: Counts
    directions: Counts
    angles: AngleErrors | None
    rewriting: Rewriting | None


def truth_places(data: Path) -> Places:
    """Places of a simulated data set; UserError for one without truth."""
    places = Places(data)
    if not places.table("repetitions").is_file():
        raise UserError(
            "no truth beside this data set",
            where=places.truth,
            expected="a folder made by qevd-bio simulate",
            fix="qevd-bio simulate sim, then qevd-bio verify --data sim",
        )
    return places


def place_oracle(places: Places, workspace: Workspace) -> int:
    """Put the true kinematics where extracted ones would lie; returns the number of videos."""
    files = places.all_kinematics()
    for path in files:
        target = workspace.kinematics(*video_of(path))
        make_folder(target.parent)
        content = path.read_bytes()
        if not target.is_file() or target.read_bytes() != content:
            write_bytes(target, content)
    return len(files)


def verify(places: Places, workspace: Workspace, rewritten: Sequence[FeedbackRow] | None, oracle: bool) -> Verified:
    """Compare what `workspace` holds with the truth; `rewritten` are the rows of `qevd-bio rewrite`, if it ran.

    Only videos that have kinematics in the workspace count. UserError where none was analysed.
    """
    truth = REPETITIONS.load(places.table("repetitions"))
    videos = {(row.split, row.video) for row in truth}
    videos = {key for key in videos if workspace.kinematics(*key).is_file()}
    if not videos or not workspace.cycles.is_file():
        raise UserError("nothing was analysed here", where=workspace.cycles, fix="qevd-bio extract, qevd-bio analyze")
    cycles, verdicts = CYCLES.load(workspace.cycles), VERDICTS.load(workspace.verdicts)
    feedbacks = [row for row in TRUE_FEEDBACKS.load(places.table("feedbacks")) if (row.split, row.video) in videos]
    repetitions = compare_repetitions(truth, cycles, videos)
    intents, right, parts, directions = _intents(feedbacks)
    return Verified(
        oracle=oracle,
        videos=len(videos),
        repetitions=repetitions,
        missed_while=_missed_while(truth, cycles, videos),
        clean=sum((row.split, row.video) in videos and not row.breaks for row in truth),
        violations=compare_violations(truth, JUDGEMENTS.load(places.table("judgements")), cycles, verdicts, videos),
        intents=intents,
        intent_right=right,
        intent_total=len(feedbacks),
        parts=parts,
        directions=directions,
        angles=None if oracle else angle_errors(_pairs(places, workspace, videos)),
        rewriting=None if rewritten is None else compare_rewriting(feedbacks, rewritten),
    )


def _pairs(places: Places, workspace: Workspace, videos: set[tuple[str, str]]) -> list[tuple[Kinematics, Kinematics]]:
    return [
        (Kinematics.read(places.kinematics(*key)), Kinematics.read(workspace.kinematics(*key)))
        for key in sorted(videos)
    ]


def _missed_while(
    truth: Sequence[TrueRepetition], cycles: Sequence[CycleRow], videos: set[tuple[str, str]]
) -> dict[str, int]:
    """Repetitions that no found one overlaps, by the mistake that was being made ("" for none)."""
    found = by_segment(cycles)
    missed: Counter[str] = Counter()
    for row in truth:
        if (row.split, row.video) not in videos:
            continue
        own = found.get((row.split, row.video, row.segment), [])
        if not any(cycle.start_s <= row.key_s <= cycle.end_s for cycle in own):
            missed["/".join([row.exercise, *row.breaks]) if row.breaks else ""] += 1
    return dict(missed.most_common())


def _intents(feedbacks: Sequence[TrueFeedback]) -> tuple[dict[str, Counts], int, Counts, Counts]:
    """Counts by label, right labels, and counts of body parts and directions where the pattern names them."""
    counts: dict[str, Counts] = {}
    parts, directions = Counts(), Counts()
    right = 0
    for row in feedbacks:
        intent = classify_intent(row.text)
        right += intent.label == row.intent
        for label in {intent.label, row.intent}:
            found = counts.setdefault(label, Counts())
            found.add(Counts(int(intent.label == row.intent), int(label != row.intent), int(label != intent.label)))
        for wanted, got, total in (
            (row.body_parts, intent.body_parts, parts),
            (row.directions, intent.directions, directions),
        ):
            if wanted:
                total.add(Counts(hits=sum(w in got for w in wanted), missed=sum(w not in got for w in wanted)))
    return counts, right, parts, directions
