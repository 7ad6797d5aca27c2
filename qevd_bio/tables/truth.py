"""The tables of `truth/`: what was simulated, for checks alone. No stage reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from qevd_bio.tables.rows import INF, NAN, Cell, RowTable, row

Split = Annotated[str, Cell("folder of the data set")]
Video = Annotated[str, Cell("file name without suffix")]
SegmentIndex = Annotated[int, Cell("index of the exercise in the video")]
ExerciseId = Annotated[str, Cell("id of the exercise")]


@row
class TrueRepetition:
    """One repetition or hold as it was performed."""

    split: Split
    video: Video
    segment: SegmentIndex
    exercise: ExerciseId
    repetition: Annotated[int, Cell("number within the exercise, from 0")]
    start_s: Annotated[float, Cell("from the video's first frame", "s")]
    end_s: Annotated[float, Cell("from the video's first frame", "s")]
    key_s: Annotated[float, Cell("extreme of the movement; of its right side if both take turns", "s")]
    other_key_s: Annotated[
        float, Cell("extreme of the left side's turn; null for one-sided movements", "s", null=NAN)
    ] = NAN
    units: Annotated[int, Cell("repetitions as people count this exercise")]
    hold: Annotated[bool, Cell("a held position")]
    heading_deg: Annotated[float, Cell("where the body faces; 0 is the camera", "deg")]
    breaks: Annotated[Sequence[str], Cell("form errors that were made on purpose")]


@row
class TrueJudgement:
    """One rule on one side of one repetition, measured on the true angles."""

    split: Split
    video: Video
    segment: SegmentIndex
    exercise: ExerciseId
    repetition: Annotated[int, Cell("number within the exercise")]
    rule: Annotated[str, Cell("error:<id> or target:<id>")]
    side: Annotated[str, Cell("r, l or ''")]
    joint: Annotated[str, Cell("first joint that the rule is about")]
    quantity: Annotated[str, Cell("what was measured, without its side")]
    value: Annotated[float, Cell("measured on the true angles", "unit")]
    low: Annotated[float, Cell("lower bound with tolerance; null where open", "unit", null=-INF)] = -INF
    high: Annotated[float, Cell("upper bound with tolerance; null where open", "unit", null=INF)] = INF
    beyond: Annotated[float, Cell("signed distance past the nearest bound; 0 within", "unit")]
    unit: Annotated[str, Cell("deg, ratio, fraction or s")]
    verdict: Annotated[str, Cell("mistake (clearly), borderline or fine (clearly)")]
    on_purpose: Annotated[bool, Cell("made on purpose; else it came along")]


@row
class TrueMistake:
    """One form error made on purpose, over one or several repetitions."""

    split: Split
    video: Video
    segment: SegmentIndex
    exercise: ExerciseId
    rule: Annotated[str, Cell("id of the form error")]
    joint: Annotated[str, Cell("first joint at fault")]
    direction: Annotated[str, Cell("too_little or too_much")]
    size: Annotated[float, Cell("median distance past the threshold", "unit")]
    unit: Annotated[str, Cell("deg, ratio, fraction or s")]
    first_repetition: int
    last_repetition: int
    begin_s: Annotated[float, Cell("from the video's first frame", "s")]
    end_s: Annotated[float, Cell("from the video's first frame", "s")]
    noticed_s: Annotated[float, Cell("when the coach named it; null if never", "s", null=NAN)] = NAN
    corrected: Annotated[bool, Cell("whether the person mended it after that")]


@row
class TrueFeedback:
    """One sentence of the simulated coach, and the ideal rewritten one."""

    split: str
    video: str
    span: Annotated[int, Cell("number of the feedback in the video")]
    segment: Annotated[int | None, Cell("null for the last announcement")] = None
    exercise: str | None = None
    start_s: Annotated[float, Cell("from the video's first frame", "s")]
    text: str
    kind: Annotated[str, Cell("start, reminder, correct, again, acknowledge, count, …")]
    intent: Annotated[str, Cell("corrective, motivational, count, transition, reminder, summary")]
    body_parts: Annotated[Sequence[str], Cell("named by the sentence's pattern; empty where not known")]
    directions: Annotated[Sequence[str], Cell("the same for directions")]
    repetition: Annotated[int | None, Cell("the repetition reacted to")] = None
    rule: Annotated[str | None, Cell("form error that a correction or acknowledgement is about")] = None
    side: Annotated[str | None, Cell("side with the larger mistake, '' for the whole body")] = None
    quantity: Annotated[str | None, Cell("what the ideal rewritten feedback measures")] = None
    value: Annotated[float, Cell("its true value", "unit", null=NAN)] = NAN
    goal: Annotated[float, Cell("the value to reach", "unit", null=NAN)] = NAN
    unit: str | None = None
    ideal: Annotated[str, Cell("ideal rewritten feedback; the text itself where nothing is corrected")]


REPETITIONS = RowTable.of("truth_repetitions", 1, TrueRepetition)
JUDGEMENTS = RowTable.of("truth_judgements", 1, TrueJudgement)
MISTAKES = RowTable.of("truth_mistakes", 1, TrueMistake)
TRUE_FEEDBACKS = RowTable.of("truth_feedbacks", 1, TrueFeedback)


@dataclass(frozen=True)
class TruthFiles:
    """Where what is true of a simulated data set lies below its root."""

    root: Path

    @property
    def truth(self) -> Path:
        return self.root / "truth"

    def table(self, name: str) -> Path:
        """`repetitions`, `judgements`, `mistakes` or `feedbacks` of all workouts."""
        return self.truth / f"{name}.parquet"

    def part(self, name: str, split: str, video: str) -> Path:
        """The same of one workout."""
        return self.truth / "parts" / name / split / f"{video}.parquet"

    def parts(self, name: str) -> list[Path]:
        """The parts of all workouts, by split and video."""
        return sorted((self.truth / "parts" / name).glob("*/*.parquet"))

    def kinematics(self, split: str, video: str) -> Path:
        return self.truth / "kinematics" / split / f"{video}.parquet"

    def all_kinematics(self) -> list[Path]:
        """The true kinematics of all workouts, by split and video."""
        return sorted((self.truth / "kinematics").glob("*/*.parquet"))
