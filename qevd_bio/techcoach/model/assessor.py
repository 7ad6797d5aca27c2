"""TA²: one transformer over text, a score token, technical points and video, with the progressive mask (Sec. 4.5).

The layers are BERT's, so that BERT's weights can be loaded; text is predicted at masked places from what stands before
them. Rows that are not text never look at text: their states are computed once and kept while text is generated.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from qevd_bio.techcoach.model.config import DIMENSIONS, QUALITIES, ModelConfig

_EPS = 1e-12
SCORE_HEAD = (128, 32)


def progressive_mask(text: int, points: int, video: int, device: torch.device | None = None) -> Tensor:
    """Who attends to whom, (L, L) booleans; order: `text` tokens, the score token, `points` and `video` tokens.

    Text: itself and earlier text, score, points, video. Score: itself, points, video. A point: itself, video. Video:
    video.
    """
    length = text + 1 + points + video
    mask = torch.zeros(length, length, dtype=torch.bool, device=device)
    score, first, last = text, text + 1, text + 1 + points
    mask[:text, :text] = torch.ones(text, text, dtype=torch.bool, device=device).tril()
    mask[:text, score:] = True
    mask[score, score:] = True
    mask[first:last, first:last] = torch.eye(points, dtype=torch.bool, device=device)
    mask[first:, last:] = True
    return mask


class BertLayer(nn.Module):
    """One layer of BERT: attention and feed-forward part, each followed by a norm of the sum."""

    def __init__(self, width: int, heads: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.inner, self.outer = nn.Linear(width, inner), nn.Linear(inner, width)
        self.attention_norm, self.norm = nn.LayerNorm(width, _EPS), nn.LayerNorm(width, _EPS)
        self.drop = nn.Dropout(dropout)

    def forward(self, rows: Tensor, seen: Tensor, mask: Tensor | None) -> Tensor:
        """`rows` (B, n, W) attend to `seen` (B, m, W) where `mask` (n, m) is true; None: everywhere."""
        return self.attend(rows, *self.remember(seen), mask)

    def remember(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values (B, heads, m, W / heads) of rows that are attended to."""
        keys, values = (part(seen).unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (self.key, self.value))
        return keys, values

    def attend(self, rows: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
        """As `forward`, of keys and values that are known."""
        queries = self.query(rows).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        drop = self.dropout if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=mask, dropout_p=drop)
        rows = self.attention_norm(rows + self.drop(self.out(mixed.transpose(1, 2).flatten(2))))
        out: Tensor = self.norm(rows + self.drop(self.outer(functional.gelu(self.inner(rows)))))
        return out


class Assessor(nn.Module):
    """Text tokens, embeddings of points and video tokens to word logits and a score."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        own = config.assessor
        self.points = DIMENSIONS * QUALITIES if config.reasoner else 0
        self.words = nn.Embedding(own.vocabulary, own.width)
        self.positions = nn.Embedding(own.positions, own.width)
        self.types = nn.Embedding(2, own.width)
        self.text_norm = nn.LayerNorm(own.width, _EPS)
        self.drop = nn.Dropout(config.dropout)
        self.score_token = nn.Parameter(torch.empty(1, own.width))
        self.from_points = nn.Linear(config.width, own.width) if config.reasoner else None
        self.from_video = nn.Linear(config.width, own.width)
        self.layers = nn.ModuleList(
            BertLayer(own.width, own.heads, own.inner, config.dropout) for _ in range(own.layers)
        )
        self.transform = nn.Linear(own.width, own.width)
        self.transform_norm = nn.LayerNorm(own.width, _EPS)
        self.decode = nn.Linear(own.width, own.vocabulary)
        wide, narrow = SCORE_HEAD
        self.score = nn.Sequential(
            nn.Linear(own.width, wide), nn.ReLU(), nn.Linear(wide, narrow), nn.ReLU(), nn.Linear(narrow, 1)
        )
        for module in (self.words, self.positions, self.types):
            nn.init.normal_(module.weight, std=0.02)
        nn.init.normal_(self.score_token, std=0.02)

    def embed(self, ids: Tensor, first: int = 0) -> Tensor:
        """Token ids (B, L) to embeddings with their places, the first of them `first`."""
        places = torch.arange(first, first + ids.shape[1], device=ids.device)
        embedded = self.words(ids) + self.positions(places) + self.types.weight[0]
        out: Tensor = self.drop(self.text_norm(embedded))
        return out

    def context(self, quality: Tensor | None, video: Tensor) -> Tensor:
        """Score token, points (B, 7, 2, D) and video (B, N, D) as rows (B, 1 + 14 + N, W)."""
        parts = [self.score_token.expand(len(video), 1, -1)]
        if self.from_points is not None and quality is not None:
            parts.append(self.from_points(quality.flatten(1, 2)))
        parts.append(self.from_video(video))
        return self.drop(torch.cat(parts, dim=1))

    def forward(self, ids: Tensor, quality: Tensor | None, video: Tensor) -> tuple[Tensor, Tensor]:
        """Word logits (B, L, V) at every text place, and scores (B,)."""
        text, context = self.embed(ids), self.context(quality, video)
        mask = progressive_mask(text.shape[1], self.points, video.shape[1], ids.device)
        rows = torch.cat([text, context], dim=1)
        for layer in self.layers:
            rows = layer(rows, rows, mask)
        return self.logits(rows[:, : text.shape[1]]), self.score(rows[:, text.shape[1]]).squeeze(-1)

    def logits(self, rows: Tensor) -> Tensor:
        """Word logits of text rows."""
        out: Tensor = self.decode(self.transform_norm(functional.gelu(self.transform(rows))))
        return out

    def read_context(self, quality: Tensor | None, video: Tensor) -> tuple[list[Tensor], Tensor]:
        """States of the context before each layer, and the scores (B,): all that generating text needs."""
        rows = self.context(quality, video)
        mask = progressive_mask(0, self.points, video.shape[1], video.device)
        states = []
        for layer in self.layers:
            states.append(rows)
            rows = layer(rows, rows, mask)
        return states, self.score(rows[:, 0]).squeeze(-1)

    def open_text(self, states: list[Tensor]) -> TextReader:
        """A reader of text over a context that was read."""
        return TextReader(self, states)


class TextReader:
    """Text over a context that was read, token by token: text rows see no later ones, so keys and values are kept."""

    def __init__(self, assessor: Assessor, states: list[Tensor]) -> None:
        self._assessor, self._length = assessor, 0
        self._kept = [layer.remember(state) for layer, state in zip(assessor.layers, states, strict=True)]

    def add(self, ids: Tensor) -> Tensor:
        """Word logits (B, n, V) at further tokens (B, n), which are kept."""
        return self._read(ids, keep=True)

    def ask(self, mask_token: int) -> Tensor:
        """Word logits (B, V) at a mask token that follows; nothing is kept."""
        some = self._kept[0][0]
        return self._read(torch.full((len(some), 1), mask_token, device=some.device), keep=False)[:, 0]

    def _read(self, ids: Tensor, keep: bool) -> Tensor:
        rows, count = self._assessor.embed(ids, self._length), ids.shape[1]
        before = self._kept[0][0].shape[2]
        mask = torch.ones(count, before + count, dtype=torch.bool, device=ids.device)
        mask[:, before:].tril_()
        for place, layer in enumerate(self._assessor.layers):
            new = layer.remember(rows)
            known = tuple(torch.cat(pair, dim=2) for pair in zip(self._kept[place], new, strict=True))
            rows = layer.attend(rows, known[0], known[1], mask)
            if keep:
                self._kept[place] = (known[0], known[1])
        self._length += count if keep else 0
        return self._assessor.logits(rows)
