"""Counts and rates of a rewritten data set, for the card, the terminal and the audit page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from qevd_bio.tables.rewritten import KEPT, REWRITTEN, UNSUPPORTED, FeedbackRow


@dataclass(frozen=True)
class Figures:
    """What became of the feedback. All counters are by number of feedbacks.

    by_intent     (intent, status)
    by_exercise   (exercise or "-", status), corrective feedback only
    by_reason     (exercise or "-", reason), unsupported feedback only
    """

    feedbacks: int = 0
    corrective: int = 0
    rewritten: int = 0
    unsupported: int = 0
    kept: int = 0
    by_intent: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_exercise: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_reason: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_video: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    named_part: int = 0
    part_agrees: int = 0
    contradictions: int = 0
    within_bounds: int = 0
    distinct_texts: int = 0
    duplicates: tuple[tuple[str, int], ...] = ()
    words_before: float = 0.0
    words_after: float = 0.0

    @property
    def rewritten_share(self) -> float | None:
        """Share of corrective feedback that was rewritten; None where there is none."""
        return self.rewritten / self.corrective if self.corrective else None

    @property
    def part_agreement(self) -> float | None:
        """Of rewritten feedback in which the trainer named a body part: share whose first cue concerns it."""
        return self.part_agrees / self.named_part if self.named_part else None

    @property
    def contradiction_share(self) -> float | None:
        """Share of rewritten feedback that asks for the opposite of what the trainer asked."""
        return self.contradictions / self.rewritten if self.rewritten else None

    def by_cause(self) -> Counter[str]:
        """Unsupported feedback by reason, over all exercises."""
        found: Counter[str] = Counter()
        for (_, reason), count in self.by_reason.items():
            found[reason] += count
        return found


def figures(rows: Iterable[FeedbackRow]) -> Figures:
    """Count the rows of the table `bio_feedbacks`."""
    rows = list(rows)
    corrective = [row for row in rows if row.intent == "corrective"]
    new = [row for row in rows if row.status == REWRITTEN]
    named = [row for row in new if row.body_parts]
    texts = Counter(row.text for row in new)
    return Figures(
        feedbacks=len(rows),
        corrective=len(corrective),
        rewritten=len(new),
        unsupported=sum(row.status == UNSUPPORTED for row in rows),
        kept=sum(row.status == KEPT for row in rows),
        by_intent=Counter((str(row.intent), row.status) for row in rows),
        by_exercise=Counter((_exercise(row), row.status) for row in corrective),
        by_reason=Counter((_exercise(row), str(row.reason)) for row in rows if row.status == UNSUPPORTED),
        by_video=Counter((row.split, row.video, row.status) for row in rows),
        named_part=len(named),
        part_agrees=sum(bool(row.part_agrees) for row in named),
        within_bounds=sum(bool(row.within_bounds) for row in new),
        contradictions=sum(bool(row.contradicts) for row in new),
        distinct_texts=len(texts),
        duplicates=tuple((text, count) for text, count in texts.most_common() if count > 1),
        words_before=_mean_words(row.original for row in new),
        words_after=_mean_words(row.text for row in new),
    )


def _exercise(row: FeedbackRow) -> str:
    return row.exercise or "-"


def _mean_words(texts: Iterable[str]) -> float:
    counts = [len(text.split()) for text in texts]
    return sum(counts) / len(counts) if counts else 0.0
