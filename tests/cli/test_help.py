"""The help of every command: few options first, the rest in panels, variables once; and how commands are written."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from qevd_bio.cli.app import app
from qevd_bio.cli.commands import COMMANDS
from qevd_bio.cli.loading import load
from typer.testing import CliRunner

ROOT = Path(__file__).resolve().parents[2]
MOST_AT_FIRST, LONGEST_FUNCTION, LONGEST_FILE = 10, 60, 200


def leaves() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that runs something, with the words that call it."""
    for line in COMMANDS:
        command = load(line)
        below = getattr(command, "commands", {})
        if not below or command.invoke_without_command:
            yield (line.name,), command
        for name, sub_command in below.items():
            yield (line.name, name), sub_command


LEAVES = list(leaves())
NAMES = [" ".join(words) for words, _ in LEAVES]


@pytest.mark.parametrize(("words", "command"), LEAVES, ids=NAMES)
def test_common_options_first_then_panels_then_variables_once(words: tuple[str, ...], command: Any) -> None:
    done = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "80", "TERM": "dumb"})
    assert done.exit_code == 0
    assert max(map(len, done.output.splitlines())) <= 80
    first = [p for p in command.params if p.param_type_name == "option" and not p.rich_help_panel]
    assert len(first) <= MOST_AT_FIRST, [p.name for p in first]
    assert "[env var" not in done.output
    assert done.output.count("Environment:") == 1
    assert "QEVD_BIO_" not in done.output[: done.output.index("Environment:")]


@pytest.mark.parametrize(("words", "command"), LEAVES, ids=NAMES)
def test_every_command_can_be_asked_for_messages(words: tuple[str, ...], command: Any) -> None:
    options = {option for param in command.params for option in param.opts}
    assert {"-v", "--verbose", "-q", "--quiet", "--log-file"} <= options


@pytest.mark.parametrize(("words", "command"), LEAVES, ids=NAMES)
def test_variables_are_named_after_command_and_option(words: tuple[str, ...], command: Any) -> None:
    shared = {"QEVD_BIO_DATA", "QEVD_BIO_WORKSPACE", "QEVD_BIO_LLM_URL", "QEVD_BIO_LOG_FILE"}
    own = "_".join(("QEVD_BIO", *words)).upper().replace("-", "_")
    for param in command.params:
        if param.param_type_name == "option" and param.name != "help":
            assert param.envvar in shared or param.envvar.startswith(f"{own}_")


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    for path in sorted((ROOT / "cli").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                yield path.name, node


def test_commands_and_their_files_stay_short() -> None:
    long = [f"{name}: {node.name}" for name, node in functions() if node.end_lineno - node.lineno >= LONGEST_FUNCTION]  # type: ignore[operator]
    assert not long
    assert not [p.name for p in (ROOT / "cli").glob("*.py") if len(p.read_text().splitlines()) > LONGEST_FILE]


def test_one_function_writes_to_the_terminal() -> None:
    """Everything goes through store/terminal; `print_error` alone adds its own colour."""
    writers = {
        (name, node.name)
        for name, node in functions()
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and ast.unparse(call.func) in ("print", "typer.echo", "click.echo", "Console")
    }
    assert writers == {("ending.py", "print_error")}
