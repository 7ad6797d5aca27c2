"""Losses and validations of a run: one JSON line each, and TensorBoard beside it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qevd_bio.store.atomic import make_folder, write_text

FILE = "log.jsonl"


class TrainingLog:
    """Appends to `<folder>/log.jsonl`; lines after `step` (of a run that was killed) are taken out first."""

    def __init__(self, folder: Path, step: int) -> None:
        make_folder(folder)
        self.path = folder / FILE
        write_text(self.path, "".join(json.dumps(row) + "\n" for row in read_log(folder) if row["step"] <= step))
        self._board = _board(folder / "tensorboard", step)

    def write(self, kind: str, step: int, values: Mapping[str, float]) -> None:
        """One line; numbers that are not finite become null."""
        plain = {name: float(value) if math.isfinite(value) else None for name, value in values.items()}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, "kind": kind, **plain}) + "\n")
        for name, value in plain.items():
            if self._board is not None and value is not None:
                self._board.add_scalar(f"{kind}/{name}", value, step)

    def close(self) -> None:
        if self._board is not None:
            self._board.close()


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Rows of a log, in order; a last line that was cut off is left out."""
    rows: list[dict[str, Any]] = []
    path = folder / FILE
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            rows.append(json.loads(line))
        except ValueError:
            break
    return rows


def _board(folder: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=step + 1)
