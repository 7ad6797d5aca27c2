"""The Python interface: the stages of the command line as functions, from a file to results in memory.

Each function runs the same code as its command, on one video, and writes nothing outside a temporary folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

from qevd_bio.store.errors import ItemError, UserError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from qevd_bio.motion.options import MotionOptions
    from qevd_bio.pose.options import ExtractOptions
    from qevd_bio.scoring.options import ScoreOptions
    from qevd_bio.scoring.results import Scores
    from qevd_bio.tables.kinematics import Kinematics
    from qevd_bio.tables.motion import CycleRow
    from qevd_bio.tables.verdicts import Verdict


@dataclass(frozen=True)
class Motion:
    """What `analyze` found in one video.

    Attributes:
        exercise: Id of the exercise.
        repetitions: Rows of the table of cycles (`tables.motion.CycleRow`), in order of time.
        verdicts: Rows of the table of judged rules (`tables.verdicts.Verdict`): violations, passes, and what could not
            be judged and why.
        kinematics: What was analysed.
    """

    exercise: str
    repetitions: tuple[CycleRow, ...]
    verdicts: tuple[Verdict, ...]
    kinematics: Kinematics

    @property
    def count(self) -> float:
        """Repetitions as people count this exercise: a half cycle is half of what one cycle counts."""
        return float(sum(row.units for row in self.repetitions))

    @property
    def violations(self) -> tuple[Verdict, ...]:
        """The verdicts that are violations, measurements outside a target among them."""
        return tuple(verdict for verdict in self.verdicts if verdict.violated)

    @property
    def faults(self) -> tuple[Verdict, ...]:
        """The form errors that a coach would speak of, one per repetition and rule."""
        from qevd_bio.tables.verdicts import faults_of

        return tuple(faults_of(self.verdicts))

    def sentences(self, *, rationale: bool = False) -> list[str]:
        """One sentence per repetition and fault of the salient joints, the gravest first within a repetition.

        Both sides of a rule share a sentence. Soft alarms, which a coach raises only when asked, are left out.
        With `rationale`, the reason is added. The wording is that of the rewritten data set.
        """
        from qevd_bio.exercise.catalogue import load
        from qevd_bio.rewriting.agree import Wish
        from qevd_bio.rewriting.choose import group_sides, rank
        from qevd_bio.rewriting.evidence import video_motion
        from qevd_bio.rewriting.phrase import phrase

        segments = video_motion(self.repetitions, self.verdicts, load())
        nothing_asked = Wish(frozenset(), frozenset(), frozenset(), "")
        found = []
        for segment in segments.values():
            for cycle in segment.cycles:
                violated = [finding for finding in segment.findings(cycle.cycle) if finding.verdict.is_fault]
                cues = group_sides(rank(nothing_asked, violated, "measured"), len(violated))
                found += [phrase(cue, cue[0].verdict.id, rationale=rationale).text for cue in cues]
        return found

    def to_pandas(self, table: Literal["repetitions", "verdicts"] = "repetitions") -> pd.DataFrame:
        """One of the two tables as a data frame, with the columns (and their units) of the Parquet files.

        Raises ValueError for another name.
        """
        from qevd_bio.tables.motion import CYCLES
        from qevd_bio.tables.verdicts import VERDICTS

        if table not in ("repetitions", "verdicts"):
            raise ValueError(f"table is {table!r}; expected 'repetitions' or 'verdicts'")
        if table == "repetitions":
            rows = CYCLES.table(CYCLES.columns_of(self.repetitions))
        else:
            rows = VERDICTS.table(VERDICTS.columns_of(self.verdicts))
        frame: pd.DataFrame = rows.to_pandas()
        return frame


def extract(path: str | Path, *, exercise: str | None = None, options: ExtractOptions | None = None) -> Kinematics:
    """46 joint angles per frame of one video or recording.

    Args:
        path: A video (needs the extra `pose`, and a model: `qevd-bio models fetch`), or a recording that
            `qevd-bio extract --backend files` reads: HSMR `.npy` and `.npz`, SKEL `.npz`, OpenSim `.mot`, or CSV.
        exercise: Any spelling of an exercise; kept in `meta["exercise"]`, where `analyze` finds it.
        options: As `qevd-bio extract` has them. For a recording, `backend` and `source` are set from `path`.

    Returns:
        Angles (T, 46) in radians, with times in seconds.

    Raises:
        UserError: The file cannot be read, no frame has a pose that can be trusted, or the exercise is not known.

    Examples:
        >>> kinematics = extract("squats.mp4", exercise="squats")  # doctest: +SKIP
        >>> kinematics.angles.shape  # doctest: +SKIP
        (213, 46)
    """
    from qevd_bio.dataset.names import find
    from qevd_bio.dataset.opening import open_dataset
    from qevd_bio.pose.formats.registry import endings
    from qevd_bio.pose.options import ExtractOptions
    from qevd_bio.pose.stage import check, extract_one, make_items
    from qevd_bio.tables.kinematics import Kinematics
    from qevd_bio.tables.workspace import Workspace

    file = Path(path).expanduser()
    if not file.is_file():
        raise UserError("no such file", where=file, expected="a video, or a recording of another program")
    name = find(exercise) if exercise else None
    chosen = options or ExtractOptions()
    recording = file.suffix.lower() in endings()
    if recording:
        chosen = replace(chosen, backend="files", source=file)
    dataset = None if recording else open_dataset(file)
    check(chosen, dataset)
    with TemporaryDirectory(prefix="qevd-bio-") as folder:
        (item,) = make_items(dataset, Workspace(Path(folder)), chosen)
        try:
            extract_one(item)
        except ItemError as error:
            raise UserError(str(error), where=file) from error
        kinematics = Kinematics.read(item.outputs[0])
    return replace(kinematics, meta={**kinematics.meta, "exercise": name.id}) if name else kinematics


def analyze(kinematics: Kinematics, *, exercise: str | None = None, options: MotionOptions | None = None) -> Motion:
    """Repetitions of one exercise, each judged by the exercise's rules.

    Args:
        kinematics: What `extract`, `read_kinematics` or `simulate_kinematics` returned.
        exercise: Any spelling; by default the one that `extract` was given.
        options: As `qevd-bio analyze` has them.

    Returns:
        Repetitions and verdicts; no repetitions where nothing is repeated.

    Raises:
        UserError: The exercise is not known, there are too few frames, or no frame has a pose.

    Examples:
        >>> motion = analyze(simulate_kinematics("squats", seconds=8, depth=0.6))
        >>> motion.exercise, motion.count
        ('squats', 3.0)
        >>> len(motion.violations) > 0 and "90°" in motion.sentences()[0]
        True
    """
    from qevd_bio.dataset.names import find
    from qevd_bio.motion.analysis import analyse_one
    from qevd_bio.motion.options import MotionOptions
    from qevd_bio.motion.stage import make_items
    from qevd_bio.tables.motion import CYCLES
    from qevd_bio.tables.verdicts import VERDICTS
    from qevd_bio.tables.workspace import Workspace

    written = exercise or str(kinematics.meta.get("exercise", ""))
    if not written:
        raise UserError(
            "no exercise is known for these kinematics", fix='name it: qevd_bio.analyze(kinematics, exercise="squats")'
        )
    name = find(written)
    with TemporaryDirectory(prefix="qevd-bio-") as folder:
        workspace = Workspace(Path(folder))
        kinematics.write(workspace.kinematics(kinematics.split, kinematics.video))
        (item,) = make_items(workspace, replace(options or MotionOptions(), exercise=name.id))
        try:
            analyse_one(item)
        except ItemError as error:
            raise UserError(str(error), where=f"{kinematics.split}/{kinematics.video}") from error
        cycles, verdicts = CYCLES.load(item.payload.tables.cycles), VERDICTS.load(item.payload.tables.verdicts)
    return Motion(name.id, tuple(cycles), tuple(verdicts), kinematics)


def score(
    predictions: str | Path | Iterable[tuple[str, str]],
    data: str | Path | None = None,
    *,
    metrics: Sequence[str] | None = None,
    options: ScoreOptions | None = None,
    out: str | Path | None = None,
) -> Scores:
    """Score predictions, by the official protocol and two stricter ones, with intervals.

    Args:
        predictions: A JSONL file of `qevd-bio run`, the official evaluation's JSON list of pairs, or pairs
            (ground truth, prediction) of texts.
        data: The data set with the feedback to compare with; not needed for pairs.
        metrics: Names as in `qevd-bio score --metrics`; by default all that need no judge.
        options: Everything else that changes the numbers.
        out: Folder for scores.json, pairs.parquet and the manifest; without it nothing is kept. Metrics are added to
            a score of the same predictions that stands there.

    Returns:
        Scores by protocol and metric. Pairs have no times, so for them only text metrics of the official protocol have
        a value. A metric that cannot be computed has `value` None and says why in `reason`.

    Raises:
        UserError: A file cannot be read, breaks the format, a metric has no such name, or `out` holds another score.

    Examples:
        >>> pairs = [("Nice work.", "Nice work."), ("Lower your hips.", "Keep going.")]
        >>> official = score(pairs, metrics=["rouge"]).protocols["official"]
        >>> official["rouge_l"].value, official["rouge_l"].n
        (0.5, 2)
    """
    from qevd_bio.scoring.options import ScoreOptions, parse_metrics
    from qevd_bio.scoring.stage import score as run

    chosen = options or ScoreOptions()
    if metrics is not None:
        chosen = replace(chosen, metrics=parse_metrics(",".join(metrics)))
    with TemporaryDirectory(prefix="qevd-bio-") as folder:
        if isinstance(predictions, (str, Path)):
            file = Path(predictions).expanduser()
        else:
            file = Path(folder) / "pairs.json"
            file.write_text(json.dumps([{"GT": truth, "Pred": said} for truth, said in predictions]), encoding="utf-8")
        target = Path(folder) / "scores" if out is None else Path(out).expanduser()
        return run(file, None if data is None else Path(data).expanduser(), chosen, out=target)


def read_kinematics(path: str | Path) -> Kinematics:
    """Kinematics that `qevd-bio extract` wrote: one Parquet file per video.

    Raises:
        UserError: The file is missing, damaged, or another table.
    """
    from qevd_bio.tables.kinematics import Kinematics

    return Kinematics.read(Path(path).expanduser())


def read_table(path: str | Path) -> pd.DataFrame:
    """Any Parquet table that this package wrote, as a data frame.

    `attrs["units"]` and `attrs["meanings"]` map columns to unit and meaning; `attrs["about"]` names the table, its
    schema version and how it was made.

    Raises:
        UserError: The file is missing, damaged, or of another program.
    """
    import pyarrow.parquet as pq

    from qevd_bio.store.columns import file_metadata

    file = Path(path).expanduser()
    about = file_metadata(file)
    if not about:
        raise UserError("this table was not written by qevd-bio", where=file, fix="read it with pandas.read_parquet")
    table = pq.read_table(file)
    frame: pd.DataFrame = table.to_pandas()
    notes = {field.name: field.metadata or {} for field in table.schema}
    frame.attrs["units"] = {name: note.get(b"unit", b"").decode() for name, note in notes.items()}
    frame.attrs["meanings"] = {name: note.get(b"meaning", b"").decode() for name, note in notes.items()}
    frame.attrs["about"] = about
    return frame


def simulate_kinematics(
    exercise: str = "squats", *, seconds: float = 8.0, depth: float = 1.0, fps: float = 30.0
) -> Kinematics:
    """Kinematics of an ideal body whose every angle is known, to try things out without a video.

    Args:
        exercise: squats, push_ups, walking_lunges, jumping_jacks or high_knees.
        seconds: Length; the body rests for 0.8 s and then repeats.
        depth: Multiple of the usual range of motion: 0.6 is a squat that is too shallow.
        fps: Frames per second.

    Raises:
        UserError: There is no exact motion of this exercise.

    Examples:
        >>> simulate_kinematics("jumping_jacks", seconds=2).angles.shape
        (60, 46)
    """
    import numpy as np

    from qevd_bio.anatomy.skeleton import Skeleton
    from qevd_bio.dataset.names import find
    from qevd_bio.simulation.performance.exact_motion import EXERCISES, Plan, make_motion
    from qevd_bio.tables.kinematics import Kinematics

    name = find(exercise).id
    if name not in EXERCISES:
        raise UserError(f"no exact motion of {exercise!r}", expected=f"one of {', '.join(EXERCISES)}")
    made = make_motion(name, Skeleton.from_stature(), Plan(seconds=seconds, depth=depth, fps=fps))
    angles = np.asarray(made.angles, dtype=np.float32)
    frames = len(angles)
    return Kinematics(
        split="simulated",
        video=name,
        fps=fps,
        frame=np.arange(frames, dtype=np.int32),
        time_s=np.arange(frames) / fps,
        angles=angles,
        raw=angles,
        observed=np.ones(angles.shape, dtype=bool),
        confidence=np.ones(frames, dtype=np.float32),
        status=np.zeros(frames, dtype=np.uint8),
        root=np.asarray(made.root, dtype=np.float32),
        meta={"exercise": name, "backend": "simulated"},
    )


def plot_angles(kinematics: Kinematics, names: Sequence[str] = ()) -> Figure:
    """Angles over time, a panel each, with the confidence below.

    Args:
        kinematics: What to draw.
        names: Degrees of freedom (`knee_angle_r`) or derived quantities (`trunk_lean_deg`), by default those that move
            most.

    Raises:
        UserError: A name is unknown, no angle is observed, or matplotlib is missing.

    Examples:
        >>> figure = plot_angles(simulate_kinematics("squats", seconds=3), ["knee_angle_r"])
        >>> [axes.get_ylabel().splitlines()[0] for axes in figure.axes]
        ['knee_angle_r', 'confidence']
    """
    from qevd_bio.pose.show import choose_dofs, curve_of, plot_curves

    chosen = list(names) or choose_dofs(kinematics)
    if not chosen:
        raise UserError("no degree of freedom is observed", where=kinematics.video, fix="name the angles to draw")
    return plot_curves(kinematics, [curve_of(kinematics, name) for name in chosen])


def plot_repetitions(motion: Motion) -> Figure:
    """The representative signal with its repetitions, each of them against the reference, and the violated rules.

    Raises:
        UserError: There are no repetitions, or matplotlib is missing.
    """
    import numpy as np

    from qevd_bio.exercise.catalogue import load
    from qevd_bio.exercise.expression import parse
    from qevd_bio.motion.cycles.curves import SeenCurves, skeleton_of
    from qevd_bio.motion.frames import frames_of
    from qevd_bio.motion.show import draw, reference_course

    if not motion.repetitions:
        raise UserError("no repetitions to draw", where=motion.kinematics.video)
    exercise, signal = load()[motion.exercise], motion.repetitions[0].signal
    frames = frames_of(motion.kinematics)
    skeleton = skeleton_of(motion.kinematics.skeleton_lengths, None)
    curves = SeenCurves(frames.angles, frames.observed, frames.ok, skeleton, frames.root)
    values = np.asarray(parse(signal).evaluate(curves.present))
    reference = reference_course(exercise, signal, Path())
    return draw(exercise, frames.time_s, values, motion.repetitions, motion.verdicts, reference)


def plot_scores(folders: Sequence[str | Path], *, protocol: str = "official", published: bool = False) -> Figure:
    """The score table of several systems, with the papers' rows above it if `published`.

    Args:
        folders: What `qevd-bio score`, or `score(..., out=folder)`, wrote.
        protocol: official or strict.
        published: Whether the papers' rows are added.

    Raises:
        UserError: A folder holds no scores, the scores cannot be compared, or matplotlib is missing.
    """
    from qevd_bio.reporting.plots.stage import scores_drawing

    chosen = [Path(folder).expanduser() for folder in folders]
    with scores_drawing(chosen, protocol=protocol, published=published) as figure:
        return figure
