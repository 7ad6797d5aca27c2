"""Checkpoint folders that appear whole or not at all."""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qevd_bio.store.errors import UserError
from qevd_bio.store.leftovers import explain_os_error, scratch_folder


@contextmanager
def whole_folder(folder: Path, marker: str) -> Iterator[Path]:
    """A new folder to write into; once the block has ended without an error it takes the place of `folder`.

    `marker` is a file that every such folder holds. UserError where `folder` holds something else, or where the disk
    refuses; what stood there is then kept.
    """
    with scratch_folder(folder) as scratch:
        _restore(folder)
        try:
            temporary = scratch / folder.name
            temporary.mkdir()
            yield temporary
            for path in temporary.iterdir():
                path.chmod(0o644)
                with path.open("rb") as file:
                    os.fsync(file.fileno())
            _swap(temporary, folder, marker)
        except OSError as error:
            raise explain_os_error(error, folder) from error


def _restore(place: Path) -> None:
    """Put back the earlier checkpoint where a process was killed in the middle of the exchange."""
    for old in place.parent.glob(f".{glob.escape(place.name)}.old.*"):
        if not place.exists() and (old / place.name).is_dir():
            (old / place.name).replace(place)
        shutil.rmtree(old, ignore_errors=True)


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
