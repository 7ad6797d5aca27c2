"""The data set card: what the rewritten data set is, how it was made, what it may be used for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qevd_bio.rewriting.choose import REASONS
from qevd_bio.rewriting.figures import Figures

_HEAD = """---
pretty_name: QEVD-bio-fit-coach
language: [en]
license: other
task_categories: [video-text-to-text]
tags: [fitness coaching, biomechanics]
configs:
- config_name: feedbacks
  data_files: feedbacks.parquet
---

# QEVD-bio-fit-coach

Corrective feedback of QEVD-FIT-COACH, rewritten into measured, anatomical language; everything else is kept
character for character. Same videos, timestamps, spans and file layout as the source, so the benchmark's own loader
reads it. Made by qevd-bio {version}; the procedure follows BioCoach (Ji et al. 2026, Sec. 3.7 and Supp. 6).

```python
from datasets import load_dataset
feedbacks = load_dataset("parquet", data_files="feedbacks.parquet", split="train")  # one row a feedback, all splits
```

## Terms

These are annotations derived from QEVD-FIT-COACH. No video is redistributed: videos are linked to or copied from your
own copy, and the terms under which you received QEVD-FIT-COACH hold for this data set too.

## What to know before use

The new texts state what was measured from monocular video (backend: {backend}); they were not written by the trainer.
A feedback whose words no measurement supports keeps its words and is marked `unsupported` in `feedbacks.parquet`.
Policy: `{policy}`. The column `numbers` traces every number of every sentence to its verdict.
"""


def card(
    about: Mapping[str, Any], totals: Figures, by_policy: Mapping[str, Figures], splits: Sequence[tuple[str, int]]
) -> str:
    """Markdown of the card. `about` holds version, backend, policy and settings; `splits` (name, videos)."""
    parts = [_HEAD.format(**about)]
    parts.append("\n## Counts\n\n" + _table(("split", "videos"), splits))
    rows = [(name, *_outcome(totals.by_intent, name)) for name in sorted({k[0] for k in totals.by_intent})]
    outcomes = ("rewritten", "kept", "unsupported")
    parts.append("\n" + _table(("intent", *outcomes), rows))
    rows = [(name, *_outcome(totals.by_exercise, name)) for name in sorted({k[0] for k in totals.by_exercise})]
    parts.append(
        "\nCorrective feedback by exercise:\n\n" + _table(("exercise", "rewritten", "kept", "unsupported"), rows)
    )
    parts.append("\n## Why corrective feedback kept its words\n\n" + _reasons(totals))
    parts.append("\n## The policies side by side\n\n" + _policies(by_policy))
    settings = [(name, f"`{value}`") for name, value in sorted(about["settings"].items())]
    parts.append("\n## Settings\n\n" + _table(("setting", "value"), settings))
    return "".join(parts)


def _outcome(counter: Mapping[tuple[str, str], int], name: str) -> tuple[int, int, int]:
    return counter[name, "rewritten"], counter[name, "kept"], counter[name, "unsupported"]


def _reasons(totals: Figures) -> str:
    if not totals.by_reason:
        return "It never did.\n"
    reasons = sorted({reason for _, reason in totals.by_reason})
    rows = []
    for reason in reasons:
        count = sum(n for (_, r), n in totals.by_reason.items() if r == reason)
        where = ", ".join(f"{e} {n}" for (e, r), n in sorted(totals.by_reason.items()) if r == reason)
        rows.append((f"`{reason}`", REASONS.get(reason, ""), count, where))
    return _table(("reason", "meaning", "feedbacks", "by exercise"), rows)


def _policies(by_policy: Mapping[str, Figures]) -> str:
    rows = [
        (
            f"`{name}`",
            _share(f.rewritten_share),
            _share(f.part_agreement),
            _share(f.contradiction_share),
            f.distinct_texts,
            f"{f.words_before:.1f} → {f.words_after:.1f}",
        )
        for name, f in by_policy.items()
    ]
    head = (
        "policy",
        "corrective rewritten",
        "body part agrees",
        "contradicts",
        "distinct texts",
        "words, before → after",
    )
    return _table(head, rows)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f} %"


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |\n" for line in lines)
