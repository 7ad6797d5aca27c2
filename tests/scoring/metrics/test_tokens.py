from __future__ import annotations

import random

import pytest

from qevd_bio.scoring.metrics import tokens
from qevd_bio.scoring.metrics.tokens import WordTokenizer, rouge_tokens, sentence_tokens

PIECES = [
    "Great job", "Keep going", ". ", ".", "... ", "..", "!", "! ", "?", " ", ", ", ",", ":", ": ", "10", "3.5",
    "1,000", "85°", " (target: 90°)", ")", "(", "'s", "'", "n't", "can't", "gonna ", "cannot", "wanna", "'tis",
    "-", "--", "–", "%", "#", "$5", "a", "A", "b. ", "J. ", "\n", "e.g. ", "a.m.", "[x]", "{", "}", "<5", "; ",
    "'em", "dogs' ", "I'm", "you're", "@", "&", "*", "/", "more'n", "d'ye", "gimme", "_", "…", "é", "Élan", "\t",
    "ll ", "'LL", "N'T", '"', "``", "''", "“", "’",
]  # fmt: skip


@pytest.fixture(scope="module")
def reference():
    pytest.importorskip("nltk")
    return tokens._nltk_split("untrained")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Great job!", ["Great", "job", "!"]),
        ("Good. Keep going.", ["Good", ".", "Keep", "going", "."]),
        ("Don't stop, you're there.", ["Do", "n't", "stop", ",", "you", "'re", "there", "."]),
        ("Only 10. Keep going", ["Only", "10", ".", "Keep", "going"]),
        ("Only 10. keep going", ["Only", "10.", "keep", "going"]),
        ("Knee flexion 85° (target: 90°).", ["Knee", "flexion", "85°", "(", "target", ":", "90°", ")", "."]),
        ("Gonna jump... now", ["Gon", "na", "jump", "...", "now"]),
        ("", []),
        ("   ", []),
    ],
)
def test_known_sentences(text, expected, reference):
    assert WordTokenizer("untrained")(text) == expected == reference(text)


def test_equal_to_nltk_on_random_text(reference):
    random_ = random.Random(0)
    tokenizer = WordTokenizer("untrained")
    own = 0
    for _ in range(4000):
        text = "".join(random_.choice(PIECES) for _ in range(random_.randint(1, 9)))
        assert tokenizer(text) == reference(text), text
        cut = tokens._sentences(text) if tokens._ORDINARY.fullmatch(text) else None
        if cut is not None:
            own += 1
            assert [token for sentence in cut for token in sentence_tokens(sentence)] == reference(text)
    assert own > 1500


def test_ordinary_sentences_do_not_need_nltk(monkeypatch):
    monkeypatch.setattr(tokens, "_nltk_split", None)
    texts = ["Knee flexion 85°. Lower your hips!", "That's it - 10 more (slowly): don't stop.", "Wow... nice; go!"]
    assert all(WordTokenizer("untrained")(text) for text in texts)


def test_unusual_text_goes_to_nltk(monkeypatch):
    monkeypatch.setattr(tokens, "_nltk_split", lambda punkt: lambda text: [punkt])
    assert WordTokenizer("untrained")('He said "go"') == ["untrained"]
    # With trained data only NLTK knows where a sentence ends.
    assert WordTokenizer("trained")("One. Two.") == ["trained"]
    assert WordTokenizer("trained")("One two.") == ["One", "two", "."]


def test_trained_punkt_is_found_on_nltk_s_data_path(tmp_path, monkeypatch):
    monkeypatch.setenv("NLTK_DATA", str(tmp_path))
    before = tokens.find_punkt()
    (tmp_path / "tokenizers" / "punkt_tab" / "english").mkdir(parents=True)
    assert tokens.find_punkt() == tmp_path / "tokenizers" / "punkt_tab" / "english" != before
    assert WordTokenizer().punkt == "trained"


def test_rouge_tokens_equal_rouge_score():
    peer = pytest.importorskip("rouge_score.tokenize")
    random_ = random.Random(1)
    for _ in range(2000):
        text = "".join(random_.choice([*PIECES, "É", "ß", "İ"]) for _ in range(6))
        assert rouge_tokens(text) == peer.tokenize(text, None)
