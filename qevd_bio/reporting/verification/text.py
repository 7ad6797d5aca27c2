"""What `qevd-bio verify` found, as JSON and as tables for people."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from qevd_bio.reporting.verification.angles import AngleErrors
from qevd_bio.reporting.verification.motion import Counts
from qevd_bio.reporting.verification.stage import Verified
from qevd_bio.store.atomic import write_json, write_text


def write(result: Verified, folder: Path) -> Path:
    """Write verify.json and verify.md; the path of the latter."""
    write_json(folder / "verify.json", as_json(result))
    write_text(folder / "verify.md", "\n".join(as_markdown(result)) + "\n")
    return folder / "verify.md"


def as_json(result: Verified) -> dict[str, Any]:
    """Everything that was found, as plain values."""
    repetitions, violations = result.repetitions, result.violations
    return {
        "kinematics": "true" if result.oracle else "extracted",
        "videos": result.videos,
        "repetitions": {
            **_counts(repetitions.total),
            "by_exercise": {name: _counts(c) for name, c in sorted(repetitions.by_exercise.items())},
            "median_late_s": _median(repetitions.late_s),
            "missed_while": dict(result.missed_while),
            "clean": result.clean,
            "clean_found": _clean(result),
        },
        "violations": {
            **_counts(violations.total),
            "on_purpose": _counts(violations.on_purpose),
            **{
                name: {key: _counts(c) for key, c in sorted(getattr(violations, name).items())}
                for name in ("by_exercise", "by_joint", "by_size", "by_rule")
            },
            "missed_because": dict(violations.missed_because.most_common()),
            "borderline": violations.borderline,
        },
        "intents": {
            "accuracy": result.intent_right / result.intent_total if result.intent_total else None,
            "feedbacks": result.intent_total,
            "by_label": {name: _counts(c) for name, c in sorted(result.intents.items())},
            "body_parts_recall": result.parts.recall,
            "directions_recall": result.directions.recall,
        },
        "angles": None if result.angles is None else {
            "frames": result.angles.frames, "posed": result.angles.posed, "errors": result.angles.rows(),
        },
        "rewriting": None if result.rewriting is None else {
            **{k: v for k, v in asdict(result.rewriting).items() if k != "value_apart"},
            "median_value_apart_deg": _median(result.rewriting.value_apart),
        },
    }  # fmt: skip


def _counts(counts: Counts) -> dict[str, Any]:
    return {**asdict(counts), "precision": counts.precision, "recall": counts.recall, "f1": counts.f1}


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def as_markdown(result: Verified) -> list[str]:
    """The figures as tables for people."""
    kind = "true (oracle)" if result.oracle else "extracted"
    lines = [f"# Against simulated truth: {kind} kinematics, {result.videos} videos", "", *_headline(result), ""]
    lines += _table("Repetitions by exercise", result.repetitions.by_exercise, lambda c: c.f1)
    for title, counts in (
        ("Form errors by exercise", result.violations.by_exercise),
        ("Form errors by joint", result.violations.by_joint),
        ("Form errors by size beyond the threshold (mistakes only: no false alarms)", result.violations.by_size),
        (
            "Rules with misses or false alarms",
            {k: c for k, c in result.violations.by_rule.items() if c.false or c.missed},
        ),
    ):
        lines += _table(title, counts, None)
    if result.missed_while:
        listed = ", ".join(f"{count} × {name or 'no mistake'}" for name, count in result.missed_while.items())
        lines += [f"Repetitions not found, by the mistake being made: {listed}.", ""]
    if result.violations.missed_because:
        listed = ", ".join(f"{count} × {name}" for name, count in result.violations.missed_because.most_common())
        lines += [f"Mistakes missed because: {listed}.", ""]
    if result.angles is not None:
        lines += _angle_table(result.angles)
    return lines


def summary(result: Verified) -> str:
    """The first part of the same page, Markdown: the figures that matter."""
    lines = as_markdown(result)
    return "\n".join(lines[: next(index for index, line in enumerate(lines) if line.startswith("## "))])


def _headline(result: Verified) -> list[str]:
    r, v = result.repetitions, result.violations
    lines = [
        "| what | value | n |",
        "|---|---|---|",
        f"| repetitions: F1 | {_share(r.total.f1)} | {r.total.hits + r.total.missed} |",
        f"| … those without a mistake: found | {_share(_clean(result))} | {result.clean} |",
        f"| … found late by (median) | {_median(r.late_s) or 0.0:.3f} s | {len(r.late_s)} |",
        f"| form errors: precision | {_share(v.total.precision)} | {v.total.hits + v.total.false} |",
        f"| form errors: recall | {_share(v.total.recall)} | {v.total.hits + v.total.missed} |",
        f"| … of those made on purpose | {_share(v.on_purpose.recall)} | {v.on_purpose.hits + v.on_purpose.missed} |",
        f"| intent: accuracy | {_share(result.intent_right / max(result.intent_total, 1))} | {result.intent_total} |",
    ]
    w = result.rewriting
    if w is not None and w.corrections:
        right = w.same_rule / w.rewritten if w.rewritten else None
        lines += [
            f"| corrections rewritten | {_share(w.rewritten / w.corrections)} | {w.corrections} |",
            f"| … with the ideal's rule | {_share(right)} | {w.rewritten} |",
            f"| … with its side | {_share(w.same_side / w.same_rule if w.same_rule else None)} | {w.same_rule} |",
            f"| … value apart (median) | {_median(w.value_apart) or 0.0:.1f}° | {len(w.value_apart)} |",
            f"| other feedback changed | {w.others_changed} | |",
        ]
    return lines


def _clean(result: Verified) -> float | None:
    return 1.0 - result.missed_while.get("", 0) / result.clean if result.clean else None


def headline(result: Verified) -> list[str]:
    """The same figures as plain lines, for a terminal."""
    rows = [line.strip("| ").split(" | ") for line in _headline(result)[2:]]
    return [f"{row[0]}: {row[1]}" + (f" (n = {row[2]})" if len(row) > 2 else "") for row in rows]


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _table(title: str, counts: Mapping[str, Counts], f1: Callable[[Counts], float | None] | None) -> list[str]:
    lines = [f"## {title}", "", f"| | hits | false | missed | precision | recall |{' F1 |' if f1 else ''}"]
    lines.append("|---|---|---|---|---|---|" + ("---|" if f1 else ""))
    for name, c in sorted(counts.items()):
        row = f"| {name} | {c.hits} | {c.false} | {c.missed} | {_share(c.precision)} | {_share(c.recall)} |"
        lines.append(row + (f" {_share(f1(c))} |" if f1 else ""))
    return [*lines, ""]


def _angle_table(angles: AngleErrors) -> list[str]:
    lines = [
        f"## Angle errors in degrees, {angles.posed} of {angles.frames} frames with a pose",
        "",
        "| quantity | view | frames | median | 90 % |",
        "|---|---|---|---|---|",
    ]
    for r in angles.rows():
        lines.append(f"| {r['quantity']} | {r['view']} | {r['frames']} | {r['median_deg']:.1f} | {r['p90_deg']:.1f} |")
    return [*lines, ""]
