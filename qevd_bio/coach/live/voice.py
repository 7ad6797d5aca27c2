"""Speech by the system's own voice: a program that is there, or none. Texts go to its standard input, never a shell."""

from __future__ import annotations

import queue
import shutil
import subprocess
import threading
from collections.abc import Sequence

from qevd_bio.store.errors import UserError

_SAPI = (
    "[Console]::InputEncoding = [Text.Encoding]::UTF8; Add-Type -AssemblyName System.Speech; "
    "(New-Object System.Speech.Synthesis.SpeechSynthesizer).Speak([Console]::In.ReadToEnd())"
)
# Programs in the order in which they are looked for; each reads what it says from its standard input.
PROGRAMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("espeak-ng", ("--stdin",)),
    ("espeak", ("--stdin",)),
    ("say", ("-f", "-")),
    ("powershell", ("-NoProfile", "-Command", _SAPI)),
)
_LONGEST_S = 20.0


def find_voice() -> tuple[str, ...]:
    """The command of the system's voice. UserError where there is none."""
    for name, options in PROGRAMS:
        path = shutil.which(name)
        if path is not None:
            return (path, *options)
    raise UserError(
        "this system has no voice",
        expected="espeak-ng, or the voice of macOS or Windows",
        fix="install espeak-ng, or leave --speak out",
    )


class Voice:
    """Says one text after the other beside the session; what cannot be said before the next one comes is left out."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._next: queue.Queue[str | None] = queue.Queue(1)
        self._thread = threading.Thread(target=self._run, name="voice", daemon=True)
        self._thread.start()

    def say(self, text: str) -> None:
        """Say a text as soon as the one before is said; one that still waits is dropped for it."""
        while True:
            try:
                self._next.put_nowait(text)
                return
            except queue.Full:
                try:
                    self._next.get_nowait()
                except queue.Empty:
                    continue

    def close(self) -> None:
        """Let the last text be said, and end."""
        self._next.put(None)
        self._thread.join(timeout=_LONGEST_S)

    def _run(self) -> None:
        while (text := self._next.get()) is not None:
            try:
                subprocess.run(
                    self._command, input=text.encode("utf-8"), timeout=_LONGEST_S, check=False,
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                )  # fmt: skip
            except (OSError, subprocess.TimeoutExpired):
                continue  # a voice that fails must not end the session
