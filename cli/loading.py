"""From a line of the command table to a command that can run: names of variables, the end of the help."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer

from qevd_bio.store.settings import ENVIRONMENT_PREFIX, Config

from .commands import Command


def load(line: Command) -> Any:
    """The command as it runs."""
    target = getattr(import_module(f"{__package__}.{line.module}"), line.target)
    holder = target
    if not isinstance(target, typer.Typer):
        holder = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")
        holder.command(line.name)(target)
    loaded: Any = typer.main.get_command(holder)
    loaded.name = line.name
    _finish(loaded, (line.name,))
    return loaded


def option_name(param: Any) -> str:
    """The option as it is written after the dashes, `-` as `_`: its name in the TOML file."""
    return str(max(param.opts, key=len)).lstrip("-").replace("-", "_")


def defaults(command: Any, path: tuple[str, ...], config: Config) -> dict[str, Any]:
    """Option defaults of a command from the file and, in a group, of each of its sub-commands."""
    names = {option_name(param): str(param.name) for param in command.params}
    values = {names[option]: value for option, value in config.options(path, names).items()}
    for name, sub_command in getattr(command, "commands", {}).items():
        values[name] = defaults(sub_command, (*path, name), config)
    return values


def _finish(command: Any, path: tuple[str, ...]) -> None:
    """Give the command and those below it variables and the note on them."""
    below = getattr(command, "commands", {})
    _name_variables(command, path)
    for name, sub_command in below.items():
        _finish(sub_command, (*path, name))


def _name_variables(command: Any, path: tuple[str, ...]) -> None:
    """Each option's variable is named after the option; the help says once, at its end, how."""
    own = "_".join((ENVIRONMENT_PREFIX, *path, "")).upper().replace("-", "_")
    shared, example = [], ""
    for param in command.params:
        if param.param_type_name != "option" or param.name == "help":
            continue
        param.show_envvar = False
        if param.envvar is None:
            param.envvar = own + option_name(param).upper()
            example = example or param.envvar
        else:
            shared.append(str(param.envvar))
    if not example:
        return
    note = f"Environment: {own} and an option's name set its default, such as {example}."
    if shared:
        note += f" For all commands: {', '.join(sorted(set(shared)))}."
    command.epilog = f"{command.epilog}\n\n{note}" if command.epilog else note
