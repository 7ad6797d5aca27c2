"""Segments of a data set: what a coach is given of each, read when needed, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevd_bio.coach.model.prompts import segment_prompt
from qevd_bio.coach.options import ContextsRead, Read
from qevd_bio.coach.segments.contexts import NOBODY, NOTHING, SegmentContexts, read_contexts
from qevd_bio.coach.vision.feature_files import (
    FeaturePaths,
    FeatureShape,
    VideoFeatures,
    feature_paths,
    other_crops,
    paths_in,
    read_features,
    stage_name,
)
from qevd_bio.dataset.opening import Dataset
from qevd_bio.dataset.workout import Segment
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.store.ledger import marker_path
from qevd_bio.tables.workspace import Workspace

State = tuple[tuple[int, int] | None, ...]
NONE_READ = ContextsRead()


@dataclass(frozen=True)
class SegmentSource:
    """One segment and where its inputs lie; picklable. `reads` says what is wanted of C_motion and C_morph."""

    segment: Segment
    features: FeaturePaths
    workspace: Workspace
    reads: ContextsRead
    sees: FeatureShape
    crops: tuple[FeaturePaths, ...] = ()
    """Features of other crops of the video, to learn from."""

    def load(self) -> SegmentInput:
        """The segment's input. ItemError where features or contexts are missing or cannot be used."""
        segment = self.segment
        part = self.mapped()
        start = span_of(segment)[0]
        times = part.times - start
        motion: list[str] = []
        morph: list[str] = []
        if self.reads.measured:
            written = _state(self.workspace.contexts(segment.split, segment.video))
            contexts = _contexts(self.workspace, segment.split, segment.video, written).get(segment.index)
            if contexts is None:
                raise ItemError("contexts_missing", f"{segment.key}: not analysed; qevd-bio analyze")
            motion, morph = contexts.at((times + segment.start_s).tolist())
        motion = _as_read(motion, self.reads.motion, NOTHING, len(times))
        morph = _as_read(morph, self.reads.morph, NOBODY, len(times))
        return SegmentInput(segment.key, part.tokens(), times, segment_prompt(segment.exercise_official), motion, morph)

    def mapped(self, crop: int = 0) -> VideoFeatures:
        """The segment's features, mapped from disk, of the middle of the picture or of another crop; errors as `load`.

        A crop whose steps are not those of the middle is refused (ItemError).
        """
        paths = (self.features, *self.crops)[crop]
        found = _features(paths, self.sees, _state(paths.features, paths.times)).segment(*span_of(self.segment))
        if crop and len(found.values) != len(self.mapped().values):
            raise ItemError(
                "other_steps", f"{paths.features}: not the steps of {self.features.features}; make both again"
            )
        return found

    def state(self, crops: int = 1) -> State:
        """Size and time of the feature files of the first `crops` crops: changes where these do."""
        chosen = (self.features, *self.crops)[:crops]
        return _state(*(path for paths in chosen for path in (paths.features, paths.times)))

    def files(self) -> tuple[Path, ...]:
        """Files that the result depends on; the small record of the features stands for them where there is one."""
        split, video = self.segment.split, self.segment.video
        encoder = stage_name(self.sees.encoder)
        marker = marker_path(self.workspace.manifests, encoder, f"{split}/{video}")
        own = marker if marker.is_file() and self.workspace.root in self.features.features.parents else None
        contexts = (self.workspace.contexts(split, video),) if self.reads.measured else ()
        return (own or self.features.features, self.features.times, *contexts)


def _as_read(measured: list[str], read: Read, blank: str, steps: int) -> list[str]:
    if read == "measured":
        return measured
    return [blank] * steps if read == "blank" else []


def span_of(segment: Segment) -> tuple[float, float]:
    """Start and end on the scale of the feature times: Unix seconds, or those of a video without timestamps."""
    if segment.start_unix is not None and segment.end_unix is not None:
        return segment.start_unix, segment.end_unix
    return segment.start_s, segment.end_s


def sources(
    dataset: Dataset,
    workspace: Workspace,
    sees: FeatureShape,
    *,
    reads: ContextsRead = NONE_READ,
    split: str | None = None,
) -> list[SegmentSource]:
    """Every segment of a data set with the places of its inputs, for a model that `sees` these features.

    Features are taken from the workspace, else from the data set's own folder (the official place).
    """
    found = []
    for segment in dataset.segments(split, strict=False):
        own = feature_paths(workspace, segment.split, segment.video, sees.encoder)
        paths = own if own.exist else paths_in(dataset.folder(segment.split), segment.video, sees.encoder)
        crops = other_crops(paths if paths.exist else own)
        found.append(SegmentSource(segment, paths if paths.exist else own, workspace, reads, sees, crops))
    if not found:
        raise UserError("no segment in this data set", where=dataset.root, fix="qevd-bio segments says why")
    return found


def _state(*paths: Path) -> State:
    """Size and time of files: what was read from them is kept as long as these stay."""
    found: list[tuple[int, int] | None] = []
    for path in paths:
        try:
            stat = path.stat()
        except OSError:
            found.append(None)
        else:
            found.append((stat.st_size, stat.st_mtime_ns))
    return tuple(found)


@lru_cache(maxsize=32)
def _features(paths: FeaturePaths, sees: FeatureShape, state: State) -> VideoFeatures:
    return read_features(paths, sees.dim, sees.tokens)


@lru_cache(maxsize=32)
def _contexts(workspace: Workspace, split: str, video: str, state: State) -> dict[int, SegmentContexts]:
    return read_contexts(workspace, split, video)


@dataclass(frozen=True)
class Spoken:
    """One predicted feedback: seconds from the segment's start, its text and its number of tokens (0: not counted)."""

    time_s: float
    text: str
    tokens: int


@dataclass
class SegmentInput:
    """One segment: features (T, N, C), step times (T,) in seconds from its start, the prompt.

    `motion` and `morph` are C_motion and C_morph of each step (length T), or empty where the model reads none.
    `live`: the end is not known; these are lists then, and grow while the segment runs.
    """

    key: str
    features: NDArray[np.float32]
    times: NDArray[np.float64]
    prompt: str
    motion: Sequence[str] = ()
    morph: Sequence[str] = ()
    live: bool = False


@dataclass
class SegmentOutput:
    """What was said in a segment; `output` are all tokens, `cut` says that the model could read no further.

    `extra` goes into the segment's line and record as it is.
    """

    key: str
    feedbacks: list[Spoken]
    output: list[int]
    cut: bool
    context_updates: int = 0
    seconds: float = 0.0
    extra: dict[str, Any] = field(default_factory=dict)
