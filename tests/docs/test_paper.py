"""The table of the paper's claims: every row is whole, every file is there, every option is one of the named command."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from qevd_bio.cli.commands import COMMANDS as LINES
from qevd_bio.cli.loading import load

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "paper.md").read_text(encoding="utf-8")
_FILE = re.compile(r"`((?:qevd_bio|cli|refs|prompts|tests)/[^`\s]+)`")
_CALL = re.compile(r"`([a-z][\w -]*?)((?: --[a-z][\w-]*[^`]*)*)`")
_OPTION = re.compile(r"--[a-z][\w-]*")


def rows() -> list[list[str]]:
    """Cells of all rows, without heads and rules."""
    lines = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| claim ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def options() -> dict[str, set[str]]:
    """Options of each command, by the words that call it."""
    found: dict[str, set[str]] = {}
    for line in LINES:
        command: Any = load(line)
        below = {f"{line.name} {name}": own for name, own in getattr(command, "commands", {}).items()}
        for name, own in {line.name: command, **below}.items():
            found[name] = {option for param in own.params for option in param.opts}
    return found


OPTIONS = options()
ALL = set().union(*OPTIONS.values())


def test_every_row_says_claim_section_place_default_and_switch() -> None:
    assert len(rows()) >= 85
    for row in rows():
        assert len(row) == 5 and all(row), row
        assert re.fullmatch(r"[\d., –]+", row[1]), row


def test_no_claim_stands_twice() -> None:
    claims = [row[0] for row in rows()]
    assert sorted(set(claims)) == sorted(claims)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:40])
def test_files_exist(row: list[str]) -> None:
    named = _FILE.findall(" ".join(row[2:]))
    assert named, row
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:40])
def test_options_exist(row: list[str]) -> None:
    for option in _OPTION.findall(" ".join(row[3:])):
        assert option in ALL, option
    for name, rest in _CALL.findall(row[4]):
        if not rest:
            continue
        assert set(_OPTION.findall(rest)) <= OPTIONS[name], (name, rest)


def test_the_text_names_only_what_exists() -> None:
    assert [path for path in _FILE.findall(PAGE) if not (ROOT / path).exists()] == []
