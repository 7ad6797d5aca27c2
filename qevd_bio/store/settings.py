"""Options from a TOML file, weaker than the environment and the command line.

Shared options stand at the top of the file, a command's own in a table of its name:

    data = "/data/qevd"
    workspace = "outputs"
    [extract]
    jobs = 2
    [refs.build]
    frames = 100

Environment variables are `QEVD_BIO_<COMMAND>_<OPTION>`; `QEVD_BIO_DATA` and `QEVD_BIO_WORKSPACE` serve all.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qevd_bio.store.errors import UserError

FILE_NAME = "qevd-bio.toml"
ENVIRONMENT_PREFIX = "QEVD_BIO"
SHARED = ("data", "workspace")


@dataclass(frozen=True)
class Config:
    """Content of the options file: what all commands share, and a table a command."""

    file: Path
    shared: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def options(self, command: tuple[str, ...], known: Collection[str]) -> dict[str, Any]:
        """Option values for `command` (a path of names), checked against the options it has.

        Raises UserError for an option that the command does not have.
        """
        table: Any = self.tables
        for name in command:
            table = table.get(name, {})
        values = {name: value for name, value in self.shared.items() if name in known}
        for key, value in table.items():
            name = key.replace("-", "_")
            if isinstance(value, Mapping):
                continue
            if name not in known:
                raise UserError(
                    f"[{'.'.join(command)}] has no option {key!r}{_suggest(name, known)}",
                    where=self.file,
                    expected=f"one of {', '.join(sorted(known)) or 'none'}",
                    fix=f"qevd-bio {' '.join(command)} --help",
                )
            values[name] = value
        return values


def read_config(path: Path | None, commands: Collection[str]) -> Config:
    """Read the TOML file (default: `qevd-bio.toml` in the current folder, if there is one).

    Raises UserError for a file that is missing (when named), not TOML, or has a table of no command.
    """
    file = path or Path(FILE_NAME)
    if not file.is_file():
        if path is not None:
            raise UserError("no such file", where=path, expected="a TOML file with options", fix="check --config")
        return Config(file)
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"not valid TOML: {error}", where=file, expected="TOML 1.0 in UTF-8") from error
    shared = {name: _path_beside(file, name, values.pop(name)) for name in SHARED if name in values}
    for name, table in values.items():
        if name not in commands or not isinstance(table, dict):
            raise UserError(
                f"unknown entry {name!r}{_suggest(name, [*commands, *SHARED])}",
                where=file,
                expected=f"{', '.join(SHARED)}, or a table named like a command",
                fix="qevd-bio --help lists the commands",
            )
    return Config(file, shared, values)


def _suggest(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _path_beside(file: Path, name: str, value: Any) -> str:
    """A relative path in the file means: relative to the file that says it."""
    if not isinstance(value, str):
        raise UserError(f"{name} is a {type(value).__name__}", where=file, expected="a path in quotes")
    return str(file.parent / Path(value).expanduser())
