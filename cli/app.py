"""The `qevd-bio` command: a table of sub-commands, each loaded only when it runs."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

import qevd_bio
from qevd_bio.store.errors import QevdBioError
from qevd_bio.store.settings import ENVIRONMENT_PREFIX, Config, read_config

from .common import print_error


class Command(NamedTuple):
    """One line of the help: name, module in this package, what in it, panel and short help.

    `target` is a function, or a Typer app for a command with sub-commands.
    """

    name: str
    module: str
    target: str
    panel: str
    help: str


DATA, JUDGE, MOTION = "1 Data and kinematics", "2 Judgements", "3 Motion and rewriting"
COACH, SCORE, TRY = "4 The coach", "5 Scores", "Help and trying out"

COMMANDS = (
    Command("segments", "segments", "segments", DATA, "Write the table of exercises and their times."),
    Command("extract", "extract", "extract", DATA, "Videos to 46 joint angles per frame."),
    Command("show", "show", "show", DATA, "Draw the kinematics of one video."),
    Command("export", "export", "export", DATA, "Kinematics for OpenSim, Blender and others."),
    Command("annotate", "annotate", "annotate", JUDGE, "Salient joints of each segment, by model or by rules."),
    Command("classify", "classify", "classify", JUDGE, "Static and dynamic joints of each exercise."),
    Command("intent", "intent", "intent", JUDGE, "Sort feedback: corrective, motivational, count, …"),
    Command("review", "review", "app", JUDGE, "Have people check annotations, roles and intents."),
    Command("cache", "cache", "app", JUDGE, "Look into the cache of model replies; export, prune."),
    Command("refs", "refs", "app", MOTION, "Exercise rules and reference trajectories."),
    Command("analyze", "analyze", "analyze", MOTION, "Repetitions, form errors and contexts."),
    Command("rewrite", "rewrite", "rewrite", MOTION, "The data set with measured feedback: QEVD-bio-fit-coach."),
    Command("features", "features", "features", COACH, "Visual features of videos, for the coach."),
    Command("train", "train", "app", COACH, "Train the coach: joint selector, then fusion; Stream-VLM."),
    Command("run", "run", "run", COACH, "What a coach says in every segment: predictions."),
    Command("coach", "coach", "app", COACH, "Models of the coach: presets, released weights, joint selection."),
    Command("validate", "validate", "validate", SCORE, "Check a file of predictions."),
    Command("score", "score", "score", SCORE, "Score predictions against the feedback of a data set."),
    Command("compare", "compare", "compare", SCORE, "Compare several systems, with paired tests."),
    Command("report", "report", "report", SCORE, "One page: scores, timelines, statistics, manifests."),
    Command("plot", "plot", "app", SCORE, "Figures for papers: scores, ablation, timeline, cycle."),
    Command("demo", "demo", "demo", TRY, "The whole job on simulated workouts, in a few minutes."),
    Command("simulate", "simulate", "simulate", TRY, "Workouts with known truth, in QEVD's layout."),
    Command("verify", "verify", "verify", TRY, "What was found in simulated workouts, against their truth."),
    Command("doctor", "doctor", "doctor", TRY, "What is installed, what is missing, and what mends it."),
)
_BY_NAME = {command.name: command for command in COMMANDS}

EPILOG = """[bold]Examples[/bold]

qevd-bio doctor   (what works on this machine)

qevd-bio extract --data videos/ --exercise squats   (any folder of videos)

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
        line = _BY_NAME.get(cmd_name)
        if line is None:
            return None
        if self._listing:
            return TyperCommand(line.name, help=line.help, rich_help_panel=line.panel)
        return _load(line)

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
        self.commands = {name: TyperCommand(name) for name in _BY_NAME}
        resolved = super().resolve_command(ctx, args)
        name, command = str(resolved[0]), resolved[1]
        config = read_config(ctx.params.get("config"), set(_BY_NAME))
        ctx.default_map = {name: _defaults(command, (name,), config)}
        return resolved

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except QevdBioError as error:
            print_error(error)
            raise SystemExit(2) from None
        except KeyboardInterrupt:
            print("\ninterrupted: what is finished is kept; run the same command to go on", file=sys.stderr)
            raise SystemExit(130) from None


def _load(line: Command) -> Any:
    target = getattr(import_module(f"{__package__}.{line.module}"), line.target)
    holder = target
    if not isinstance(target, typer.Typer):
        holder = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        holder.command(line.name)(target)
    loaded: Any = typer.main.get_command(holder)
    loaded.name = line.name
    _name_variables(loaded, (line.name,))
    return loaded


def _option_name(param: Any) -> str:
    """The option as it is written after the dashes, `-` as `_`: its name in the TOML file."""
    return str(max(param.opts, key=len)).lstrip("-").replace("-", "_")


def _name_variables(command: Any, path: tuple[str, ...]) -> None:
    """Each option's environment variable is named after the option, not after the function's parameter."""
    for param in command.params:
        if param.envvar is None and param.param_type_name == "option":
            param.envvar = "_".join((ENVIRONMENT_PREFIX, *path, _option_name(param))).upper().replace("-", "_")
    for name, sub_command in getattr(command, "commands", {}).items():
        _name_variables(sub_command, (*path, name))


def _defaults(command: Any, path: tuple[str, ...], config: Config) -> dict[str, Any]:
    """Option defaults of a command and, in a group, of each of its sub-commands."""
    names = {_option_name(param): str(param.name) for param in command.params}
    values = {names[option]: value for option, value in config.options(path, names).items()}
    for name, sub_command in getattr(command, "commands", {}).items():
        values[name] = _defaults(sub_command, (*path, name), config)
    return values


def _version(value: bool) -> None:
    if value:
        print(f"qevd-bio {qevd_bio.__version__}")
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
    app()
