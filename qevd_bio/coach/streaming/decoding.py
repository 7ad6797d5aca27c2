"""Many segments streamed side by side: one token a row and turn, with cached keys and values.

A turn costs the same however much was seen: each row reads one token, and a changed C_motion where there is one.
Rows are independent: what a segment says does not depend on its neighbours.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from qevd_bio.coach.model.biocoach import BioCoach
from qevd_bio.coach.model.checkpoint import Coach
from qevd_bio.coach.model.cross_attention import Vision
from qevd_bio.coach.model.tokens import text_of
from qevd_bio.coach.options import GenerateOptions
from qevd_bio.coach.segments.data import SegmentInput, SegmentOutput
from qevd_bio.coach.streaming.rows import Row, RowCache, RowMaker
from qevd_bio.store.errors import ItemError

_ROOM = 256


class Streamer:
    """Streams segments through a coach, `options.rows` at a time; a finished row takes the next segment."""

    def __init__(self, coach: Coach, options: GenerateOptions) -> None:
        model = coach.model
        self._coach, self._model, self._options = coach, model.eval(), options
        front = coach.front
        self._maker = RowMaker(
            coach.tokenizer, coach.tokens, coach.prompt_ids, front, coach.config.morph_tokens, model.max_positions
        )
        settings: Any = model.causal_lm.config
        heads = int(getattr(settings, "num_key_value_heads", None) or settings.num_attention_heads)
        size = int(getattr(settings, "head_dim", None) or settings.hidden_size // settings.num_attention_heads)
        self._cache = RowCache(
            int(settings.num_hidden_layers),
            options.rows,
            min(front + 2 * _ROOM, model.max_positions),
            heads,
            size,
            dtype=model.dtype,
            device=model.device,
        )
        self._rows: list[Row] = []

    def run(self, segments: Iterable[SegmentInput]) -> Iterator[SegmentOutput | tuple[str, ItemError]]:
        """What is said in each segment, as they finish; for one that cannot be streamed its key and the reason."""
        waiting = iter(segments)
        more = True
        while more or self._rows:
            while more and len(self._rows) < self._options.rows:
                segment = next(waiting, None)
                if segment is None:
                    more = False
                    break
                try:
                    self.begin(segment)
                except ItemError as error:
                    yield segment.key, error
            try:
                self.turn()
            except RowError as error:
                self.remove(error.row)
                yield error.row.segment.key, error.cause
                continue
            for row in [row for row in self._rows if row.speaker.pending is None]:
                self.remove(row)
                yield self._finish(row)

    @torch.inference_mode()
    def begin(self, segment: SegmentInput) -> Row:
        """Put a segment into a free row. ItemError for one that cannot be streamed."""
        start = time.perf_counter()
        row = self._maker.make(segment, self._options)
        number = len(self._rows)
        self._cache.filled[number] = False
        if row.speaker.pending is not None:
            if row.front:
                row.context_text = segment.motion[0]
                row.context = self._maker.context(row.context_text, segment.key)
            self._set_morph(row)
            self._read_again(row, number)
        row.seconds += time.perf_counter() - start
        self._rows.append(row)
        return row

    @torch.inference_mode()
    def turn(self) -> None:
        """Every row reads its pending token and gets the next. RowError for a row that cannot go on."""
        start = time.perf_counter()
        self._stop_full_rows()
        rows = [row for row in self._rows if row.speaker.pending is not None]
        if not rows or len(rows) < len(self._rows):
            return  # finished rows leave first
        self._update_contexts(self._changed(rows))
        device = self._model.device
        ids = torch.tensor([[row.speaker.pending or 0] for row in rows], device=device)
        columns = torch.tensor([[row.position] for row in rows], device=device)
        self._cache.grow(min(_rounded(int(columns.max()) + 1), self._model.max_positions))
        seeing = [(n, 0, row, row.speaker.step) for n, row in enumerate(rows) if row.speaker.sees]
        reading = self._cache.reading(slice(0, len(rows)), columns, torch.ones_like(columns, dtype=torch.bool))
        state = self._model.hidden(ids, columns, reading.mask(), self._vision(seeing), reading)
        wishes = self._wishes(self._model.logits(state[:, 0]), rows)
        for row, wish in zip(rows, wishes, strict=True):
            row.history.append((row.speaker.pending or 0, row.speaker.step if row.speaker.sees else -1))
            row.position += 1
            row.speaker.take(wish)
        share = (time.perf_counter() - start) / len(rows)
        for row in rows:
            row.seconds += share

    def _wishes(self, logits: Tensor, rows: list[Row]) -> list[int]:
        if self._options.temperature <= 0:
            return [int(token) for token in logits.argmax(dim=-1).tolist()]
        chances = (logits.float().cpu() / self._options.temperature).softmax(dim=-1)
        return [
            int(torch.multinomial(chance, 1, generator=row.generator))
            for chance, row in zip(chances, rows, strict=True)
        ]

    def _stop_full_rows(self) -> None:
        for row in self._rows:
            if row.position >= self._model.max_positions and row.speaker.pending is not None:
                row.speaker.stop()

    def _changed(self, rows: list[Row]) -> list[tuple[int, Row]]:
        """Rows whose C_motion differs from what they have read, with it set; C_morph is set for all."""
        changed: list[tuple[int, Row]] = []
        for number, row in enumerate(rows):
            try:
                self._set_morph(row)
                if self._set_motion(row):
                    changed.append((number, row))
            except ItemError as error:
                raise RowError(row, error) from error
        return changed

    def _set_motion(self, row: Row) -> bool:
        if not row.front or self._options.context == "start" or not row.speaker.sees:
            return False
        every = self._options.context_every
        text = row.segment.motion[row.speaker.step // every * every]
        if text == row.context_text:
            return False
        row.context_text, row.context = text, self._maker.context(text, row.segment.key)
        row.updates += 1
        return True

    def _update_contexts(self, changed: list[tuple[int, Row]]) -> None:
        """Read changed C_motion: the new text alone (`fast`), or everything again after it (`exact`)."""
        if self._options.context == "exact":
            for number, row in changed:
                self._read_again(row, number)
        elif changed:
            self._read_contexts(changed)

    def _read_contexts(self, changed: list[tuple[int, Row]]) -> None:
        """Replace C_motion of these rows in the cache; what follows keeps its keys and values."""
        width = max(len(row.context) for _, row in changed)
        front, pad = self._maker.front, self._coach.tokens.pad
        padded = [[pad] * (width - len(row.context)) + row.context for _, row in changed]
        device = self._model.device
        ids = torch.tensor(padded, device=device)
        columns = torch.arange(front - width, front, device=device).expand(len(changed), -1)
        real = torch.tensor(
            [[n >= width - len(row.context) for n in range(width)] for _, row in changed], device=device
        )
        numbers = torch.tensor([number for number, _ in changed], device=device)
        self._cache.filled[numbers, :front] = False
        reading = self._cache.reading(numbers, columns, real)
        self._model.hidden(ids, columns, reading.mask(), None, reading)

    def _read_again(self, row: Row, number: int) -> None:
        """Read C_motion, the prompt and all that followed, in one pass."""
        ids = [*row.context, *row.prompt, *(token for token, _ in row.history)]
        first = row.place_of_context
        device = self._model.device
        columns = torch.arange(first, first + len(ids), device=device)[None]
        self._cache.grow(min(_rounded(first + len(ids)), self._model.max_positions))
        self._cache.filled[number] = False
        offset = len(row.context) + len(row.prompt)
        seeing = [(0, offset + n, row, step) for n, (_, step) in enumerate(row.history) if step >= 0]
        reading = self._cache.reading(slice(number, number + 1), columns, torch.ones_like(columns, dtype=torch.bool))
        tensor = torch.tensor([ids], device=device)
        self._model.hidden(tensor, columns, reading.mask(), self._vision(seeing), reading)

    def _vision(self, seeing: list[tuple[int, int, Row, int]]) -> Vision | None:
        """Visual tokens of (place in batch, place in sequence, row, step), fused with C_morph where the model does."""
        if not seeing:
            return None
        device = self._model.device
        features = torch.stack([row.features(step, device) for _, _, row, step in seeing])
        if isinstance(self._model, BioCoach):
            features = self._fused(self._model, features, [row.morph for _, _, row, _ in seeing])
        batch = torch.tensor([place for place, *_ in seeing], device=device)
        places = torch.tensor([place for _, place, *_ in seeing], device=device)
        return Vision(batch, places, features.to(self._model.dtype))

    def _fused(self, model: BioCoach, features: Tensor, morphs: list[list[int]]) -> Tensor:
        width = max((len(morph) for morph in morphs), default=0)
        if not width:
            return features
        pad = self._coach.tokens.pad
        ids = torch.tensor([morph + [pad] * (width - len(morph)) for morph in morphs], device=features.device)
        known = torch.tensor([[n < len(morph) for n in range(width)] for morph in morphs], device=features.device)
        return model.fuse(features.to(model.dtype), ids, known)

    def _set_morph(self, row: Row) -> None:
        if not row.segment.morph or not isinstance(self._model, BioCoach):
            return
        text = row.segment.morph[row.speaker.step]
        if text != row.morph_text:
            row.morph_text, row.morph = text, self._maker.morph(text, row.segment.key)

    @torch.inference_mode()
    def remove(self, row: Row) -> None:
        """Take a row out of the batch; the last one moves into its place."""
        number = next(n for n, other in enumerate(self._rows) if other is row)
        last = self._rows.pop()
        if last is not row:
            self._cache.move(len(self._rows), number)
            self._rows[number] = last

    def _finish(self, row: Row) -> SegmentOutput:
        tokenizer = self._coach.tokenizer
        times = [float(value) for value in row.segment.times]
        spoken = row.speaker.feedbacks(times, lambda ids: text_of(tokenizer, ids))
        return SegmentOutput(row.segment.key, spoken, row.speaker.output, row.speaker.cut, row.updates, row.seconds)


class RowError(Exception):
    """A row that cannot go on, and why."""

    def __init__(self, row: Row, cause: ItemError) -> None:
        super().__init__(str(cause))
        self.row, self.cause = row, cause


def _rounded(columns: int) -> int:
    return -(-columns // _ROOM) * _ROOM
