"""Candidates for instances before anything is written about them, with every drop counted by its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean

from qevd_bio.egoexo.release import Release
from qevd_bio.egoexo.takes import Take
from qevd_bio.techcoach.data.released import Request
from qevd_bio.techcoach.data.rules import Annotation
from qevd_bio.techcoach.data.windows import cut, instance_id, meaningful, remarks_by_window
from qevd_bio.techcoach.options import BuildOptions


@dataclass(frozen=True)
class Draft:
    """A clip of a take with the remarks on it; points and annotation where a released file brings them."""

    id: str
    take: Take
    split: str
    task: str
    start_s: float
    end_s: float
    remarks: tuple[str, ...]
    score: float
    raters: int
    points: tuple[str, ...] | None = None
    annotation: Annotation | None = None


@dataclass
class Counts:
    """What became of takes, windows, remarks and ratings: counters by reason, and what should be looked at."""

    takes: Counter[str] = field(default_factory=Counter)
    windows: Counter[str] = field(default_factory=Counter)
    remarks: Counter[str] = field(default_factory=Counter)
    ratings: Counter[str] = field(default_factory=Counter)
    oddities: Counter[str] = field(default_factory=Counter)
    without_best_exo: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """For the report file."""
        return {
            name: dict(sorted(value.items())) if isinstance(value, Counter) else sorted(set(value))
            for name, value in vars(self).items()
        }


def drafts_of_takes(release: Release, options: BuildOptions, counts: Counts) -> list[Draft]:
    """Windows of the takes of the wanted scenarios that have remarks, a split and a rating."""
    found: list[Draft] = []
    for take in release.takes:
        if take.scenario not in options.scenarios:
            counts.takes["other_scenario"] += 1
            continue
        said = release.commentary.get(take.uid)
        if said is None:
            counts.takes["no_commentary"] += 1
            continue
        counts.remarks.update(said.left_out)
        about = _about(release, take, counts)
        if about is None:
            continue
        spans = cut(take, options)
        sorted_in = remarks_by_window(said.comments, spans, options.lag_s)
        counts.remarks["in_no_window"] += len(said.comments) - sum(map(len, sorted_in))
        for (start, end), remarks in zip(spans, sorted_in, strict=True):
            if not remarks:
                counts.windows["no_remark"] += 1
            elif not meaningful(remarks, options.min_words):
                counts.windows["too_few_words"] += 1
            else:
                texts = tuple(remark.text for remark in remarks)
                name = instance_id(take.name, start)
                found.append(Draft(name, take, about[0], take.task, start, end, texts, *about[1:]))
    return found


def drafts_of_requests(release: Release, requests: Sequence[Request], counts: Counts) -> list[Draft]:
    """Requests of a released file joined to their takes by name, else by uid; score and split come from there."""
    found: list[Draft] = []
    known: dict[str, tuple[str, float, int] | None] = {}
    for request in requests:
        counts.oddities.update(request.oddities)
        take = release.by_name.get(request.take) or release.by_uid.get(request.take_id)
        if take is None:
            counts.windows["unknown_take"] += 1
            continue
        if take.uid not in known:
            known[take.uid] = _about(release, take, counts)
        about = known[take.uid]
        if about is None:
            counts.windows["take_dropped"] += 1
            continue
        name = instance_id(take.name, request.start_s)
        found.append(
            Draft(
                name, take, about[0], request.task or take.task, request.start_s, request.end_s, request.raw,
                *about[1:], points=request.points, annotation=request.annotation,
            )
        )  # fmt: skip
    return found


def _about(release: Release, take: Take, counts: Counts) -> tuple[str, float, int] | None:
    """Split, score and number of raters of a take; None, counted, where it has no split or no rating."""
    split = release.split_of.get(take.uid)
    if split is None:
        counts.takes["no_split"] += 1
        return None
    ratings, missing = release.ratings(take)
    counts.ratings.update(missing)
    if not ratings:
        counts.takes["no_rating"] += 1
        return None
    counts.takes["kept"] += 1
    if take.best_exo is None:
        counts.without_best_exo.append(take.name)
    return split, fmean(rating.rating for rating in ratings), len(ratings)
