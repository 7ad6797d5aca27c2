"""What to cite with a score: the benchmark, the method of its rewritten feedback, and each metric that has a value."""

from __future__ import annotations

import re
from collections.abc import Iterable

from qevd_bio.scoring.results import Scores
from qevd_bio.store.resources import refs_path
from qevd_bio.store.version import __version__

_ENTRY = re.compile(r"^@\w+\{([\w-]+),.*?^\}", re.DOTALL | re.MULTILINE)
_OF_SCORE = {
    "temporal_f_score": ("panchal2024qevd",),
    "meteor": ("banerjee2005meteor",),
    "rouge_l": ("lin2004rouge",),
    "bertscore_f1": ("zhang2020bertscore",),
    "llm_acc": ("panchal2024qevd",),
    "llm_bio_acc": ("ji2026biocoach",),
    "bleu_1": ("papineni2002bleu", "post2018sacrebleu"),
    "bleu_4": ("papineni2002bleu", "post2018sacrebleu"),
    "cider_d": ("vedantam2015cider",),
}
_CHALLENGE, _REWRITTEN = "var2026challenge", "ji2026biocoach"


def citations(scores: Iterable[Scores], published: str | None = None) -> str:
    """BibTeX of all that these scores stand on; `published` names the benchmark whose published rows are shown."""
    wanted = {"panchal2024qevd"}
    for found in scores:
        wanted |= {
            key
            for of in found.protocols.values()
            for name, score in of.items()
            if score.value is not None
            for key in _OF_SCORE.get(name, ())
        }
        if "bio" in str(found.inputs.get("references", "")).lower():
            wanted.add(_REWRITTEN)
    if published is not None:
        wanted |= {_REWRITTEN, *((_CHALLENGE,) if published == "original" else ())}
    text = refs_path("published", "citations.bib").read_text("utf-8")
    entries = {match.group(1): match.group(0) for match in _ENTRY.finditer(text)}
    return "\n\n".join([*(entry for key, entry in entries.items() if key in wanted), _package()])


def _package() -> str:
    return (
        "@software{qevdbio,\n  title = {qevd-bio: biomechanically grounded fitness coaching from video},\n"
        f"  author = {{{{The qevd-bio authors}}}},\n  version = {{{__version__}}}\n}}"
    )
