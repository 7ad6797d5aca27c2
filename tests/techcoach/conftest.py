"""A small simulated data set in Ego-Exo4D's layout, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from qevd_bio.techcoach.data.build import Built, build
from qevd_bio.techcoach.options import BuildOptions, SimulateOptions
from qevd_bio.techcoach.simulated.takes import RELEASED, simulate_takes
from tests.language.conftest import protocol_server

__all__ = ["protocol_server"]

SMALL = SimulateOptions(takes=24, participants=8, channels=12, grid=(8, 4, 4), seed=3)


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("egoexo")
    simulate_takes(root, SMALL)
    return root


@pytest.fixture(scope="session")
def built(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The released file of the simulated data set, joined."""
    out = tmp_path_factory.mktemp("built")
    return build(simulated, out, BuildOptions(), released=simulated / RELEASED, say=lambda _: None)
