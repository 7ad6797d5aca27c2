from __future__ import annotations

import random

import pytest

from qevd_bio.scoring.metrics.porter import stem

SUFFIXES = [
    "s",
    "es",
    "ed",
    "ing",
    "ly",
    "ness",
    "ational",
    "fulli",
    "alli",
    "logi",
    "y",
    "ies",
    "ied",
    "eed",
    "bli",
    "ion",
    "ll",
    "sses",
    "izer",
    "ement",
]


@pytest.mark.parametrize(
    ("word", "expected"),
    [("squats", "squat"), ("squatting", "squat"), ("dying", "die"), ("flies", "fli"), ("dies", "die"),
     ("enjoy", "enjoy"), ("happy", "happi"), ("by", "by"), ("", ""), ("agreed", "agre"), ("hopping", "hop")],
)  # fmt: skip
def test_known_stems(word, expected):
    assert stem(word) == expected


def test_equal_to_nltk():
    porter = pytest.importorskip("nltk.stem.porter").PorterStemmer()
    random_ = random.Random(0)
    words = ["".join(random_.choice("aeiouybclnrstz'-.") for _ in range(random_.randint(0, 8))) for _ in range(20_000)]
    words += [word + random_.choice(SUFFIXES) for word in words[:10_000]]
    assert [word for word in words if stem(word) != porter.stem(word)] == []


def test_equal_to_nltk_on_wordnet_s_words(debian_wordnet):
    porter = pytest.importorskip("nltk.stem.porter").PorterStemmer()
    words = sorted({line.split()[0] for line in (debian_wordnet / "index.verb").open() if line[0] != " "})
    inflected = [word + suffix for word in words[::7] for suffix in ("s", "ed", "ing", "ation")]
    assert [w for w in (*words, *inflected) if stem(w) != porter.stem(w)] == []
