"""GPT-M and GPT-Q: which technical details a comment shares with the reference, and whether it says the same of them.

Published: a model counts; M is the mean over instances of details shared by those of the reference, Q of those with the
same opinion by those shared. Own: instances without a shared detail are missing in Q (their share is told), M × Q is
reported too, and a judge by rules over seven dimensions stands beside the model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from qevd_bio.feedback.technique import mentioned
from qevd_bio.language.reading import Unreadable, read_object
from qevd_bio.scoring.descriptive.options import OpinionOptions
from qevd_bio.scoring.metrics.measured import Measured, mean_of
from qevd_bio.scoring.statistics import Array, ratio

Pair = tuple[str, str]
PROMPT = "techcoach_judge.md"


@dataclass(frozen=True)
class Counted:
    """Details of the reference, those of them that the comment speaks of, and those it says the same of."""

    reference: int
    both: int
    same: int

    @property
    def mention(self) -> float:
        """Share of the reference's details that are shared; NaN where it has none."""
        return self.both / self.reference if self.reference else float("nan")

    @property
    def quality(self) -> float:
        """Share of the shared details with the same opinion; NaN where none is shared."""
        return self.same / self.both if self.both else float("nan")


@dataclass(frozen=True)
class Opinions:
    """Counts of each pair, by repeat; `reasons` counts replies that could not be read: these are missing, not zero."""

    counted: Sequence[Sequence[Counted]]
    signature: dict[str, str]
    reasons: Counter[str] = field(default_factory=Counter)

    def measured(self, prefix: str) -> dict[str, Measured]:
        """M, Q and M × Q; an instance's value is the mean over its readable repeats."""
        m, q = (
            np.array([_mean([getattr(one, name) for one in repeats]) for repeats in self.counted], float)
            for name in ("mention", "quality")
        )
        there = [~np.isnan(values) for values in (m, q)]
        sums = np.column_stack([np.where(there[0], m, 0.0), there[0], np.where(there[1], q, 0.0), there[1]]).astype(
            float
        )
        shared = f"{np.mean(q == q):.3f}" if len(q) else "none"
        signature = {**self.signature, "with-a-shared-detail": shared}
        return {
            f"{prefix}_m": mean_of(f"{prefix}_m", m, self.signature),
            f"{prefix}_q": mean_of(f"{prefix}_q", q, signature),
            f"{prefix}_mq": Measured(f"{prefix}_mq", m * q, sums, _product, signature),
        }


def _product(sums: Array) -> Array:
    return np.asarray(ratio(sums[..., 0:2]) * ratio(sums[..., 2:4]))


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if value == value]
    return sum(known) / len(known) if known else float("nan")


def count_by_rules(reference: str, comment: str) -> Counted:
    """Details are (dimension, polarity) pairs; the same opinion: the comment states every polarity of the reference."""
    there, said = mentioned(reference), mentioned(comment)
    dimensions = {dimension for dimension, _ in there}
    both = dimensions & {dimension for dimension, _ in said}
    same = {d for d in both if {p for e, p in there if e == d} == {p for e, p in said if e == d}}
    return Counted(len(dimensions), len(both), len(same))


def opinions_by_rules(pairs: Sequence[Pair]) -> Opinions:
    """The judge by rules, of (reference, comment) pairs."""
    return Opinions([[count_by_rules(*pair)] for pair in pairs], {"judge": "rules over 7 dimensions × polarity"})


def read_counts(text: str) -> Counted:
    """The counts of a reply; `Unreadable` for none, and for numbers that cannot be."""
    value = read_object(text)
    numbers = [value.get(name) for name in ("reference_details", "both", "same_opinion")]
    if not all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in numbers):
        raise Unreadable("no_counts", "three whole numbers are expected")
    reference, both, same = (int(n) for n in numbers if n is not None)
    if not same <= both <= reference:
        raise Unreadable("impossible_counts", f"{reference}, {both}, {same}")
    return Counted(reference, both, same)


def opinions_by_model(pairs: Sequence[Pair], options: OpinionOptions, cache: Path | None) -> Opinions:
    """A served model's counts; each distinct pair is asked `repeats` times, and replies are kept."""
    from qevd_bio.language.client import complete_many
    from qevd_bio.language.options import ClientOptions
    from qevd_bio.language.prompts import load_prompt
    from qevd_bio.language.request import Request, Sampling
    from qevd_bio.store.resources import prompts_path

    prompt = load_prompt(prompts_path(PROMPT))
    distinct = list(dict.fromkeys(pairs))

    def requests() -> Iterator[Request]:
        for place, (reference, comment) in enumerate(distinct):
            values = {"reference": reference, "commentary": comment}
            for repeat in range(options.repeats):
                yield Request(
                    id=f"{place}/{repeat}", messages=prompt.fill(values), read=read_counts, sample=repeat,
                    sampling=Sampling(options.temperature, 1.0, options.max_tokens, repeat),
                    prompt_hash=prompt.filled_hash(values),
                )  # fmt: skip

    given: dict[str, Any] = {} if options.url is None else {"url": options.url}
    client = ClientOptions(
        model=str(options.model), stage="score", cache=cache, structured="text", tries=1, max_calls=options.max_calls,
        **given,
    )  # fmt: skip
    found: list[list[Counted]] = [[] for _ in distinct]
    reasons: Counter[str] = Counter()
    with complete_many(requests(), client) as replies:
        for reply in replies:
            if reply.ok:
                found[int(reply.id.partition("/")[0])].append(reply.value)
            else:
                reasons[reply.reason] += 1
    by_pair = dict(zip(distinct, found, strict=True))
    signature = {
        "judge": str(options.model), "prompt": f"{prompt.name} {prompt.version}", "repeats": str(options.repeats),
        "temperature": f"{options.temperature:g}",
    }  # fmt: skip
    return Opinions([by_pair[pair] for pair in pairs], signature, reasons)
