from __future__ import annotations

import numpy as np
import pytest

from qevd_bio.scoring.metrics import semantic
from qevd_bio.scoring.metrics.encoder import find_model, missing_for_bertscore
from qevd_bio.scoring.metrics.semantic import bertscore
from qevd_bio.scoring.options import BertScoreOptions
from qevd_bio.store.errors import UserError
from tests.made_pairs import random_pairs


@pytest.fixture
def options(tiny_roberta):
    return BertScoreOptions(model=str(tiny_roberta), layer=3)


@pytest.fixture
def fresh_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("QEVD_BIO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_equal_to_bert_score(options, fresh_cache):
    peer = pytest.importorskip("bert_score")
    pairs = [*random_pairs(120), ("keep going " * 60, "nice work"), ("same text", "same text")]
    references, said = [r for r, _ in pairs], [s for _, s in pairs]
    _, _, expected = peer.score(said, references, model_type=options.model, num_layers=3)
    assert np.abs(bertscore(pairs, options).items - expected.numpy()).max() < 1e-5


def test_small_batches_give_the_same(options, fresh_cache):
    pairs = random_pairs(40)
    small = BertScoreOptions(model=options.model, layer=3, batch_tokens=20)
    expected = bertscore(pairs, options, cached=False).items
    assert bertscore(pairs, small, cached=False).items == pytest.approx(expected, abs=1e-5)


def test_an_empty_side_scores_zero(options, fresh_cache):
    assert bertscore([("", ""), ("keep", ""), ("  ", "keep")], options).items.tolist() == [0, 0, 0]


def test_references_come_from_the_cache(options, fresh_cache, monkeypatch):
    pairs = random_pairs(20)
    first = bertscore(pairs, options)
    assert len(list(fresh_cache.rglob("*.safetensors"))) == 1
    encoded = []
    encode = semantic.LazyEncoder.encode

    def counting(self, texts):
        encoded.extend(texts)
        return encode(self, texts)

    monkeypatch.setattr(semantic.LazyEncoder, "encode", counting)
    again = bertscore([*pairs, ("a new reference", pairs[0][1])], options)
    assert again.items[:20] == pytest.approx(first.items, abs=1e-6)
    references = {reference for reference, _ in pairs}
    assert not references & set(encoded)
    assert "a new reference" in encoded
    # Everything known: the model itself is not even loaded.
    monkeypatch.setattr(semantic, "TextEncoder", None)
    same = [(reference, reference) for reference, _ in pairs]
    assert bertscore(same, options).value == pytest.approx(1.0, abs=1e-6)


def test_another_layer_or_model_has_its_own_cache(options, fresh_cache):
    pairs = random_pairs(5)
    bertscore(pairs, options)
    bertscore(pairs, BertScoreOptions(model=options.model, layer=2))
    bertscore(pairs, BertScoreOptions(model=options.model, layer=2, prefix_space=True))
    assert len(list((fresh_cache / "bertscore").iterdir())) == 3


def test_a_damaged_cache_file_is_made_again(options, fresh_cache):
    pairs = random_pairs(5)
    expected = bertscore(pairs, options).items
    (file,) = fresh_cache.rglob("*.safetensors")
    file.write_bytes(file.read_bytes()[:100])
    assert bertscore(pairs, options).items == pytest.approx(expected)


def test_rescaling(options, fresh_cache, tmp_path):
    table = tmp_path / "base.tsv"
    table.write_text("LAYER,P,R,F\n3,0.1,0.1,0.2\n")
    pairs = random_pairs(5)
    plain = bertscore(pairs, options).items
    scaled = bertscore(pairs, BertScoreOptions(options.model, 3, True, table))
    assert scaled.items == pytest.approx((plain - 0.2) / 0.8)
    assert scaled.signature["rescaled"] == "yes"
    with pytest.raises(UserError, match="no baseline for layer 2"):
        bertscore(pairs, BertScoreOptions(options.model, 2, True, table))


def test_the_blank_in_front_is_an_option_and_in_the_signature(options, fresh_cache):
    pairs = [("going up", "keep going")]
    plain = bertscore(pairs, options)
    blank = bertscore(pairs, BertScoreOptions(options.model, 3, prefix_space=True))
    assert plain.value != blank.value
    assert (plain.signature["first-blank"], blank.signature["first-blank"]) == ("as-installed", "yes")


@pytest.mark.parametrize(("layer", "problem"), [(9, "no layer 9"), (None, "no layer is known")])
def test_wrong_layers(tiny_roberta, fresh_cache, layer, problem):
    with pytest.raises(UserError, match=problem):
        bertscore([("a", "b")], BertScoreOptions(str(tiny_roberta), layer))


def test_a_missing_model_is_named_with_the_command_that_gets_it(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert find_model("roberta-large") is None
    assert "hf download roberta-large" in missing_for_bertscore(BertScoreOptions())
    snapshot = tmp_path / "models--FacebookAI--roberta-large" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    assert find_model("roberta-large") is None, "weights are still missing"
    (snapshot / "model.safetensors").write_bytes(b"")
    assert find_model("roberta-large") == snapshot
