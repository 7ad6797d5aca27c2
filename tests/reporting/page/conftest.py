from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qevd_bio.dataset.opening import open_dataset
from qevd_bio.reporting.options import ReportOptions
from qevd_bio.reporting.page.stage import write_report
from qevd_bio.tables.workspace import Workspace
from tests.annotation.browser import Browser, browser
from tests.annotation.browser import missing as browser_missing
from tests.reporting.build import add_scores, lengths, make_workspace, write_data
from tests.reporting.build import rewritten as read_rewritten
from tests.reporting.page.attack import hostile, listening


@pytest.fixture(scope="session")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[str], list[str]]]:
    """A page whose feedback, predictions, run name, exercise name and manifests are hostile; texts; requests."""
    if browser_missing():
        pytest.skip(browser_missing())
    root = tmp_path_factory.mktemp("hostile")
    with listening() as (base, asked):
        texts = hostile(base)
        spans = [(60 + 32 * i, text.replace("\x00", "").replace("\x07", "")) for i, text in enumerate(texts)]
        frames = 60 + 32 * len(texts) + 120
        data = write_data(root / "qevd", {**lengths(), "0202": frames}, spans)
        annotations = next(data.glob("*/feedbacks_long_range.json"))
        records = json.loads(annotations.read_text())
        # An exercise that nobody knows: its name is shown as it was written.
        unknown = f"First up are <img src={base}/h onerror=window.hacked=5>!"
        records[2]["feedbacks"] = [unknown if t.startswith("First") else t for t in records[2]["feedbacks"]]
        annotations.write_text(json.dumps(records))
        workspace = Workspace(root / "outputs")
        make_workspace(workspace, data)
        for text, name in ((texts[0], "near"), (texts[7], "far")):
            folder = add_scores(workspace, data, name, 0.5, text=text)
            scores = json.loads((folder / "scores.json").read_text())
            scores["name"] = f"<script>window.hacked=6</script>{name}" + "n" * 300
            scores["warnings"] = texts
            scores["breakdown"] += [{**scores["breakdown"][0], "group": group} for group in (texts[1], texts[-1])]
            (folder / "scores.json").write_text(json.dumps(scores))
        (workspace.manifests / "odd.json").write_text(json.dumps({text: text for text in texts}))
        new = read_rewritten(workspace)
        page = write_report(
            workspace, dataset=open_dataset(data), rewritten=new, options=ReportOptions(clips=True)
        ).path
        yield page, texts, asked


@pytest.fixture
def tab(attacked: Any, tmp_path: Path) -> Iterator[Browser]:
    with browser(tmp_path) as opened:
        opened.visit(attacked[0])
        yield opened
