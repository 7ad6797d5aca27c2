"""Importing the package is cheap: nothing heavy, a fraction of a second, from any folder."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import qevd_bio

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "numpy", "pandas", "pyarrow", "scipy", "matplotlib", "transformers", "openvino", "av", "PIL", "yaml")


def run(code: str, cwd: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=cwd, env=environment).stdout


def test_import_loads_nothing_heavy(tmp_path: Path) -> None:
    code = f"import sys; before = set(sys.modules); import qevd_bio; dir(qevd_bio); new = set(sys.modules) - before\n\
print(sorted(set({HEAVY!r}) & new), sorted(name for name in new if name.startswith('qevd_bio')))"
    assert run(code, tmp_path).strip() == "[] ['qevd_bio', 'qevd_bio.store', 'qevd_bio.store.version']"


def test_import_takes_less_than_a_third_of_a_second(tmp_path: Path) -> None:
    code = "import time; start = time.process_time(); import qevd_bio; print(time.process_time() - start)"
    assert min(float(run(code, tmp_path)) for _ in range(3)) < 0.3


def test_scoring_pairs_from_python_needs_no_torch(tmp_path: Path) -> None:
    code = "import sys, qevd_bio; qevd_bio.score([('a b', 'a b')], metrics=['rouge']); print('torch' in sys.modules)"
    assert run(code, tmp_path).strip() == "False"


def test_every_name_of_the_interface_can_be_had() -> None:
    assert set(qevd_bio.__all__) <= set(dir(qevd_bio))
    for name in qevd_bio.__all__:
        assert getattr(qevd_bio, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = qevd_bio.nothing


def test_type_checkers_see_the_same_names() -> None:
    """The imports under TYPE_CHECKING, `__all__` and the table of homes agree, so that the names are typed."""
    tree = ast.parse(Path(qevd_bio.__file__).read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert set(seen) == set(qevd_bio.__all__) - {"__version__"}
    assert {name: home for name, home in seen.items() if home != "qevd_bio.api"} == qevd_bio._HOMES


def test_an_unknown_name_is_not_looked_for_in_the_api_module() -> None:
    assert not hasattr(qevd_bio, "Path")


def test_nothing_inside_the_package_imports_the_interface() -> None:
    wrong = []
    for folder in ("qevd_bio", "cli"):
        for path in (ROOT / folder).rglob("*.py"):
            if path.name in ("api.py", "__init__.py"):
                continue
            text = path.read_text(encoding="utf-8")
            if "qevd_bio.api" in text or "from qevd_bio import" in text:
                wrong.append(str(path.relative_to(ROOT)))
    assert not wrong


@pytest.mark.parametrize("folder", ["root", "elsewhere"])
def test_python_m_works_from_any_folder(folder: str, tmp_path: Path) -> None:
    """From the clone's root `qevd_bio/` hides an installed package, and `cli/` lies beside it, not inside."""
    code = (
        "import runpy, sys\n"
        "sys.meta_path = [f for f in sys.meta_path if 'editable' not in getattr(f, '__module__', '')]\n"
        "sys.argv = ['qevd-bio', '--version']\n"
        "runpy.run_module('qevd_bio', run_name='__main__', alter_sys=True)"
    )
    out = run(code, ROOT if folder == "root" else tmp_path)
    assert out.strip() == f"qevd-bio {qevd_bio.__version__}"
