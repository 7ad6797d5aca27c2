"""`qevd-bio run` with a baseline: sources, settings and stream of each, through the run stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from qevd_bio.coach.baselines import rules
from qevd_bio.coach.baselines.options import (
    ASKING,
    BASELINES,
    READ_MOTION,
    SOCRATIC,
    VISION_MODELS,
    ZERO_SHOT,
    BaselineOptions,
)
from qevd_bio.coach.baselines.scripted import Said, activities, copy_context, phrases
from qevd_bio.coach.baselines.source import BaselineSource, motion_tables, motions_of, rows_of
from qevd_bio.coach.baselines.turns import Answers, Talk, hold_talks, shown_of
from qevd_bio.coach.options import AS_TRAINED, MotionWish
from qevd_bio.coach.segments.data import SegmentOutput, Spoken, sources
from qevd_bio.coach.segments.views import view_of
from qevd_bio.coach.streaming.stage import MadeBy, Result, run_segments
from qevd_bio.dataset.opening import Dataset
from qevd_bio.store import extras
from qevd_bio.store.errors import ItemError, StopRun, UserError
from qevd_bio.store.work import RunOptions, Summary
from qevd_bio.tables.motion import CYCLES
from qevd_bio.tables.verdicts import VERDICTS
from qevd_bio.tables.workspace import Workspace

Activities = Callable[[BaselineSource], list[tuple[float, str]]]


def write_baseline(
    name: str,
    dataset: Dataset,
    workspace: Workspace,
    out: Path,
    options: BaselineOptions | None = None,
    split: str | None = None,
    run: RunOptions | None = None,
    motion: MotionWish = AS_TRAINED,
) -> Summary:
    """Write what baseline `name` says in every segment to `out`, with the run stage's resume and failure rows.

    What it reads of the motion rests on the exercises' own joints unless `motion` says otherwise: a system that is
    scored must not know the annotations of what it is tested on. Raises UserError for an unknown name, where an
    endpoint or weights are needed and none are named, and where nothing of what it reads is there.
    """
    options = options or BaselineOptions()
    _check(name, workspace, options)
    segments = dataset.segments(split, strict=False)
    if not segments:
        raise UserError("no segment in this data set", where=dataset.root, fix="qevd-bio segments says why")
    settings: dict[str, Any] = {"baseline": name}
    if name in READ_MOTION:
        view = view_of(motion, segments, workspace)
        workspace = view.workspace
        settings |= view.settings()
    told, features = motion_activities, {}
    if name in ASKING:
        settings |= {"url": options.url, "llm": options.llm, "temperature": options.temperature}
        settings |= {"max_tokens": options.max_tokens, "seed": options.seed}
    answers = None
    if options.local is not None:
        answers, mark = _local(options)
        settings |= {"local": mark}
    if name == "socratic":
        from qevd_bio.coach.baselines.classes import read_head

        assert options.weights is not None
        head = read_head(options.weights, options.labels)
        settings |= {"weights": head.fingerprint}
        told = head.activities
        read = sources(dataset, workspace, head.sees, split=split)
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
    stream = _stream(name, options, told, answers)
    return run_segments(chosen, workspace, out, MadeBy(name, "corrected", settings), stream, run)


def _check(name: str, workspace: Workspace, options: BaselineOptions) -> None:
    if name not in BASELINES:
        raise UserError(f"no baseline {name!r}", expected=f"one of {', '.join(BASELINES)}")
    if name in ASKING and not options.local and not (options.url and options.llm):
        raise UserError(
            f"{name} asks a language model, and none is named",
            expected="--llm-url http://HOST:PORT/v1 and --llm-model NAME, or --llm-local FOLDER (socratic)",
        )
    if options.local is not None and name not in SOCRATIC:
        raise UserError(
            f"--llm-local with {name}",
            expected=f"{' or '.join(SOCRATIC)}: a language model that is run here sees no pictures",
            fix="serve the vision-language model and name it with --llm-url and --llm-model",
        )
    if name == "socratic" and options.weights is None:
        raise UserError(
            "socratic is told the classes of the 3D CNN that the features were made with, and none is named",
            expected="--vision-weights FILE, with label2int.json beside it or named by --labels",
            fix="or --model socratic-context, which is told C_motion, from qevd-bio analyze",
        )
    if name in READ_MOTION and not workspace.motion.is_dir():
        raise UserError(f"{name} reads what analyze writes", where=workspace.motion, expected="cycles and contexts",
                        fix="qevd-bio extract, then qevd-bio analyze")  # fmt: skip


def _stream(
    name: str, options: BaselineOptions, told: Activities, answers: Answers | None
) -> Callable[[Iterator[BaselineSource]], Iterator[Result]]:
    if name in ASKING:
        return in_turns(name, options, told, answers)
    if name == "copy-context":
        return one_by_one(from_context(options.gap_s))
    return one_by_one(by_rules if name == "rules" else at_intervals)


def _local(options: BaselineOptions) -> tuple[Answers, str]:
    """Answers of a language model that is run here, and what names it in the settings."""
    extras.need("torch", "transformers", what="--llm-local")
    from qevd_bio.coach.baselines.local import local_replies
    from qevd_bio.learning.text_model import TextModel

    model = TextModel(str(options.local), options.device)
    return (lambda asked: nullcontext(local_replies(model, asked))), model.fingerprint


def _inputs(name: str, source: BaselineSource) -> tuple[Path, ...]:
    """Files that decide what the baseline says in this segment."""
    segment, video, workspace = source.segment, source.video, source.workspace
    if name == "rules":
        tables = motion_tables(workspace, segment.split, segment.video)
        return tables.cycles, tables.verdicts
    if source.features is not None:
        return source.features.files()
    if name in ("copy-context", "socratic-context"):
        return (workspace.contexts(segment.split, segment.video),)
    if name.startswith(ZERO_SHOT):
        return (video.path, *([video.timestamps_path] if video.timestamps_path else []))
    return ()


def by_rules(source: BaselineSource) -> Said:
    """The gravest fault of each completed repetition (`rules`)."""
    tables = motion_tables(source.workspace, source.segment.split, source.segment.video)
    cycles, verdicts = rows_of(source, CYCLES, tables.cycles), rows_of(source, VERDICTS, tables.verdicts)
    (said,) = rules.speak([source.segment], cycles, verdicts)
    return [(feedback["time"], feedback["text"]) for feedback in said["feedbacks"]]


def at_intervals(source: BaselineSource) -> Said:
    """The same sentences every five seconds (`interval`)."""
    return phrases(source.bounded())


def from_context(gap_s: float) -> Callable[[BaselineSource], Said]:
    """C_motion read out (`copy-context`)."""
    return lambda source: copy_context(*motions_of(source), gap_s)


def motion_activities(source: BaselineSource) -> list[tuple[float, str]]:
    """What the user does, told by C_motion."""
    return activities(*motions_of(source))


def one_by_one(speak: Callable[[BaselineSource], Said]) -> Callable[[Iterator[BaselineSource]], Iterator[Result]]:
    """A baseline that needs nothing but its own segment, as `run_segments` takes it."""

    def stream(sources: Iterator[BaselineSource]) -> Iterator[Result]:
        for source in sources:
            try:
                yield _output(source.segment.key, speak(source))
            except StopRun:
                raise
            except (ItemError, UserError) as error:
                yield source.segment.key, _item_error(error)

    return stream


def in_turns(
    name: str, options: BaselineOptions, told: Activities, answers: Answers | None = None
) -> Callable[[Iterator[BaselineSource]], Iterator[Result]]:
    """A turn-based model asked every five seconds; `side_by_side` segments at a time, each video decoded once."""
    frames = VISION_MODELS.get(name.removeprefix(ZERO_SHOT))

    def stream(sources: Iterator[BaselineSource]) -> Iterator[Result]:
        while group := list(islice(sources, max(options.side_by_side, 1))):
            talks: list[Talk] = []
            for video in dict.fromkeys(source.video for source in group):
                own = [source for source in group if source.video == video]
                try:
                    segments = [source.bounded() for source in own]
                    shown = shown_of(video, segments, frames, options) if frames else {}
                except (ItemError, UserError) as error:
                    yield from ((source.segment.key, _item_error(error)) for source in own)
                    continue
                for source, segment in zip(own, segments, strict=True):
                    try:
                        lines = () if frames else told(source)
                    except (ItemError, UserError) as error:
                        yield segment.key, _item_error(error)
                        continue
                    talks.append(
                        Talk(segment.key, segment.exercise_official, segment.duration_s, shown.get(segment.key), lines)
                    )
            hold_talks(talks, options, answers)
            for talk in talks:
                yield (talk.key, talk.broken) if talk.broken else _output(talk.key, talk.said, talk.silent)

    return stream


def _output(key: str, said: Said, silent: dict[str, int] | None = None) -> SegmentOutput:
    spoken = [Spoken(time, text, 0) for time, text in said]
    return SegmentOutput(key, spoken, [], False, extra={"silent_turns": silent} if silent else {})


def _item_error(error: ItemError | UserError) -> ItemError:
    return error if isinstance(error, ItemError) else ItemError("bad_input", str(error))
