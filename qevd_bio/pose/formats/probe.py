"""A first look into a file: enough to tell its format by content, not by its name."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

HEAD_BYTES = 1 << 16
MAX_JSON_BYTES = 1 << 30
_FRAME_NAME = re.compile(r"^(?P<stem>.*?)_?(?P<number>\d{3,12})(?:_keypoints)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Probe:
    """What can be said of a file or folder without reading it whole."""

    path: Path

    @cached_property
    def head(self) -> bytes:
        """Up to 64 KiB from the beginning; empty for folders and unreadable files."""
        try:
            with self.path.open("rb") as stream:
                return stream.read(HEAD_BYTES)
        except OSError:
            return b""

    @cached_property
    def text_head(self) -> bytes:
        """The beginning as UTF-8 text without byte-order mark."""
        head = self.head
        if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return head.decode("utf-16", errors="replace").encode()
        return head.removeprefix(b"\xef\xbb\xbf")

    @cached_property
    def first_line(self) -> str:
        """The first line that is not blank."""
        text = self.text_head.lstrip().decode("utf-8", errors="replace")
        return text.splitlines()[0] if text.strip() else ""

    @cached_property
    def members(self) -> frozenset[str]:
        """Names inside a zip archive, `.npy` taken off; empty for other files."""
        if not self.head.startswith(b"PK"):
            return frozenset()
        try:
            with zipfile.ZipFile(self.path) as archive:
                return frozenset(name.removesuffix(".npy") for name in archive.namelist())
        except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError):
            return frozenset()

    @cached_property
    def is_npz(self) -> bool:
        """Whether it is an archive of numpy arrays."""
        if not self.head.startswith(b"PK"):
            return False
        try:
            with zipfile.ZipFile(self.path) as archive:
                return any(name.endswith(".npy") for name in archive.namelist())
        except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError):
            # a broken archive is named by its ending alone
            return self.path.suffix.lower() == ".npz"

    @cached_property
    def is_npy(self) -> bool:
        return self.head.startswith(b"\x93NUMPY")

    @cached_property
    def json_head(self) -> bool:
        """Whether it looks like JSON."""
        return self.text_head.lstrip()[:1] in (b"{", b"[")

    @cached_property
    def is_pickle(self) -> bool:
        """A plain or zlib-compressed pickle, as joblib writes them."""
        return self.head[:1] == b"\x80" or self.head[:2] in (b"\x78\x5e", b"\x78\x9c", b"\x78\x01", b"\x78\xda")


def read_json(path: Path) -> Any:
    """The content of a JSON file. Raises ValueError for anything else, with what is wrong."""
    if path.stat().st_size > MAX_JSON_BYTES:
        raise ValueError(f"is larger than {MAX_JSON_BYTES >> 30} GiB")
    try:
        return json.loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except RecursionError as error:
        raise ValueError("is nested too deeply") from error


def frame_files(folder: Path, ending: str = ".json") -> dict[str, list[tuple[int, Path]]]:
    """Files of single frames in a folder (not deeper), by stem, in the order of the numbers at their names' ends."""
    found: dict[str, list[tuple[int, Path]]] = {}
    for path in folder.iterdir():
        match = _FRAME_NAME.match(path.stem) if path.suffix.lower() == ending else None
        if match:
            found.setdefault(match["stem"], []).append((int(match["number"]), path))
    return {stem: sorted(files) for stem, files in found.items()}


def is_frame_folder(folder: Path) -> str:
    """The ending of the files where a folder holds one recording of one file a frame; empty otherwise."""
    for ending in (".json", ".npz"):
        groups = frame_files(folder, ending)
        files = next(iter(groups.values())) if len(groups) == 1 else []
        if len(files) > 1 and (ending == ".json" or "pred_global_rots" in Probe(files[0][1]).members):
            return ending
    return ""
