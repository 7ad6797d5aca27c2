"""`qevd-bio verify` from a data set's folder: the stages on the true kinematics, and the comparison with the truth."""

from __future__ import annotations

from pathlib import Path

from qevd_bio.dataset.opening import open_dataset
from qevd_bio.dataset.stage import write_segments
from qevd_bio.motion.options import MotionOptions
from qevd_bio.motion.stage import analyze
from qevd_bio.reporting.verification.stage import Verified, place_oracle, truth_places, verify
from qevd_bio.rewriting.options import RewriteOptions
from qevd_bio.rewriting.stage import rewrite
from qevd_bio.store.work import RunOptions
from qevd_bio.tables.rewritten import FEEDBACKS
from qevd_bio.tables.workspace import Workspace


def analyse_truth(data: Path, workspace: Workspace, jobs: int = 1) -> None:
    """From true kinematics to rewritten feedback in `workspace`, with every default. UserError without truth."""
    place_oracle(truth_places(data), workspace)
    dataset = open_dataset(data, user_refs=workspace.user_refs)
    write_segments(dataset, workspace)
    analyze(workspace, MotionOptions(), RunOptions(jobs=jobs))
    rewrite(dataset, workspace, RewriteOptions(), "none")


def verify_workspace(data: Path, workspace: Workspace, oracle: bool = False) -> Verified:
    """Compare what the workspace holds, rewritten feedback included where there is any, with the truth in `data`."""
    path = workspace.feedbacks
    rewritten = FEEDBACKS.load(path) if path.is_file() else None
    return verify(truth_places(data), workspace, rewritten, oracle)
