"""Very small pretrained language models of several families, as `transformers` saves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

from qevd_bio.coach.model.tokens import shipped_texts

_SHAPE: dict[str, Any] = {
    "vocab_size": 400,
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 4, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 700, "initializer_range": 0.2,
    "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
}  # fmt: skip
FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {"tie_word_embeddings": False},
    "qwen2": {"tie_word_embeddings": True, "bos_token_id": None, "vocab_size": 416},
    "qwen3": {"tie_word_embeddings": False},
    "mistral": {"tie_word_embeddings": False, "sliding_window": 16},
    "gemma": {"tie_word_embeddings": True},
    "gemma2": {"tie_word_embeddings": True, "sliding_window": 16, "query_pre_attn_scalar": 8},
    "gemma3_text": {"tie_word_embeddings": True, "sliding_window": 16, "query_pre_attn_scalar": 8,
                    "layer_types": ["sliding_attention", "full_attention"] * 2},
}  # fmt: skip
CHAT = (
    "{{ bos_token }}{% for m in messages %}<|turn|>{{ m['role'] }}\n{{ m['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|turn|>assistant\n{% endif %}"
)


def make_tokenizer(size: int = 400, chat: str | None = None, bos: bool = True) -> Any:
    """A byte-level BPE without action tokens."""
    bpe = Tokenizer(models.BPE(unk_token=None))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<pad>", "<s>", "</s>", "<|turn|>", "<|end|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    bpe.train_from_iterator(shipped_texts(), trainer)
    names = {"bos_token": "<s>"} if bos else {}
    made = PreTrainedTokenizerFast(tokenizer_object=bpe, pad_token="<pad>", eos_token="</s>", **names)
    made.chat_template = chat
    return made


def save_language(folder: Path, family: str = "llama", *, chat: str | None = None, **changes: Any) -> Any:
    """Write a random checkpoint of `family` with its tokenizer; the model as `transformers` has it."""
    torch.manual_seed(3)
    config = AutoConfig.for_model(family, **{**_SHAPE, **FAMILIES[family], **changes})
    attention = "eager" if family == "gemma2" else "sdpa"  # the only one that it has
    model = AutoModelForCausalLM.from_config(config, attn_implementation=attention).eval()
    model.save_pretrained(folder)
    make_tokenizer(chat=chat, bos=config.bos_token_id is not None).save_pretrained(folder)
    return model
