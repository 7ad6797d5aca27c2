"""`python -m qevd_bio`: the command line, also from a checkout that is not installed."""

from __future__ import annotations

import sys
from importlib import util
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


def _find_commands() -> None:
    """Installed, the commands lie inside the package; in a checkout they are the folder `cli` beside it."""
    folder = _ROOT / "cli"
    if util.find_spec("qevd_bio.cli") is not None or not (folder / "app.py").is_file():
        return
    places = [str(folder)]
    spec = util.spec_from_file_location("qevd_bio.cli", folder / "__init__.py", submodule_search_locations=places)
    assert spec is not None and spec.loader is not None
    sys.modules["qevd_bio.cli"] = module = util.module_from_spec(spec)
    spec.loader.exec_module(module)


def _start() -> None:
    _find_commands()
    try:
        from qevd_bio.cli.app import main
    except ModuleNotFoundError as error:
        if str(error.name).startswith("qevd_bio"):
            raise
        sys.exit(f"error: {error.name}, which qevd-bio needs, is not installed\nnext: pip install {_ROOT}")
    main()


if __name__ == "__main__":
    _start()
