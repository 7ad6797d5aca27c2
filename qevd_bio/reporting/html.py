"""Markup that cannot be broken by what it shows: plain text is escaped, only `Html` goes through as it is.

Not a template engine: the page is written piece by piece, and pieces are made by typed functions that tests call.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

# Control characters, half surrogates and the byte order mark have no business in a page.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
# Marks that turn the direction of writing; inside `bdi` they end with the element, in an attribute they would not.
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_EMPTY = frozenset({"meta", "link", "input", "line", "rect", "circle", "path", "polyline", "polygon", "image", "br"})

SHOWN, KEPT = 280, 20_000
"""Characters of a text that are shown at once, and that are kept behind a fold."""


class Html(str):
    """Finished markup."""

    __slots__ = ()


def clean(text: object) -> str:
    """The text without characters that a page may not hold."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(text))


def join(parts: Iterable[object]) -> Html:
    """Parts one after the other; what is not Html is escaped."""
    return Html("".join(p if isinstance(p, Html) else escape(clean(p)) for p in parts if p is not None))


def tag(name: str, /, *children: object, **attributes: object) -> Html:
    """One element. Attributes: `class_` is `class`, `aria_label` is `aria-label`; None is left out, True is bare."""
    written = "".join(
        f" {_name(key)}" if value is True else f' {_name(key)}="{_attribute(value)}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _EMPTY and not children:
        return Html(f"<{name}{written}/>")
    return Html(f"<{name}{written}>{join(children)}</{name}>")


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _attribute(value: object) -> str:
    return escape(_TURNING.sub("", clean(value)), quote=True)


def said(text: str) -> Html:
    """A text from data or a model: its own direction of writing, long ones folded, endless ones cut (and said)."""
    whole = clean(text)
    if not whole.strip():
        return tag("i", "(empty)")
    if len(whole) <= SHOWN:
        return tag("bdi", whole)
    cut = len(whole) - KEPT
    rest = f" … {cut} more characters left out" if cut > 0 else ""
    opening = tag("summary", tag("bdi", whole[:SHOWN] + "…"), tag("small", f" {len(whole)} characters"))
    return tag("details", opening, tag("bdi", whole[:KEPT]), tag("small", rest) if rest else "", class_="long")


def short(text: object, limit: int) -> str:
    """The first characters of a label, without marks that turn the direction of writing."""
    plain = _TURNING.sub("", clean(text)).replace("\n", " ")
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    caption: str = "",
    class_: str = "",
    text: int = 1,
    at: Sequence[str] = (),
    file: str = "",
) -> Html:
    """A table in a region of its own that scrolls sideways; the first `text` columns are text, the rest numbers.

    In a table of class `said` each cell carries its column's name, so that a narrow screen can show rows as cards.
    One of class `all` scrolls in a window of its own.
    `at`: the anchor that each row tells of; `file`: name of the CSV file that it is saved as.
    """
    labels = [short(label, 60) for label in head]
    lines = []
    for place, row in enumerate(rows):
        cells = []
        for i, cell in enumerate(row):
            label = labels[i] if "said" in class_.split() else None
            name, scope = ("th", "row") if i == 0 else ("td", None)
            cells.append(tag(name, cell, scope=scope, data_label=label, class_="n" if i >= text else None))
        lines.append(tag("tr", *cells, data_at=at[place] if at else None))
    titles = [
        tag("th", tag("bdi", cell), scope="col", class_="n" if i >= text else None) for i, cell in enumerate(head)
    ]
    made = tag(
        "table",
        tag("caption", caption) if caption else "",
        tag("thead", tag("tr", *titles)),
        tag("tbody", *lines),
        class_=class_ or None,
        data_file=file or None,
    )
    scrolled = "scroll tall" if "all" in class_.split() else "scroll"
    return tag("div", made, class_=scrolled, role="region", tabindex="0", aria_label=short(caption or labels[0], 80))


def fold(title: object, *content: object, open_: bool = False, class_: str = "") -> Html:
    """A part that opens and closes without script."""
    return tag("details", tag("summary", title), *content, open=open_ or None, class_=class_ or None)


def number(value: float | None, digits: int = 3) -> str:
    """A number with that many digits after the point; a dash where there is none."""
    return "–" if value is None or value != value else f"{value:.{digits}f}"
