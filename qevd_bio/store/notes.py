"""Short notes to the user that are no errors, on stderr."""

from __future__ import annotations

import sys

_SAID: set[str] = set()


def note(text: str) -> None:
    """Print `note: …` on stderr; the same note once a process."""
    if text not in _SAID:
        _SAID.add(text)
        print(f"note: {text}", file=sys.stderr)
