"""A share of a stage's items, for several machines: `--shard 2/8` is the second of eight."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from qevd_bio.store.errors import UserError

T = TypeVar("T")
_WRITTEN = re.compile(r"(\d{1,6})/(\d{1,6})")


class Shard(NamedTuple):
    """The `number`-th of `of` shares, counted from 1."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @classmethod
    def parse(cls, text: str) -> Shard:
        """The share written as `2/8`. Raises UserError for anything else."""
        found = _WRITTEN.fullmatch(text.strip())
        shard = cls(int(found[1]), int(found[2])) if found else cls(0, 0)
        if not 1 <= shard.number <= shard.of:
            raise UserError(
                f"{text!r} names no share",
                where="--shard",
                expected="NUMBER/OF, counted from 1: --shard 2/8 is the second of eight",
            )
        return shard

    def part(self, items: Sequence[T]) -> list[T]:
        """Every `of`-th item, so that long and short videos that lie side by side spread over the shares."""
        return list(items[self.number - 1 :: self.of])
