"""Logging of the command line: what `-v`, `-q` and `--log-file` mean. No handler ever sees a secret."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence
from pathlib import Path

from qevd_bio.store import progress
from qevd_bio.store.errors import UserError
from qevd_bio.store.manifest import SECRET_NAME
from qevd_bio.store.terminal import printable
from qevd_bio.store.version import __version__

ROOT = "qevd_bio"
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_HIDDEN = "***"
_SHORTEST_SECRET = 6
_PATTERNS = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+"), rf"\1 {_HIDDEN}"),
    (re.compile(r"\b(?:sk|hf|pk)[-_][\w-]{8,}"), _HIDDEN),
    (re.compile(r"://[^/@\s]+@"), f"://{_HIDDEN}@"),
    (re.compile(r"(?i)([\w-]*(?:api[_-]?key|token|secret|password|authorization)[\"']?\s*[=:]\s*[\"']?)[^\s&,;\"']+"),
     rf"\1{_HIDDEN}"),
)  # fmt: skip


def without_secrets(text: str) -> str:
    """`text` without the values of environment variables whose names say secret, and without what looks like a key."""
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST_SECRET and SECRET_NAME.search(name):
            text = text.replace(value, _HIDDEN)
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


class _Clean(logging.Formatter):
    """Formats a record, its traceback included, and hides secrets in the whole text."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(without_secrets(super().format(record)))


def start(verbose: int, quiet: bool, log_file: Path | None) -> None:
    """Send the package's log to the terminal (warnings; `verbose` 1: information, 2: all) and to `log_file` (all).

    `quiet` leaves errors alone and switches progress off. The file is appended to. Raises UserError where it cannot
    be written.
    """
    logger = logging.getLogger(ROOT)
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    progress.show(not quiet)
    level = logging.ERROR if quiet else (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    logger.addHandler(_terminal(level))
    if log_file is not None:
        logger.addHandler(_file(log_file.expanduser()))


def command(name: str, arguments: Sequence[str]) -> None:
    """Log which command runs, with its options."""
    logger = logging.getLogger(f"{ROOT}.cli")
    logger.info("qevd-bio %s, version %s", name, __version__)
    logger.debug("options: %s", " ".join(arguments))


def _terminal(level: int) -> logging.Handler:
    from rich.logging import RichHandler

    from qevd_bio.store.terminal import console

    handler = RichHandler(level, console(err=True), show_path=False, show_time=False)
    handler.setFormatter(_Clean("%(message)s"))
    return handler


def _file(path: Path) -> logging.Handler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, encoding="utf-8", errors="replace")
    except OSError as error:
        raise UserError(error.strerror or "cannot be written", where=path, fix="another --log-file") from error
    handler.setFormatter(_Clean(_FORMAT))
    return handler
