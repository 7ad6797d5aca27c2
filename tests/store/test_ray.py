"""The same stage on Ray: no stage knows which executor ran it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from qevd_bio.store.work import RunOptions, run_stage
from qevd_bio.tables.workspace import Workspace
from tests.store.test_work import lines, make_items, work

pytest.importorskip("ray", reason="needs the extra `ray`")


def test_ray_gives_the_same_results_and_resumes(workspace: Workspace, tmp_path: Path) -> None:
    log = tmp_path / "log"
    items = make_items(tmp_path / "io", 6)
    options = RunOptions(jobs=2, executor="ray")
    job = partial(work, log=log, fail=("s/4",))
    summary = run_stage("copy", workspace, items, job, settings={}, options=options)
    assert (summary.done, summary.failed) == (5, {"s/4": ("refused", "s/4 is on the list")})
    again = run_stage("copy", workspace, items, job, settings={}, options=options)
    assert (again.done, again.kept) == (0, 5)
    assert len(lines(log)) == 6
