"""One folder in which every stage finds what earlier stages made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from qevd_bio.store.names import safe_name


@dataclass(frozen=True)
class Workspace:
    """Paths below the workspace folder; they are part of the contract between stages.

    `split` is the folder's name in the data set (`QEVD-FIT-COACH-Benchmark`, `QEVD-FIT-COACH`;
    `videos` for a plain folder), `stem` the video's file name without suffix.
    """

    root: Path

    def path(self, *parts: str) -> Path:
        """A path below the workspace; each part is checked to be a plain name."""
        return self.root.joinpath(*(safe_name(part) for part in parts))

    @property
    def segments(self) -> Path:
        return self.root / "segments.parquet"

    def kinematics(self, split: str, stem: str) -> Path:
        return self.root / "kinematics" / safe_name(split) / f"{safe_name(stem)}.parquet"

    @property
    def manifests(self) -> Path:
        return self.root / "manifests"

    @property
    def annotations(self) -> Path:
        return self.root / "annotations"

    @property
    def motion(self) -> Path:
        return self.root / "motion"

    @property
    def cycles(self) -> Path:
        return self.motion / "cycles.parquet"

    @property
    def violations(self) -> Path:
        return self.motion / "violations.parquet"

    def contexts(self, split: str, stem: str) -> Path:
        return self.motion / "contexts" / safe_name(split) / f"{safe_name(stem)}.parquet"

    @property
    def user_refs(self) -> Path:
        return self.root / "refs"

    @property
    def rewritten(self) -> Path:
        return self.root / "qevd-bio-fit-coach"

    def scores(self, name: str) -> Path:
        return self.root / "scores" / safe_name(name)
