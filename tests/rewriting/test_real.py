"""The main job on real clips, as a user runs it: three commands, no further arguments once the data set is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from qevd_bio.dataset.opening import open_dataset
from qevd_bio.tables.motion import CYCLES
from qevd_bio.tables.rewritten import FEEDBACKS
from qevd_bio.tables.workspace import Workspace

SPLIT = "QEVD-FIT-COACH-Benchmark"


def test_extract_analyze_rewrite_on_real_clips(shared: Callable[..., Path], tmp_path: Path) -> None:
    data = shared("data", "realmini")
    environment = {**os.environ, "QEVD_BIO_DATA": str(data), "QEVD_BIO_EXTRACT_ONLY": "0203 0204"}
    for command in ("extract", "analyze", "rewrite"):
        line = [sys.executable, "-m", "qevd_bio", command]
        done = subprocess.run(
            line, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == 0, done.stderr
    workspace = Workspace(tmp_path / "outputs")
    cycles = CYCLES.read_rows(workspace.cycles)
    assert [row["video"] for row in cycles] == ["0203", "0204"]  # one squat each
    hand = {row["video"]: row["events_s"][0] for row in json.loads((data / "hand_counts.json").read_text())}
    assert all(abs(row["key_s"] - hand[row["video"]]) < 0.4 for row in cycles)
    rows = FEEDBACKS.read_rows(workspace.rewritten / "feedbacks.parquet")
    assert {
        row["reason"] for row in rows if row["video"] not in ("0203", "0204") and row["status"] == "unsupported"
    } <= {"no_kinematics"}
    before = json.loads((data / SPLIT / "feedbacks_long_range.json").read_text())
    after = json.loads((workspace.rewritten / SPLIT / "feedbacks_long_range.json").read_text())
    for old, new in zip(before, after, strict=True):
        assert {k: v for k, v in old.items() if k != "feedbacks"} == {k: v for k, v in new.items() if k != "feedbacks"}
        assert [bool(text) for text in old["feedbacks"]] == [bool(text) for text in new["feedbacks"]]
    assert len(open_dataset(workspace.rewritten).workouts()) == 6
