"""`qevd-bio verify --against`: the kinematics of a workspace against a truth in any format, clip by clip."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qevd_bio.anatomy.derived import QUANTITIES, derive
from qevd_bio.anatomy.dofs import DOF_INDEX, DOF_NAMES
from qevd_bio.anatomy.forward import forward_kinematics
from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.anatomy.uncertainty import curve_sigma
from qevd_bio.pose.formats.writers.export import skeleton_of
from qevd_bio.reporting.options import AgainstOptions
from qevd_bio.reporting.verification.agreement import Paired, agreement, short_way
from qevd_bio.reporting.verification.alignment import Offset, find_offset, values_at
from qevd_bio.reporting.verification.angles import DERIVED, SHOULDERS
from qevd_bio.reporting.verification.truth_source import Truth, list_truth, pair, read_truth
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.store.work import Item, RunOptions, select
from qevd_bio.tables.agreement import ALL, AgreementRow, ClipRow
from qevd_bio.tables.by_video import VideoKey
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.segments import SEGMENTS
from qevd_bio.tables.truth import REPETITIONS, TruthFiles
from qevd_bio.tables.workspace import Workspace, video_of

Float = NDArray[np.float64]
Spans = dict[VideoKey, list[tuple[float, float, str]]]

UNKNOWN = "unknown"
ANGLES = tuple(name for name in DOF_NAMES if name not in SHOULDERS)
"""Degrees of freedom that are compared. The three of a shoulder have several readings of one pose: DERIVED has it."""

_TURN = ANGLES.index("pelvis_rotation")


@dataclass(frozen=True)
class Against:
    """What was compared. `rows` by angle, view and exercise; `clips` one a video that has a file.

    not_in_truth, not_observed: angles that no compared frame of the truth, of the kinematics holds. without_truth:
    videos with kinematics and no file.
    """

    source: str
    options: AgainstOptions
    rows: tuple[AgreementRow, ...]
    clips: tuple[ClipRow, ...]
    not_in_truth: tuple[str, ...]
    not_observed: tuple[str, ...]
    without_truth: int

    @property
    def whole(self) -> list[AgreementRow]:
        """The rows over all views and exercises that have frames."""
        return [row for row in self.rows if row.view == row.exercise == ALL and row.frames]


def view_of(heading_deg: float) -> str:
    """Front up to 25 degrees from the camera, oblique up to 60, side up to 120, behind beyond; unknown for NaN."""
    if math.isnan(heading_deg):
        return UNKNOWN
    turn = abs((heading_deg + 180.0) % 360.0 - 180.0)
    return "front" if turn <= 25.0 else "oblique" if turn <= 60.0 else "side" if turn <= 120.0 else "behind"


def verify_against(source: Path, workspace: Workspace, options: AgainstOptions, only: Sequence[str] = ()) -> Against:
    """Compare the workspace's kinematics with the truth in `source`; a clip that cannot be compared says why.

    Raises UserError where there are no kinematics or no truth, where no names pair, and where no clip can be compared.
    """
    found = list_truth(source)
    videos = _videos(workspace, only)
    pairs = pair(found, source, videos)
    spans = _spans(workspace, source)
    clips: list[ClipRow] = []
    paired: list[Paired] = []
    for key, path in pairs.items():
        clip = ClipRow(split=key[0], video=key[1], truth=path.name if isinstance(path, Path) else "")
        try:
            if isinstance(path, ItemError):
                raise path
            kinematics = Kinematics.read(workspace.kinematics(*key))
            truth = read_truth(path)
            clip, own = compare(truth, kinematics, clip, len(clips), spans.get(key, []), options.offset)
            paired += own
        except ItemError as error:
            clip = replace(clip, reason=error.reason, detail=error.detail)
        except UserError as error:
            if len(pairs) == 1:
                raise
            clip = replace(clip, reason="unreadable", detail=str(error).replace("\n", "; "))
        clips.append(clip)
    if not paired:
        first = clips[0]
        raise UserError(
            f"cannot be compared with {first.split}/{first.video}: {first.detail}", where=source,
            expected="a truth of the same movement, with angles that extraction observes",
            fix="name the right file, or the time between both clocks with --offset SECONDS",
        )  # fmt: skip
    rows = agreement(paired, options)
    true = {p.quantity for p in paired if np.isfinite(p.true).any()}
    seen = {p.quantity for p in paired if np.isfinite(p.found).any()}
    names = (*ANGLES, *DERIVED)
    return Against(
        str(source),
        options,
        tuple(rows),
        tuple(clips),
        tuple(name for name in names if name not in true),
        tuple(name for name in names if name in true - seen),
        len(videos) - len(pairs),
    )


def _videos(workspace: Workspace, only: Sequence[str]) -> list[VideoKey]:
    keys = [video_of(path) for path in workspace.all_kinematics()]
    if not keys:
        raise UserError(
            "no kinematics to compare", where=workspace.kinematics_folder, expected="what qevd-bio extract writes",
            fix="qevd-bio extract --data FOLDER",
        )  # fmt: skip
    items = [Item("/".join(key), (), (), key) for key in keys]
    return [item.payload for item in select(items, RunOptions(only=tuple(only)))]


def _spans(workspace: Workspace, source: Path) -> Spans:
    """Exercises of each video by time: the workspace's segments, else the repetitions of simulated truth."""
    spans: Spans = {}
    if workspace.segments.is_file():
        for row in SEGMENTS.load(workspace.segments):
            if row.exercise:
                spans.setdefault((row.split, row.video), []).append((row.start_s, row.end_s, row.exercise))
        return spans
    for root in (source, source.parent):
        path = TruthFiles(root).table("repetitions")
        if path.is_file():
            for true in REPETITIONS.load(path):
                spans.setdefault((true.split, true.video), []).append((true.start_s, true.end_s, true.exercise))
    return spans


def compare(
    truth: Truth,
    kinematics: Kinematics,
    clip: ClipRow,
    number: int,
    spans: Sequence[tuple[float, float, str]],
    offset_s: float | None,
) -> tuple[ClipRow, list[Paired]]:
    """Angles of both on one clock, frame by frame. Raises ItemError for no overlap in time or no angle in both."""
    own = np.flatnonzero(kinematics.valid)
    times = kinematics.time_s[own]
    found = np.where(kinematics.observed[own], kinematics.angles[own].astype(np.float64), np.nan)
    true_times = _frame_times(truth, kinematics) if truth.time_s is None else truth.time_s
    common = [k for k in range(len(DOF_NAMES)) if _any(truth.angles[:, k]) and _any(found[:, k])]
    if not common:
        raise ItemError("no_common_angle", "no angle is both in the truth and observed by the extraction")
    heading = float((kinematics.meta.get("view") or {}).get("heading_deg", math.nan))
    clip = replace(clip, format=truth.format, heading_deg=heading, view=view_of(heading), frames=len(own))
    offset, by = _offset(truth, true_times, times, found, common, offset_s)
    clip = replace(
        clip, offset_s=offset.seconds, offset_by=by, offset_correlation=offset.correlation,
        offset_angles=" ".join(DOF_NAMES[k] for k in offset.used),
        other_offset_s=math.nan if offset.other is None else offset.other,
    )  # fmt: skip
    shifted = times + offset.seconds
    inside = (shifted >= true_times[0] - 1e-6) & (shifted <= true_times[-1] + 1e-6)
    if not inside.any():
        here, there = (f"{t[0]:.2f} to {t[-1]:.2f} s" for t in (times, true_times))
        raise ItemError("no_overlap", f"no overlap in time: the kinematics last {here}, the truth {there}, "
                        f"with an offset of {offset.seconds:+.2f} s ({by})")  # fmt: skip
    true = values_at(shifted[inside], true_times, truth.angles)
    sigma = None if kinematics.sigma is None else kinematics.sigma[own][inside].astype(np.float64)
    both = _Both(true, found[inside], sigma, truth.skeleton, skeleton_of(kinematics))
    exercise = _exercises(times[inside], spans)
    clip = replace(clip, overlap=int(inside.sum()), heading_by="mean" if truth.camera_heading_deg is None else "camera")
    quantities = [*both.angles(truth.camera_heading_deg), *both.derived()]
    return clip, [Paired(name, number, clip.view, exercise, *values) for name, *values in quantities]


def _any(values: Float) -> bool:
    return bool(np.isfinite(values).any())


def _frame_times(truth: Truth, kinematics: Kinematics) -> Float:
    """Times of the video's frames 0 to T-1, for a truth that has none of its own."""
    frames = np.arange(len(truth.angles), dtype=np.float64)
    if len(kinematics) < 2:
        return frames / kinematics.fps
    at = np.interp(frames, kinematics.frame, kinematics.time_s)
    rate = float(np.mean(np.diff(kinematics.time_s) / np.diff(kinematics.frame)))
    first, last = kinematics.frame[0], kinematics.frame[-1]
    at = np.where(frames < first, kinematics.time_s[0] + (frames - first) * rate, at)
    return np.where(frames > last, kinematics.time_s[-1] + (frames - last) * rate, at)


def _offset(
    truth: Truth, true_times: Float, times: Float, found: Float, common: Sequence[int], given: float | None
) -> tuple[Offset, str]:
    if given is not None:
        return Offset(given, math.nan, (), True), "given"
    # raw shoulder angles have several readings, and the heading its own frame of reference
    usable = [k for k in common if DOF_NAMES[k] not in SHOULDERS and DOF_NAMES[k] != "pelvis_rotation"]
    if len(times) < 2 or len(true_times) < 2 or not usable:
        return Offset(0.0, math.nan, (), False), "none found"
    offset = find_offset(true_times, np.rad2deg(truth.angles[:, usable]), times, np.rad2deg(found[:, usable]))
    offset = replace(offset, used=tuple(usable[k] for k in offset.used))
    return offset, "correlation" if offset.found else "none found"


def _exercises(times: Float, spans: Sequence[tuple[float, float, str]]) -> NDArray[np.str_]:
    names = np.full(len(times), UNKNOWN, dtype=object)
    for start, end, exercise in spans:
        names[(times >= start) & (times <= end)] = exercise
    return names.astype(np.str_)


@dataclass(frozen=True)
class _Both:
    """True and found angles (N, 46) of the same moments in radians, NaN where not known; sigma (N, 46) or None."""

    true: Float
    found: Float
    sigma: Float | None
    true_body: Skeleton
    body: Skeleton

    def angles(self, camera_deg: float | None) -> list[tuple[str, Float, Float, Float]]:
        """(name, true, found, sigma) of degrees of freedom in degrees, the heading in one frame of reference."""
        places = [DOF_INDEX[name] for name in ANGLES]
        true, found = np.rad2deg(self.true[:, places]), np.rad2deg(self.found[:, places])
        sigma = np.full_like(true, np.nan) if self.sigma is None else np.rad2deg(self.sigma[:, places])
        if camera_deg is None:
            apart = np.deg2rad(true[:, _TURN] - found[:, _TURN])
            known = np.isfinite(apart)
            camera_deg = float(np.rad2deg(np.angle(np.exp(1j * apart[known]).mean()))) if known.any() else 0.0
        true[:, _TURN] -= camera_deg
        true[:, _TURN] = found[:, _TURN] - short_way(found[:, _TURN] - true[:, _TURN])
        return [(name, true[:, k], found[:, k], sigma[:, k]) for k, name in enumerate(ANGLES)]

    def derived(self) -> list[tuple[str, Float, Float, Float]]:
        """The same of quantities that several degrees of freedom make up."""
        full = [np.nan_to_num(part) for part in (self.true, self.found)]
        poses = [forward_kinematics(part, body) for part, body in zip(full, (self.true_body, self.body), strict=True)]
        rows = []
        for name in DERIVED:
            needs = [DOF_INDEX[dof] for dof in QUANTITIES[name].dofs]
            true, found = (
                np.where(np.isfinite(part[:, needs]).all(axis=1), derive(name, angles, pose), np.nan)
                for part, angles, pose in zip((self.true, self.found), full, poses, strict=True)
            )
            sigma = np.full(len(true), np.nan)
            if self.sigma is not None:
                sigma = curve_sigma(name, full[1], self.sigma, self.body)
            rows.append((name, true, found, sigma))
        return rows
