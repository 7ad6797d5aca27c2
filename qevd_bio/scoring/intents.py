"""Intents of texts, remembered between runs: the ground truth is the same after every epoch."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from qevd_bio.scoring.cache import cache_folder
from qevd_bio.store.atomic import write_json
from qevd_bio.store.hashing import hash_file, hash_json

Labeller = Callable[[Iterable[str]], Mapping[str, str]]


def remembered(load: Callable[[], Callable[[str], str]], sources: Sequence[Path]) -> Labeller:
    """A labeller that keeps its answers in the cache; `load` gives the classifier, only if a text is new.

    `sources` are the files that the classifier is made of: with any change in them all texts are new.
    """

    def label(texts: Iterable[str]) -> Mapping[str, str]:
        key = hash_json([hash_file(path) for path in sorted(sources)])
        path = cache_folder("intents") / f"{key[:20]}.json"
        known = _read(path)
        wanted = set(texts)
        missing = sorted(wanted - known.keys())
        if missing:
            classify = load()
            known.update({text: classify(text) for text in missing})
            write_json(path, known)
        return {text: known[text] for text in wanted}

    return label


def _read(path: Path) -> dict[str, str]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}  # Absent or damaged: a cache is made again.
    good = isinstance(value, dict) and all(isinstance(label, str) for label in value.values())
    return value if good else {}


def rules_labeller() -> Labeller:
    """Intents by the rules of `feedback`; remembered until a file of theirs changes."""
    import qevd_bio.feedback

    rules = Path(str(qevd_bio.feedback.__file__)).parent
    return remembered(_classifier, sorted(rules.glob("*.py")))


def _classifier() -> Callable[[str], str]:
    from qevd_bio.feedback.intent import classify_intent

    return lambda text: classify_intent(text).label
