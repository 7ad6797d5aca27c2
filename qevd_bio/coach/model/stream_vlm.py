"""Stream-VLM: a causal language model of LLaMA's family that watches a video step by step (QEVD, Sec. 4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from qevd_bio.coach.model.block_attention import BlockGroup, register
from qevd_bio.coach.model.config import ModelConfig
from qevd_bio.coach.model.cross_attention import Vision, attach
from qevd_bio.coach.options import Ablations
from qevd_bio.learning.language import add_lora, lora_targets, make_language_model, padded, restore_buffers, tie

PARTS = ("selector", "fusion", "xattn", "projector", "actions", "lora", "language")
"""Groups of parameters that training stages switch on by name."""


class ActionRows(nn.Module):
    """What the action tokens' rows differ by from those of the frozen language model; nothing before training.

    ids: the tokens; `read` is added to their embeddings, `write` to their rows of the output layer, both (tokens, D).
    """

    ids: Tensor

    def __init__(self, ids: Sequence[int], width: int) -> None:
        super().__init__()
        self.register_buffer("ids", torch.tensor(ids), persistent=False)
        self.read, self.write = (nn.Parameter(torch.zeros(len(ids), width)) for _ in range(2))

    def embedded(self, ids: Tensor, embedded: Tensor) -> Tensor:
        """Embeddings (…, D) of token ids (…) with the action tokens' own part."""
        chosen = (ids[..., None] == self.ids.to(ids.device)).to(embedded.dtype)
        return embedded + chosen @ self.read.to(embedded.dtype)

    def scored(self, hidden: Tensor, scores: Tensor) -> Tensor:
        """Logits (…, V) of hidden states (…, D) with the action tokens' own part, in place."""
        own = (hidden.to(self.write.dtype) @ self.write.T).to(scores.dtype)
        return scores.index_add_(-1, self.ids.to(scores.device), own)


class StreamVLM(nn.Module):
    """Token ids, and visual tokens for those that are vision tokens, to logits.

    `lang` is the language model (wrapped by peft where LoRA is used) with cross-attention in some layers.
    """

    def __init__(self, config: ModelConfig, vocabulary: int | None = None, ablations: Ablations | None = None) -> None:
        super().__init__()
        self.config = config
        self.ablations = ablations or Ablations()
        settings = dict(config.language)
        if vocabulary is not None:
            settings["vocab_size"] = padded(vocabulary)
        language = make_language_model(settings, config.name, register())
        attach(language.model, config.cross_attention, config.vision)
        lora = config.lora
        targets = lora_targets(language, lora.targets)
        self.lang = add_lora(language, lora.r, lora.alpha, lora.dropout, targets)
        width = int(language.config.hidden_size)
        self.actions = ActionRows(config.action_rows, width) if config.action_rows else None

    @property
    def causal_lm(self) -> Any:
        """The language model itself, LoRA in its layers."""
        return self.lang.get_base_model() if hasattr(self.lang, "get_base_model") else self.lang

    @property
    def decoder(self) -> Any:
        """The transformer without its output layer."""
        return self.causal_lm.model

    @property
    def vocabulary(self) -> int:
        return int(self.causal_lm.config.vocab_size)

    @property
    def max_positions(self) -> int:
        """The longest sequence that the language model was made for."""
        return int(self.causal_lm.config.max_position_embeddings)

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        found: torch.dtype = self.decoder.embed_tokens.weight.dtype
        return found

    def embed(self, ids: Tensor) -> Tensor:
        """Token ids (…) to embeddings (…, D)."""
        embedded: Tensor = self.decoder.embed_tokens(ids)
        return embedded

    def hidden(
        self,
        ids: Tensor,
        positions: Tensor,
        mask: Tensor | None,
        vision: Vision | None = None,
        cache: Any = None,
        blocks: Sequence[BlockGroup] = (),
    ) -> Tensor:
        """Last hidden states (B, L, D) of ids (B, L).

        positions (B, L); mask (B, 1, L, K) bool, True where a token sees a key; K = L without cache; `blocks` say the
        same for training sequences. With neither, a token sees itself and what stands before it. `cache` takes new
        keys and values and gives back all of them (`RowCache`).
        """
        rows = self.actions
        found = self.decoder(
            input_ids=ids if rows is None else None,
            inputs_embeds=None if rows is None else rows.embedded(ids, self.decoder.embed_tokens(ids)),
            position_ids=positions,
            attention_mask=mask,
            past_key_values=cache,
            use_cache=cache is not None,
            vision=vision.normalised(self.dtype) if vision is not None else None,
            blocks=blocks,
            columns=cache is not None,
        )
        state: Tensor = found.last_hidden_state
        return state

    def logits(self, hidden: Tensor) -> Tensor:
        """Hidden states (…, D) to logits over the vocabulary."""
        language = self.causal_lm
        scores: Tensor = language.lm_head(hidden)
        if self.actions is not None:
            scores = self.actions.scored(hidden, scores)
        cap = getattr(language.config, "final_logit_softcapping", None)
        return scores if cap is None else torch.tanh(scores / cap) * cap

    def forward(
        self,
        ids: Tensor,
        positions: Tensor,
        mask: Tensor | None,
        vision: Vision | None = None,
        keep: Tensor | None = None,
        blocks: Sequence[BlockGroup] = (),
    ) -> Tensor:
        """Logits of every token (B, L, V), or of those that `keep` (B, L) bool names (M, V)."""
        state = self.hidden(ids, positions, mask, vision, blocks=blocks)
        return self.logits(state if keep is None else state[keep])

    def shared_names(self) -> dict[str, str]:
        """Weights that are another's under a second name, and whose: the output layer of a tied embedding."""
        if not self.causal_lm.config.tie_word_embeddings:
            return {}
        names = list(self.state_dict())
        source = next(name for name in names if name.endswith("model.embed_tokens.weight"))
        heads = ("lm_head.weight", "lm_head.base_layer.weight")
        return {name: source for name in names if name.endswith(heads)}

    def restore(self, action_rows: Sequence[int]) -> None:
        """After loading a model that was made on the meta device: what is computed, and what is shared."""
        restore_buffers(self.decoder)
        tie(self.causal_lm)
        if self.actions is not None:
            self.actions.ids = torch.tensor(action_rows)

    def parts(self) -> dict[str, list[nn.Parameter]]:
        """Parameters by group (see PARTS)."""
        groups: dict[str, list[nn.Parameter]] = {name: [] for name in PARTS}
        for name, parameter in self.named_parameters():
            groups[part_of(name)].append(parameter)
        return groups

    def train_only(self, parts: Iterable[str]) -> int:
        """Let gradients reach these groups alone; returns the number of trainable values."""
        wanted = set(parts)
        if wanted - set(PARTS):
            raise ValueError(f"no such parts: {sorted(wanted - set(PARTS))}, expected some of {PARTS}")
        count = 0
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(part_of(name) in wanted)
            count += parameter.numel() if parameter.requires_grad else 0
        return count


def part_of(name: str) -> str:
    """The group that a parameter belongs to, by its name."""
    if name.startswith(("selector.", "fusion.", "projector.", "actions.")):
        return name.split(".", 1)[0]
    if ".xattn_layer." in name:
        return "xattn"
    return "lora" if ".lora_" in name else "language"
