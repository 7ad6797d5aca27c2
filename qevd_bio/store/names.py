"""Names that may become part of a path."""

from __future__ import annotations

import re

from qevd_bio.store.errors import UserError

_SAFE = re.compile(r"[^\W.][\w .+@=,()\-]*", re.UNICODE)


def safe_name(name: str) -> str:
    """Return `name` if it can be one part of a path; raise UserError for separators, ".." and the like."""
    if not _SAFE.fullmatch(name) or name.strip() != name or len(name.encode()) > 200:
        raise UserError(
            f"{name[:80]!r} cannot be used as a file name",
            expected="letters, digits, blanks and . _ + - = @ , ( ), not starting with a dot",
            fix="rename the video or folder",
        )
    return name
