from __future__ import annotations

import random
import sqlite3
import zipfile
from pathlib import Path

import numpy as np
import pytest

from qevd_bio.scoring.metrics import wordnet as wordnet_module
from qevd_bio.scoring.metrics.lexical import common_subsequence, meteor, meteor_scores, rouge_l, rouge_l_scores
from qevd_bio.scoring.metrics.tokens import WordTokenizer, _nltk_split
from qevd_bio.scoring.metrics.wordnet import WordNetSource, find_wordnet, open_synonyms
from qevd_bio.store.errors import UserError

HYPOTHESIS = "It is a guide to action which ensures that the military always obeys the commands of the party"
REFERENCE = "It is a guide to action that ensures that the military will forever heed Party commands"


def no_synonyms(word):
    return frozenset()


def test_meteor_of_the_documented_example(synonyms):
    value = meteor(REFERENCE.lower().split(), HYPOTHESIS.lower().split(), synonyms)
    assert round(value, 4) == 0.6944


def test_meteor_in_closed_form():
    # Two of three words match in one run: P = 2/2, R = 2/3, penalty 0.5 · (1/2)³.
    mean = (1 * 2 / 3) / (0.9 * 1 + 0.1 * 2 / 3)
    assert meteor(["keep", "going", "on"], ["keep", "going"], no_synonyms) == pytest.approx(mean * (1 - 0.5 / 8))
    assert meteor(["a"], ["b"], no_synonyms) == 0.0
    assert meteor([], ["b"], no_synonyms) == 0.0
    assert meteor(["a"], [], no_synonyms) == 0.0


def test_meteor_stages_in_order():
    # "squats" takes the equal word, "squatting" the stem, "crouch" the synonym of a stem.
    synonym = {"squat": frozenset({"crouch"})}.get
    full = meteor(["crouch", "squatting", "squats"], ["squat", "squatted", "squats"], lambda w: synonym(w, frozenset()))
    assert full == pytest.approx(1 - 0.5 / 27)


def random_pairs(words, n, seed):
    random_ = random.Random(seed)

    def make():
        return " ".join(random_.choice(words) for _ in range(random_.randint(0, 17)))

    return [(make(), make()) for _ in range(n)]


WORDS = [
    "great",
    "job",
    "keep",
    "going",
    "lower",
    "your",
    "body",
    "more",
    "squat",
    "squats",
    "squatting",
    "deeper",
    "push",
    "pushing",
    "up",
    "rep",
    "reps",
    "knees",
    "knee",
    "10",
    "ten",
    "good",
    "nice",
    "work",
    "working",
    "moving",
    "move",
    "motion",
    ",",
    ".",
    "!",
    "'s",
    "bend",
    "bending",
    "speed",
    "fast",
    "quickly",
    "rapid",
    "halt",
    "stop",
    "it's",
    "don't",
]


def test_meteor_equals_nltk(nltk_wordnet, synonyms, debian_wordnet):
    from nltk.translate.meteor_score import single_meteor_score

    rare = [line.split()[0] for line in (debian_wordnet / "index.noun").open() if line[0] != " "][::900]
    pairs = random_pairs(WORDS, 800, 0) + random_pairs(WORDS + [w for w in rare if "_" not in w], 400, 1)
    split = _nltk_split("untrained")
    ours = meteor_scores(pairs, WordTokenizer("untrained"), synonyms)
    peers = [single_meteor_score(split(reference), split(said)) for reference, said in pairs]
    assert np.abs(ours - peers).max() < 1e-9
    assert ours.max() > 0.5


def test_synonyms_equal_nltk(nltk_wordnet, synonyms, debian_wordnet):
    random_ = random.Random(0)
    words = [
        line.split()[0]
        for part in ("noun", "verb", "adj", "adv")
        for line in (debian_wordnet / f"index.{part}").open()
        if line[0] != " "
    ]
    chosen = random_.sample(words, 1500)
    endings = ("s", "es", "ing", "ed", "er", "est", "men", "ies")
    chosen += [word + random_.choice(endings) for word in random_.sample(words, 1500)]
    synonyms.preload(chosen)
    for word in chosen:
        names = {n for s in nltk_wordnet.synsets(word) for n in s.lemma_names() if "_" not in n}
        assert synonyms(word) == names, word
    assert synonyms.version == nltk_wordnet.get_version()


def test_rouge_in_closed_form():
    assert rouge_l(["a", "b", "c"], ["a", "c"]) == pytest.approx(2 * 1 * (2 / 3) / (1 + 2 / 3))
    assert rouge_l([], ["a"]) == rouge_l(["a"], []) == rouge_l(["a"], ["b"]) == 0.0
    assert common_subsequence(list("abcbdab"), list("bdcaba")) == 4


def test_rouge_equals_rouge_score():
    scorer = pytest.importorskip("rouge_score.rouge_scorer").RougeScorer(["rougeL"])
    pairs = random_pairs(WORDS, 800, 2)
    ours = rouge_l_scores(pairs)
    peers = [scorer.score(reference, said)["rougeL"].fmeasure for reference, said in pairs]
    assert np.abs(ours - peers).max() < 1e-9


def test_long_texts_are_no_trouble(synonyms):
    text = "keep going " * 9000
    pairs = [(text, text), ("keep going", text)]
    assert rouge_l_scores(pairs)[0] == pytest.approx(1.0)
    assert meteor_scores(pairs, WordTokenizer("untrained"), synonyms)[0] == pytest.approx(1.0)


def test_wordnet_is_found_in_nltk_s_zip(debian_wordnet, tmp_path, monkeypatch):
    archive = tmp_path / "corpora" / "wordnet.zip"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w") as file:
        for name in wordnet_module._FILES:
            file.write(debian_wordnet / name, f"wordnet/{name}")
    monkeypatch.setenv("NLTK_DATA", str(tmp_path))
    source = find_wordnet()
    assert source == WordNetSource(archive)
    found = open_synonyms(source)
    assert "crouch" in found("squat")
    assert found.sha256 == open_synonyms(WordNetSource(debian_wordnet)).sha256


def test_without_wordnet_nothing_is_found(monkeypatch, tmp_path):
    monkeypatch.setattr(wordnet_module, "nltk_data_folders", lambda: [tmp_path])
    monkeypatch.setattr(wordnet_module, "Path", lambda p: tmp_path / "none" if p == "/usr/share/wordnet" else Path(p))
    assert find_wordnet() is None


def test_a_folder_that_is_no_wordnet_is_refused(tmp_path):
    with pytest.raises(UserError) as caught:
        find_wordnet(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert "wordnet-base" in str(caught.value)


def test_a_damaged_index_is_built_again(debian_wordnet, tmp_path, monkeypatch):
    monkeypatch.setenv("QEVD_BIO_CACHE", str(tmp_path))
    source = WordNetSource(debian_wordnet)
    open_synonyms(source).close()
    (file,) = (tmp_path / "wordnet").iterdir()
    file.write_bytes(b"not a database")
    with pytest.raises(sqlite3.DatabaseError):
        wordnet_module.Synonyms(file)
    assert "crouch" in open_synonyms(source)("squat")
