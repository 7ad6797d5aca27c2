"""Fixtures that several rooms use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from qevd_bio.tables.workspace import Workspace

_SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture
def shared() -> Callable[..., Path]:
    """`shared("data", "realmini")` gives a path in the material kept beside a developer's checkout, or skips."""

    def find(*parts: str) -> Path:
        path = _SHARED.joinpath(*parts)
        if not path.exists():
            pytest.skip(f"needs {'/'.join(parts)} from the material beside the developers' checkouts")
        return path

    return find


@pytest.fixture(scope="session")
def pose_model() -> None:
    """Skips where the default pose model or its runtime is missing; `make test` brings both."""
    pytest.importorskip("openvino")
    from qevd_bio.pose.backends.blazepose.models import model_paths
    from qevd_bio.store.errors import UserError

    try:
        model_paths("full")
    except UserError as error:
        pytest.skip(str(error))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "outputs")


@pytest.fixture(autouse=True)
def _no_user_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A developer's own environment must not leak into tests."""
    import os

    for name in list(os.environ):
        if name.startswith("QEVD_BIO_") and name != "QEVD_BIO_MODELS":
            monkeypatch.delenv(name)
