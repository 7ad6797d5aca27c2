"""A thousand damaged prediction files: each gives a result or one clear error, never anything else."""

from __future__ import annotations

import json
import random
import warnings

import pytest
from scoring_build import predictions_for

from qevd_bio.scoring.options import ConfidenceOptions, ScoreOptions
from qevd_bio.scoring.stage import score
from qevd_bio.store.errors import UserError

VALUES = [
    None, True, 0, -1, 1e308, -0.0, 3.5, 10**30, "", "x", "NaN", [], {}, [[]], "\u0000", "é" * 50, "a" * 100_000,
    "\ud83d", {"time": 1, "text": "ok"}, 99, "0001", -0.25, "../../etc/passwd", "<script>", "=1+1", "\u202e",
]  # fmt: skip
BYTES = [b"\xff", b"\x00", b"{", b"}", b"[", b'"', b",", b"\n", b"NaN", b"Infinity", b"1e999", b"\xef\xbb\xbf", b"\r"]


def mutate_value(random_, value):
    """Change one random place of a JSON value."""
    if isinstance(value, dict) and value and random_.random() < 0.85:
        key = random_.choice(sorted(value))
        action = random_.random()
        if action < 0.15:
            return {k: v for k, v in value.items() if k != key}
        if action < 0.2:
            return {**value, random_.choice(["extra", "text", "time", "video"]): random_.choice(VALUES)}
        return {**value, key: mutate_value(random_, value[key])}
    if isinstance(value, list) and value and random_.random() < 0.85:
        i = random_.randrange(len(value))
        action = random_.random()
        if action < 0.15:
            return value[:i] + value[i + 1 :]
        if action < 0.3:
            return [*value[:i], value[i], value[i], *value[i:]]
        if action < 0.4:
            return value[::-1]
        return [*value[:i], mutate_value(random_, value[i]), *value[i + 1 :]]
    return random_.choice(VALUES)


def mutate(random_, lines):
    """One damaged file: values changed, lines lost, doubled or swapped, then perhaps bytes broken."""
    lines = [dict(line) for line in lines]
    for _ in range(random_.randint(0, 3)):
        i = random_.randrange(len(lines))
        lines[i] = mutate_value(random_, lines[i])
    if random_.random() < 0.2:
        random_.shuffle(lines)
    if random_.random() < 0.2:
        lines = lines[: random_.randint(0, len(lines))]
    data = "\n".join(json.dumps(line, ensure_ascii=random_.random() < 0.5) for line in lines)
    raw = bytearray(data.encode("utf-8", "surrogatepass"))
    for _ in range(random_.choice([0, 0, 0, 1, 2])):
        place = random_.randint(0, len(raw))
        raw[place : place + random_.choice([0, 1, 5])] = random_.choice(BYTES)
    return bytes(raw[: random_.choice([len(raw)] * 9 + [len(raw) // 2])])


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    from scoring_build import write_benchmark

    return write_benchmark(tmp_path_factory.mktemp("small"), videos=2, segments=2, feedbacks=3, pool=4)


def test_a_thousand_mutated_files(small, tmp_path, monkeypatch):
    from qevd_bio.scoring import inputs, stage
    from qevd_bio.scoring.pairing.references import load_references
    from qevd_bio.store import atomic

    # The ground truth is the same a thousand times; files need not reach the disk here.
    references = load_references(small, ScoreOptions().split)
    monkeypatch.setattr(inputs, "load_references", lambda data, split: references)
    monkeypatch.setattr(atomic, "_flush", lambda path: None)
    monkeypatch.setattr(stage, "versions", dict)
    monkeypatch.setattr(stage, "manifest", lambda *a, **k: {})
    random_ = random.Random(0)
    lines = predictions_for(small)
    options = ScoreOptions(metrics=("temporal", "rouge_l", "cider_d"), interval=ConfidenceOptions(replicates=10))
    outcomes = {"result": 0, "error": 0}
    path = tmp_path / "run.jsonl"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(1000):
            path.write_bytes(mutate(random_, lines))
            try:
                found = score(path, small, options, out=tmp_path / "out", redo=True)
            except UserError as error:
                assert str(path) in str(error)
                assert error.expected
                outcomes["error"] += 1
            else:
                json.dumps(found.as_json(), allow_nan=False)
                outcomes["result"] += 1
    assert outcomes["result"] > 150
    assert outcomes["error"] > 400
