"""A download of Ego-Exo4D as one object: takes, splits, commentary, ratings, proficiency, poses, cameras, videos.

    release = open_release(Path("/data/egoexo"))
    for take in release.takes:
        remarks = release.commentary.get(take.uid)

Files are read when they are asked for. What a download does not hold (poses, the test split's commentary, which is
withheld) is empty; what is damaged is an error.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from qevd_bio.egoexo.cameras import CameraPose, read_camera_poses
from qevd_bio.egoexo.commentary import Rating, TakeCommentary, read_commentary, read_ratings
from qevd_bio.egoexo.files import DOWNLOAD, field, read_large_json
from qevd_bio.egoexo.poses import BodyPoses, read_body_poses
from qevd_bio.egoexo.proficiency import Demonstrator, Moment, read_demonstrators, read_moments
from qevd_bio.egoexo.takes import Camera, Take, read_takes
from qevd_bio.store.errors import UserError

SPLITS = ("train", "val", "test")
TAKES, SPLIT_FILE = "takes.json", "annotations/splits.json"
PoseKind = Literal["annotation", "automatic"]


@dataclass(frozen=True)
class Release:
    """A folder with Ego-Exo4D in the layout of its download tool."""

    root: Path

    @cached_property
    def takes(self) -> Sequence[Take]:
        """All takes of `takes.json`."""
        return read_takes(self.root / TAKES)

    @cached_property
    def by_uid(self) -> Mapping[str, Take]:
        """Take uid -> take."""
        return {take.uid: take for take in self.takes}

    @cached_property
    def by_name(self) -> Mapping[str, Take]:
        """Take name -> take; names are unique in the release. UserError where they are not."""
        found: dict[str, Take] = {}
        for take in self.takes:
            if take.name in found:
                raise UserError(f"two takes are called {take.name}", where=self.root / TAKES, expected="unique names")
            found[take.name] = take
        return found

    @cached_property
    def split_of(self) -> Mapping[str, str]:
        """Take uid -> train, val or test. UserError for another split."""
        path = self.root / SPLIT_FILE
        value = read_large_json(path, "splits of Ego-Exo4D")
        given = field(value, "take_uid_to_split", dict, path, "splits")
        odd = sorted({str(split) for split in given.values()} - set(SPLITS))
        if odd:
            raise UserError(f"split {odd[0]!r}", where=path, expected=", ".join(SPLITS))
        return {str(uid): str(split) for uid, split in given.items()}

    @cached_property
    def benchmarks_of(self) -> Mapping[str, tuple[str, ...]]:
        """Take uid -> names of the benchmarks that it belongs to."""
        value = read_large_json(self.root / SPLIT_FILE, "splits of Ego-Exo4D")
        given = value.get("take_uid_to_benchmark") or {}
        return {str(uid): tuple(map(str, names)) for uid, names in given.items()}

    @cached_property
    def commentary(self) -> Mapping[str, TakeCommentary]:
        """Take uid -> expert commentary of the splits that are there."""
        found: dict[str, TakeCommentary] = {}
        for path in self._parts("expert_commentary"):
            found |= read_commentary(path)
        return found

    def ratings(self, take: Take) -> tuple[list[Rating], dict[str, int]]:
        """Ratings of a take by its experts, and the experts without one by reason; both empty without the part."""
        return read_ratings(self.root / "annotations" / "expert_commentary" / take.name)

    @cached_property
    def demonstrators(self) -> Mapping[str, Demonstrator]:
        """Take uid -> proficiency of its person."""
        found: dict[str, Demonstrator] = {}
        for path in self._parts("proficiency_demonstrator"):
            found |= read_demonstrators(path)
        return found

    @cached_property
    def moments(self) -> Sequence[Moment]:
        """Good executions and tips for improvement."""
        return [moment for path in self._parts("proficiency_demonstration") for moment in read_moments(path)]

    def body_poses(self, take: Take, kind: PoseKind = "annotation") -> BodyPoses | None:
        """A take's poses, placed by people (`annotation`) or by a program (`automatic`); None where there are none."""
        path = self._pose_file(take, "body", kind)
        return None if path is None else read_body_poses(path)

    def camera_poses(self, take: Take) -> Mapping[str, CameraPose]:
        """Camera -> pose in a take; empty where there are none."""
        path = self._pose_file(take, "camera_pose")
        return {} if path is None else read_camera_poses(path)

    def video(self, take: Take, camera: Camera, height: int | None = 448) -> Path | None:
        """A camera's video: the copy of this height where it is there, else the full one; None where neither is."""
        if camera.video is None:
            return None
        folder, relative = self.root / "takes" / take.name, Path(camera.video)
        small = folder / relative.parent / "downscaled" / str(height) / relative.name
        return next((path for path in (small, folder / relative) if path.is_file()), None)

    def split_leaks(self, takes: Sequence[Take]) -> Mapping[str, tuple[str, ...]]:
        """Participants that stand in several splits, with these splits; takes without a participant are left out."""
        places: dict[str, set[str]] = defaultdict(set)
        for take in takes:
            if take.participant and take.uid in self.split_of:
                places[take.participant].add(self.split_of[take.uid])
        return {name: tuple(sorted(splits)) for name, splits in sorted(places.items()) if len(splits) > 1}

    def _parts(self, stem: str) -> list[Path]:
        names = [self.root / "annotations" / f"{stem}_{split}.json" for split in SPLITS]
        return [path for path in names if path.is_file()]

    def _pose_file(self, take: Take, *kind: str) -> Path | None:
        # The part of unlabelled takes lies under train, so the take's own split is only the first place to look in.
        own = self.split_of.get(take.uid, "train")
        folder = self.root / "annotations" / "ego_pose"
        places = [folder.joinpath(split, *kind, f"{take.uid}.json") for split in dict.fromkeys((own, *SPLITS))]
        return next((path for path in places if path.is_file()), None)


def open_release(root: Path) -> Release:
    """The release in `root`; UserError where there is no list of takes."""
    folder = root.expanduser()
    if not (folder / TAKES).is_file():
        raise UserError(f"no {TAKES} here", where=folder, expected="a download of Ego-Exo4D", fix=DOWNLOAD)
    return Release(folder)
