"""The rest of the page: what is missing, the rewritten data set, the manifests."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from qevd_bio.reporting.content.views import Overview, Rewritten
from qevd_bio.reporting.html import Html, fold, join, said, table, tag

_STATUS = ("rewritten", "kept", "unsupported")


def facts(overview: Overview) -> Html:
    """The numbers at the top."""
    return tag(
        "dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in overview.counts), class_="facts"
    )


def simulated(overview: Overview) -> Html:
    """The plain statement that people and feedback were simulated."""
    if not overview.simulated:
        return Html("")
    why = "; ".join(overview.simulated)
    return tag(
        "p", tag("b", "Simulated data. "), "The people, their movements and the trainer's words were generated, not ",
        "recorded; these numbers say how the tools work, not how well anybody is coached. ", tag("small", why),
        class_="note",
    )  # fmt: skip


def notes(overview: Overview) -> Html:
    """What the maker of the page says about it."""
    return tag("ul", *(tag("li", said(note)) for note in overview.notes)) if overview.notes else Html("")


def missing(overview: Overview) -> Html:
    """What is not on the page, and how to get it there."""
    if not overview.missing:
        return Html("")
    items = [
        tag("li", said(m.what), *([" — next: ", tag("code", m.command)] if m.command else []))
        for m in overview.missing
    ]  # fmt: skip
    return tag("section", tag("h2", "Not on this page", id="missing"), tag("ul", *items))


def rewriting(found: Rewritten | None) -> Html:
    """Statistics of the rewritten data set."""
    if found is None:
        return Html("")
    f = found.figures
    policy = ", ".join(sorted({row.policy for row in found.rows})) or "unknown"
    rows: list[tuple[object, object]] = [
        ("feedbacks", f.feedbacks),
        ("corrective", f.corrective),
        ("rewritten", f"{f.rewritten} ({_share(f.rewritten_share)} of corrective)"),
        ("unsupported: kept their words", f.unsupported),
        ("body part of trainer and rewrite agree", _share(f.part_agreement)),
        ("contradict the trainer", f"{f.contradictions} ({_share(f.contradiction_share)})"),
        ("distinct new texts", f.distinct_texts),
        ("words, before and after", f"{f.words_before:.1f} → {f.words_after:.1f}"),
    ]
    intents = sorted({intent for intent, _ in f.by_intent})
    exercises = sorted({name for name, _ in f.by_exercise})
    reasons: Counter[str] = Counter()
    for (_, reason), count in f.by_reason.items():
        reasons[reason] += count
    parts = [
        table(("QEVD-bio-fit-coach", ""), rows, caption=f"Rewritten feedback, policy {policy}"),
        table(("intent", *_STATUS), [[i, *(f.by_intent[i, s] for s in _STATUS)] for i in intents], caption="By intent"),
        table(
            ("exercise", "rewritten", "unsupported"),
            [[e, f.by_exercise[e, "rewritten"], f.by_exercise[e, "unsupported"]] for e in exercises],
            caption="Corrective feedback by exercise",
        ),
    ]
    if reasons:
        listed = [(tag("code", r), found.meanings.get(r, ""), count) for r, count in reasons.most_common()]
        parts.append(table(("reason", "meaning", "feedbacks"), listed, caption="Why words were kept", text=2))
    if f.duplicates:
        often = [(said(text), count) for text, count in f.duplicates[:10]]
        parts.append(fold("Texts used most often", table(("text", "times"), often)))
    return tag("section", tag("h2", "The rewritten data set", id="rewriting"), *parts)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def manifests(found: Mapping[str, Any]) -> Html:
    """With which settings, versions and inputs each stage ran."""
    if not found:
        return Html("")
    parts = [
        fold(tag("bdi", name), tag("pre", json.dumps(content, ensure_ascii=False, indent=1)), class_="part")
        for name, content in found.items()
    ]
    return tag("section", tag("h2", "Manifests", id="manifests"), join(parts))
