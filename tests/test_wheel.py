"""The wheel works from another folder: prompts and reference data are found inside it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.tools.versions import build_wheel

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the freshly built wheel is unpacked."""
    base = tmp_path_factory.mktemp("wheel")
    wheel = build_wheel(base, isolated=False)
    zipfile.ZipFile(wheel).extractall(base / "site")
    return base / "site"


def test_nothing_but_the_package_is_installed(site: Path) -> None:
    assert {p.name for p in site.iterdir() if not p.name.endswith(".dist-info")} == {"qevd_bio"}


def test_every_tracked_file_of_refs_and_prompts_is_inside(site: Path) -> None:
    for room in ("refs", "prompts"):
        wanted = {p.relative_to(ROOT) for p in (ROOT / room).rglob("*") if p.is_file() and p.suffix != ".pyc"}
        found = {p.relative_to(site / "qevd_bio") for p in (site / "qevd_bio" / room).rglob("*") if p.is_file()}
        assert wanted <= found | {p for p in wanted if p.name == "__init__.py"}, wanted - found


def test_it_runs_from_another_folder(site: Path, tmp_path: Path) -> None:
    code = (
        "import qevd_bio, qevd_bio.cli.app\nfrom qevd_bio.store.resources import refs_path, prompts_path\n"
        "assert refs_path('exercises', 'squats.yaml').is_file() and prompts_path().is_dir()\n"
        "print(qevd_bio.__file__, qevd_bio.cli.app.__file__, refs_path())"
    )
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(path.startswith(str(site)) for path in done.stdout.split())
