"""The rewritten data set and the kinematics as one Hugging Face data set: a folder of Parquet files with a card.

The folder is built whole before anything leaves the machine. Videos, annotations of QEVD and landmarks of people's
pictures are not part of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from qevd_bio.store.atomic import write_text
from qevd_bio.store.errors import UserError
from qevd_bio.store.hub import upload
from qevd_bio.tables.kinematics import KINEMATICS
from qevd_bio.tables.rewritten import FEEDBACKS
from qevd_bio.tables.workspace import Workspace

What = Literal["feedbacks", "kinematics", "both"]
_HIDDEN = "landmarks"


@dataclass(frozen=True)
class Built:
    """What a folder holds: by configuration, the splits with their number of rows or videos."""

    folder: Path
    splits: Mapping[str, Mapping[str, int]]


def build(workspace: Workspace, folder: Path, what: What = "both", licence: str = "other") -> Built:
    """Write the data set to `folder`, which must be empty or absent; returns what it holds.

    Raises UserError where the workspace has nothing to publish, or the folder holds something.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError("is not empty", where=folder, fix="name a folder that is not there yet")
    splits: dict[str, dict[str, int]] = {}
    if what in ("feedbacks", "both") and workspace.feedbacks.is_file():
        splits["feedbacks"] = _feedbacks(workspace, folder)
    if what in ("kinematics", "both") and workspace.all_kinematics():
        splits["kinematics"] = _kinematics(workspace, folder)
    if not splits:
        raise UserError(
            f"holds no {'feedbacks or kinematics' if what == 'both' else what}",
            where=workspace.root,
            expected="a workspace after qevd-bio extract (kinematics) and rewrite (feedbacks)",
            fix="check --workspace",
        )
    write_text(folder / "README.md", card(splits, licence, _made(workspace)))
    return Built(folder, splits)


def push(folder: Path, repository: str, *, public: bool = False, hub: Any = None) -> str:
    """Upload a built folder to the Hub as the data set `repository` (OWNER/NAME); returns its address.

    It is made private unless `public`; an existing one keeps its visibility. `hub` is an HfApi, by default one with the
    user's own login. Raises UserError without huggingface_hub, without a login, and with the Hub's words for the rest.
    """
    return upload(folder, repository, "dataset", public=public, hub=hub)


def card(splits: Mapping[str, Mapping[str, int]], licence: str, made: str) -> str:
    """The card: front matter that the Hub and `load_dataset` read, then what the data set is and its terms."""
    lines = ["---", "pretty_name: QEVD-bio-fit-coach", "language: [en]", f"license: {licence}"]
    lines += ["tags: [fitness coaching, biomechanics, kinematics]", "configs:"]
    for name, own in splits.items():
        lines += [f"- config_name: {name}", "  data_files:"]
        for split in own:
            lines += [f"  - split: {split}", f"    path: {name}/{split}/*.parquet"]
    lines += ["---", "", "# QEVD-bio-fit-coach", "", "```python", "from datasets import load_dataset"]
    lines += [f'{name} = load_dataset("OWNER/NAME", "{name}")' for name in splits] + ["```", ""]
    for name, own in splits.items():
        unit = "rows" if name == "feedbacks" else "videos"
        lines += [f"## {name.capitalize()}", "", _ABOUT[name], "", f"| split | {unit} |", "|---|---|"]
        lines += [f"| {split} | {count} |" for split, count in own.items()] + [""]
    lines += ["## Terms", "", _TERMS, "", "## How it was made", "", made, ""]
    return "\n".join(lines)


_ABOUT = {
    "feedbacks": "One row a feedback of QEVD-FIT-COACH: the source's text, the rewritten one, and the measurement "
    "behind it. Texts that no measurement supports keep their words (`status`).",
    "kinematics": "One row a frame, one file a video: 46 joint angles in radians, what of them was observed, their "
    "standard deviation where the estimator states one. Units and meanings stand in the files' schema.",
}
_TERMS = (
    "Annotations derived from videos; no video, picture or landmark of a person is part of it. For data derived from "
    "QEVD-FIT-COACH the terms under which it was received hold."
)


def _feedbacks(workspace: Workspace, folder: Path) -> dict[str, int]:
    table = FEEDBACKS.read(workspace.feedbacks)
    names = sorted(set(table.column("split").to_pylist()))
    counts = {}
    for name, split in zip(_split_names(names), names, strict=True):
        rows = table.filter(pc.equal(table.column("split"), split))
        FEEDBACKS.write(folder / "feedbacks" / name / "feedbacks.parquet", rows)
        counts[name] = rows.num_rows
    return counts


def _kinematics(workspace: Workspace, folder: Path) -> dict[str, int]:
    files = workspace.all_kinematics()
    names = sorted({path.parent.name for path in files})
    splits = dict(zip(names, _split_names(names), strict=True))
    counts = dict.fromkeys(splits.values(), 0)
    for path in files:
        about = KINEMATICS.read_metadata(path)
        table = KINEMATICS.read(path)
        index = table.column_names.index(_HIDDEN)
        table = table.set_column(index, table.schema.field(index), pa.nulls(len(table), table.schema.field(index).type))
        target = folder / "kinematics" / splits[path.parent.name] / path.name
        KINEMATICS.write(target, table, metadata=about["metadata"], history=about["history"])
        counts[splits[path.parent.name]] += 1
    return counts


def _split_names(names: Sequence[str]) -> list[str]:
    """Names that the Hub takes for splits: letters, digits and underscores, each once."""
    found: list[str] = []
    for name in names:
        plain = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").lower() or "split"
        while plain in found:
            plain += "_"
        found.append(plain)
    return found


def _made(workspace: Workspace) -> str:
    """What the rewritten data set's own card says of how it was made, without its front matter."""
    path = workspace.rewritten / "README.md"
    if not path.is_file():
        return "Made with qevd-bio; each file's metadata holds backend, settings, versions and hashes of its inputs."
    text = path.read_text(encoding="utf-8")
    return re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL).replace("\n# ", "\n### ").replace("\n## ", "\n### ")
