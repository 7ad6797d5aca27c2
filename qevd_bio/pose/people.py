"""Which of several people is the subject: boxes linked over time, then the largest area × presence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

RULE = "largest sum over the clip of box area x presence"
MAX_GAP_S = 5.0
MIN_IOU = 0.15
# A second person counts as a candidate from this share of the subject's score on.
CANDIDATE_SHARE = 0.15
MIN_SIGHTINGS = 2

Box = NDArray[np.float64]


@dataclass(frozen=True)
class Sighting:
    """One person in one frame: box (x0, y0, x1, y1) in pixels, presence 0..1, its place in the backend's list."""

    time_s: float
    step: int
    box: Box
    presence: float
    row: int = 0


@dataclass
class Track:
    """Sightings of one person, in order of time."""

    sightings: list[Sighting] = field(default_factory=list)

    @property
    def score(self) -> float:
        """Sum of area × presence; each sighting stands for an equal share of the clip."""
        return float(sum(box_area(s.box) * s.presence for s in self.sightings))

    def box_at(self, time_s: float) -> Box:
        """The box at a time, linear between sightings, constant outside."""
        times = [s.time_s for s in self.sightings]
        corners = np.array([s.box for s in self.sightings])
        return np.array([np.interp(time_s, times, corners[:, k]) for k in range(4)])


@dataclass(frozen=True)
class Subject:
    """The choice: the subject's track (None where nobody was seen) and every track that competed."""

    track: Track | None
    candidates: tuple[Track, ...]

    @property
    def several(self) -> bool:
        """Whether more than one person was found."""
        return len(self.candidates) > 1

    def record(self) -> dict[str, Any]:
        """What the metadata says about the choice."""
        total = sum(track.score for track in self.candidates)
        shares = [round(track.score / total, 3) for track in self.candidates] if total else []
        return {"rule": RULE, "candidates": len(self.candidates), "area_presence_shares": shares}


def box_area(box: Box) -> float:
    """Area of a box (left, top, right, bottom), 0 where it is empty."""
    return float(max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0))


def iou(a: Box, b: Box) -> float:
    """Overlap of two boxes: intersection over union, 0..1."""
    shared = box_area(np.concatenate([np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])]))
    union = box_area(a) + box_area(b) - shared
    return shared / union if union > 0 else 0.0


def link(steps: Sequence[Sequence[Sighting]]) -> list[Track]:
    """Join sightings of successive frames into tracks, best overlap first; a gap up to MAX_GAP_S is bridged."""
    tracks: list[Track] = []
    for step in steps:
        pairs = sorted(
            (
                (-iou(track.sightings[-1].box, sighting.box), t, s)
                for t, track in enumerate(tracks)
                for s, sighting in enumerate(step)
                if sighting.time_s - track.sightings[-1].time_s <= MAX_GAP_S
            ),
        )
        used_tracks: set[int] = set()
        used: set[int] = set()
        for overlap, t, s in pairs:
            if -overlap >= MIN_IOU and t not in used_tracks and s not in used:
                tracks[t].sightings.append(step[s])
                used_tracks.add(t)
                used.add(s)
        tracks.extend(Track([sighting]) for s, sighting in enumerate(step) if s not in used)
    return tracks


def choose_subject(steps: Sequence[Sequence[Sighting]]) -> Subject:
    """The person with the largest area × presence over the whole clip, and who else was a candidate.

    Tracks that never share a frame with the subject and take over where it ended are the same person seen
    after a jump (a box that moved too far between two samples), so they are joined to it, not counted as rivals.
    """
    tracks = sorted(link(steps), key=lambda track: -track.score)
    if not tracks:
        return Subject(None, ())
    subject, others = Track(list(tracks[0].sightings)), []
    for track in tracks[1:]:
        taken = {s.step for s in subject.sightings}
        if taken.isdisjoint(s.step for s in track.sightings):
            subject.sightings = sorted([*subject.sightings, *track.sightings], key=lambda s: s.step)
        else:
            others.append(track)
    rivals = [
        track
        for track in others
        if track.score >= CANDIDATE_SHARE * subject.score and len(track.sightings) >= MIN_SIGHTINGS
    ]
    return Subject(subject, (subject, *rivals))
