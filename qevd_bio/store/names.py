"""Names that may become a part of a path."""

from __future__ import annotations

import re

from qevd_bio.store.errors import UserError

_SAFE = re.compile(r"[^\W.][\w .+@=,()\-]*", re.UNICODE)
# File systems allow 255 bytes; what is left holds a suffix and the ending of a temporary file.
_LONGEST_BYTES = 200


def safe_name(name: str) -> str:
    """Return `name` if it can be one part of a path; raise UserError for separators, ".." and the like."""
    if not _SAFE.fullmatch(name) or name.strip() != name or len(name.encode()) > _LONGEST_BYTES:
        raise UserError(
            f"{name[:80]!r} cannot be used as a file name",
            expected="letters, digits, blanks and . _ + - = @ , ( ), not starting with a dot",
            fix="rename the video or folder",
        )
    return name
