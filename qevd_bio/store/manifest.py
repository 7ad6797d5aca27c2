"""The run manifest: with which settings, versions and inputs a stage ran. Never holds a secret."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from qevd_bio.store.version import __version__

_LIBRARIES = (
    "numpy",
    "scipy",
    "pyarrow",
    "av",
    "openvino",
    "ai-edge-litert",
    "torch",
    "transformers",
    "nltk",
    "rouge-score",
    "openai",
)
SECRET_NAME = re.compile(r"(^|[_-])(api_?key|key|token|secret|password|credentials?|authorization)$", re.IGNORECASE)


def versions() -> dict[str, str]:
    """Versions of Python, this package and the libraries that can change a result."""
    found = {"python": platform.python_version(), "qevd-bio": __version__}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def git_revision() -> str | None:
    """Revision of the checkout that the package runs from, "+changes" added if dirty; None outside git."""
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return None
    revision = _git(folder, "rev-parse", "HEAD")
    if not revision:
        return None
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return f"{revision}+changes" if changed else revision


def _git(folder: Path, *arguments: str) -> str:
    try:
        run = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return run.stdout.strip() if run.returncode == 0 else ""


def without_secrets(value: Any) -> Any:
    """`value` with everything under a name that says secret left out."""
    if isinstance(value, Mapping):
        return {str(key): without_secrets(item) for key, item in value.items() if not SECRET_NAME.search(str(key))}
    if isinstance(value, (list, tuple)):
        return [without_secrets(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    return value


def manifest(stage: str, settings: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """What a stage's manifest file says, as JSON-able data."""
    return {
        "stage": stage,
        "settings": without_secrets(dict(settings)),
        "versions": versions(),
        "git_revision": git_revision(),
        "platform": {"system": platform.platform(), "machine": platform.machine(), "python": sys.version},
        **without_secrets(more),
    }
