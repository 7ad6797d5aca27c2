"""Where fetched models lie, and whether they are what they should be."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from pathlib import Path

from qevd_bio.store.errors import UserError
from qevd_bio.store.hashing import hash_file
from qevd_bio.store.models.table import Edition, Model, ModelFile

FOLDER_VARIABLE = "QEVD_BIO_MODELS"


def models_folder() -> Path:
    """$QEVD_BIO_MODELS, or `qevd-bio/models` in the user's cache folder."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named).expanduser()
    if os.environ.get("XDG_CACHE_HOME"):
        root = Path(os.environ["XDG_CACHE_HOME"])
    elif sys.platform == "darwin":
        root = Path.home() / "Library" / "Caches"
    else:
        root = Path.home() / ".cache"
    return root / "qevd-bio" / "models"


def place_of(model: Model, file: ModelFile) -> Path:
    """Where this file of the model belongs."""
    return models_folder() / model.name / file.name


def edition_of(file: ModelFile, path: Path) -> Edition | None:
    """Which edition lies at `path`; None where the content is none of them."""
    found = _hash(path, path.stat().st_mtime_ns, path.stat().st_size)
    return next((edition for edition in file.editions if edition.sha256 == found), None)


def cached_file(model: Model) -> Path:
    """The only file of a model, checked by its hash. Raises UserError where it is missing or another."""
    (file,) = model.files
    path = place_of(model, file)
    if not path.is_file():
        raise UserError(
            f"the model {model.name} is not on this machine",
            where=path,
            expected=f"{file.name}, {file.editions[0].size / 2**20:.1f} MiB, {model.licence}",
            fix=f"qevd-bio models fetch {model.name}",
        )
    if edition_of(file, path) is None:
        raise UserError(
            f"is not the file that the model {model.name} needs: SHA-256 {hash_file(path)}",
            where=path,
            expected=" or ".join(edition.sha256 for edition in file.editions),
            fix=f"delete it, then qevd-bio models fetch {model.name}",
        )
    return path


@lru_cache(maxsize=64)
def _hash(path: Path, changed_ns: int, size: int) -> str:
    return hash_file(path)
