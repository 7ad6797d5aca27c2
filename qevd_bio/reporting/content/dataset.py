"""The data sets that a page shows: the source with its videos, and the rewritten one."""

from __future__ import annotations

import logging
from pathlib import Path

from qevd_bio.dataset.opening import Dataset, open_dataset
from qevd_bio.reporting.content.views import Rewritten
from qevd_bio.rewriting.choose import REASONS
from qevd_bio.rewriting.figures import figures
from qevd_bio.store.errors import UserError
from qevd_bio.tables.rewritten import FEEDBACKS
from qevd_bio.tables.workspace import Workspace

_LOG = logging.getLogger(__name__)


def find_dataset(workspace: Workspace, data: Path | None) -> Dataset | None:
    """The data set that was named, else the rewritten one, which links to the videos of its source."""
    if data is not None:
        return open_dataset(data.expanduser(), user_refs=workspace.user_refs)
    there = any(workspace.rewritten.glob("*/feedbacks_long_range.json"))
    return open_dataset(workspace.rewritten, user_refs=workspace.user_refs) if there else None


def read_rewritten(workspace: Workspace) -> Rewritten | None:
    """The table of the rewritten data set and its figures; None, with a warning, where it is broken."""
    path = workspace.feedbacks
    if not path.is_file():
        return None
    try:
        rows = FEEDBACKS.load(path)
    except UserError as error:
        _LOG.warning("not shown: the rewritten data set: %s", error.problem)
        return None
    return Rewritten(rows, figures(rows), REASONS)
