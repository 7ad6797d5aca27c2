"""`qevd-bio verify --against` as one page in the report's style: no script, no request."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qevd_bio.reporting.html import Html, fold, join, number, short, table, tag
from qevd_bio.reporting.page.page import head
from qevd_bio.reporting.verification.against import Against
from qevd_bio.reporting.verification.agreement_text import notes, offset_text, percent
from qevd_bio.store.atomic import write_text
from qevd_bio.tables.agreement import ALL, AgreementRow

_COLUMNS = (
    "frames", "clips", "unobserved", "bias", "RMSE", "median |error|", "lower limit", "upper limit", "correlation",
    "within 1 σ", "within 2 σ",
)  # fmt: skip
_TITLE = "Extracted angles against a truth"


def write(found: Against, path: Path) -> None:
    """Write the page, whole or not at all."""
    write_text(path, agreement_page(found))


def agreement_page(found: Against) -> str:
    """The whole page."""
    body = join(
        (
            tag("header", tag("h1", _TITLE), tag("p", tag("bdi", found.source), class_="soft")),
            tag("main", *_parts(found), id="content"),
        )
    )
    return f"{head(_TITLE)}<body class='few'>{body}</body></html>\n"


def _parts(found: Against) -> list[Html]:
    level = f"{100 * found.options.level:g} %"
    compared = sum(clip.reason is None for clip in found.clips)
    explained = (
        f"Degrees, extracted minus true. Below each figure: its {level} interval from {found.options.replicates} "
        f"bootstraps over {compared} clips (seed {found.options.seed}). Limits of agreement: bias ± 1.96 standard "
        "deviations. Correlation: Pearson's, over frames. Errors within one and two sigma: 68 and 95 % are expected."
    )
    parts = [tag("p", explained), *(tag("p", note, class_="note") for note in notes(found))]
    parts.append(tag("section", tag("h2", "Every angle"), _table(found.whole, "quantity", "angle")))
    for field, other, title in (("view", "exercise", "By view"), ("exercise", "view", "By exercise")):
        rows = [row for row in found.rows if getattr(row, other) == ALL != getattr(row, field) and row.frames]
        whole = [row for row in rows if row.quantity == ALL]
        names = sorted({getattr(row, field) for row in rows})
        folded = [
            fold(name, _table([row for row in rows if getattr(row, field) == name], "quantity", "angle"))
            for name in names
        ]
        parts.append(tag("section", tag("h2", title), _table(whole or rows, field, field), *folded))
    parts.append(tag("section", tag("h2", "Clips"), _clips(found)))
    return parts


def _table(rows: Sequence[AgreementRow], field: str, first: str) -> Html:
    return table(
        (first, *_COLUMNS),
        [
            (
                short(getattr(row, field), 40),
                row.frames,
                row.clips,
                row.unobserved,
                *(_figure(row, name) for name in ("bias", "rmse", "median_abs", "loa_low", "loa_high")),
                _figure(row, "correlation", 2),
                *(_share(row, name) for name in ("within_1", "within_2")),
            )
            for row in rows
        ],
    )


def _figure(row: AgreementRow, name: str, digits: int = 1) -> Html:
    value, low, high = (getattr(row, f"{name}{end}") for end in ("", "_low", "_high"))
    return join((number(value, digits), _between(number(low, digits), number(high, digits), low == low)))


def _share(row: AgreementRow, name: str) -> Html:
    value, low, high = (getattr(row, f"{name}{end}") for end in ("", "_low", "_high"))
    return join((percent(value), " %" if value == value else "", _between(percent(low), percent(high), low == low)))


def _between(low: str, high: str, known: bool) -> Html | None:
    return tag("small", f"{low} to {high}") if known else None


def _clips(found: Against) -> Html:
    rows = [
        (
            tag("bdi", f"{clip.split}/{clip.video}"),
            tag("bdi", clip.truth),
            clip.format,
            clip.view,
            offset_text(clip) if clip.reason is None else tag("bdi", f"not compared: {clip.detail or clip.reason}"),
            f"{clip.overlap} of {clip.frames}",
        )
        for clip in found.clips
    ]
    return table(("video", "truth", "format", "view", "time offset (truth minus video)", "frames"), rows, text=5)
