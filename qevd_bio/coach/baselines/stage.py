"""`qevd-bio run` with a baseline: sources, settings and stream of each, through the run stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from qevd_bio.coach.baselines.options import ASKING, BASELINES, ZERO_SHOT, BaselineOptions
from qevd_bio.coach.baselines.speak import (
    BaselineSource,
    Result,
    at_intervals,
    by_rules,
    from_context,
    in_turns,
    motion_activities,
    motion_tables,
    one_by_one,
)
from qevd_bio.coach.segments.data import sources
from qevd_bio.coach.streaming.stage import System, run_segments
from qevd_bio.dataset.opening import Dataset
from qevd_bio.store.errors import UserError
from qevd_bio.store.work import RunOptions, Summary
from qevd_bio.tables.workspace import Workspace

__all__ = ["BASELINES", "write_baseline"]


def write_baseline(
    name: str,
    dataset: Dataset,
    workspace: Workspace,
    out: Path,
    options: BaselineOptions | None = None,
    split: str | None = None,
    run: RunOptions | None = None,
) -> Summary:
    """Write what baseline `name` says in every segment to `out`, with the run stage's resume and failure rows.

    Raises UserError for an unknown name, where an endpoint or weights are needed and none are named, and where
    nothing of what it reads is there.
    """
    options = options or BaselineOptions()
    _check(name, workspace, options)
    segments = dataset.segments(split, strict=False)
    if not segments:
        raise UserError("no segment in this data set", where=dataset.root, fix="qevd-bio segments says why")
    settings: dict[str, Any] = {"baseline": name}
    told, features = motion_activities, {}
    if name in ASKING:
        settings |= {"url": options.url, "llm": options.llm, "temperature": options.temperature}
        settings |= {"max_tokens": options.max_tokens, "seed": options.seed}
    if name == "socratic" and options.activities == "classes":
        from qevd_bio.coach.baselines.classes import read_head

        assert options.weights is not None
        head = read_head(options.weights, options.labels)
        settings |= {"activities": "classes", "weights": head.fingerprint}
        told = head.activities
        read = sources(dataset, workspace, dim=head.dim, tokens=head.tokens, reads_contexts=False, split=split)
        features = {source.segment.key: source for source in read}
    elif name.startswith(ZERO_SHOT):
        settings |= {"picture": options.picture, "quality": options.quality}
    videos = {(video.split, video.stem): video for video in dataset.videos()}
    chosen = []
    for segment in segments:
        source = BaselineSource(
            segment, videos[segment.split, segment.video], workspace, features=features.get(segment.key)
        )
        chosen.append(replace(source, inputs=_inputs(name, source)))
    stream = _stream(name, options, told)
    return run_segments(chosen, workspace, out, System(name, "corrected", settings), stream, run)


def _check(name: str, workspace: Workspace, options: BaselineOptions) -> None:
    if name not in BASELINES:
        raise UserError(f"no baseline {name!r}", expected=f"one of {', '.join(BASELINES)}")
    if name in ASKING and not (options.url and options.llm):
        raise UserError(
            f"{name} asks a language model, and none is named",
            expected="--llm-url http://HOST:PORT/v1 and --llm-model NAME",
        )
    classes = name == "socratic" and options.activities == "classes"
    if classes and options.weights is None:
        raise UserError(
            "--activities classes needs the 3D CNN that the features were made with",
            expected="--vision-weights FILE, with label2int.json beside it or named by --labels",
            fix="or --activities motion, from qevd-bio analyze",
        )
    reads_motion = name in ("rules", "copy-context") or (name == "socratic" and not classes)
    if reads_motion and not workspace.motion.is_dir():
        raise UserError(f"{name} reads what analyze writes", where=workspace.motion, expected="cycles and contexts",
                        fix="qevd-bio extract, then qevd-bio analyze")  # fmt: skip


def _stream(
    name: str, options: BaselineOptions, told: Callable[[BaselineSource], list[tuple[float, str]]]
) -> Callable[[Iterator[BaselineSource]], Iterator[Result]]:
    if name in ASKING:
        return in_turns(name, options, told)
    if name == "copy-context":
        return one_by_one(from_context(options.gap_s))
    return one_by_one(by_rules if name == "rules" else at_intervals)


def _inputs(name: str, source: BaselineSource) -> tuple[Path, ...]:
    """Files that decide what the baseline says in this segment."""
    segment, video, workspace = source.segment, source.video, source.workspace
    if name == "rules":
        tables = motion_tables(workspace, segment.split, segment.video)
        return tables.cycles, tables.verdicts
    if source.features is not None:
        return source.features.files()
    if name in ("copy-context", "socratic"):
        return (workspace.contexts(segment.split, segment.video),)
    if name.startswith(ZERO_SHOT):
        return (video.path, *([video.timestamps_path] if video.timestamps_path else []))
    return ()
