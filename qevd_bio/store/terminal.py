"""What a terminal is shown: no text from files, names, models or servers can steer it."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

# Joiners shape letters of several scripts and do nothing else.
_KEPT = frozenset("\n\t\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}")


def printable(text: object) -> str:
    """`text` as it may be shown: control characters, escape sequences and marks of direction become U+FFFD.

    Line breaks and tabs stay; blanks of other widths become plain ones.
    """
    plain = str(text).replace("\r\n", "\n")
    if plain.isascii() and plain.isprintable():
        return plain
    return "".join(c if c in _KEPT or c.isprintable() else _shown(c) for c in plain)


def _shown(character: str) -> str:
    return " " if unicodedata.category(character) == "Zs" else "\N{REPLACEMENT CHARACTER}"


def say(text: object, *, err: bool = False) -> None:
    """Print one text, made printable, on standard output or standard error.

    A standard error that nobody reads is passed over; a lost standard output raises OSError.
    """
    stream = sys.stderr if err else sys.stdout
    if stream is None:
        return
    try:
        print(printable(text), file=stream, flush=True)
    except OSError:
        if not err:
            raise


def console(*, err: bool = False) -> Console:
    """A Rich console whose every piece of text goes through `printable`; its own colours stay."""
    made: Console = _safe_console()(stderr=err)
    return made


@lru_cache(maxsize=1)
def _safe_console() -> Any:
    from rich.console import Console
    from rich.segment import Segment

    class SafeConsole(Console):
        """Cleans segments after styling, so that only the console itself writes escape sequences."""

        def render(self, renderable: Any, options: Any = None) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                yield segment if segment.control else Segment(printable(segment.text), segment.style)

    return SafeConsole
