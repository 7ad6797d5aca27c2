"""The results as a Hugging Face data set: a local folder that `load_dataset` reads, private unless asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qevd_bio.cli.app import app
from typer.testing import CliRunner

from qevd_bio.rewriting.publish import build, push
from qevd_bio.store.errors import UserError
from qevd_bio.tables.kinematics import Kinematics
from qevd_bio.tables.rewritten import FEEDBACKS
from qevd_bio.tables.workspace import Workspace

SPLITS = ("QEVD-FIT-COACH", "QEVD-FIT-COACH-Benchmark")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    place = Workspace(tmp_path / "ws")
    rows = [
        dict.fromkeys(FEEDBACKS.names)
        | {"split": split, "video": "0001", "span": k, "start_s": 1.0, "end_s": 2.0, "stamp_unix": 3.0, "original": "Go lower",
           "text": "Bend the knees to 100°", "status": "rewritten", "policy": "supported"}
        for split in SPLITS
        for k in range(3)
    ]  # fmt: skip
    FEEDBACKS.write(place.feedbacks, rows)
    angles = np.zeros((4, 46), np.float32)
    for split in SPLITS:
        Kinematics(
            split, "0001", 30.0, np.arange(4, dtype=np.int32), np.arange(4) / 30, angles, angles, np.ones((4, 46), bool),
            np.ones(4, np.float32), np.zeros(4, np.uint8), np.zeros((4, 3), np.float32), np.ones((4, 33, 7), np.float32),
        ).write(place.kinematics(split, "0001"))  # fmt: skip
    return place


def test_a_local_folder_loads_with_datasets(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    built = build(workspace, tmp_path / "out", "both", "cc-by-4.0")
    assert built.splits == {
        "feedbacks": {"qevd_fit_coach": 3, "qevd_fit_coach_benchmark": 3},
        "kinematics": {"qevd_fit_coach": 1, "qevd_fit_coach_benchmark": 1},
    }
    card = (tmp_path / "out" / "README.md").read_text()
    assert card.startswith("---\n") and "license: cc-by-4.0" in card and "split: qevd_fit_coach_benchmark" in card
    loaded = datasets.load_dataset(str(tmp_path / "out"), "feedbacks", cache_dir=str(tmp_path / "cache"))
    assert sorted(loaded) == ["qevd_fit_coach", "qevd_fit_coach_benchmark"]
    assert loaded["qevd_fit_coach"][0]["text"] == "Bend the knees to 100°"
    frames = datasets.load_dataset(str(tmp_path / "out"), "kinematics", cache_dir=str(tmp_path / "cache"))
    assert len(frames["qevd_fit_coach"]) == 4 and frames["qevd_fit_coach"][0]["landmarks"] is None


def test_kinematics_in_the_folder_stay_kinematics_without_landmarks(workspace: Workspace, tmp_path: Path) -> None:
    build(workspace, tmp_path / "out", "kinematics")
    found = Kinematics.read(tmp_path / "out" / "kinematics" / "qevd_fit_coach" / "0001.parquet")
    assert found.landmarks is None and len(found) == 4 and not (tmp_path / "out" / "feedbacks").exists()


def test_a_full_folder_and_an_empty_workspace_are_refused(workspace: Workspace, tmp_path: Path) -> None:
    build(workspace, tmp_path / "out")
    with pytest.raises(UserError, match="is not empty"):
        build(workspace, tmp_path / "out")
    with pytest.raises(UserError, match="holds no feedbacks or kinematics"):
        build(Workspace(tmp_path / "none"), tmp_path / "other")


class _Hub:
    """Notes what it is asked for, where a network would be."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    def create_repo(self, repository: str, **options: Any) -> None:
        self.calls.append((repository, options))

    def upload_folder(self, **options: Any) -> None:
        self.calls.append(("upload", options))


def test_private_unless_asked(tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub")
    for public in (False, True):
        hub = _Hub()
        assert push(tmp_path, "me/data", public=public, hub=hub).endswith("/me/data")
        assert hub.calls[0] == ("me/data", {"repo_type": "dataset", "private": not public, "exist_ok": True})
        assert hub.calls[1][1]["folder_path"] == str(tmp_path)
    with pytest.raises(UserError, match="OWNER/NAME"):
        push(tmp_path, "no name", hub=_Hub())


def test_the_command(workspace: Workspace, tmp_path: Path) -> None:
    runner = CliRunner()
    done = runner.invoke(
        app, ["dataset", "push", "--workspace", str(workspace.root), "--to-folder", str(tmp_path / "out")]
    )
    assert done.exit_code == 0 and (tmp_path / "out" / "README.md").is_file()
    assert runner.invoke(app, ["dataset", "push", "--workspace", str(workspace.root)]).exit_code == 2
