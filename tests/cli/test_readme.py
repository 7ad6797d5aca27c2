"""Commands that the README and the docs show exist, with the options they are shown with."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from qevd_bio.cli.commands import BY_NAME, COMMANDS
from qevd_bio.cli.loading import load

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^```(?:bash|sh|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def shown_commands() -> Iterator[tuple[str, str]]:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
            for line in block.replace("\\\n", " ").splitlines():
                for part in re.split(r"&&|;|\|", line.split("  #")[0]):
                    words = part.strip().removeprefix("$ ").strip()
                    if words.startswith(("qevd-bio ", ".venv/bin/qevd-bio ")):
                        yield page.name, words


def options_of(command: Any) -> dict[str, Any]:
    return {option: param for param in command.params for option in (*param.opts, *param.secondary_opts)}


def test_the_readme_shows_commands() -> None:
    assert sum(page == "README.md" for page, _ in shown_commands()) >= 4


@pytest.mark.parametrize(("page", "line"), sorted(set(shown_commands())))
def test_shown_commands_parse(page: str, line: str) -> None:
    words = shlex.split(line)[1:]
    while words and words[0] in ("--config",):
        words = words[2:]
    if words[0].startswith("-"):
        return
    assert words[0] in BY_NAME, f"{page}: no command {words[0]}"
    command = load(BY_NAME[words[0]])
    words = words[1:]
    while getattr(command, "commands", None) and words and words[0] in command.commands:
        command = command.commands[words[0]]
        words = words[1:]
    known = options_of(command)
    for word in words:
        if word.startswith("-"):
            assert word.split("=")[0] in known or word in ("--help", "-h"), f"{page}: {line}: no option {word}"


def test_make_targets_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^(?:\$ )?make (\w+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert {"demo", "test"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_commands_are_documented() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in COMMANDS:
        assert f"`{command.name}`" in text or f"qevd-bio {command.name}" in text, command.name
