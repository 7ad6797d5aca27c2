"""A simulated data set in Ego-Exo4D's layout: takes, commentary, ratings, features, the released JSON and the truth."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qevd_bio.egoexo.commentary import Comment, Rating
from qevd_bio.egoexo.takes import Take
from qevd_bio.egoexo.writer import EGO, NewTake, exo_cameras, write_release
from qevd_bio.feedback.technique import DIMENSIONS
from qevd_bio.store.atomic import write_json
from qevd_bio.store.errors import UserError
from qevd_bio.tables.coaching import CoachingInstance
from qevd_bio.techcoach.data.features import declare_features, write_array
from qevd_bio.techcoach.data.released import write_released
from qevd_bio.techcoach.data.rules import points_by_rules
from qevd_bio.techcoach.data.windows import cut, instance_id
from qevd_bio.techcoach.options import BuildOptions, SimulateOptions
from qevd_bio.techcoach.simulated.signals import features
from qevd_bio.techcoach.simulated.truth import InstanceTruth, clip_score, draw_instance, tendencies, write_truth
from qevd_bio.techcoach.simulated.wording import ABSENT, SHORT, sentence, spoken

RELEASED, FEATURES = "released.json", "features"
TASKS = (
    ("Basketball", "Basketball Drills - Reverse Layup", "ball"),
    ("Basketball", "Basketball Drills - Mid-range Shooting", "ball"),
    ("Soccer", "Soccer Drills - Juggling", "ball"),
    ("Soccer", "Soccer Drills - Penalty Kick", "ball"),
    ("Rock Climbing", "Bouldering - Slab", "hold"),
    ("Rock Climbing", "Bouldering - Overhang", "hold"),
)
WITHOUT_BEST_EXO, WITHOUT_RATING, WITH_ERRORS = 1, 2, 3
"""Takes (by number) that show a trap of the real files."""
_VAL_SHARE = 0.25
_LEVELS = ("Novice", "Early Expert", "Intermediate Expert", "Late Expert")


@dataclass(frozen=True)
class SimulatedTake:
    """One take to write, with its clips as a released file states them, and the truth of each."""

    new: NewTake
    instances: Sequence[CoachingInstance]
    truth: Mapping[str, InstanceTruth]
    task: int


def simulate_takes(root: Path, options: SimulateOptions) -> list[SimulatedTake]:
    """Write the data set into `root`; the same options give the same files. UserError for too few takes or people."""
    if options.takes < 4 or options.participants < 4:
        raise UserError(f"{options.takes} takes by {options.participants} people", expected="at least four of each")
    takes = [_take(number, options) for number in range(options.takes)]
    write_release(root, [one.new for one in takes])
    instances = [one for take in takes for one in take.instances]
    write_released(root / RELEASED, instances)
    _spell_absent(root / RELEASED, options.seed)
    views = dict.fromkeys(("ego", "exo"), (*options.grid, options.channels))
    folder = declare_features(root / FEATURES, "simulated", views)
    for number, take in enumerate(takes):
        for place, one in enumerate(take.instances):
            for view in views:
                draw = np.random.default_rng([options.seed, 3, number, place, view == "exo"])
                quality = take.truth[one.id].quality
                write_array(folder.path(view, one.id), features(quality, take.task, view, options, draw))
    write_truth(root, {name: t for take in takes for name, t in take.truth.items()}, asdict(options))
    return takes


def is_val(participant: int, options: SimulateOptions) -> bool:
    """Whether a person belongs to the val split: a quarter of them do."""
    return participant < max(round(_VAL_SHARE * options.participants), 1)


def _take(number: int, options: SimulateOptions) -> SimulatedTake:
    draw = np.random.default_rng([options.seed, 1, number])
    person = number % options.participants
    task = (number + number // options.participants) % len(TASKS)
    scenario, name, thing = TASKS[task]
    offset = 0.4 * (task % 3 - 1)
    skill = float(np.random.default_rng([options.seed, 2, person]).normal(0.0, 0.5))
    starts = 1.0 if number % 2 == 0 else None
    take = Take(
        uid=f"sim-{options.seed}-{number:04d}", name=f"sim_{scenario.split()[-1].lower()}_{number:04d}", task=name,
        task_id=1000 + task, scenario=scenario, participant=f"{person:03d}",
        duration_s=options.take_s + (starts or 0.0), best_exo=None if number == WITHOUT_BEST_EXO else "cam02",
        task_start_s=starts, task_end_s=None, narrated=number % 5 == 0, cameras=(EGO, *exo_cameras(4)),
        capture=f"c{number}",
    )  # fmt: skip
    spans = cut(take, BuildOptions())
    tendency = tendencies(skill, draw)
    truths = [draw_instance(tendency, offset, draw) for _ in spans]
    experts = [f"{chr(97 + e)}{number:05d}"[:6] for e in range(int(draw.integers(2, 5)))]
    ratings = [
        Rating(e, round(clip_score([t.quality for t in truths], offset, float(draw.normal(0.0, 0.6)))), "as seen")
        for e in experts
    ]
    score = float(np.mean([rating.rating for rating in ratings]))
    split = "val" if is_val(person, options) else "train"
    comments: list[Comment] = []
    instances, truth = [], {}
    for span, true in zip(spans, truths, strict=True):
        texts = {(d, p): sentence(d, p, thing, draw) for d, p in true.said}
        remarks = spoken(list(texts.values()), draw) if texts else [SHORT[int(draw.integers(len(SHORT)))]]
        times = np.sort(draw.uniform(span[0] + 0.2, span[1] - 0.2, len(remarks)))
        own = [
            Comment(round(float(t), 2), text, experts[i % len(experts)], f"{i}.webm", 3.0)
            for i, (t, text) in enumerate(zip(times, remarks, strict=True))
        ]
        comments += own
        key = instance_id(take.name, span[0])
        truth[key] = true
        if texts:
            instances.append(_instance(key, take, split, span, texts, [c.text for c in own], score, len(experts)))
    faulty = {experts[0]: [{"video_time": 4.0, "text": None, "error": True}]} if number == WITH_ERRORS else None
    level = _LEVELS[int(np.clip(np.floor((score - 1) / 9 * 4), 0, 3))]
    given = () if number == WITHOUT_RATING else tuple(ratings)
    return SimulatedTake(NewTake(take, split, comments, given, level, faulty), instances, truth, task)


def _instance(
    key: str, take: Take, split: str, span: tuple[float, float], texts: Mapping[tuple[int, int], str],
    raw: Sequence[str], score: float, raters: int,
) -> CoachingInstance:  # fmt: skip
    well = [texts.get((place, 1), "") for place in range(len(DIMENSIONS))]
    improve = [texts.get((place, -1), "") for place in range(len(DIMENSIONS))]
    return CoachingInstance(
        id=key, take=take.name, take_uid=take.uid, participant=take.participant, scenario=take.scenario,
        task=take.task, split=split, start_s=span[0], end_s=span[1],
        points=list(points_by_rules(take.scenario, take.task)), well=well, improve=improve, raw=list(raw),
        summary=" ".join(text for text in (*well, *improve) if text), score=score, raters=raters,
    )  # fmt: skip


def _spell_absent(path: Path, seed: int) -> None:
    """Write slots without a comment in the four spellings that a reader must take."""
    draw = np.random.default_rng([seed, 4])
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for entry in value.values():
        for part in entry["response"]["regular_dict"]:
            for name in ("what_is_done_well", "what_can_be_improved"):
                part[name] = part[name] or ABSENT[int(draw.integers(len(ABSENT)))]
    write_json(path, value)
