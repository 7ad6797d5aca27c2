"""One folder in which every stage finds what earlier stages made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from qevd_bio.store.names import safe_name, true_name

SUFFIX = ".parquet"


def _table(folder: Path, *parts: str) -> Path:
    """A table below `folder`; each part becomes a plain name."""
    *above, name = (safe_name(part) for part in parts)
    return folder.joinpath(*above, f"{name}{SUFFIX}")


@dataclass(frozen=True)
class MotionFiles:
    """The tables that `qevd-bio analyze` writes, of one video or of all."""

    cycles: Path
    verdicts: Path
    segments: Path


@dataclass(frozen=True)
class Workspace:
    """Paths below the workspace folder; they are part of the contract between stages.

    `split` is the folder's name in the data set (`QEVD-FIT-COACH-Benchmark`, `QEVD-FIT-COACH`;
    `videos` for a plain folder), `stem` the video's file name without suffix. `view` names motion tables that were
    made with other salient joints or another window than `motion/` itself; "" is that.
    """

    root: Path
    view: str = ""

    def seen_as(self, view: str) -> Workspace:
        """The same workspace with the motion tables of `view`."""
        return Workspace(self.root, view)

    def path(self, *parts: str) -> Path:
        """A path below the workspace; each part becomes a plain name."""
        return self.root.joinpath(*(safe_name(part) for part in parts))

    @property
    def segments(self) -> Path:
        return _table(self.root, "segments")

    @property
    def unparsed(self) -> Path:
        """What the annotations hold that became no segment."""
        return _table(self.root, "segments_unparsed")

    @property
    def kinematics_folder(self) -> Path:
        return self.root / "kinematics"

    def kinematics(self, split: str, stem: str) -> Path:
        return _table(self.kinematics_folder, split, stem)

    def all_kinematics(self, split: str = "") -> list[Path]:
        """The kinematics that are there, of one split if it is named, by split (folder) and video (stem)."""
        found = sorted(self.kinematics_folder.glob(f"*/*{SUFFIX}"))
        return [path for path in found if split in ("", video_of(path)[0])]

    @property
    def manifests(self) -> Path:
        return self.root / "manifests"

    @property
    def annotations(self) -> Path:
        return self.root / "annotations"

    def annotation(self, name: str, method: str = "") -> Path:
        """The table `salient`, `roles` or `intents`, or one method's own beside it."""
        return _table(self.annotations, f"{name}-{method}" if method else name)

    @property
    def selected_joints(self) -> Path:
        """Salient joints that the trained selector chose; a view has its own."""
        return _table(self.motion, "joints") if self.view else self.annotation("salient", "selector")

    @property
    def reviews(self) -> Path:
        """What people decided about annotations."""
        return _table(self.annotations, "reviews")

    @property
    def motion(self) -> Path:
        """Folder of the motion tables."""
        return self.root / "motion" / "views" / safe_name(self.view) if self.view else self.root / "motion"

    @property
    def cycles(self) -> Path:
        return _table(self.motion, "cycles")

    @property
    def verdicts(self) -> Path:
        """The verdicts; where only an earlier version of qevd-bio wrote them, its file `violations`."""
        return _newest(_table(self.motion, "verdicts"), _table(self.motion, "violations"))

    @property
    def motion_segments(self) -> Path:
        """What became of each segment that was analysed."""
        return _table(self.motion, "segments")

    @property
    def motion_tables(self) -> MotionFiles:
        """The tables of all videos."""
        return MotionFiles(self.cycles, _table(self.motion, "verdicts"), self.motion_segments)

    def motion_parts(self, split: str, stem: str) -> MotionFiles:
        """The same of one video."""
        folder = self.motion / "parts"
        return MotionFiles(*(_table(folder, name, split, stem) for name in ("cycles", "verdicts", "segments")))

    def contexts(self, split: str, stem: str) -> Path:
        return _table(self.motion, "contexts", split, stem)

    @property
    def user_refs(self) -> Path:
        return self.root / "refs"

    @property
    def rewritten(self) -> Path:
        return self.root / "qevd-bio-fit-coach"

    @property
    def feedbacks(self) -> Path:
        """What became of each feedback of the data set."""
        return _table(self.rewritten, "feedbacks")

    def rewritten_part(self, split: str, policy: str = "") -> Path:
        """Rows of one split; of the policy that was not chosen if that is named, for comparison."""
        return _table(self.manifests / "rewrite", split, policy or "feedbacks")

    @property
    def all_scores(self) -> Path:
        """A folder for each scored run."""
        return self.root / "scores"

    def scores(self, name: str) -> Path:
        return self.all_scores / safe_name(name)


def pairs_of(folder: Path) -> Path:
    """The pairs beside the scores in a folder."""
    return _table(folder, "pairs")


def video_of(path: Path) -> tuple[str, str]:
    """Split and stem of the video that a table below a split's folder is of; `Workspace.kinematics` undone."""
    return true_name(path.parent.name), true_name(path.name.removesuffix(SUFFIX))


def is_table(path: Path) -> bool:
    """Whether a path is named as the project's tables are."""
    return path.suffix == SUFFIX


def _newest(path: Path, former: Path) -> Path:
    return former if former.is_file() and not path.is_file() else path
