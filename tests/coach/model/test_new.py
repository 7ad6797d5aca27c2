"""`qevd-bio coach new`: coaches on pretrained language models of several families."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file

from qevd_bio.coach.model.block_attention import causal_mask
from qevd_bio.coach.model.checkpoint import WEIGHTS_FILE, Coach, load_coach
from qevd_bio.coach.model.cross_attention import Vision
from qevd_bio.coach.model.new import new_coach, prompt_form, relative_layers
from qevd_bio.coach.model.presets import read_preset
from qevd_bio.coach.model.stream_vlm import part_of
from qevd_bio.coach.options import GenerateOptions
from qevd_bio.coach.segments.data import SegmentInput
from qevd_bio.coach.streaming.decoding import Streamer
from tests.coach.conftest import VISION, small_config
from tests.coach.language_models import CHAT, FAMILIES, make_tokenizer, save_language


@pytest.fixture(scope="module")
def shape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A preset file of one's own: narrow features, vision after both layers of three."""
    path = tmp_path_factory.mktemp("preset") / "own.yaml"
    config = replace(small_config(), name="own")
    path.write_text(yaml.safe_dump(json.loads(json.dumps(config.as_json()))), encoding="utf-8")
    return path


def made(folder: Path, shape: Path, family: str, **more: Any) -> tuple[Coach, Any]:
    language = save_language(folder / "language", family, **more)
    new_coach(str(folder / "language"), "random", shape, folder / "coach")
    return load_coach(folder / "coach"), language


@pytest.mark.parametrize("family", FAMILIES)
def test_the_logits_are_those_of_transformers(family: str, tmp_path: Path, shape: Path) -> None:
    coach, language = made(tmp_path, shape, family)
    ids = torch.randint(5, 380, (2, 50))
    positions = torch.arange(50).expand(2, -1)
    with torch.no_grad():
        theirs = language.double()(input_ids=ids).logits[..., :380]  # the order of operations is seen in float32
        for mask in (None, causal_mask(50)):
            ours = coach.model.double()(ids, positions, mask)[..., :380]
            torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("family", ["llama", "mistral", "gemma3_text"])
def test_what_is_streamed_is_what_the_whole_text_gives(
    family: str, tmp_path: Path, shape: Path, make_segment: Callable[..., SegmentInput]
) -> None:
    coach, _ = made(tmp_path, shape, family)
    model, tokens = coach.model, coach.tokens
    assert model.actions is not None
    with torch.no_grad():
        model.actions.write[:2] += 3 * torch.randn(2, 32)  # so that it speaks now and then
    segment = make_segment(0, 40)
    streamer = Streamer(coach, GenerateOptions(timing="corrected", context="start", max_tokens=6))
    row = streamer.begin(segment)
    while row.speaker.pending is not None and row.speaker.step < 38:
        streamer.turn()
    ids = [*row.context, *row.prompt, *(token for token, _ in row.history)]
    offset = len(row.context) + len(row.prompt)
    places = [(offset + n, step) for n, (_, step) in enumerate(row.history) if step >= 0]
    positions = torch.arange(row.place_of_context, row.place_of_context + len(ids))[None]
    seen = torch.from_numpy(segment.features[[step for _, step in places]])
    morph = torch.tensor([row.morph] * len(places))
    with torch.no_grad():
        seen = model.fuse(seen, morph, torch.ones_like(morph, dtype=torch.bool))  # type: ignore[operator]
        vision = Vision(torch.zeros(len(places), dtype=torch.long), torch.tensor([at for at, _ in places]), seen)
        whole = model(torch.tensor([ids]), positions, None, vision)[0].argmax(-1).tolist()
    following = [token for token, _ in row.history][1:]
    # A feedback that is cut is ended by rule, not by the model.
    free = [n for n, token in enumerate(following) if token not in (tokens.end, tokens.next)]
    assert free and [whole[offset + n] for n in free] == [following[n] for n in free]


def test_weights_stay_and_new_rows_are_the_mean(tmp_path: Path, shape: Path) -> None:
    coach, language = made(tmp_path, shape, "llama")
    ours = load_file(tmp_path / "coach" / WEIGHTS_FILE)
    for name, value in language.state_dict().items():
        mine = ours[f"lang.{name}"]
        assert torch.equal(mine[:400] if mine.shape != value.shape else mine, value), name
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        mean = language.state_dict()[name].mean(dim=0)
        for token in (coach.tokens.next, coach.tokens.feedback, coach.tokens.end):
            torch.testing.assert_close(ours[f"lang.{name}"][token], mean)
    assert coach.config.action_rows == (400, 401, 402)
    assert coach.begins == ("fusion", "xattn", "actions")
    assert coach.config.cross_attention.layers == (0, 3)  # of 3 layers 0 and 2, here of 4
    assert all(float(value.abs().sum()) == 0 for name, value in ours.items() if name.startswith("actions."))


def test_a_tied_embedding_is_kept_once_and_stays_tied(tmp_path: Path, shape: Path) -> None:
    coach, _ = made(tmp_path, shape, "qwen2")
    assert not any("lm_head" in name for name in load_file(tmp_path / "coach" / WEIGHTS_FILE))
    language = coach.model.causal_lm
    assert language.lm_head.weight is language.model.embed_tokens.weight
    assert coach.tokenizer.bos_token_id is not None
    names = [name for name, _ in coach.model.named_parameters() if part_of(name) == "language"]
    assert len(names) == len(set(names)) and not any("lm_head" in name for name in names)


def test_action_rows_change_their_tokens_alone(tmp_path: Path, shape: Path) -> None:
    model = made(tmp_path, shape, "gemma2")[0].model
    ids, positions = torch.randint(5, 380, (1, 9)), torch.arange(9)[None]
    before = model(ids, positions, None)
    assert model.train_only(["actions"]) == 2 * 3 * 32
    before[..., 400].sum().backward()
    assert model.actions is not None and float(model.actions.write.grad[0].abs().sum()) > 0  # type: ignore[index]
    with torch.no_grad():
        model.actions.write[1] += 1.0
        after = model(ids, positions, None)
    differ = (before != after).any(dim=1)[0]
    assert differ.nonzero().flatten().tolist() == [401]


def test_lora_targets_follow_the_family(tmp_path: Path, shape: Path) -> None:
    for family, head in (("llama", True), ("gemma", False)):
        save_language(tmp_path / family, family)
        new_coach(str(tmp_path / family), "random", shape, tmp_path / f"{family}-coach", lora_rank=2)
        coach = load_coach(tmp_path / f"{family}-coach")
        adapted = {
            name.split(".lora_A")[0].rsplit(".", 1)[-1] for name in coach.model.state_dict() if ".lora_A" in name
        }
        assert adapted == {"q_proj", "k_proj", "v_proj"} | ({"lm_head"} if head else set())
        assert coach.model.causal_lm.config.tie_word_embeddings != head
        lora = [value for name, value in coach.model.state_dict().items() if ".lora_B" in name]
        assert lora and all(float(value.abs().sum()) == 0 for value in lora)


def test_the_chat_template_stands_around_the_prompt() -> None:
    plain = prompt_form(make_tokenizer())
    assert (plain.before, plain.after) == ("", "")
    form = prompt_form(make_tokenizer(chat=CHAT))
    assert form.before == "<|turn|>system\n"  # the start token stands before every sequence anyway
    assert form.after == "<|end|>\n<|turn|>assistant\n"
    refusing = CHAT.replace(
        "{% for", "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no') }}{% endif %}{% for"
    )
    assert prompt_form(make_tokenizer(chat=refusing)).before == "<|turn|>user\n"
    turn = make_tokenizer(chat=CHAT.replace("{{ bos_token }}", ""))
    turn.bos_token = "<|turn|>"
    assert prompt_form(turn).before == "<|turn|>system\n"  # a mark of a turn is kept


def test_a_prompt_begins_with_one_start_token(tmp_path: Path, shape: Path) -> None:
    coach, _ = made(tmp_path, shape, "llama", chat=CHAT)
    assert coach.front and coach.prompt_ids("Hello.")[0] == coach.tokenizer.convert_tokens_to_ids("<|turn|>")
    alone = replace(coach, config=replace(coach.config, kind="stream-vlm", context_tokens=0))
    assert alone.prompt_ids("Hello.")[0] == coach.tokens.bos


def test_vision_enters_at_the_same_relative_depth() -> None:
    published = read_preset("stream-vlm").cross_attention.layers
    assert relative_layers(published, 32, 32) == published
    assert relative_layers(published, 32, 16) == (3, 4, 5, 6, 7, 8, 9, 10, 11)
    assert relative_layers((0, 3), 4, 2) == (0, 1)


def test_half_precision_is_kept(tmp_path: Path, shape: Path) -> None:
    save_language(tmp_path / "language")
    new_coach(str(tmp_path / "language"), "random", shape, tmp_path / "coach", dtype="bfloat16")
    assert {value.dtype for value in load_file(tmp_path / "coach" / WEIGHTS_FILE).values()} == {torch.bfloat16}
    assert load_coach(tmp_path / "coach").model.dtype == torch.float32
    assert load_coach(tmp_path / "coach", dtype="bfloat16").model.dtype == torch.bfloat16
    assert VISION.dim == 32
