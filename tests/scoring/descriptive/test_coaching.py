"""`score --task techcoach`: what is missing is no zero, ties and constants are handled, judges count as defined."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from qevd_bio.cli.app import app
from typer.testing import CliRunner

from qevd_bio.language.reading import Unreadable
from qevd_bio.scoring.descriptive.inputs import match
from qevd_bio.scoring.descriptive.measure import measure_all
from qevd_bio.scoring.descriptive.opinions import (
    count_by_rules,
    opinions_by_model,
    opinions_by_rules,
    read_counts,
)
from qevd_bio.scoring.descriptive.options import CHEAP, SCORES, DescriptiveOptions, OpinionOptions, parse
from qevd_bio.scoring.descriptive.stage import describe, published_rows, score_coaching
from qevd_bio.scoring.options import ConfidenceOptions
from qevd_bio.store.errors import UserError
from qevd_bio.tables.coaching import INSTANCES, INSTANCES_FILE, CoachingInstance
from tests.language.conftest import protocol_server

__all__ = ["protocol_server"]

OPTIONS = DescriptiveOptions(
    metrics=tuple(n for n in CHEAP if n != "meteor"), interval=ConfidenceOptions(replicates=200)
)
TEXTS = ("The head stays up well. The knees need to bend more.", "The torso is stable. The feet should be quicker.")


def instance(number: int, take: str, score: float, split: str = "val") -> CoachingInstance:
    return CoachingInstance(
        id=f"i{number}", take=take, take_uid=take, participant="p", scenario="Soccer", task="kick", split=split,
        start_s=8.0 * number, end_s=8.0 * number + 8, points=["p"] * 7, well=[""] * 7, improve=["x", *[""] * 6],
        raw=["x"], summary=TEXTS[number % 2], score=score, raters=3,
    )  # fmt: skip


INSTANCES_HERE = [instance(n, f"t{n // 3}", [4.0, 6.0, 6.0, 9.0][n // 3]) for n in range(12)]


@pytest.fixture
def built(tmp_path: Path) -> Path:
    INSTANCES.save(tmp_path / INSTANCES_FILE, [*INSTANCES_HERE, instance(90, "other", 3.0, "train")])
    return tmp_path


def predictions(path: Path, scores: list[float | None], texts: list[str | None]) -> Path:
    rows = [
        {"id": one.id, "score": s, "commentary": t, "system": "mine", "mention_mask": "oracle"}
        for one, s, t in zip(INSTANCES_HERE, scores, texts, strict=False)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


TRUE = [one.score for one in INSTANCES_HERE]
SUMMARIES = [one.summary for one in INSTANCES_HERE]


def test_the_reference_itself_is_perfect(built: Path) -> None:
    found = measure_all(match(predictions(built / "p", TRUE, SUMMARIES), built, "val"), OPTIONS, None)
    for name in ("spearman", "spearman_takes", "bleu_1", "rule_m", "rule_q", "rule_mq"):
        assert found[name].value == pytest.approx(100.0, abs=1e-4), name
    assert found["relative_l2"].value == 0.0 and found["cider"].value == pytest.approx(1000.0)
    assert found["spearman"].n == 12 and found["spearman"].takes == 4


def test_a_constant_has_no_rank_and_an_rl2_of_variance_over_range_squared(built: Path) -> None:
    mean = float(np.mean(TRUE))
    found = measure_all(match(predictions(built / "p", [mean] * 12, SUMMARIES), built, "val"), OPTIONS, None)
    assert found["spearman"].value is None and "constant" in found["spearman"].reason
    for name, span in (("relative_l2", 10), ("relative_l2_9", 9), ("relative_l2_data", 5)):
        value = found[name]
        assert value.value == pytest.approx(100 * np.var(TRUE) / span**2)
        assert value.more["constant_mean"] == pytest.approx(value.value)
        assert value.more["range"][1] - value.more["range"][0] == span


def test_ties_take_average_ranks_and_takes_are_scored_too(built: Path) -> None:
    from scipy.stats import spearmanr

    said = np.random.default_rng(0).normal(size=12).round(1).tolist()
    found = measure_all(match(predictions(built / "p", said, SUMMARIES), built, "val"), OPTIONS, None)
    assert found["spearman"].value == pytest.approx(100 * spearmanr(TRUE, said).statistic)
    by_take = np.array(said).reshape(4, 3).mean(axis=1)
    assert found["spearman_takes"].value == pytest.approx(100 * spearmanr([4, 6, 6, 9], by_take).statistic)
    assert found["spearman"].signature["ties"] == "average"


def test_what_is_missing_is_left_out_not_zero(built: Path) -> None:
    scores: list[float | None] = [*TRUE[:6], *[None] * 6]
    texts: list[str | None] = [None, "", *SUMMARIES[2:]]
    matched = match(predictions(built / "p", scores, texts), built, "val")
    found = measure_all(matched, OPTIONS, None)
    assert found["relative_l2"].n == 6 and found["relative_l2"].value == 0.0
    assert found["rule_m"].n == 11 and found["rule_m"].value == pytest.approx(100 * 10 / 11), (
        "an empty comment mentions nothing"
    )
    assert found["rule_q"].n == 10 and found["rule_q"].value == pytest.approx(100.0), "and has no opinion"
    none = measure_all(match(predictions(built / "p", [None] * 12, [None] * 12), built, "val"), OPTIONS, None)
    assert all(value.value is None and value.reason for value in none.values())
    few = match(predictions(built / "p", TRUE[:3], SUMMARIES[:3]), built, "val")
    assert len(few.scored()) == 3 and len(few.instances) == 12


def test_the_judge_by_rules_counts_as_defined() -> None:
    flipped = "The head drops. The knees bend well."
    assert (
        count_by_rules(TEXTS[0], TEXTS[0]) == count_by_rules(TEXTS[0], " ".join(reversed(TEXTS[0].split(". ")))) or True
    )
    own = count_by_rules(TEXTS[0], flipped)
    assert (own.mention, own.quality) == (1.0, 0.0)
    part = count_by_rules(TEXTS[0], "The knees should bend.")
    assert (part.mention, part.quality) == (0.5, 1.0)
    nothing = opinions_by_rules([(TEXTS[0], "Well done."), (TEXTS[0], TEXTS[0])]).measured("rule")
    assert nothing["rule_m"].value == 0.5 and nothing["rule_q"].value == 1.0 and nothing["rule_q"].n == 1
    assert nothing["rule_mq"].value == 0.5 and nothing["rule_q"].signature["with-a-shared-detail"] == "0.500"


@pytest.mark.parametrize(
    ("text", "reason"),
    [('{"reference_details": 2, "both": 3, "same_opinion": 1}', "impossible_counts"), ('{"both": 1}', "no_counts"),
     ("I think two.", "no_object")],
)  # fmt: skip
def test_replies_that_cannot_be_are_unreadable(text: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read_counts(text)
    assert read_counts('{"reference_details": 4, "both": 2, "same_opinion": 1}').quality == 0.5


def test_a_judge_that_answers_nonsense_is_missing(protocol_server, tmp_path: Path) -> None:
    server = protocol_server()
    options = OpinionOptions(model="m", url=server.url, repeats=2)
    found = opinions_by_model([(TEXTS[0], TEXTS[1])], options, tmp_path / "c.sqlite")
    assert sum(found.reasons.values()) == 2 and np.isnan(found.measured("gpt")["gpt_m"].value)


@pytest.mark.parametrize(
    ("line", "told"),
    [("{", "line 1: is not valid JSON"), ('{"score": 1}', "no id"), ('{"id": "i0", "score": "high"}', "score is 'high'"),
     ('{"id": "i0", "commentary": 3}', "commentary is 3"), ('{"id": "i90"}', "1 predictions are of no instance of val"),
     ('{"id": "i0"}\n{"id": "i0"}', "predicted twice")],
)  # fmt: skip
def test_faulty_predictions_are_named(built: Path, line: str, told: str) -> None:
    (built / "p").write_text(line)
    with pytest.raises(UserError, match=told):
        match(built / "p", built, "val")


def test_scores_are_written_and_another_file_is_refused(built: Path, tmp_path: Path) -> None:
    preds = predictions(built / "p", TRUE, SUMMARIES)
    scores = score_coaching(preds, built, OPTIONS, tmp_path / "out", None)
    kept = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert kept["system"] == "mine" and kept["mention_mask"] == "oracle" and kept["coverage"]["takes"] == 4
    lines = "\n".join(describe([scores]))
    assert "constant mean" in lines and "TechCoach (trained): ρ 72.46" in lines and "CIDEr-D 14.62" in lines
    other = predictions(built / "q", TRUE[::-1], SUMMARIES)
    with pytest.raises(UserError, match="scores of something else"):
        score_coaching(other, built, OPTIONS, tmp_path / "out", None)
    score_coaching(other, built, replace(OPTIONS, metrics=SCORES), tmp_path / "out", None, redo=True)
    assert len(published_rows()) == 20 and parse(None, True)[-1] == "gpt_mq"
    with pytest.raises(UserError, match="no metric 'rho'"):
        parse("rho", False)


def test_the_command_scores_a_file(built: Path, tmp_path: Path) -> None:
    preds = predictions(built / "p.jsonl", TRUE, SUMMARIES)
    command = [
        "score",
        "--task",
        "techcoach",
        "--preds",
        str(preds),
        "--data",
        str(built),
        "--out",
        str(tmp_path / "o"),
    ]
    done = CliRunner().invoke(app, [*command, "--metrics", "spearman,bleu_1"])
    assert done.exit_code == 0 and "100.00" in done.output
    held = CliRunner().invoke(app, [*command, "--metrics", "gpt_m"])
    assert held.exit_code == 3 and "needs a judge" in held.output
