"""Released Stream-VLM checkpoints: names, prefixes, padding, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from qevd_bio.coach.model.block_attention import causal_mask
from qevd_bio.coach.model.checkpoint import load_coach, save_coach
from qevd_bio.coach.model.config import LoraSettings, ModelConfig
from qevd_bio.coach.model.loading import build
from qevd_bio.coach.model.released import import_stream_vlm, released_layout
from qevd_bio.coach.model.stream_vlm import StreamVLM
from qevd_bio.coach.model.tokens import RELEASED, find_action_tokens, tiny_tokenizer
from qevd_bio.store.errors import UserError
from tests.coach.conftest import small_config

Made = tuple[Path, StreamVLM, ModelConfig]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A folder as the release has it: state_dict.pth.tar with random weights, and the tokenizer's files."""
    folder = tmp_path_factory.mktemp("released")
    config = replace(small_config("stream-vlm", lora=LoraSettings(r=4)), tokens=RELEASED)
    model, tokenizer = build(config, seed=4)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0, 0.1)
    tokenizer.save_pretrained(folder)
    torch.save({"state_dict": released_layout(model)}, folder / "state_dict.pth.tar")
    return folder, model.eval(), config


def copy(made: Made, folder: Path, tensors: dict[str, torch.Tensor]) -> Path:
    folder.mkdir()
    for path in made[0].iterdir():
        if path.suffix == ".json":
            (folder / path.name).write_bytes(path.read_bytes())
    torch.save(tensors, folder / "state_dict.pth.tar")
    return folder


def logits(model: StreamVLM) -> torch.Tensor:
    ids = torch.arange(10, 22)[None]
    with torch.no_grad():
        return model(ids, torch.arange(12)[None], causal_mask(12))


def test_the_layout_is_the_released_one(made: Made) -> None:
    names = released_layout(made[1])
    prefix = "lang.base_model.model."
    assert {f"{prefix}model.layers.0.self_attn.q_proj.weight", f"{prefix}lm_head.lora_B.default.weight",
            f"{prefix}model.layers.0.self_attn.q_proj.lora_A.default.weight", "adapter.embed_tokens.weight",
            f"{prefix}model.layers.2.xattn_layer.attn_layers.0.vision_projector.3.weight"} <= set(names)  # fmt: skip
    assert names[f"{prefix}model.embed_tokens.weight"].shape[0] % 64 == 0
    assert not any("base_layer" in name for name in names)


def test_a_released_checkpoint_is_imported_and_says_the_same(made: Made, tmp_path: Path) -> None:
    folder, model, config = made
    done = import_stream_vlm(folder, tmp_path / "coach", config)
    assert done.tokens == ("<vision>", "<answer>", "<answer/>") and done.lora == 2 * (3 * 3 + 1) and not done.notes
    coach = load_coach(tmp_path / "coach")
    assert torch.equal(logits(coach.model), logits(model))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["coach"]
    import_stream_vlm(folder / "state_dict.pth.tar", tmp_path / "coach", config)  # again, over the first
    assert torch.equal(logits(load_coach(tmp_path / "coach").model), logits(model))


def change(tensors: dict[str, torch.Tensor], how: str) -> dict[str, torch.Tensor]:
    if how == "module":
        return {f"module.{name}".replace("lang.base", "lang.module.base"): value for name, value in tensors.items()}
    if how == "new peft":
        lora = {name.split(".lora_A")[0] for name in tensors if ".lora_A" in name}
        return {
            f"{name[:-7]}.base_layer.weight" if name.removesuffix(".weight") in lora else name: value
            for name, value in tensors.items()
        }
    if how == "no peft":
        return {name.replace("base_model.model.", ""): value for name, value in tensors.items()}
    if how == "adapter only":
        return {
            name: value for name, value in tensors.items() if name != "lang.base_model.model.model.embed_tokens.weight"
        }
    return {**tensors, "lang.base_model.model.model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4)}


@pytest.mark.parametrize("how", ["module", "new peft", "no peft", "adapter only", "rotary"])
def test_names_of_other_versions_load(how: str, made: Made, tmp_path: Path) -> None:
    tensors = change(released_layout(made[1]), how)
    done = import_stream_vlm(copy(made, tmp_path / "in", tensors), tmp_path / "coach", made[2])
    assert torch.equal(logits(load_coach(tmp_path / "coach").model), logits(made[1]))
    assert bool(done.notes) == (how == "adapter only")


def test_safetensors_are_read_too(made: Made, tmp_path: Path) -> None:
    folder = copy(made, tmp_path / "in", {})
    (folder / "state_dict.pth.tar").unlink()
    save_file({n: v.clone().contiguous() for n, v in released_layout(made[1]).items()}, folder / "weights.safetensors")
    import_stream_vlm(folder, tmp_path / "coach", made[2])
    assert torch.equal(logits(load_coach(tmp_path / "coach").model), logits(made[1]))


def test_faulty_checkpoints_are_explained(made: Made, tmp_path: Path) -> None:
    tensors = released_layout(made[1])
    part = {n: v for n, v in tensors.items() if "layers.1.mlp" not in n}
    with pytest.raises(UserError, match=r"3 of \d+ weights missing: lang.base_model.model.model.layers.1.mlp"):
        import_stream_vlm(copy(made, tmp_path / "part", part), tmp_path / "out", made[2])
    other = {**tensors, "lang.base_model.model.model.layers.9.mlp.up_proj.weight": torch.zeros(2)}
    with pytest.raises(UserError, match="1 weights that preset tiny does not have"):
        import_stream_vlm(copy(made, tmp_path / "other", other), tmp_path / "out", made[2])
    with pytest.raises(UserError, match=r"not a Stream-VLM checkpoint \(it holds 'cnn.0.weight'\)"):
        import_stream_vlm(copy(made, tmp_path / "cnn", {"cnn.0.weight": torch.zeros(1)}), tmp_path / "out", made[2])
    with pytest.raises(UserError, match="no such file or folder"):
        import_stream_vlm(tmp_path / "nowhere", tmp_path / "out", made[2])
    archive = tmp_path / "archive"
    archive.mkdir()
    for part_name in ("aa", "ab"):
        (archive / f"streamvlm_weights.tar.gz.{part_name}").touch()
    with pytest.raises(UserError, match=r"but 2 parts of an archive[\s\S]*next: cat"):
        import_stream_vlm(archive, tmp_path / "out", made[2])
    assert not (tmp_path / "out").exists()


def test_a_wrong_tokenizer_is_refused(made: Made, tmp_path: Path) -> None:
    folder = copy(made, tmp_path / "in", released_layout(made[1]))
    tiny_tokenizer(400, replace(RELEASED, next="<n>", feedback="<f>", end="<e>")).save_pretrained(folder)
    with pytest.raises(UserError, match="the tokenizer has no action tokens"):
        import_stream_vlm(folder, tmp_path / "out", made[2])
    tiny_tokenizer(300, RELEASED).save_pretrained(folder)
    with pytest.raises(UserError, match=r"the embedding has \d+ rows, the tokenizer beside it \d+ entries"):
        import_stream_vlm(folder, tmp_path / "out", made[2])
    for path in folder.glob("*.json"):
        path.unlink()
    with pytest.raises(UserError, match="no tokenizer here"):
        import_stream_vlm(folder, tmp_path / "out", made[2])


def test_both_vocabularies_are_found_by_role() -> None:
    for config in (small_config(), replace(small_config(), tokens=RELEASED)):
        tokenizer: Any = tiny_tokenizer(300, config.tokens)
        tokens = find_action_tokens(tokenizer, Path())
        assert tokenizer.convert_ids_to_tokens([tokens.next, tokens.feedback, tokens.end]) == [
            config.tokens.next, config.tokens.feedback, config.tokens.end
        ]  # fmt: skip
        assert tokenizer.decode(tokenizer.encode("Knee flexion 85°, lower!", add_special_tokens=False)) == (
            "Knee flexion 85°, lower!"
        )


def test_our_own_folders_are_checked(made: Made, tmp_path: Path) -> None:
    config = small_config()
    model, tokenizer = build(config, seed=1)
    folder = tmp_path / "coach"
    with pytest.raises(UserError, match="no checkpoint of a coach here"):
        load_coach(folder)
    save_coach(folder, model, tokenizer, about={"selector": "trained"})
    coach = load_coach(folder)
    assert coach.about == {"selector": "trained"} and coach.config == model.config
    assert all(torch.equal(v, model.state_dict()[n]) for n, v in coach.model.state_dict().items())
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(UserError, match="cannot be read"):
        load_coach(folder)
    weights.unlink()
    with pytest.raises(UserError, match="weights missing"):
        load_coach(folder)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    with pytest.raises(UserError, match="holds something else"):
        save_coach(tmp_path / "mine", model, tokenizer)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["coach", "mine"]


def test_the_command_imports(made: Made, tmp_path: Path) -> None:
    import yaml
    from qevd_bio.cli.app import app
    from typer.testing import CliRunner

    preset = tmp_path / "small.yaml"
    values = made[2].as_json()
    preset.write_text(yaml.safe_dump({**values, "tokenizer": ""}).replace("!!python/tuple", ""), encoding="utf-8")
    args = ["coach", "import-stream-vlm", str(made[0]), "--out", str(tmp_path / "coach"), "--preset", str(preset)]
    result = CliRunner().invoke(app, args)
    assert result.exit_code == 0, result.output
    assert "action tokens <vision> <answer> <answer/>" in result.output
    assert torch.equal(logits(load_coach(tmp_path / "coach").model), logits(made[1]))
    shown = CliRunner().invoke(app, ["coach", "presets", "tiny"])
    assert "10,517,912 values" in shown.output
