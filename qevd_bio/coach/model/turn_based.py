"""Models that are asked in turns and see frames as tokens: like Video-ChatGPT and LLaMA-VID (QEVD, Table 4)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from qevd_bio.coach.model.config import ModelConfig, TurnConfig
from qevd_bio.coach.model.stream_vlm import StreamVLM
from qevd_bio.coach.options import Ablations


class FrameProjector(nn.Module):
    """Patches of the frames that were shown, (T, N, C), to tokens of the language model, (V, D).

    video-chatgpt: each frame averaged over its patches (T tokens), then each patch averaged over the frames (N tokens),
    through one linear layer. llama-vid: two tokens a frame: its patches averaged, and its patches attended to by the
    words of the question, each through a linear layer of its own.
    """

    def __init__(self, config: TurnConfig, vision: int, width: int) -> None:
        super().__init__()
        self.style = config.style
        self.content = nn.Linear(vision, width)
        if self.style == "llama-vid":
            self.query = nn.Linear(width, vision, bias=False)
            self.context = nn.Linear(vision, width)

    def forward(self, frames: Tensor, question: Tensor) -> Tensor:
        """`question` are the embedded words (L, D) that ask; video-chatgpt does not look at them."""
        frames = frames.to(self.content.weight.dtype)
        content: Tensor = self.content(frames.mean(dim=1))
        if self.style == "video-chatgpt":
            return torch.cat((content, self.content(frames.mean(dim=0))))
        asked = self.query(question.to(self.query.weight.dtype))
        scores = torch.einsum("lc,tnc->tln", asked, frames) * frames.shape[-1] ** -0.5
        seen = torch.einsum("tln,tnc->tc", scores.softmax(-1), frames) / len(asked)
        return torch.stack((self.context(seen), content), dim=1).flatten(0, 1)

    def tokens(self, frames: int, patches: int) -> int:
        """How many tokens these frames become."""
        return frames + patches if self.style == "video-chatgpt" else 2 * frames


class TurnVLM(StreamVLM):
    """A language model that is shown frames in front of its question; without cross-attention or action tokens."""

    def __init__(self, config: ModelConfig, vocabulary: int | None = None, ablations: Ablations | None = None) -> None:
        super().__init__(config, vocabulary, ablations)
        self.projector = FrameProjector(config.turns, config.vision.dim, int(self.decoder.config.hidden_size))

    def embedded(self, ids: Tensor) -> Tensor:
        """Token ids (…) to embeddings (…, D), with the action tokens' own part."""
        found = self.embed(ids)
        return found if self.actions is None else self.actions.embedded(ids, found)

    def with_frames(self, ids: Tensor, place: int, frames: Tensor) -> Tensor:
        """Embeddings (L, D) of one question (L,) whose tokens from `place` on stand for the frames (T, N, C)."""
        count = self.projector.tokens(*frames.shape[:2])
        text = self.embedded(ids)
        seen = self.projector(frames.to(ids.device), text[place + count :])
        return torch.cat((text[:place], seen.to(text.dtype), text[place + count :]))

    def read(self, embedded: Tensor, positions: Tensor, cache: object = None) -> Tensor:
        """Last hidden states (B, L, D) of embeddings (B, L, D); each token sees itself and what stands before it."""
        found = self.decoder(
            inputs_embeds=embedded,
            position_ids=positions,
            past_key_values=cache,
            use_cache=cache is not None,
            columns=True,
        )
        state: Tensor = found.last_hidden_state
        return state


def question_ids(before: Sequence[int], visual: int, after: Sequence[int], pad: int) -> tuple[list[int], int]:
    """Ids of a question with room for `visual` tokens after `before`, and where that room begins."""
    return [*before, *[pad] * visual, *after], len(before)
