"""`python -m qevd_bio` from a clone that nobody installed, and from any folder with one that is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import qevd_bio

ROOT = Path(__file__).resolve().parents[2]


def run(*words: str, cwd: Path, libraries: bool = True) -> subprocess.CompletedProcess[str]:
    """Without `site`, so without what an editable installation adds."""
    found = [path for path in sys.path if path.endswith("site-packages")] if libraries else []
    return subprocess.run(
        [sys.executable, "-S", "-m", "qevd_bio", *words],
        cwd=cwd, env={**os.environ, "PYTHONPATH": os.pathsep.join(found)}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("words", [("--version",), ("refs", "show", "squats"), ("--help",)])
def test_a_clone_works_from_its_root(words: tuple[str, ...]) -> None:
    done = run(*words, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert qevd_bio.__version__ in done.stdout or "squats" in done.stdout


def test_processes_side_by_side_work_from_a_clone(tmp_path: Path) -> None:
    words = ("simulate", str(tmp_path), "--workouts", "2", "--minutes", "0.4", "--no-video", "--jobs", "2")
    done = run(*words, cwd=ROOT)
    assert done.returncode == 0 and "2 done" in done.stdout, done.stderr


def test_a_clone_without_its_libraries_says_so_in_one_sentence() -> None:
    done = run("--version", cwd=ROOT, libraries=False)
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert "is not installed\nnext: pip install" in done.stderr


def test_an_installation_works_from_any_folder(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "qevd_bio", "--version"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout == f"qevd-bio {qevd_bio.__version__}\n"
