"""Controls that see no video (own): what a score or a comment is worth that could be had without looking."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from qevd_bio.scoring.metrics.tokens import rouge_tokens
from qevd_bio.store.errors import UserError
from qevd_bio.tables.coaching import CoachingInstance

Said = tuple[str | None, float | None]
Known = Sequence[CoachingInstance]
_RIDGE = 1.0
_MOST_COMPARED = 400


def constant(known: Known, asked: Known, seed: int) -> list[Said]:
    """The mean training score."""
    mean = float(np.mean([one.score for one in known]))
    return [(None, mean) for _ in asked]


def task_mean(known: Known, asked: Known, seed: int) -> list[Said]:
    """The mean training score of the task; of all tasks where it was not trained on."""
    scores: dict[str, list[float]] = defaultdict(list)
    for one in known:
        scores[one.task].append(one.score)
    overall = float(np.mean([one.score for one in known]))
    return [(None, float(np.mean(scores[one.task])) if scores[one.task] else overall) for one in asked]


def mention_only(known: Known, asked: Known, seed: int) -> list[Said]:
    """Ridge regression on which of the seven points the reference speaks of: what the oracle mask gives away."""
    inputs, scores = _mentions(known), np.array([one.score for one in known])
    mean = inputs.mean(axis=0)
    centred = inputs - mean
    weights = np.linalg.solve(centred.T @ centred + _RIDGE * np.eye(7), centred.T @ (scores - scores.mean()))
    return [(None, float(value)) for value in (_mentions(asked) - mean) @ weights + scores.mean()]


def frequent(known: Known, asked: Known, seed: int) -> list[Said]:
    """For every instance of a task the training comment that is most like the task's others (by words)."""
    chosen = {task: _central(texts) for task, texts in _by_task(known).items()}
    return [(chosen[_task(one, chosen)], None) for one in asked]


def random_comment(known: Known, asked: Known, seed: int) -> list[Said]:
    """Some training comment of the same task, with its score."""
    pools: dict[str, list[CoachingInstance]] = defaultdict(list)
    for one in known:
        pools[one.task].append(one)
    draw = np.random.default_rng([seed, 21])
    found: list[Said] = []
    for one in asked:
        pool = pools[_task(one, pools)]
        drawn = pool[int(draw.integers(len(pool)))]
        found.append((drawn.summary, drawn.score))
    return found


def shuffled(known: Known, asked: Known, seed: int) -> list[Said]:
    """The references themselves, dealt out to other instances: the level of chance of this set's own words."""
    order = np.random.default_rng([seed, 22]).permutation(len(asked))
    return [(asked[int(place)].summary, asked[int(place)].score) for place in order]


CONTROLS: dict[str, Callable[[Known, Known, int], list[Said]]] = {
    "constant": constant,
    "task-mean": task_mean,
    "mention-only": mention_only,
    "frequent": frequent,
    "random": random_comment,
    "shuffled": shuffled,
}


def run_control(name: str, instances: Known, split: str, seed: int) -> list[tuple[CoachingInstance, Said]]:
    """What a control says of every instance of a split, knowing the train split. UserError for an unknown name."""
    if name not in CONTROLS:
        raise UserError(f"no control {name!r}", expected=", ".join(CONTROLS))
    known = [one for one in instances if one.split == "train"]
    asked = [one for one in instances if one.split == split]
    if not known or not asked:
        raise UserError(f"no instances of train or of {split}", expected="both")
    return list(zip(asked, CONTROLS[name](known, asked, seed), strict=True))


def _mentions(instances: Known) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array([one.mention for one in instances], float)


def _by_task(known: Known) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for one in known:
        found[one.task].append(one.summary)
    return found


def _task(one: CoachingInstance, pools: Mapping[str, object]) -> str:
    """The instance's task, or the first known one where it was not trained on."""
    return one.task if pools.get(one.task) else next(task for task, pool in pools.items() if pool)


def _central(texts: Sequence[str]) -> str:
    """The text whose words are shared most with the others (mean F1 of word counts); ties go to the first."""
    counts = [Counter(rouge_tokens(text)) for text in texts[:_MOST_COMPARED]]
    sizes = [sum(count.values()) for count in counts]

    def likeness(place: int) -> float:
        total = 0.0
        for other, count in enumerate(counts):
            if other != place and sizes[place] + sizes[other]:
                total += 2 * sum((counts[place] & count).values()) / (sizes[place] + sizes[other])
        return total

    return texts[max(range(len(counts)), key=likeness)]
