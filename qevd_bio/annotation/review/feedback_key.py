"""The key of blind sheets: which text is whose. It stays in the workspace, away from the sheets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qevd_bio.store.atomic import write_json
from qevd_bio.store.errors import UserError
from qevd_bio.tables.workspace import Workspace

FORMAT = "qevd-bio feedback sheets 1"
LOWEST, HIGHEST = 1, 5
RATING = "_rating"


def key_path(workspace: Workspace) -> Path:
    """The key that tells which text is whose; raters must not see it."""
    return workspace.annotations / "feedback-sheets" / "key.json"


def read_key(path: Path) -> dict[str, Any]:
    """The key that was written with the sheets. Raises UserError where there is none or it is damaged."""
    fix = "qevd-bio review export --what feedback makes sheets and their key"
    if not path.is_file():
        raise UserError("there is no key of sheets", where=path, expected="sheets made in this workspace", fix=fix)
    try:
        key = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError("the key cannot be read as JSON", where=path, fix=fix) from error
    if not isinstance(key, dict) or key.get("format") != FORMAT:
        raise UserError("this is no key of sheets", where=path, expected=f'"format": "{FORMAT}"', fix=fix)
    return key


def keep_key(path: Path, content: dict[str, Any]) -> None:
    """Write the key; raises UserError where that of other sheets stands."""
    if path.exists() and read_key(path) != content:
        raise UserError(
            "the key of other sheets stands here: without it their ratings cannot be read",
            where=path,
            expected="a workspace without sheets, or the same systems and options as before",
            fix="use another --workspace, or move the folder away",
        )
    write_json(path, content)
