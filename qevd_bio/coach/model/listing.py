"""`qevd-bio coach presets`: each preset in words, with its numbers of parameters where they can be counted."""

from __future__ import annotations

from collections.abc import Sequence

from qevd_bio.coach.model.presets import summary
from qevd_bio.store import extras


def described(names: Sequence[str]) -> tuple[list[str], bool]:
    """Lines about each preset, and whether they hold the numbers of parameters, which take torch to count."""
    whole = extras.is_installed("torch")
    if whole:
        from qevd_bio.coach.model.loading import describe
    else:
        describe = summary
    return [line for name in names for line in describe(name)], whole
