"""Stream-VLM, selector, fusion and BioCoach: shapes, names, what reaches what."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml

from qevd_bio.coach.model.biocoach import BioCoach, make_model
from qevd_bio.coach.model.block_attention import causal_mask
from qevd_bio.coach.model.config import FusionConfig, LoraSettings, SelectorConfig, read_config
from qevd_bio.coach.model.cross_attention import CrossAttention, Vision
from qevd_bio.coach.model.fusion import MorphFusion
from qevd_bio.coach.model.loading import build, choose_device, describe
from qevd_bio.coach.model.presets import preset_names, read_preset
from qevd_bio.coach.model.selector import JointSelector, accuracy, balanced_loss, pool
from qevd_bio.coach.model.stream_vlm import StreamVLM
from qevd_bio.coach.options import VARIANTS
from qevd_bio.learning.language import padded
from qevd_bio.store.errors import UserError
from qevd_bio.store.resources import refs_path
from tests.coach.conftest import VISION, MakeCoach, small_config

COUNTS = {
    "video-chatgpt": (6_769_461_248, {"projector": 4_198_400, "lora": 26_322_944}),
    "llama-vid": (6_777_853_952, {"projector": 12_591_104, "lora": 26_322_944}),
    "biocoach-small": (147_559_000, {"xattn": 4_922_880, "selector": 793_368, "fusion": 7_290_880}),
    "stream-vlm-7b": (7_176_393_216, {"xattn": 411_130_368, "lora": 26_322_944}),
    "biocoach-7b": (7_188_983_064, {"selector": 793_368, "fusion": 11_796_480}),
    "tiny": (10_517_912, {"selector": 793_368, "fusion": 6_717_440}),
    "tiny-stream-vlm": (1_707_648, {"xattn": 379_392}),
}


def test_every_shipped_preset_is_known() -> None:
    assert preset_names() == sorted(COUNTS)


@pytest.mark.parametrize("name", COUNTS)
def test_presets_are_built_with_the_counted_parameters(name: str) -> None:
    config = read_preset(name)
    model = make_model(config, device="meta")
    total, trained = COUNTS[name]
    assert sum(p.numel() for p in model.parameters()) == total
    for part, count in trained.items():
        assert model.train_only([part]) == count == sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert f"{total:,}" in describe(name)[0]
    assert model.decoder.config.num_hidden_layers == config.language["num_hidden_layers"]


def test_a_frozen_projection_is_not_trained() -> None:
    config = replace(small_config(), fusion=FusionConfig(train_projection=False))
    model = make_model(config)
    assert model.train_only(["fusion"]) == 4 * VISION.dim**2


def test_faulty_presets_are_explained(tmp_path: Path) -> None:
    values = yaml.safe_load(refs_path("presets", "tiny.yaml").read_text())
    for change, message in (
        ({"lora": {"rank": 3}}, "unknown key lora.rank"),
        ({"context_tokens": "many"}, "context_tokens is 'many'"),
        ({"lora": {"r": True}}, "lora.r is True"),
        ({"kind": "other"}, "kind is 'other'"),
        ({"cross_attention": {"layers": [9]}}, "names layer 9"),
        ({"vision": 3}, "vision is not a mapping"),
    ):
        with pytest.raises(UserError, match=message):
            read_config({**values, **change}, tmp_path)
    with pytest.raises(UserError, match="no key language"):
        read_config({"name": "x", "kind": "biocoach", "source": "y"}, tmp_path)
    with pytest.raises(UserError, match="no preset 'huge'"):
        read_preset("huge")
    with pytest.raises(UserError, match="has no tokenizer of its own"):
        build(read_preset("biocoach-7b"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without GPU")
def test_a_preset_for_a_gpu_says_what_is_missing() -> None:
    with pytest.raises(UserError, match="biocoach-7b is made for a GPU with 17 GiB, and none is here"):
        choose_device(read_preset("biocoach-7b"))
    assert choose_device(read_preset("biocoach-7b"), "cpu").type == "cpu"
    with pytest.raises(UserError, match="no device 'gpu9'"):
        choose_device(read_preset("tiny"), "gpu9")


def plain_attention(layer: CrossAttention, hidden: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
    """The form of the paper: keys and values of full width, heads as slices of it."""
    query = layer.hidden_attn_fc(hidden).unflatten(-1, (layer.heads, -1))
    keys = layer.feat_attn_keys_fc(features).unflatten(-1, (layer.heads, -1))
    values = layer.vision_projector(features).unflatten(-1, (layer.heads, -1))
    scores = torch.einsum("mha,mnha->mhn", query, keys) / math.sqrt(layer.out_fc.in_features)
    return layer.out_fc(torch.einsum("mhn,mnha->mha", scores.softmax(-1), values).flatten(-2))


@pytest.mark.parametrize("heads", [1, 4])
def test_cross_attention_equals_its_plain_form(heads: int) -> None:
    torch.manual_seed(0)
    layer = CrossAttention(24, 10, 16, heads)
    hidden, features = torch.randn(5, 24), torch.randn(5, 7, 10)
    torch.testing.assert_close(layer(hidden, features), plain_attention(layer, hidden, features), rtol=1e-4, atol=1e-5)


def test_only_vision_tokens_change_and_only_by_their_own_step(make_coach: MakeCoach) -> None:
    model = make_coach("stream-vlm").model
    ids = torch.randint(10, 300, (1, 9))
    positions, mask = torch.arange(9)[None], causal_mask(9)
    features = torch.randn(2, VISION.tokens, VISION.dim)
    places = (torch.tensor([0, 0]), torch.tensor([3, 6]))

    def run(values: torch.Tensor | None) -> torch.Tensor:
        vision = None if values is None else Vision(*places, values)
        with torch.no_grad():
            return model(ids, positions, mask, vision)[0]

    blind, seen = run(None), run(features)
    other = run(torch.stack((features[0], torch.randn_like(features[1]))))
    assert torch.equal(blind[:3], seen[:3])
    assert not torch.allclose(blind[3], seen[3])
    torch.testing.assert_close(seen[:6], other[:6])
    assert not torch.allclose(seen[6], other[6])


def test_names_are_the_released_ones() -> None:
    config = small_config("stream-vlm", lora=LoraSettings(r=2))
    names = set(make_model(config, device="meta").state_dict())
    layer = "lang.base_model.model.model.layers.2."
    assert {f"{layer}xattn_layer.attn_layers.0.{part}" for part in (
        "hidden_attn_fc.weight", "feat_attn_keys_fc.weight", "out_fc.weight", "vision_projector.0.weight",
        "vision_projector.0.bias", "vision_projector.1.weight", "vision_projector.3.weight",
    )} <= names  # fmt: skip
    lora = {name.removeprefix(layer) for name in names if ".lora_A" in name and layer in name}
    assert lora == {f"self_attn.{p}_proj.lora_A.default.weight" for p in "qkv"}
    assert "lang.base_model.model.lm_head.lora_B.default.weight" in names
    assert [padded(n) for n in (1, 64, 65, 32003)] == [64, 64, 128, 32064]


def test_lora_changes_nothing_before_training() -> None:
    with_lora = make_model(small_config("stream-vlm", lora=LoraSettings(r=4)), seed=3).eval()
    without = StreamVLM(small_config("stream-vlm"))
    plain = {
        n.replace("base_model.model.", "").replace(".base_layer", ""): v for n, v in with_lora.state_dict().items()
    }
    without.load_state_dict({name: value for name, value in plain.items() if "lora_" not in name})
    ids, positions = torch.randint(0, 300, (1, 6)), torch.arange(6)[None]
    torch.testing.assert_close(
        with_lora(ids, positions, causal_mask(6)), without.eval()(ids, positions, causal_mask(6))
    )


def test_the_selector_keeps_k_joints_in_order() -> None:
    torch.manual_seed(0)
    selector = JointSelector(8, SelectorConfig(hidden=(16, 12), top_k=3))
    assert [type(layer).__name__ for layer in selector.layers] == ["Linear", "ReLU", "Dropout"] * 2 + ["Linear"]
    with torch.no_grad():
        selector.layers[-1].weight.zero_()
        selector.layers[-1].bias.copy_(torch.arange(24.0))
    assert selector.choose(torch.randn(12, 5, 8)) == ("elbow_l", "radioulnar_l", "wrist_l")
    with torch.no_grad():
        selector.layers[-1].bias.zero_()
    assert selector.choose(torch.randn(12, 8, 7, 5)) == ("pelvis", "hip_r", "knee_r")  # ties: first joints
    grid = torch.randn(4, 8, 7, 5)
    torch.testing.assert_close(pool(grid), pool(grid.flatten(2).transpose(1, 2)))


def test_the_loss_weighs_both_classes_the_same() -> None:
    logits = torch.tensor([[2.0, 0.0, -1.0, 0.0]])
    targets = torch.tensor([[1.0, 0.0, 0.0, 0.0]])
    by_hand = 0.5 * math.log1p(math.exp(-2)) + 0.5 * (2 * math.log(2) + math.log1p(math.exp(-1))) / 3
    assert float(balanced_loss(logits, targets)) == pytest.approx(by_hand, rel=1e-6)
    assert float(balanced_loss(torch.zeros(1, 3), torch.zeros(1, 3))) == pytest.approx(math.log(2))
    assert accuracy(logits, targets, 1) == 1.0
    assert accuracy(logits, torch.tensor([[0, 1, 1, 0]]), 2) == 0.5


def test_fusion_starts_close_to_the_visual_tokens() -> None:
    torch.manual_seed(0)
    fusion = MorphFusion(1280, 256, FusionConfig())
    fusion.initialise()
    assert fusion.heads == 8 and fusion.q.weight.shape == (1280, 1280)
    bound = 0.1 * math.sqrt(6 / (1280 + 1280))
    assert float(fusion.q.weight.abs().max()) == pytest.approx(bound, rel=0.01)
    features, morph = torch.randn(2, 35, 1280), torch.randn(2, 9, 256)
    known = torch.tensor([[True] * 9, [False] * 9])
    fused = fusion(features, morph, known)
    change = (fused - features).norm(dim=(1, 2)) / features.norm(dim=(1, 2))
    assert 0 < float(change[0]) < 0.05
    assert float(change[1]) == 0.0
    longer = fusion(
        features, torch.cat((morph, torch.full((2, 3, 256), 9.0)), 1), torch.nn.functional.pad(known, (0, 3))
    )
    torch.testing.assert_close(longer, fused, rtol=1e-5, atol=1e-5)


def test_at_initialisation_biocoach_behaves_as_stream_vlm() -> None:
    config = replace(small_config(), vision=VISION)
    model = make_model(config, seed=1).eval()
    assert isinstance(model, BioCoach)
    ids = torch.randint(10, 300, (1, 8))
    features = torch.randn(3, VISION.tokens, VISION.dim)
    morph = torch.randint(10, 300, (3, 12))
    places = (torch.tensor([0, 0, 0]), torch.tensor([2, 4, 5]))
    with torch.no_grad():
        fused = model.fuse(features, morph, torch.ones_like(morph, dtype=torch.bool))
        chances = [
            model(ids, torch.arange(8)[None], causal_mask(8), Vision(*places, seen))[0].softmax(-1)
            for seen in (features, fused)
        ]
    assert not torch.equal(*chances)
    assert float((chances[0] - chances[1]).abs().sum(-1).max()) < 1e-2


def test_every_ablation_of_the_tables_has_a_name() -> None:
    assert set(VARIANTS) == {
        "full", "no-selector", "no-motion-context", "no-morphology", "tau-2s", "no-3d-cnn", "no-pretraining",
        "no-action-tokens", "tau-3s", "no-selector-exercise", "no-motion-context-matched", "no-morphology-matched",
    }  # fmt: skip
    assert [VARIANTS[name].tau_steps for name in ("full", "tau-2s")] == [12, 8]
    assert VARIANTS["no-action-tokens"].interval_steps == 20
