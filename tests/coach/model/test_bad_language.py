"""Language models that cannot be used: one sentence each, before anything is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel, CLIPVisionConfig, CLIPVisionModel, GPT2Config, GPT2LMHeadModel

from qevd_bio.coach.model.new import new_coach
from qevd_bio.learning import pretrained
from qevd_bio.store.errors import UserError
from tests.coach.language_models import make_tokenizer, save_language

Edit = Callable[[Path], Any]


def config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    values = json.loads(path.read_text())
    values.update(changes)
    path.write_text(json.dumps(values))


def without(folder: Path, name: str) -> None:
    tensors = load_file(folder / "model.safetensors")
    save_file({key: value for key, value in tensors.items() if key != name}, folder / "model.safetensors")


def half(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def other_tokenizer(folder: Path, size: int) -> None:
    make_tokenizer(size).save_pretrained(folder)


def index(folder: Path) -> None:
    names = {"model.norm.weight": "model-00002-of-00002.safetensors", "lm_head.weight": "model.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))


FAULTS: dict[str, tuple[Edit, str]] = {
    "no configuration": (lambda f: (f / "config.json").unlink(), "no config.json here"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "no weights here"),
    "no tokenizer": (lambda f: [p.unlink() for p in f.glob("tokenizer*")], "no tokenizer here"),
    "half the weights": (lambda f: half(f / "model.safetensors"), "cannot be read"),
    "a weight less": (lambda f: without(f, "model.norm.weight"), "1 weights are missing \\(model.norm.weight\\)"),
    "a part less": (index, "1 of 2 weight files are missing: model-00002"),
    "another width": (lambda f: config(f, hidden_size=48), "has shape"),
    "own code": (
        lambda f: config(f, model_type="strange", auto_map={"AutoConfig": "x.Y"}), "brings code of its own, which is never"
    ),
    "an unknown type": (lambda f: config(f, model_type="strange"), "strange is not a causal language model"),
    "another head": (lambda f: config(f, architectures=["LlamaForTokenClassification"]), "has another head"),
    "quantised": (lambda f: config(f, quantization_config={"quant_method": "gptq"}), "weights are quantised \\(gptq\\)"),
    "too many entries": (lambda f: other_tokenizer(f, 700), "the tokenizer has 700 entries, the embedding 400 rows"),
    "too few entries": (lambda f: other_tokenizer(f, 280), "the tokenizer has 280 entries"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_folder(fault: str, tmp_path: Path) -> None:
    edit, message = FAULTS[fault]
    save_language(tmp_path / "language")
    edit(tmp_path / "language")
    with pytest.raises(UserError, match=message):
        new_coach(str(tmp_path / "language"), "random", "tiny", tmp_path / "coach")
    assert not (tmp_path / "coach").exists()


def test_models_of_other_kinds(tmp_path: Path) -> None:
    small = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    CLIPVisionModel(CLIPVisionConfig(**small)).save_pretrained(tmp_path / "clip")
    BertModel(BertConfig(**small, vocab_size=100)).save_pretrained(tmp_path / "bert")
    GPT2LMHeadModel(GPT2Config(n_embd=32, n_layer=2, n_head=4, vocab_size=400)).save_pretrained(tmp_path / "gpt2")
    for name, message in (
        ("clip", "clip_vision_model is not a causal language model"),
        ("bert", "BertModel is an encoder"),
        ("gpt2", "GPT2LMHeadModel is not built like a decoder of LLaMA's kind"),
    ):
        make_tokenizer().save_pretrained(tmp_path / name)
        with pytest.raises(UserError, match=message):
            new_coach(str(tmp_path / name), "random", "tiny", tmp_path / "coach")


def test_too_little_memory_is_said_before_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_language(tmp_path / "language")
    monkeypatch.setattr(pretrained, "available_memory", lambda: 1000)
    with pytest.raises(UserError, match=r"reading it takes .* of main memory, 0\.0 GiB are free"):
        new_coach(str(tmp_path / "language"), "random", "tiny", tmp_path / "coach")


def test_names_that_lead_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "notes.txt").write_text("x")
    monkeypatch.setenv("QEVD_BIO_MODELS", str(tmp_path / "models"))
    for name, message in (
        ("nothing", "no language model 'nothing'"),
        (str(tmp_path / "notes.txt"), "is no GGUF file"),
        ("smollm2", "the model smollm2 is not on this machine[\\s\\S]*qevd-bio models fetch smollm2"),
    ):
        with pytest.raises(UserError, match=message):
            new_coach(name, "random", "tiny", tmp_path / "coach")


def write_gguf(path: Path, kind: gguf.GGMLQuantizationType, architecture: str = "llama") -> None:
    writer = gguf.GGUFWriter(path, architecture)
    block, size = gguf.GGML_QUANT_SIZES[kind]
    raw = np.zeros((2, size), np.uint8)
    writer.add_tensor("token_embd.weight", raw, raw_dtype=kind)
    assert block
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_gguf_files_that_cannot_be_used(tmp_path: Path) -> None:
    write_gguf(tmp_path / "odd.gguf", gguf.GGMLQuantizationType.Q8_K)
    write_gguf(tmp_path / "other.gguf", gguf.GGMLQuantizationType.Q8_0, "strange")
    (tmp_path / "text.gguf").write_text("no model at all")
    for name, message in (
        ("odd", "quantised as Q8_K, which cannot be undone here"),
        ("other", "cannot be read"),
        ("text", "cannot be read"),
    ):
        with pytest.raises(UserError, match=message):
            new_coach(str(tmp_path / f"{name}.gguf"), "random", "tiny", tmp_path / "coach")


def test_a_folder_that_holds_something_else_is_kept(tmp_path: Path) -> None:
    save_language(tmp_path / "language")
    (tmp_path / "coach").mkdir()
    (tmp_path / "coach" / "mine.txt").write_text("x")
    with pytest.raises(UserError, match="this folder holds something else"):
        new_coach(str(tmp_path / "language"), "random", "tiny", tmp_path / "coach")
    assert [path.name for path in (tmp_path / "coach").iterdir()] == ["mine.txt"]


def test_parts_in_several_files_and_torch_files(tmp_path: Path) -> None:
    language = save_language(tmp_path / "whole")
    new_coach(str(tmp_path / "whole"), "random", "tiny", tmp_path / "one")
    language.save_pretrained(tmp_path / "parts", max_shard_size="20KB")
    make_tokenizer().save_pretrained(tmp_path / "parts")
    assert len(list((tmp_path / "parts").glob("*.safetensors"))) > 2
    new_coach(str(tmp_path / "parts"), "random", "tiny", tmp_path / "two")
    for path in (tmp_path / "parts").glob("*.safetensors*"):
        path.unlink()
    torch.save(language.state_dict(), tmp_path / "parts" / "pytorch_model.bin")
    new_coach(str(tmp_path / "parts"), "random", "tiny", tmp_path / "three")
    first, *others = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two", "three"))
    for other in others:
        assert first.keys() == other.keys() and all(torch.equal(first[name], other[name]) for name in first)
