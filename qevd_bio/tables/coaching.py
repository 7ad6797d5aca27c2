"""The table of coached instances: a few seconds of a take with what is good and what could be better, by dimension."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from qevd_bio.tables.rows import NAN, Cell, RowTable, row


@row
class CoachingInstance:
    """One instance. Lists of seven follow the order of feedback/technique.DIMENSIONS."""

    id: Annotated[str, Cell("unique; names the instance's feature files")]
    take: Annotated[str, Cell("name of the take")]
    take_uid: Annotated[str, Cell("uid of the take; empty where unknown")]
    participant: Annotated[str, Cell("who is seen; empty where unknown")]
    scenario: Annotated[str, Cell("Basketball, Soccer, Rock Climbing, …")]
    task: Annotated[str, Cell("what is practised")]
    split: Annotated[str, Cell("train, val or test")]
    start_s: Annotated[float, Cell("from the take's start", "s")]
    end_s: Annotated[float, Cell("from the take's start", "s")]
    points: Annotated[Sequence[str], Cell("technical point of the task, by dimension")]
    well: Annotated[Sequence[str], Cell("what is done well, by dimension; empty where nothing was said")]
    improve: Annotated[Sequence[str], Cell("what can be improved, by dimension; empty where nothing was said")]
    raw: Annotated[Sequence[str], Cell("the experts' own remarks")]
    summary: Annotated[str, Cell("comment on the whole instance")]
    score: Annotated[float, Cell("mean rating of the whole take by its experts, 1 to 10", null=NAN)] = NAN
    raters: Annotated[int, Cell("experts behind the score")] = 0

    @property
    def mention(self) -> tuple[bool, ...]:
        """Which dimensions the reference speaks of."""
        return tuple(bool(a or b) for a, b in zip(self.well, self.improve, strict=True))


INSTANCES = RowTable.of("coaching_instances", 1, CoachingInstance)
INSTANCES_FILE = "instances.parquet"
