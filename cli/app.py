"""The `qevd-bio` command: a table of sub-commands, each loaded only when it runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from qevd_bio.store import extras
from qevd_bio.store.errors import QevdBioError
from qevd_bio.store.settings import ENVIRONMENT_PREFIX, read_config
from qevd_bio.store.terminal import say
from qevd_bio.store.version import __version__

from .commands import BY_NAME, COMMANDS
from .ending import Terminated, end_like_ctrl_c, guarded_output, print_error
from .loading import defaults, load

EPILOG = """[bold]Examples[/bold]

qevd-bio doctor   (what works on this machine)

qevd-bio extract squats.mp4 --exercise squats   (videos, or folders of them)

export QEVD_BIO_DATA=/data/qevd; qevd-bio segments; qevd-bio extract --jobs 2; qevd-bio analyze

qevd-bio score --preds run.jsonl

Every option can also stand in qevd-bio.toml or in the environment (QEVD_BIO_EXTRACT_JOBS=2).
"""


class LazyGroup(TyperGroup):
    """Imports a sub-command's module only when it is run or its own help is asked for."""

    _listing = False

    def list_commands(self, ctx: Any) -> list[str]:
        return [command.name for command in COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        line = BY_NAME.get(cmd_name)
        if line is None:
            return None
        if self._listing:
            return TyperCommand(line.name, help=line.help, rich_help_panel=line.panel)
        return load(line)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self._listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._listing = False

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        self._listing = True
        try:
            return super().shell_complete(ctx, incomplete)
        finally:
            self._listing = False

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        # Suggestions for a mistyped name come from the table, not from loaded modules.
        self.commands = {name: TyperCommand(name) for name in BY_NAME}
        resolved = super().resolve_command(ctx, args)
        name, command = str(resolved[0]), resolved[1]
        config = read_config(ctx.params.get("config"), set(BY_NAME))
        ctx.default_map = {name: defaults(command, (name,), config)}
        return resolved

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except QevdBioError as error:
            print_error(error)
            raise SystemExit(2) from None
        except ImportError as error:
            missing = extras.explained(error)
            if missing is None:
                raise
            print_error(missing)
            raise SystemExit(2) from None
        except KeyboardInterrupt as end:
            say("\ninterrupted: what is finished is kept; run the same command to continue", err=True)
            raise SystemExit(143 if isinstance(end, Terminated) else 130) from None


def _version(value: bool) -> None:
    if value:
        say(f"qevd-bio {__version__}")
        raise typer.Exit


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog=EPILOG,
    context_settings={"auto_envvar_prefix": ENVIRONMENT_PREFIX, "help_option_names": ["-h", "--help"]},
)


@app.callback()
def root(
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", envvar="QEVD_BIO_CONFIG", help="TOML file with options.", show_default="qevd-bio.toml"
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Biomechanically grounded fitness coaching from video: kinematics, rewritten feedback, coach, scores."""


def main() -> None:
    """Entry point of the `qevd-bio` command."""
    end_like_ctrl_c()
    sys.exit(guarded_output(app))
