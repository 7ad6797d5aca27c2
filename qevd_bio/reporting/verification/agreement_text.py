"""What `qevd-bio verify --against` found: files for programs, and plain text of 80 columns for a terminal."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from qevd_bio.reporting.html import number
from qevd_bio.reporting.verification.against import Against
from qevd_bio.store.atomic import make_folder, write_json
from qevd_bio.tables.agreement import AGREEMENT, AGREEMENT_CLIPS, ALL, AgreementRow, ClipRow, table_in

_HEAD = f"{'angle':22}{'bias':>6}{'RMSE':>6}{'interval':>11}{'|err|':>6}{'limits of agr.':>16}{'r':>5}{'σ 2σ':>8}"


def write(found: Against, folder: Path) -> None:
    """Write agreement.json, and agreement and agreement_clips as Parquet and CSV."""
    make_folder(folder)
    write_json(folder / "agreement.json", as_json(found))
    about = {"truth": Path(found.source).name, "options": asdict(found.options)}
    AGREEMENT.save(table_in(folder, AGREEMENT), found.rows, metadata=about)
    AGREEMENT.save_csv(folder / "agreement.csv", found.rows)
    AGREEMENT_CLIPS.save(table_in(folder, AGREEMENT_CLIPS), found.clips, metadata=about)
    AGREEMENT_CLIPS.save_csv(folder / "agreement_clips.csv", found.clips)


def as_json(found: Against) -> dict[str, Any]:
    """Everything as plain values; what is undefined is null."""
    return {
        "truth": found.source,
        "options": asdict(found.options),
        "not_in_truth": list(found.not_in_truth),
        "not_observed": list(found.not_observed),
        "videos_without_truth": found.without_truth,
        "clips": [_plain(asdict(clip)) for clip in found.clips],
        "agreement": [_plain(asdict(row)) for row in found.rows],
    }


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: None if value != value else value for name, value in values.items()}


def as_text(found: Against) -> str:
    """Clips with their offsets, every angle over all clips, then views and exercises over all angles."""
    level = f"{100 * found.options.level:g} %"
    lines = [*clip_lines(found), "", _HEAD, *(_line(row) for row in found.whole)]
    parts = [row for row in found.rows if row.quantity == ALL and (row.view == ALL) != (row.exercise == ALL)]
    if parts:
        lines += [
            "",
            "all degrees of freedom, by view and by exercise (each angle: on the page)",
            *(_line(row, row.view, row.exercise) for row in parts),
        ]
    lines += ["", f"Degrees, extracted minus true; interval: RMSE, {level}, {found.options.replicates} bootstraps "]
    lines[-1] += "over clips."
    lines.append("r: Pearson; σ 2σ: % of errors within one and two sigma (expected: 68, 95).")
    lines += notes(found)
    return "\n".join(line.rstrip() for line in lines)


def clip_lines(found: Against) -> list[str]:
    """One line a clip: what it was compared with and at which offset, or why not."""
    lines = []
    for clip in found.clips:
        name = f"{clip.split}/{clip.video}"
        if clip.reason is not None:
            lines.append(f"{name}: not compared, {clip.detail or clip.reason}")
            continue
        lines.append(f"{name}: {clip.truth}, {clip.view}, {clip.overlap} of {clip.frames} frames")
        lines.append(f"  {offset_text(clip)}")
    return lines


def offset_text(clip: ClipRow) -> str:
    """The time offset of a clip in words."""
    if clip.offset_by == "given":
        return f"offset {clip.offset_s:+.3f} s, as given"
    if clip.offset_by != "correlation":
        why = "nothing moves enough" if clip.offset_correlation != clip.offset_correlation else (
            f"best correlation {clip.offset_correlation:.2f}"
        )  # fmt: skip
        return f"offset 0 s: none found ({why}); state it with --offset"
    text = f"offset {clip.offset_s:+.3f} s, by correlation ({clip.offset_correlation:.3f})"
    if clip.other_offset_s == clip.other_offset_s:
        text += f"; {clip.other_offset_s:+.2f} s fits as well"
    return text


def notes(found: Against) -> list[str]:
    """What was left out, in sentences."""
    said = []
    if found.not_in_truth:
        said.append(f"Not in the truth ({len(found.not_in_truth)}): {', '.join(found.not_in_truth)}.")
    if found.not_observed:
        said.append(f"Never observed by the extraction ({len(found.not_observed)}): {', '.join(found.not_observed)}.")
    hidden = sum(row.unobserved for row in found.whole if row.quantity != ALL)
    if hidden:
        said.append(f"Left out as unobserved in single frames: {hidden} values.")
    if any(clip.heading_by == "mean" for clip in found.clips):
        said.append("pelvis_rotation: the mean difference of each clip is taken out; its bias says nothing.")
    if found.without_truth:
        said.append(f"Videos with kinematics but without truth: {found.without_truth}.")
    if len({(clip.split, clip.video) for clip in found.clips if clip.reason is None}) == 1:
        said.append("One clip: no intervals.")
    return [line for text in said for line in _folded(text)]


def _folded(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, 80, subsequent_indent="  ", break_on_hyphens=False)


def _line(row: AgreementRow, view: str = ALL, exercise: str = ALL) -> str:
    name = next((part for part in (view, exercise) if part != ALL), row.quantity)
    interval = f"{number(row.rmse_low, 1)}–{number(row.rmse_high, 1)}" if row.rmse_low == row.rmse_low else "–"
    limits = f"{number(row.loa_low, 1)} … {number(row.loa_high, 1)}"
    inside = " ".join(percent(share) for share in (row.within_1, row.within_2))
    return (
        f"{name[:22]:22}{number(row.bias, 1):>6}{number(row.rmse, 1):>6}{interval:>11}{number(row.median_abs, 1):>6}"
        f"{limits:>16}{number(row.correlation, 2):>5}{inside:>8}"
    )


def percent(share: float) -> str:
    """A share in whole per cent; a dash where there is none."""
    return "–" if share != share else f"{100 * share:.0f}"
