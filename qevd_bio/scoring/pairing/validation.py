"""`qevd-bio validate`: every fault of a predictions file, not only the first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from qevd_bio.scoring.pairing.corpus import join
from qevd_bio.scoring.pairing.pairs_file import is_pairs_file, parse_pairs
from qevd_bio.scoring.pairing.predictions import PredictionIssue, parse_predictions, read_bytes
from qevd_bio.scoring.pairing.references import load_references
from qevd_bio.scoring.pairing.warnings import corpus_warnings, file_warnings


@dataclass(frozen=True)
class Report:
    """What a file holds and what is wrong with it."""

    path: Path
    contents: str
    issues: tuple[PredictionIssue, ...]
    notes: tuple[str, ...] = ()

    def lines(self, most: int) -> Iterator[str]:
        """The report as text: at most `most` faults, then what the file holds."""
        for issue in self.issues[:most]:
            yield f"{self.path}:{issue.line}: {_printable(issue.problem)}; expected: {_printable(issue.expected)}"
        if len(self.issues) > most:
            yield f"… and {len(self.issues) - most} more"
        yield from (f"{self.path}: note: {_printable(note)}" for note in self.notes)
        state = f"{len(self.issues)} faults" if self.issues else "ok"
        yield f"{self.path}: {state}: {self.contents}"


def check_file(path: Path, data: Path | None, split: str) -> Report:
    """Check the file's form and, with `data`, that its videos and segments exist; notes are what `score` warns of.

    The data set needs no ground truth. Raises UserError where the file cannot be read at all.
    """
    raw = read_bytes(path)
    if is_pairs_file(raw):
        return Report(path, f"{len(parse_pairs(raw, path))} matched pairs", ())
    segments, issues = parse_predictions(raw)
    notes = file_warnings(segments)
    if data is not None:
        references = load_references(data, split, need_truth=False)
        corpus, faults = join(references.segments, segments, without_feedback=references.without_feedback)
        issues += faults
        notes = file_warnings(segments, references.split) if issues else []
        if not issues:
            notes = corpus_warnings(corpus, segments, references.split)
        if not corpus.truth.texts:
            notes.append(f"{references.split} has no ground truth: its segments were checked, scores need a benchmark")
    elif not issues:
        notes.append("without --data only the form was checked: not videos, segments and late times")
    feedbacks = sum(len(segment.times) for segment in segments)
    contents = f"{len(segments)} segments of {len({s.video for s in segments})} videos, {feedbacks} feedbacks"
    return Report(path, contents, tuple(sorted(issues, key=lambda issue: issue.line)), tuple(notes))


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
