"""The page's part "Who was not read": corrections that kept their words, with picture, curve and measurement."""

from __future__ import annotations

import base64

from qevd_bio.exercise.wording import SIDES, with_unit
from qevd_bio.reporting.content.not_read import NotRead
from qevd_bio.reporting.html import Html, fold, said, tag
from qevd_bio.rewriting.audit import curve_svg
from qevd_bio.rewriting.moments import Moment


def not_read_part(found: NotRead | None) -> Html:
    """One fold a reason."""
    if found is None:
        return Html("")
    folds = []
    for reason, count in found.counts.items():
        shown = found.shown[reason]
        more = f"; the first {len(shown)} are shown" if len(shown) < count else ""
        title = f"{found.meanings.get(reason, reason)}: {count}{more}"
        folds.append(fold(title, *(_moment(one) for one in shown)))
    return tag(
        "section", tag("h2", "Who was not read", id="not-read"),
        tag("p", "Corrections that kept the trainer's words, with what was measured of the rule that fits them best. ",
            "Judge them with ", tag("code", "qevd-bio review export --what rewriting"), "."),
        *folds,
    )  # fmt: skip


def _moment(one: Moment) -> Html:
    row, verdict = one.row, one.verdict
    lines: list[object] = [tag("p", said(row.original), tag("small", f" {row.split}/{row.video}, {row.start_s:.1f} s"))]
    if one.picture:
        source = "data:image/jpeg;base64," + base64.b64encode(one.picture).decode()
        lines.append(tag("img", src=source, alt=f"the moment at {one.time_s:.1f} s", height=160))
    if one.curve is not None:
        lines.append(Html(curve_svg(one.curve)))
    if verdict is not None:
        side = f" {SIDES[verdict.side]}" if verdict.side in SIDES else ""
        value, goal = with_unit(verdict.value, verdict.unit), with_unit(verdict.goal, verdict.unit)
        lines.append(
            tag("p", f"{verdict.rule}{side}: {value}, goal {goal}, p {verdict.probability:.2f}", class_="soft")
        )
    return tag("article", *lines)
