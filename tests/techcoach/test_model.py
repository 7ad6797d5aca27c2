"""The model's parts: who sees whom, what absent comments add, what generating text gives, how large it all is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from qevd_bio.store.errors import UserError
from qevd_bio.techcoach.model import losses
from qevd_bio.techcoach.model.assessor import Assessor, progressive_mask
from qevd_bio.techcoach.model.bert_weights import load_bert
from qevd_bio.techcoach.model.checkpoint import Checkpoint, read_checkpoint, save_checkpoint
from qevd_bio.techcoach.model.config import AssessorConfig, ModelConfig, preset_names, read_config, read_preset
from qevd_bio.techcoach.model.decoding import generate
from qevd_bio.techcoach.model.poses import summarise
from qevd_bio.techcoach.model.text_encoder import PretrainedEncoder, WordEncoder, encode_once
from qevd_bio.techcoach.model.vocabulary import PretrainedVocabulary, WordVocabulary, read_vocabulary
from qevd_bio.techcoach.model.whole import Inputs, TechCoach, parameters_by_part

TINY = ModelConfig(
    name="tiny", grid=(4, 2, 2), views={"ego": 3, "exo": 5}, width=16, heads=2, enhancer_layers=1, reasoner_layers=2,
    text_width=6, dropout=0.0, longest=12, assessor=AssessorConfig(2, 24, 2, 32, 20, 40),
)  # fmt: skip


def model(config: ModelConfig = TINY) -> TechCoach:
    torch.manual_seed(0)
    return TechCoach(config).eval()


def inputs(count: int = 2, mention: Tensor | None = None, config: ModelConfig = TINY) -> Inputs:
    made = torch.Generator().manual_seed(1)
    views = {name: torch.randn(count, *config.grid, size, generator=made) for name, size in config.views.items()}
    poses = torch.randn(count, 16, 3 * config.poses, generator=made) if config.poses else None
    return Inputs(views, torch.randn(count, 7, config.text_width, generator=made), mention, poses)


def test_the_mask_is_the_papers_table() -> None:
    mask = progressive_mask(text=3, points=4, video=5)
    assert mask[:3, :3].tolist() == [[True, False, False], [True, True, False], [True, True, True]]
    assert mask[:3, 3:].all(), "text sees score, points and video"
    assert not mask[3, :3].any() and mask[3, 3:].all(), "the score sees itself, points and video"
    points = mask[4:8]
    assert torch.equal(points[:, 4:8], torch.eye(4, dtype=torch.bool)) and points[:, 8:].all()
    assert not points[:, :4].any()
    assert not mask[8:, :8].any() and mask[8:, 8:].all(), "video sees video alone"


def gradients(source: str, target: str) -> float:
    """Size of the gradient of one kind of output rows with respect to one kind of input rows."""
    torch.manual_seed(2)
    assessor = Assessor(TINY).eval()
    rows = torch.randn(1, 4 + 1 + 14 + 6, 24, requires_grad=True)
    places = {"text": slice(0, 4), "last": slice(3, 4), "first": slice(0, 1), "score": slice(4, 5),
              "point": slice(5, 6), "other": slice(6, 19), "video": slice(19, 25)}  # fmt: skip
    found, mask = rows, progressive_mask(4, 14, 6)
    for layer in assessor.layers:
        found = layer(found, found, mask)
    found[:, places[target]].pow(3).sum().backward()
    assert rows.grad is not None
    return float(rows.grad[:, places[source]].abs().sum())


@pytest.mark.parametrize(
    ("source", "target", "flows"),
    [("video", "score", True), ("point", "score", True), ("text", "score", False), ("video", "point", True),
     ("other", "point", False), ("score", "point", False), ("text", "video", False), ("point", "video", False),
     ("score", "text", True), ("first", "last", True), ("last", "first", False), ("video", "text", True)],
)  # fmt: skip
def test_gradients_flow_where_the_mask_allows(source: str, target: str, flows: bool) -> None:
    assert (gradients(source, target) > 1e-9) == flows


def test_text_over_a_context_that_was_read_equals_the_whole_pass() -> None:
    made, seen = model(), inputs()
    ids = torch.randint(5, 20, (2, 7))
    whole = made(ids, seen)
    states, scores = made.assessor.read_context(whole.read.quality, whole.read.video)
    reader = made.assessor.open_text(states)
    read = torch.cat([reader.add(ids[:, :4]), reader.add(ids[:, 4:])], dim=1)
    torch.testing.assert_close(read, whole.logits)
    masked = torch.cat([ids, torch.full((2, 1), 4)], dim=1)
    torch.testing.assert_close(reader.ask(4), made(masked, seen).logits[:, -1])
    torch.testing.assert_close(scores, whole.scores)


def test_text_does_not_move_the_score() -> None:
    made, seen = model(), inputs()
    one, other = (made(torch.randint(5, 20, (2, n)), seen).scores for n in (3, 9))
    torch.testing.assert_close(one, other)


def test_points_not_mentioned_are_zero_on_both_sides() -> None:
    mention = torch.ones(2, 7, dtype=torch.bool)
    mention[0, 3] = False
    quality = model().read(inputs(mention=mention)).quality
    assert quality is not None and not quality[0, 3].any() and quality[1, 3].all(dim=-1).any() and quality[0, 2].any()
    free = model().read(inputs()).quality
    torch.testing.assert_close(quality[1], free[1])


def test_a_point_sees_no_other_points_text() -> None:
    made, seen = model(), inputs()
    changed = seen.points.clone()
    changed[:, 5] += 1.0
    one, other = made.read(seen).quality, made.read(replace(seen, points=changed)).quality
    assert one is not None and other is not None
    moved = (one - other).abs().amax(dim=(0, 2, 3)) > 1e-6
    assert moved.tolist() == [False] * 5 + [True, False]


@pytest.mark.parametrize("parts", [("text",), ("type",), ("text", "quality"), ("type", "quality")])
def test_query_parts_can_be_left_out(parts: tuple[str, ...]) -> None:
    made = model(replace(TINY, query=parts))
    queries = made.reasoner.queries(inputs().points)  # type: ignore[union-attr]
    assert torch.equal(queries[:, :, 0], queries[:, :, 1]) == ("quality" not in parts)
    assert torch.equal(queries[0], queries[1]) == ("text" not in parts)


@pytest.mark.parametrize("loss", [losses.l2_alignment, losses.infonce_alignment, losses.margin_alignment])
def test_absent_slots_add_nothing_to_any_alignment(loss: object) -> None:
    torch.manual_seed(4)
    found, wanted = torch.randn(3, 7, 2, 6, requires_grad=True), torch.randn(3, 7, 2, 6)
    valid = torch.rand(3, 7, 2) < 0.4
    valid[2] = False
    value = loss(found, wanted, valid)  # type: ignore[operator]
    value.backward()
    assert found.grad is not None and not found.grad[~valid].any() and found.grad[valid].any()
    changed = torch.where(valid[..., None], wanted, torch.full_like(wanted, 9.0))
    torch.testing.assert_close(loss(found, changed, valid), value)  # type: ignore[operator]
    assert float(loss(found.detach(), wanted, torch.zeros_like(valid))) == 0.0  # type: ignore[operator]


def test_l2_alignment_by_hand() -> None:
    found, wanted = torch.zeros(1, 7, 2, 2), torch.zeros(1, 7, 2, 2)
    wanted[0, 0, 0] = torch.tensor([1.0, 3.0])
    wanted[0, 4, 1] = torch.tensor([2.0, 0.0])
    valid = wanted.any(dim=-1)
    assert float(losses.l2_alignment(found, wanted, valid)) == pytest.approx((5.0 + 2.0) / 2)


def test_masked_token_loss_is_a_mean_over_masked_places() -> None:
    logits = torch.zeros(2, 3, 4)
    targets = torch.tensor([[-100, 1, 2], [-100, -100, 3]])
    assert float(losses.masked_tokens(logits, targets)) == pytest.approx(2 * float(torch.log(torch.tensor(4.0))))


def test_classification_asks_of_mentioned_points_only() -> None:
    logits = torch.zeros(1, 7, 2, requires_grad=True)
    valid = torch.zeros(1, 7, 2, dtype=torch.bool)
    valid[0, 1, 0] = True
    losses.classification(logits, valid, valid.any(dim=2)).backward()
    assert logits.grad is not None and logits.grad.ne(0).sum() == 2 and logits.grad[0, 1, 0] < 0 < logits.grad[0, 1, 1]


def test_generating_stops_at_the_end_mark_and_never_says_marks(tmp_path: Path) -> None:
    words = WordVocabulary.of(["the knees bend well .", "keep the head up ."])
    config = replace(TINY, assessor=replace(TINY.assessor, vocabulary=words.size))
    made = model(config)
    texts, scores = generate(made, inputs(), words)
    assert len(texts) == 2 and scores.shape == (2,) and all("[" not in text for text in texts)
    assert all(len(words.encode(text)) <= config.longest for text in texts)
    with torch.no_grad():
        made.assessor.decode.bias[words.last] = 100.0
    assert generate(made, inputs(), words)[0] == ["", ""]
    prompted, same = generate(made, inputs(), words, [[6, 7], [6, 7, 8]])
    assert prompted == ["", ""] and torch.equal(scores, same)
    save_checkpoint(tmp_path / "c", Checkpoint(made, words, "words"), {"step": 3})
    again = read_checkpoint(tmp_path / "c")
    assert again.about == {"step": 3} and again.model.config == config
    assert generate(again.model, inputs(), again.vocabulary)[0] == ["", ""]
    with pytest.raises(UserError, match="qevd-bio techcoach train"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize(
    "change", [{"reasoner": False}, {"poses": 46}, {"groups": 10, "reasoner": False}, {"pool": (2, 2, 2)}]
)
def test_variants_run_and_learn(change: dict[str, object]) -> None:
    config = replace(TINY, **change)  # type: ignore[arg-type]
    made = model(config)
    out = made(torch.randint(5, 20, (2, 4)), inputs(config=config))
    (out.logits.sum() + out.scores.sum()).backward()
    steps, rows, columns = config.cells
    assert out.read.video.shape[1] == steps * rows * columns + (16 if config.poses else 0)
    assert (out.read.quality is None) == (not config.reasoner)
    assert made.enhancer.project.weight.grad is not None


def test_angles_are_summarised_in_sixteenths() -> None:
    angles = torch.linspace(0, 3.1, 32)[:, None].repeat(1, 2)
    found = summarise(angles)
    assert found.shape == (16, 6)
    torch.testing.assert_close(found[:, 0], angles[:, 0].reshape(16, 2).mean(dim=1))
    torch.testing.assert_close(found[:, 4], torch.full((16,), 0.1))
    assert summarise(angles[:3]).shape == (16, 6) and torch.isfinite(summarise(angles[:3])).all()


def test_the_published_shape_is_built_on_the_meta_device() -> None:
    assert preset_names() == ["published", "small"]
    counts = parameters_by_part(read_preset("published"))
    assert 132e6 < counts["text_generator"] < 137e6, "published: 136 M"
    assert counts["all"] == sum(counts[name] for name in ("enhancer", "reasoner", "assessor"))


def test_settings_that_do_not_fit_are_named() -> None:
    for value, told in (({"grid": [3, 2, 2], "pool": [2, 1, 1]}, "does not divide"), ({"widht": 3}, "unknown entry 'widht'"),
                        ({"query": ["words"]}, "query"), ({"longest": 900}, "longest 900")):  # fmt: skip
        with pytest.raises(UserError, match=told):
            read_config(value, Path("x.yaml"))


def bert(folder: Path) -> Path:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast

    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=20, hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=40, is_decoder=False, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    BertForMaskedLM(config).save_pretrained(folder)
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *["the", "knees", "bend", "well", "keep", "head", "up", "arms", "feet", ".", ",", "hold", "ball"],
    ]
    inner = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    names = {f"{n}_token": f"[{n.upper()}]" for n in ("pad", "unk", "cls", "sep", "mask")}
    PreTrainedTokenizerFast(tokenizer_object=inner, model_max_length=40, **names).save_pretrained(folder)
    return folder


def test_with_berts_weights_the_text_part_is_bert(tmp_path: Path) -> None:
    from transformers import BertLMHeadModel

    folder = bert(tmp_path / "bert")
    assessor = Assessor(TINY).eval()
    assert load_bert(assessor, folder) > 30
    ids = torch.randint(5, 18, (2, 9))
    causal = BertLMHeadModel.from_pretrained(folder, is_decoder=True).eval()
    with torch.no_grad():
        empty = [torch.zeros(2, 0, 24)] * 2
        torch.testing.assert_close(assessor.open_text(empty).add(ids), causal(ids).logits, atol=1e-5, rtol=1e-4)
    with pytest.raises(UserError, match="does not fit"):
        load_bert(Assessor(replace(TINY, assessor=replace(TINY.assessor, vocabulary=30))), folder)


def test_a_pretrained_encoder_pools_without_padding(tmp_path: Path) -> None:
    encoder = PretrainedEncoder(str(bert(tmp_path / "bert")))
    alone, together = (
        encoder.encode(["the knees bend"]),
        encoder.encode(["the knees bend", "keep the head up , arms well"]),
    )
    torch.testing.assert_close(alone[0], together[0], atol=1e-5, rtol=1e-4)
    assert not encoder.encode([""]).any() and encoder.width == 24
    words = PretrainedVocabulary(tmp_path / "bert")
    assert words.decode([*words.encode("keep the head up"), words.last, words.first]) == "keep the head up"
    words.save(tmp_path / "kept")
    assert read_vocabulary(tmp_path / "kept").encode("the ball") == words.encode("the ball")
    with pytest.raises(UserError, match="no such text encoder"):
        PretrainedEncoder("no/such-encoder")


def test_word_vectors_are_fixed_and_kept(tmp_path: Path) -> None:
    encoder = WordEncoder(32)
    one, same, other = encoder.encode(["The knees bend well.", "knees bend the well", "The head drops."])
    torch.testing.assert_close(one, same)
    assert abs(float(torch.cosine_similarity(one, other, dim=0))) < 0.6
    assert float(one.square().mean()) == pytest.approx(1.0)
    first = encode_once(["a b", "c"], encoder, tmp_path)
    assert len(list(tmp_path.glob("text-*"))) == 1
    torch.testing.assert_close(encode_once(["c", "a b"], encoder, tmp_path)["c"], first["c"])
