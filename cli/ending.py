"""How a command ends: its errors in plain words, its summary, and output that nobody can take."""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from qevd_bio.store.errors import QevdBioError, UserError
from qevd_bio.store.terminal import printable, say

if TYPE_CHECKING:
    from qevd_bio.store.work import Summary

_LOG = logging.getLogger("qevd_bio.cli")

# What writing to a standard stream can raise; an error of a file has its name and is none of these.
_LOST = {errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EBADF}


class Terminated(KeyboardInterrupt):
    """Asked to end by the system (SIGTERM), as a batch system does: everything ends as it does after Ctrl-C."""


def end_like_ctrl_c() -> None:
    """From now on, SIGTERM raises `Terminated`. A second one ends the process at once."""

    def end(number: int, frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        raise Terminated

    signal.signal(signal.SIGTERM, end)


def guarded_output(command: Callable[[], Any]) -> int:
    """Run `command`; its exit code, 1 where the reader of standard output went away, 2 where it cannot be written."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    code: Any = 0
    try:
        try:
            command()
        except SystemExit as end:
            code = end.code
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        if error.filename is not None or error.errno not in _LOST:
            raise
        _discard_output()
        if error.errno == errno.EPIPE:
            return 1
        print_error(UserError(f"standard output cannot be written: {error.strerror}", fix="what is finished is kept"))
        return 2
    return code if isinstance(code, int) else int(code is not None)


def _discard_output() -> None:
    """What is still in the buffer goes nowhere, or Python would complain when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def finish(summary: Summary, where: Path | None = None) -> None:
    """Print what a stage did and leave with its exit code (2 where an item failed)."""
    say(summary.describe() + (f"; results in {where}" if where else ""))
    if summary.failed:
        table = f"manifests/{summary.stage}-failures.csv"
        say(f"failed: {summary.failures()}; listed in {table}; --retry-failed tries them again", err=True)
    leave(summary.exit_code)


def leave(code: int) -> None:
    """End with this exit code where it is not 0."""
    if code:
        raise typer.Exit(code)


def note(text: str) -> None:
    """Something a person should know beside the result; on standard error, and not under --quiet."""
    from qevd_bio.store import progress

    if progress.is_shown():
        say(text, err=True)


def print_error(error: QevdBioError) -> None:
    """One error, as plain text on standard error; red on a terminal."""
    tty = sys.stderr is not None and sys.stderr.isatty() and "NO_COLOR" not in os.environ
    red, plain = ("\x1b[31m", "\x1b[0m") if tty else ("", "")
    _LOG.debug("error: %s", error)
    if sys.stderr is not None:
        print(f"{red}error:{plain} {printable(error)}", file=sys.stderr)
