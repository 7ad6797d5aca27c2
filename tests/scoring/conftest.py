"""Peers and small data for the scoring tests: NLTK with Debian's WordNet, a tiny RoBERTa, a tiny benchmark."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

DEBIAN = Path("/usr/share/wordnet")

# The lexicographer files by number, as lexnames(5WN) lists them; Debian ships all of WordNet but this.
LEXNAMES = [
    "adj.all",
    "adj.pert",
    "adv.all",
    "noun.Tops",
    "noun.act",
    "noun.animal",
    "noun.artifact",
    "noun.attribute",
    "noun.body",
    "noun.cognition",
    "noun.communication",
    "noun.event",
    "noun.feeling",
    "noun.food",
    "noun.group",
    "noun.location",
    "noun.motive",
    "noun.object",
    "noun.person",
    "noun.phenomenon",
    "noun.plant",
    "noun.possession",
    "noun.process",
    "noun.quantity",
    "noun.relation",
    "noun.shape",
    "noun.state",
    "noun.substance",
    "noun.time",
    "verb.body",
    "verb.change",
    "verb.cognition",
    "verb.communication",
    "verb.competition",
    "verb.consumption",
    "verb.contact",
    "verb.creation",
    "verb.emotion",
    "verb.motion",
    "verb.perception",
    "verb.possession",
    "verb.social",
    "verb.stative",
    "verb.weather",
    "adj.ppl",
]


def make_nltk_data(folder: Path) -> Path:
    """NLTK's data folder with WordNet in it, copied from Debian's files."""
    corpus = folder / "corpora" / "wordnet"
    shutil.copytree(DEBIAN, corpus)
    part = {"noun": 1, "verb": 2, "adj": 3, "adv": 4}
    lines = [f"{i:02d}\t{name}\t{part[name.split('.')[0]]}\n" for i, name in enumerate(LEXNAMES)]
    (corpus / "lexnames").write_text("".join(lines))
    return folder


@pytest.fixture(scope="session", autouse=True)
def session_cache(tmp_path_factory: pytest.TempPathFactory):
    """The cache of fixtures that live as long as the session."""
    folder = tmp_path_factory.mktemp("cache")
    patch = pytest.MonkeyPatch()
    patch.setenv("QEVD_BIO_CACHE", str(folder))
    yield folder
    patch.undo()


@pytest.fixture(autouse=True)
def _cache(session_cache: Path, _no_user_settings: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same cache for tests, which start without any of the user's settings."""
    monkeypatch.setenv("QEVD_BIO_CACHE", str(session_cache))


@pytest.fixture(scope="session")
def debian_wordnet() -> Path:
    if not (DEBIAN / "index.sense").is_file():
        pytest.skip("no WordNet: apt-get install wordnet-base wordnet-sense-index")
    return DEBIAN


@pytest.fixture(scope="session")
def nltk_wordnet(debian_wordnet, tmp_path_factory):
    """NLTK's own WordNet reader on the same files."""
    nltk = pytest.importorskip("nltk")
    folder = make_nltk_data(tmp_path_factory.mktemp("nltk"))
    nltk.data.path.insert(0, str(folder))
    from nltk.corpus import wordnet

    wordnet.ensure_loaded()
    yield wordnet
    nltk.data.path.remove(str(folder))


@pytest.fixture(scope="session")
def synonyms(debian_wordnet):
    from qevd_bio.scoring.metrics.wordnet import WordNetSource, open_synonyms

    return open_synonyms(WordNetSource(debian_wordnet))


@pytest.fixture(scope="session")
def tiny_roberta(tmp_path_factory) -> Path:
    """A RoBERTa of four layers with random weights and a byte-level vocabulary of 400."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from tokenizers import ByteLevelBPETokenizer

    folder = tmp_path_factory.mktemp("roberta")
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    vocabulary = ByteLevelBPETokenizer()
    vocabulary.train_from_iterator(
        ["keep going great job squats lower your body knee ten nice work up"], 400, 1, special_tokens=special
    )
    vocabulary.save_model(str(folder))
    tokenizer = transformers.RobertaTokenizer.from_pretrained(folder, model_max_length=64)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.RobertaConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=4, num_attention_heads=4,
        intermediate_size=64, max_position_embeddings=66, initializer_range=0.5,
    )  # fmt: skip
    transformers.RobertaModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def benchmark_data(tmp_path_factory) -> Path:
    """Four videos of three segments with five feedbacks each; no videos."""
    from scoring_build import write_benchmark

    return write_benchmark(tmp_path_factory.mktemp("benchmark"))


@pytest.fixture
def run_file(benchmark_data, tmp_path) -> Path:
    """Predictions near the ground truth."""
    from scoring_build import predictions_for, write_lines

    return write_lines(tmp_path / "run.jsonl", predictions_for(benchmark_data))
