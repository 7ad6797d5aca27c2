from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from qevd_bio.tables.workspace import Workspace
from tests.reporting.build import add_scores, lengths, make_workspace, write_data


@dataclass(frozen=True)
class Made:
    workspace: Workspace
    data: Path


@pytest.fixture(scope="session")
def shared_made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The workspace with two runs, made once; not to be changed."""
    root = tmp_path_factory.mktemp("report")
    made = Made(Workspace(root / "outputs"), write_data(root / "qevd", lengths()))
    make_workspace(made.workspace, made.data)
    add_scores(made.workspace, made.data, "near", 0.5)
    add_scores(made.workspace, made.data, "far", 2.0)
    return made


@pytest.fixture
def made(shared_made: Made, tmp_path: Path) -> Made:
    """A copy of it that a test may change."""
    pictures = shutil.ignore_patterns("report")
    shutil.copytree(shared_made.workspace.root, tmp_path / "outputs", symlinks=True, ignore=pictures)
    return Made(Workspace(tmp_path / "outputs"), shared_made.data)
