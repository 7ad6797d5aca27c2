"""The tables of `qevd-bio verify --against`: how far extracted angles agree with a truth, and which clips took part."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from qevd_bio.tables.rows import NAN, Cell, RowTable, row

ALL = "all"
Estimate = Annotated[float, Cell("null where undefined", "deg", null=NAN)]
Low = Annotated[float, Cell("lower end of the interval of the column before", "deg", null=NAN)]
High = Annotated[float, Cell("upper end of the same interval", "deg", null=NAN)]
Share = Annotated[float, Cell("0..1; null where undefined", "", null=NAN)]
ShareLow = Annotated[float, Cell("lower end of the interval of the column before", "", null=NAN)]
ShareHigh = Annotated[float, Cell("upper end of the same interval", "", null=NAN)]


@row
class AgreementRow:
    """One angle in one view and exercise, or over all of them. Errors are extracted minus true, in degrees.

    Intervals are percentile bootstraps over clips; null with a single clip.
    """

    quantity: Annotated[str, Cell("degree of freedom, or derived from several; all: every degree of freedom together")]
    view: Annotated[str, Cell("front, oblique, side, behind, unknown, or all")]
    exercise: Annotated[str, Cell("id of the exercise, unknown, or all")]
    clips: Annotated[int, Cell("videos with at least one compared frame")]
    frames: Annotated[int, Cell("compared frames")]
    unobserved: Annotated[int, Cell("frames with a true angle that the kinematics do not observe: left out")]
    truth_unobserved: Annotated[int, Cell("frames in which the truth does not hold the angle: left out")]
    bias: Estimate = NAN
    bias_low: Low = NAN
    bias_high: High = NAN
    rmse: Estimate = NAN
    rmse_low: Low = NAN
    rmse_high: High = NAN
    median_abs: Estimate = NAN
    median_abs_low: Low = NAN
    median_abs_high: High = NAN
    loa_low: Annotated[float, Cell("lower limit of agreement: bias - 1.96 standard deviations", "deg", null=NAN)] = NAN
    loa_low_low: Low = NAN
    loa_low_high: High = NAN
    loa_high: Annotated[float, Cell("upper limit of agreement: bias + 1.96 standard deviations", "deg", null=NAN)] = NAN
    loa_high_low: Low = NAN
    loa_high_high: High = NAN
    correlation: Annotated[float, Cell("Pearson's, over the frames of all clips together", "", null=NAN)] = NAN
    correlation_low: ShareLow = NAN
    correlation_high: ShareHigh = NAN
    sigma_frames: Annotated[int, Cell("compared frames whose sigma is known")] = 0
    within_1: Share = NAN
    within_1_low: ShareLow = NAN
    within_1_high: ShareHigh = NAN
    within_2: Share = NAN
    within_2_low: ShareLow = NAN
    within_2_high: ShareHigh = NAN


@row
class ClipRow:
    """One video and the file that holds its truth."""

    split: Annotated[str, Cell("the split's folder name")]
    video: Annotated[str, Cell("the video's file name without suffix")]
    truth: Annotated[str, Cell("file or folder of the truth")]
    format: Annotated[str, Cell("what the truth was read as")] = ""
    view: Annotated[str, Cell("by the heading that extraction found")] = "unknown"
    heading_deg: Annotated[float, Cell("that heading; 0 faces the camera", "deg", null=NAN)] = NAN
    frames: Annotated[int, Cell("frames of the kinematics with a pose of their own")] = 0
    overlap: Annotated[int, Cell("of these, frames within the time that the truth covers")] = 0
    offset_s: Annotated[float, Cell("time in the truth minus time in the video, as applied", "s", null=NAN)] = NAN
    offset_by: Annotated[str, Cell("correlation, given, or none found")] = ""
    offset_correlation: Annotated[float, Cell("mean correlation of the angles at that offset", "", null=NAN)] = NAN
    offset_angles: Annotated[str, Cell("the fast angles that it was found on")] = ""
    other_offset_s: Annotated[float, Cell("an offset that fits as well: movements repeat", "s", null=NAN)] = NAN
    heading_by: Annotated[str, Cell("how the heading's frames of reference were matched: camera or mean")] = ""
    reason: Annotated[str | None, Cell("why it could not be compared; null where it was")] = None
    detail: Annotated[str | None, Cell("the same in words")] = None


AGREEMENT = RowTable.of("agreement", 1, AgreementRow)
AGREEMENT_CLIPS = RowTable.of("agreement_clips", 1, ClipRow)


def table_in(folder: Path, table: RowTable[Any]) -> Path:
    """Where a comparison written to `folder` has this table."""
    return folder / f"{table.name}.parquet"
