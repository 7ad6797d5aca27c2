"""Systems that are no trained coach, behind one interface: what any score should be compared with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from qevd_bio.coach import interval, rules
from qevd_bio.coach.baseline_context import Said, activities, copy_context
from qevd_bio.coach.baseline_frames import shown_of
from qevd_bio.coach.baseline_options import ASKING, BASELINES, VISION_MODELS, BaselineOptions
from qevd_bio.coach.baseline_turns import Talk, groups, hold_talks
from qevd_bio.coach.contexts import read_contexts
from qevd_bio.coach.options import STEP_HZ
from qevd_bio.dataset.opening import Dataset
from qevd_bio.dataset.workout import Segment
from qevd_bio.motion.tables import CYCLES, VIOLATIONS
from qevd_bio.store.atomic import write_text
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.store.workspace import Workspace

__all__ = ["BASELINES", "run_baseline", "write_baseline"]

Prediction = dict[str, Any]


def run_baseline(
    name: str, dataset: Dataset, workspace: Workspace, options: BaselineOptions | None = None, split: str | None = None
) -> Iterator[Prediction]:
    """What baseline `name` says, one prediction a segment in the data set's order.

    Raises UserError for an unknown name, for tables or contexts that are missing, and where an endpoint is needed
    and none is named.
    """
    options = options or BaselineOptions()
    if name not in BASELINES:
        raise UserError(f"no baseline {name!r}", expected=f"one of {', '.join(BASELINES)}")
    if name in ASKING and not (options.url and options.llm):
        raise UserError(
            f"{name} asks a language model, and none is named",
            expected="--llm-url http://HOST:PORT/v1 and --llm-model NAME",
        )
    segments = dataset.segments(split, strict=False)
    settings = {"baseline": name} | ({"llm": options.llm, "temperature": options.temperature} if name in ASKING else {})
    for prediction in _speak(name, dataset, segments, workspace, options):
        yield {**prediction, "system": name, "settings": settings}


def write_baseline(
    name: str,
    dataset: Dataset,
    workspace: Workspace,
    out: Path,
    options: BaselineOptions | None = None,
    split: str | None = None,
) -> tuple[int, int]:
    """Write the predictions of a baseline to `out`; returns the numbers of segments and of turns without answer."""
    found = list(run_baseline(name, dataset, workspace, options, split))
    write_text(out, "".join(json.dumps(prediction, ensure_ascii=False) + "\n" for prediction in found))
    return len(found), sum(sum(prediction.get("failed_turns", {}).values()) for prediction in found)


def _speak(
    name: str, dataset: Dataset, segments: Sequence[Segment], workspace: Workspace, options: BaselineOptions
) -> Iterable[Prediction]:
    if name == "rules":
        needed = [path for path in (workspace.cycles, workspace.violations) if not path.is_file()]
        if needed:
            raise UserError("no such table", where=needed[0], fix="qevd-bio extract, then qevd-bio analyze")
        return rules.speak(segments, CYCLES.read_rows(workspace.cycles), VIOLATIONS.read_rows(workspace.violations))
    if name == "interval":
        return interval.speak(segments)
    if name == "copy-context":
        return (_prediction(s, copy_context(*_motions(workspace, s), options.gap_s)) for s in segments)
    return _talks(name, dataset, segments, workspace, options)


def _talks(
    name: str, dataset: Dataset, segments: Sequence[Segment], workspace: Workspace, options: BaselineOptions
) -> Iterator[Prediction]:
    frames = VISION_MODELS.get(name.removeprefix("zero-shot-"))
    videos = {(video.split, video.stem): video for video in dataset.videos()}
    for group in groups(segments, options.side_by_side):
        shown: dict[str, Any] = {}
        for place in dict.fromkeys((s.split, s.video) for s in group) if frames else ():
            own = [s for s in group if (s.split, s.video) == place]
            shown |= shown_of(videos[place], own, frames, options) if frames else {}
        talks = [
            Talk(
                segment.key,
                segment.exercise_official,
                segment.duration_s,
                shown.get(segment.key),
                () if frames else activities(*_motions(workspace, segment)),
            )
            for segment in group
        ]
        hold_talks(talks, options)
        for segment, talk in zip(group, talks, strict=True):
            yield {**_prediction(segment, talk.said), "failed_turns": talk.failed}


def _motions(workspace: Workspace, segment: Segment) -> tuple[list[float], list[str]]:
    """Times of the 4 Hz steps from the segment's start, and C_motion of each. UserError where not analysed."""
    try:
        contexts = read_contexts(workspace, segment.split, segment.video).get(segment.index)
    except ItemError as error:
        raise UserError(str(error.detail), fix="qevd-bio analyze") from error
    if contexts is None or not contexts.times:
        return [], []
    end = segment.end_s if segment.bounded else contexts.times[-1]
    times = (np.arange(int((end - segment.start_s) * STEP_HZ)) + 1) / STEP_HZ
    motion, _ = contexts.at((times + segment.start_s).tolist())
    return times.tolist(), motion


def _prediction(segment: Segment, said: Said) -> Prediction:
    return {
        "video": segment.video,
        "segment": segment.index,
        "split": segment.split,
        "exercise": segment.exercise_official,
        "timing": "corrected",
        "feedbacks": [{"time": round(time, 4), "text": text} for time, text in said],
    }
