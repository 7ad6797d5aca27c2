"""Putting a finished folder on the Hugging Face Hub, as a data set or a model; private unless said otherwise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from qevd_bio.store import extras
from qevd_bio.store.errors import UserError

Kind = Literal["dataset", "model"]
_REPO = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)


def check_name(repository: str, kind: Kind = "dataset") -> None:
    """Raise UserError where `repository` is not OWNER/NAME."""
    if not _REPO.fullmatch(repository):
        what = "data set" if kind == "dataset" else "model"
        raise UserError(f"{repository[:80]!r} is no name of a {what}", expected="OWNER/NAME")


def upload(folder: Path, repository: str, kind: Kind, *, public: bool = False, hub: Any = None) -> str:
    """Upload a folder to the Hub as `repository` (OWNER/NAME); returns its address.

    It is made private unless `public`; an existing one keeps its visibility. `hub` is an HfApi, by default one with the
    user's own login. Raises UserError without huggingface_hub, without a login, and with the Hub's words for the rest.
    """
    check_name(repository, kind)
    if hub is None:
        extras.need("huggingface_hub", what="uploading to the Hub")
        from huggingface_hub import HfApi, get_token

        hub = HfApi()
        if hub.token is None and not get_token():
            raise UserError("no login to the Hugging Face Hub", fix="hf auth login, or the variable HF_TOKEN")
    from huggingface_hub.errors import HfHubHTTPError

    try:
        hub.create_repo(repository, repo_type=kind, private=not public, exist_ok=True)
        hub.upload_folder(folder_path=str(folder), repo_id=repository, repo_type=kind)
    except (HfHubHTTPError, OSError, ValueError) as error:
        text = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"the Hub refused: {text[:200]}", where=repository, fix="nothing here is lost; try again"
        ) from error
    return f"https://huggingface.co/{'datasets/' if kind == 'dataset' else ''}{repository}"
