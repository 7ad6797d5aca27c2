"""Checkpoint folders that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qevd_bio.store.atomic import explain_os_error, make_folder
from qevd_bio.store.errors import UserError


@contextmanager
def whole_folder(folder: Path, marker: str) -> Iterator[Path]:
    """A new folder to write into; once the block has ended without an error it takes the place of `folder`.

    `marker` is a file that every such folder holds. UserError where `folder` holds something else, or where the disk
    refuses; what stood there is then kept.
    """
    make_folder(folder.parent)
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise explain_os_error(error, folder) from error
    try:
        yield temporary
        temporary.chmod(0o755)
        for path in temporary.iterdir():
            path.chmod(0o644)
            with path.open("rb") as file:
                os.fsync(file.fileno())
        _swap(temporary, folder, marker)
    except OSError as error:
        raise explain_os_error(error, folder) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _swap(new: Path, place: Path, marker: str) -> None:
    """Put `new` where `place` is; an earlier checkpoint there is removed only once the new one stands."""
    if not place.exists():
        new.replace(place)
        return
    if not (place / marker).is_file() and any(place.iterdir()):
        raise UserError("this folder holds something else", where=place, expected="a checkpoint to replace, or nothing")
    old = Path(tempfile.mkdtemp(prefix=f".{place.name}.old.", dir=place.parent))
    place.replace(old / place.name)
    new.replace(place)
    shutil.rmtree(old, ignore_errors=True)
