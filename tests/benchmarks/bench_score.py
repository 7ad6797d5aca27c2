"""Speed of scoring at the benchmark's full size, as ratios to the peers in the same run.

    python tests/benchmarks/bench_score.py [--evaluate-metrics DIR] [--bert-width 1024 --bert-layers 24]

Each side runs in a process of its own, start-up included. `--evaluate-metrics` names the `metrics` folder of the
public `evaluate` package's sources: the official call pattern then goes through that package; without it a
stand-in makes the calls that the package makes (which leaves out the package's own cost, so the ratio is lower).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "scoring"))

SAMPLE = 250
PROCESSOR: dict[str, float] = {}


def main() -> None:
    """Print every ratio next to its bar."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--role")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--evaluate-metrics", type=Path)
    parser.add_argument("--bert-width", type=int, default=256)
    parser.add_argument("--bert-layers", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--parts", default="lexical,matching,bootstrap,semantic")
    options = parser.parse_args()
    if options.role:
        ROLES[options.role](options)
        return
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    with tempfile.TemporaryDirectory() as folder:
        options.folder = Path(folder)
        os.environ["QEVD_BIO_CACHE"] = str(options.folder / "cache")
        prepare(options)
        for part in options.parts.split(","):
            PARTS[part](options)


def prepare(options: argparse.Namespace) -> None:
    """74 videos, 2,484 feedbacks of about 17 words, as many predictions near them; nearly all match."""
    from scoring_build import predictions_for, write_benchmark, write_lines

    from qevd_bio.scoring.inputs import load_inputs, matched_texts
    from qevd_bio.scoring.options import ScoreOptions

    data = write_benchmark(
        options.folder / "data", videos=74, segments=6, feedbacks=lambda i: 6 if i < 264 else 5, words=17, pool=1000
    )
    lines = predictions_for(data, jitter=0.2, copy=0.2, words=17)
    said = sum(len(line["feedbacks"]) for line in lines)
    print(f"{said} ground-truth feedbacks and as many predictions in 74 videos")
    path = write_lines(options.folder / "run.jsonl", lines)
    inputs = load_inputs(path, data, ScoreOptions())
    pairs = matched_texts(inputs.corpus, inputs.alignments["official"])
    (options.folder / "pairs.json").write_text(json.dumps(pairs))
    distinct = len({text for pair in pairs for text in pair})
    print(f"{len(pairs)} matched pairs, {distinct} distinct texts")


def timed(role: str, options: argparse.Namespace, repeats: int) -> float:
    """Median seconds of a whole process of this script in `role`; its processor time goes to PROCESSOR."""
    command = [sys.executable, __file__, "--role", role, "--folder", str(options.folder)]
    command += ["--bert-width", str(options.bert_width), "--bert-layers", str(options.bert_layers)]
    if options.evaluate_metrics:
        command += ["--evaluate-metrics", str(options.evaluate_metrics)]
    seconds, used = [], []
    for _ in range(repeats):
        start, before = time.perf_counter(), processor_seconds()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - start)
        used.append(processor_seconds() - before)
    PROCESSOR[role] = statistics.median(used)
    return statistics.median(seconds)


def processor_seconds() -> float:
    """Processor time of all finished child processes."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


def lexical(options: argparse.Namespace) -> None:
    """Matching, METEOR, ROUGE-L against NLTK and rouge_score, direct and by the official call pattern."""
    from conftest import DEBIAN, make_nltk_data

    from qevd_bio.scoring.metrics.wordnet import WordNetSource, open_synonyms

    if not DEBIAN.is_dir():
        print("METEOR and its peers: skipped, no WordNet (apt-get install wordnet-base wordnet-sense-index)")
        return
    make_nltk_data(options.folder / "nltk")
    start = time.perf_counter()
    open_synonyms(WordNetSource(DEBIAN)).close()
    print(f"WordNet index built once in {time.perf_counter() - start:.1f} s")
    ours = timed("ours", options, options.repeats)
    command = timed("command", options, options.repeats)
    direct = timed("direct", options, options.repeats)
    sampled = timed("official", options, 1)
    load = timed("official-load", options, 1)
    pairs = len(json.loads((options.folder / "pairs.json").read_text()))
    official = load + (sampled - load) / SAMPLE * pairs
    through = "evaluate package" if options.evaluate_metrics else "stand-in"
    print(f"METEOR + ROUGE-L + matching: {ours:.2f} s; whole command with intervals and files: {command:.2f} s")
    report(
        f"official call pattern ({through}, {SAMPLE} pairs scaled to {pairs}): {official:.0f} s", official / ours, 50
    )
    report(f"NLTK and rouge_score directly: {direct:.2f} s", direct / ours, 3)
    print(f"  (with the whole command: {official / command:.0f}x and {direct / command:.1f}x)")
    used = PROCESSOR
    print(
        "  by processor time, which other work on the machine disturbs less: direct against ours "
        f"{used['direct'] / used['ours']:.1f}x, against the whole command {used['direct'] / used['command']:.1f}x"
    )
    mine, peers = (json.loads((options.folder / f"{name}.json").read_text()) for name in ("ours", "direct"))
    for metric in ("meteor", "rouge_l"):
        worst = max(abs(a - b) for a, b in zip(mine[metric], peers[metric], strict=True))
        print(f"  {metric}: largest difference to the peer {worst:.1e} (bar 1e-9)")
    seen = json.loads((options.folder / "official.json").read_text())
    for metric in ("meteor", "rouge_l"):
        worst = max(abs(a - b) for a, b in zip(mine[metric], seen[metric], strict=False))
        print(f"  {metric}: largest difference to the official calls {worst:.1e} (bar 1e-9)")


def report(what: str, ratio: float, bar: float) -> None:
    """One line: what, how many times faster, and whether the bar is met."""
    print(f"  {what}: {ratio:.1f}x (bar {bar:g}x) {'ok' if ratio >= bar else 'BELOW'}")


def ours_role(options: argparse.Namespace) -> None:
    from qevd_bio.scoring.inputs import load_inputs, matched_texts
    from qevd_bio.scoring.metrics.lexical import meteor_scores, rouge_l_scores
    from qevd_bio.scoring.metrics.tokens import WordTokenizer
    from qevd_bio.scoring.metrics.wordnet import find_wordnet, open_synonyms
    from qevd_bio.scoring.options import ScoreOptions

    inputs = load_inputs(options.folder / "run.jsonl", options.folder / "data", ScoreOptions())
    pairs = matched_texts(inputs.corpus, inputs.alignments["official"])
    source = find_wordnet()
    assert source is not None
    found = {
        "meteor": meteor_scores(pairs, WordTokenizer("untrained"), open_synonyms(source)).tolist(),
        "rouge_l": rouge_l_scores(pairs).tolist(),
    }
    (options.folder / "ours.json").write_text(json.dumps(found))


def command_role(options: argparse.Namespace) -> None:
    from qevd_bio.cli.app import app

    folder = options.folder
    app(["score", "--preds", str(folder / "run.jsonl"), "--data", str(folder / "data"), "--out", str(folder / "out"),
         "--metrics", "temporal,meteor,rouge_l"])  # fmt: skip


def peer_tokenizer(options: argparse.Namespace) -> Callable[[str], list[str]]:
    import nltk

    nltk.data.path.insert(0, str(options.folder / "nltk"))
    from nltk.tokenize import NLTKWordTokenizer
    from nltk.tokenize.punkt import PunktSentenceTokenizer

    sentences, words = PunktSentenceTokenizer(), NLTKWordTokenizer()
    return lambda text: [token for sentence in sentences.tokenize(text) for token in words.tokenize(sentence)]


def direct_role(options: argparse.Namespace) -> None:
    tokens = peer_tokenizer(options)
    from nltk.translate.meteor_score import single_meteor_score
    from rouge_score.rouge_scorer import RougeScorer

    pairs = json.loads((options.folder / "pairs.json").read_text())
    scorer = RougeScorer(["rougeL"])
    found = {
        "meteor": [single_meteor_score(tokens(truth), tokens(said)) for truth, said in pairs],
        "rouge_l": [scorer.score(truth, said)["rougeL"].fmeasure for truth, said in pairs],
    }
    (options.folder / "direct.json").write_text(json.dumps(found))


def official_role(options: argparse.Namespace, sample: int = SAMPLE) -> None:
    pairs = json.loads((options.folder / "pairs.json").read_text())[:sample]
    meteor, rouge = _package(options) if options.evaluate_metrics else _stand_in(options)
    # One pair even where only the loading is timed, so that WordNet is read in both.
    found = {"meteor": [meteor(*pair) for pair in pairs], "rouge_l": [rouge(*pair) for pair in pairs]}
    if sample == SAMPLE:
        (options.folder / "official.json").write_text(json.dumps(found))


def _package(options: argparse.Namespace) -> tuple[Callable[[str, str], float], Callable[[str, str], float]]:
    """The public metric package, one call a pair; its Punkt data are replaced by an untrained Punkt."""
    tokens = peer_tokenizer(options)
    import evaluate
    import nltk

    nltk.download = lambda *arguments, **more: True
    nltk.word_tokenize = tokens
    loaded = {name: evaluate.load(str(options.evaluate_metrics / name)) for name in ("meteor", "rouge")}
    sys.modules[type(loaded["meteor"]).__module__].word_tokenize = tokens

    def call(name: str, key: str) -> Callable[[str, str], float]:
        return lambda truth, said: float(loaded[name].compute(references=[truth], predictions=[said])[key])

    return call("meteor", "meteor"), call("rouge", "rougeL")


def _stand_in(options: argparse.Namespace) -> tuple[Callable[[str, str], float], Callable[[str, str], float]]:
    tokens = peer_tokenizer(options)
    from nltk.translate.meteor_score import single_meteor_score
    from rouge_score.rouge_scorer import RougeScorer
    from rouge_score.scoring import BootstrapAggregator

    def meteor(truth: str, said: str) -> float:
        return float(single_meteor_score(tokens(truth), tokens(said)))

    def rouge(truth: str, said: str) -> float:
        scorer = RougeScorer(["rouge1", "rouge2", "rougeL", "rougeLsum"])
        aggregator = BootstrapAggregator()
        aggregator.add_scores(scorer.score(truth, said))
        return float(aggregator.aggregate()["rougeL"].mid.fmeasure)

    return meteor, rouge


def matching_speed(options: argparse.Namespace) -> None:
    """2,484 feedbacks against 2,600 predictions in one segment: the papers' window, with meaning, and all inside it."""
    import random

    import numpy as np
    from scoring_build import sentence

    from qevd_bio.scoring.metrics.lexical import rouge_likeness
    from qevd_bio.scoring.pairing.ordered import ordered_pairs

    draw, words = np.random.default_rng(0), random.Random(0)
    times = [np.sort(draw.uniform(0, 9000, count)) for count in (2484, 2600)]
    texts = [[sentence(words, 17) for _ in side] for side in times]
    for name, tolerance, meaning in (("1.5 s", 1.5, 0.0), ("1.5 s, meaning 0.5", 1.5, 0.5), ("all inside", 1e9, 0.0)):
        start = time.process_time()
        found = ordered_pairs(*times, *texts, tolerance, meaning, rouge_likeness())
        seconds = time.process_time() - start
        print(f"ordered matching of 2,484 and 2,600, {name}: {len(found)} pairs in {seconds:.2f} s (bar 1 s)")


def bootstrap_speed(options: argparse.Namespace) -> None:
    """1,000 replicates of all metrics of four systems."""
    import numpy as np

    from qevd_bio.scoring.metrics.ngrams import bleu
    from qevd_bio.scoring.statistics import Statistic, bootstrap, f_score, mean_statistic, share

    random_ = np.random.default_rng(0)
    clusters = random_.integers(0, 74, 2484)
    start = time.perf_counter()
    for _ in range(4):
        values = random_.random((6, 2484))
        found = {f"mean {i}": mean_statistic(values[i], clusters, 74) for i in range(6)}
        sums = random_.random((74, 4))
        found |= {"f": Statistic(sums, f_score), "p": Statistic(sums[:, :2], share), "r": Statistic(sums[:, 2:], share)}
        found["bleu"] = bleu([("keep going", "keep going now")] * 2484, 4).statistic(clusters, 74)
        bootstrap(found, 1000, 0.95, 0)
    seconds = time.perf_counter() - start
    print(f"1,000 bootstrap replicates of 10 metrics of 4 systems: {seconds:.2f} s (bar 2 s)")


def semantic(options: argparse.Namespace) -> None:
    """BERTScore against one call of bert_score a segment, with a random model of roberta's form."""
    make_model(options)
    per_segment = timed("bert-peer", options, 1)
    first = timed("bert-ours", options, 1)
    again = timed("bert-ours", options, 1)
    load = timed("bert-load", options, 1)
    print(f"BERTScore, {options.bert_layers} layers of {options.bert_width}; loading libraries and model {load:.1f} s")
    ratio = (per_segment - load) / max(first - load, 1e-9)
    report(f"one bert_score call a segment {per_segment:.1f} s, ours {first:.1f} s; without loading", ratio, 3)
    report("whole processes", per_segment / first, 3)
    report(f"with reference embeddings cached {again:.1f} s, whole processes", per_segment / again, 3)
    mine, peers = (json.loads((options.folder / f"{name}.json").read_text()) for name in ("bert-ours", "bert-peer"))
    print(f"  largest difference of F1 {max(abs(a - b) for a, b in zip(mine, peers, strict=True)):.1e} (bar 1e-5)")


def make_model(options: argparse.Namespace) -> None:
    import torch
    from tokenizers import ByteLevelBPETokenizer
    from transformers import RobertaConfig, RobertaModel, RobertaTokenizer

    folder = options.folder / "roberta"
    folder.mkdir()
    texts = [text for pair in json.loads((options.folder / "pairs.json").read_text()) for text in pair]
    vocabulary = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    vocabulary.train_from_iterator(texts, 2000, 1, special_tokens=special)
    vocabulary.save_model(str(folder))
    tokenizer = RobertaTokenizer.from_pretrained(folder, model_max_length=512)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = RobertaConfig(
        vocab_size=len(tokenizer), hidden_size=options.bert_width, num_hidden_layers=options.bert_layers,
        num_attention_heads=max(1, options.bert_width // 64), intermediate_size=4 * options.bert_width,
        max_position_embeddings=514,
    )  # fmt: skip
    RobertaModel(config).save_pretrained(folder)


def bert_pairs(options: argparse.Namespace) -> list[list[tuple[str, str]]]:
    """Matched pairs of each segment. Texts repeat as in coaching: 800 distinct references, 400 distinct predictions."""
    pairs = json.loads((options.folder / "pairs.json").read_text())
    references = sorted({truth for truth, _ in pairs})[:800]
    said = sorted({text for _, text in pairs})[:400]
    again = [(references[i * 7 % len(references)], said[i * 11 % len(said)]) for i in range(len(pairs))]
    return [again[i : i + 6] for i in range(0, len(again), 6)]


def bert_ours_role(options: argparse.Namespace) -> None:
    from qevd_bio.scoring.metrics.semantic import bertscore
    from qevd_bio.scoring.options import BertScoreOptions

    pairs = [pair for segment in bert_pairs(options) for pair in segment]
    layer = options.bert_layers - 2
    found = bertscore(pairs, BertScoreOptions(str(options.folder / "roberta"), layer))
    (options.folder / "bert-ours.json").write_text(json.dumps(found.items.tolist()))


def bert_peer_role(options: argparse.Namespace, segments: int | None = None) -> None:
    from bert_score import BERTScorer

    scorer = BERTScorer(str(options.folder / "roberta"), num_layers=options.bert_layers - 2)
    values: list[float] = []
    for segment in bert_pairs(options)[:segments]:
        _, _, found = scorer.score([said for _, said in segment], [truth for truth, _ in segment])
        values += found.tolist()
    if segments is None:
        (options.folder / "bert-peer.json").write_text(json.dumps(values))


PARTS = {"lexical": lexical, "matching": matching_speed, "bootstrap": bootstrap_speed, "semantic": semantic}
ROLES: dict[str, Callable[[argparse.Namespace], None]] = {
    "ours": ours_role,
    "command": command_role,
    "direct": direct_role,
    "official": official_role,
    "official-load": lambda options: official_role(options, 1),
    "bert-ours": bert_ours_role,
    "bert-peer": bert_peer_role,
    "bert-load": lambda options: bert_peer_role(options, 0),
}


if __name__ == "__main__":
    main()
