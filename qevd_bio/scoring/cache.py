"""Where things computed once for all runs are kept: the WordNet index, sentence embeddings."""

from __future__ import annotations

import os
from pathlib import Path

from qevd_bio.store.atomic import make_folder
from qevd_bio.store.errors import UserError

CACHE_VARIABLE = "QEVD_BIO_CACHE"


def cache_folder(*parts: str) -> Path:
    """The folder `parts` of the cache, created where missing.

    The cache is $QEVD_BIO_CACHE, else $XDG_CACHE_HOME/qevd-bio, else ~/.cache/qevd-bio. Everything in it
    can be deleted at any time. Raises UserError where it cannot be written.
    """
    named = os.environ.get(CACHE_VARIABLE)
    base = Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "qevd-bio"
    try:
        return make_folder(base.joinpath(*parts))
    except UserError as error:
        raise UserError(
            error.problem,
            where=base,
            expected="a folder for the cache that can be written",
            fix=f"set {CACHE_VARIABLE} to another folder",
        ) from error
