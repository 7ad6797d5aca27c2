"""Files in Ego-Exo4D's layout, for simulated takes: what `release` reads is written here, field by field."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qevd_bio.egoexo.commentary import Comment, Rating
from qevd_bio.egoexo.poses import JOINTS, BodyPoses
from qevd_bio.egoexo.release import SPLIT_FILE, SPLITS, TAKES
from qevd_bio.egoexo.takes import Camera, Take
from qevd_bio.store.atomic import write_json

EGO = Camera("aria01", True, "aria", {"rgb": "frame_aligned_videos/aria01_214-1.mp4"})


def exo_cameras(count: int = 4) -> tuple[Camera, ...]:
    """Exocentric cameras cam01, cam02, … as the release names them."""
    names = [f"cam{number:02d}" for number in range(1, count + 1)]
    return tuple(Camera(name, False, "gopro", {"0": f"frame_aligned_videos/{name}.mp4"}) for name in names)


@dataclass(frozen=True)
class NewTake:
    """One take to write: its split, what experts said and how they rated it.

    `faulty` are commentary items as they stand in the files (an error flag, no text), by expert.
    """

    take: Take
    split: str
    comments: Sequence[Comment] = ()
    ratings: Sequence[Rating] = ()
    level: str | None = None
    faulty: Mapping[str, Sequence[Mapping[str, Any]]] | None = None
    poses: BodyPoses | None = None


def write_release(root: Path, takes: Iterable[NewTake]) -> None:
    """Write takes, splits, commentary (not of the test split, which the release withholds), ratings and poses."""
    new = list(takes)
    write_json(root / TAKES, [_take(one.take) for one in new])
    uids = {split: [one.take.uid for one in new if one.split == split] for split in SPLITS}
    write_json(
        root / SPLIT_FILE,
        {
            "take_uid_to_split": {one.take.uid: one.split for one in new},
            "split_to_take_uids": uids,
            "take_uid_to_benchmark": {one.take.uid: ["proficiency_estimation"] for one in new},
        },
    )
    annotations = root / "annotations"
    for split in ("train", "val"):
        own = [one for one in new if one.split == split]
        entries = {one.take.uid: _entries(one) for one in own if one.comments or one.faulty}
        write_json(annotations / f"expert_commentary_{split}.json", {"ds": "240401", "annotations": entries})
        levels = [_demonstrator(one) for one in own if one.level is not None]
        write_json(annotations / f"proficiency_demonstrator_{split}.json", {"annotations": levels})
    for one in new:
        for rating in one.ratings:
            write_json(
                annotations / "expert_commentary" / one.take.name / rating.expert / "data.json", _data(one, rating)
            )
        if one.poses is not None:
            place = annotations / "ego_pose" / one.split / "body" / "annotation" / f"{one.take.uid}.json"
            write_json(place, _poses(one.poses), indent=None)


def _take(take: Take) -> dict[str, Any]:
    videos: dict[str, Any] = {camera.id: _streams(camera) for camera in take.cameras}
    best = {"cam_id": take.best_exo, "stream_id": "0", "relative_path": None}
    return {
        "take_uid": take.uid,
        "take_name": take.name,
        "root_dir": f"takes/{take.name}",
        "task_id": take.task_id,
        "task_name": take.task,
        "parent_task_name": take.scenario,
        "participant_uid": take.participant,
        "duration_sec": take.duration_s,
        "best_exo": take.best_exo,
        "task_start_sec": take.task_start_s,
        "task_end_sec": take.task_end_s,
        "is_narrated": take.narrated,
        "capture": {
            "capture_uid": take.capture,
            "cameras": [{"cam_id": c.id, "is_ego": c.is_ego, "device_type": c.device} for c in take.cameras],
        },
        "frame_aligned_videos": {**videos, "collage": {"0": {"relative_path": None}}, "best_exo": {"0": best}},
    }


def _streams(camera: Camera) -> dict[str, Any]:
    return {
        name: {"cam_id": camera.id, "stream_id": name, "readable_stream_id": name, "relative_path": path}
        for name, path in camera.streams.items()
    }


def _entries(one: NewTake) -> list[dict[str, Any]]:
    items: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for comment in one.comments:
        items[comment.expert].append(
            {
                "recording": comment.recording,
                "video_time": comment.time_s,
                "text": f" {comment.text}",
                "duration_approx": comment.duration_s,
                "error": False,
            }
        )
    for expert, faulty in (one.faulty or {}).items():
        items[expert] += faulty
    return [
        {
            "take_name": one.take.name,
            "take_uid": one.take.uid,
            "task_id": one.take.task_id,
            "task_name": one.take.task,
            "commentary": f"{one.take.name}/{expert}",
            "commentary_data": list(found),
        }
        for expert, found in items.items()
    ]


def _data(one: NewTake, rating: Rating) -> dict[str, Any]:
    number = int(rating.rating) if float(rating.rating).is_integer() else rating.rating
    return {
        "user_id": rating.expert,
        "video_name": one.take.name,
        "annotations": [],
        "proficiency": {"rating": number, "why": rating.why},
    }


def _demonstrator(one: NewTake) -> dict[str, Any]:
    return {
        "take_uid": one.take.uid,
        "task_id": one.take.task_id,
        "task_name": one.take.task,
        "scenario_name": one.take.scenario,
        "university_id": "simulated",
        "origin_participant_id": one.take.participant,
        "video_paths": {},
        "proficiency_score": one.level,
    }


def _poses(poses: BodyPoses) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for row, frame in enumerate(poses.frames.tolist()):
        points = {
            joint: {
                **dict(zip("xyz", map(float, poses.positions[row, place]), strict=True)),
                "num_views_for_3d": int(poses.views[row, place]),
            }
            for place, joint in enumerate(JOINTS)
            if not np.isnan(poses.positions[row, place, 0])
        }
        found[str(frame)] = [{"annotation3D": points, "annotation2D": {}}]
    return found
