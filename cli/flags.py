"""Options are written once, as fields of dataclasses, and spread over each command that takes them."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from qevd_bio.store import logs

_MESSAGES = "Messages"


@dataclass(frozen=True)
class MessageFlags:
    """What every command can be told about its messages; `spread` adds it."""

    verbose: Annotated[
        int,
        typer.Option(
            "--verbose", "-v", count=True, show_default=False, help="Say what is done; -vv: everything.",
            rich_help_panel=_MESSAGES,
        ),
    ] = 0  # fmt: skip
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Results and errors alone: no progress, no notes.",
                           rich_help_panel=_MESSAGES)
    ] = False  # fmt: skip
    log_file: Annotated[
        Path | None,
        typer.Option(
            "--log-file", envvar="QEVD_BIO_LOG_FILE", help="Append everything to this file, with times.",
            rich_help_panel=_MESSAGES,
        ),
    ] = None  # fmt: skip

    def begin(self, name: str) -> None:
        """Start the log as asked."""
        logs.start(self.verbose, self.quiet, self.log_file)
        logs.command(name, sys.argv[1:])


def group(text: str, *, runs: bool = False) -> typer.Typer:
    """A command with sub-commands; `runs` where it does something without one, too."""
    return typer.Typer(
        help=text, no_args_is_help=not runs, add_completion=False, pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )  # fmt: skip


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """`command` with an option for each field of the flag classes that it takes, and those of its messages."""
    parameters: list[inspect.Parameter] = []
    groups: dict[str, Any] = {}
    for own in inspect.signature(command, eval_str=True).parameters.values():
        if not is_dataclass(own.annotation):
            parameters.append(own.replace(kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        groups[own.name] = own.annotation
        parameters += _parameters(own.annotation)
    parameters += _parameters(MessageFlags)

    @functools.wraps(command)
    def run(**given: Any) -> None:
        _taken(MessageFlags, given).begin(command.__name__)
        for name, group in groups.items():
            given[name] = _taken(group, given)
        command(**given)

    vars(run).pop("__wrapped__")
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _parameters(group: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(group)
    ]


def _taken(group: Any, given: dict[str, Any]) -> Any:
    """The flag object of `group`; its fields are taken out of `given`."""
    return group(**{field.name: given.pop(field.name) for field in fields(group)})
