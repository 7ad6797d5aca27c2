"""BLEU-1 and CIDEr against the COCO caption evaluation (pycocoevalcap 1.2) on a fixed file."""

from __future__ import annotations

import pytest

from qevd_bio.scoring.metrics.captions import caption_bleu_1, caption_cider, caption_tokens, cider_plain

PAIRS = [
    ("the knees bend well before the jump and the head stays up", "the knees bend well and the head stays up"),
    ("the arms are too stiff the elbows should stay closer", "the arms are stiff"),
    ("the core is well engaged the feet are placed with good accuracy",
     "the core is well engaged the feet could be quicker"),
    ("the ball stays under excellent control", "the gaze wanders too much"),
    ("the head drops and should stay up the core is well engaged",
     "the head drops and should stay up the core is well engaged"),
]  # fmt: skip


def test_bleu_1_equals_the_original() -> None:
    assert caption_bleu_1(PAIRS).value == pytest.approx(0.6111750320318585, abs=1e-9)


def test_cider_equals_the_original() -> None:
    found = caption_cider(PAIRS)
    assert found.value == pytest.approx(4.2833496817441725, abs=1e-9)
    assert found.items.tolist() == pytest.approx([5.5740855, 1.93185558, 3.91080733, 0.0, 10.0], abs=1e-6)


def test_plain_cider_has_no_penalty_on_length() -> None:
    reference = "the knees bend well before the jump and the head stays up"
    pairs = [(reference, reference + " and the ball is soft in both hands all the time"), ("the arms are stiff", "x y")]
    assert caption_cider(pairs).items[0] < 0.5 * cider_plain(pairs).items[0]
    assert cider_plain([(text, text) for text, _ in PAIRS]).value == pytest.approx(10.0)


def test_tokens_drop_punctuation_and_split_clitics() -> None:
    assert caption_tokens("The player's head, isn't well-placed (yet).") == [
        "the",
        "player",
        "'s",
        "head",
        "is",
        "n't",
        "well-placed",
        "yet",
    ]
