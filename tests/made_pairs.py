"""Random pairs of short coaching texts: (reference, said)."""

from __future__ import annotations

import random

WORDS = (
    *["keep", "going", "great", "job", "squats", "lower", "your", "body", "knee", "ten", "nice", "work"],
    ".",
    "!",
    "90",
    "é",
)


def random_pairs(n: int, seed: int = 0, *, shortest: int = 1, longest: int = 12) -> list[tuple[str, str]]:
    """`n` pairs of texts of `shortest` to `longest` words."""
    draw = random.Random(seed)

    def make() -> str:
        return " ".join(draw.choices(WORDS, k=draw.randint(shortest, longest)))

    return [(make(), make()) for _ in range(n)]
