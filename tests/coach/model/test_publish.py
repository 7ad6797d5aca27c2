"""`qevd-bio coach push`: a coach's own weights leave the language model behind and come back to it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from qevd_bio.cli.app import app
from safetensors.torch import load_file
from typer.testing import CliRunner

from qevd_bio.coach.model.checkpoint import LANGUAGE_CHANGED, load_coach, save_coach
from qevd_bio.coach.model.new import new_coach
from qevd_bio.coach.model.publish import build
from qevd_bio.coach.model.stream_vlm import part_of
from qevd_bio.store.errors import UserError
from tests.coach.language_models import save_language


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A coach on a small language model, its own weights changed as by training."""
    save_language(tmp_path / "language", "qwen2")
    new_coach(str(tmp_path / "language"), "random", "tiny", tmp_path / "new", lora_rank=2)
    coach = load_coach(tmp_path / "new")
    with torch.no_grad():
        for name, value in coach.model.named_parameters():
            if part_of(name) != "language":
                value += torch.randn_like(value)
    about = {**coach.about, "trained": "coach", "step": 7, "begins": []}
    save_coach(tmp_path / "trained", coach.model, coach.tokenizer, about=about)
    return tmp_path / "trained"


def test_own_weights_and_the_language_model_make_the_same_coach(trained: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["coach", "push", str(trained), "--to-folder", str(tmp_path / "own")])
    assert done.exit_code == 0, done.output
    names = {path.name for path in (tmp_path / "own").iterdir()}
    assert names == {"coach.json", "coach.safetensors", "README.md"}
    own = load_file(tmp_path / "own" / "coach.safetensors")
    assert {part_of(name) for name in own} == {"selector", "fusion", "xattn", "actions", "lora"}
    card = (tmp_path / "own" / "README.md").read_text()
    assert "`language`" in card and "last stage: coach, 7 steps" in card and "license: other" in card
    new_coach(str(tmp_path / "language"), "random", tmp_path / "own", tmp_path / "again")
    before, after = (load_file(folder / "model.safetensors") for folder in (trained, tmp_path / "again"))
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)
    assert load_coach(tmp_path / "again").about["step"] == 7


def test_a_published_coach_keeps_its_shape(trained: Path, tmp_path: Path) -> None:
    build(trained, tmp_path / "own")
    with pytest.raises(UserError, match="--vision, --dtype and --lora-rank are those of the published coach"):
        new_coach(str(tmp_path / "language"), "random", tmp_path / "own", tmp_path / "again", dtype="bfloat16")


def test_another_language_model_is_refused(trained: Path, tmp_path: Path) -> None:
    build(trained, tmp_path / "own")
    language = save_language(tmp_path / "other", "qwen2")
    with torch.no_grad():
        language.model.norm.weight += 1.0
    language.save_pretrained(tmp_path / "other")
    save_language(tmp_path / "llama", "llama")
    for name in ("other", "llama"):
        with pytest.raises(UserError, match=f"{name} is not the language model of this coach"):
            new_coach(str(tmp_path / name), "random", tmp_path / "own", tmp_path / "again")
        assert not (tmp_path / "again").exists()


def test_what_cannot_be_published(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    with pytest.raises(UserError, match="is not empty"):
        build(trained, tmp_path / "full")
    path = trained / "coach.json"
    values = json.loads(path.read_text())
    values["about"][LANGUAGE_CHANGED] = True
    path.write_text(json.dumps(values))
    with pytest.raises(UserError, match="its language model was trained as well"):
        build(trained, tmp_path / "own")
    values["about"] = {}
    path.write_text(json.dumps(values))
    with pytest.raises(UserError, match="does not say which pretrained language model"):
        build(trained, tmp_path / "own")
    done = CliRunner().invoke(app, ["coach", "push", str(trained)])
    assert done.exit_code == 2 and "neither a model nor a folder is named" in done.output
