"""Published prompts: the exact wording, and the paper's text where the papers are at hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from qevd_bio.coach.model.prompts import published, segment_prompt, workout_prompt


def test_the_prompts_of_a_segment_and_a_workout() -> None:
    assert segment_prompt("squats") == (
        "You are an expert fitness coaching AI who coaches users as they exercise. You assess their performance, "
        "count repetitions, and proactively provide feedback. The user should be doing squats."
    )
    assert workout_prompt(["squats", "high knees"]) == (
        "You are an expert fitness coaching AI guiding a user through a workout and coaching them as they exercise. "
        "You assess their performance, count repetitions, and proactively provide feedback.\n"
        "Guide the user through the following exercises: 1) squats; 2) high knees.\n"
        "Each exercise should be done for 30 seconds."
    )


def test_the_prompts_are_the_paper_s(shared: Callable[..., Path]) -> None:
    paper = next(shared("seeds").glob("002*.txt")).read_text(encoding="utf-8")
    flat = re.sub(r"\s+", " ", paper)
    for name in ("short_clip", "long_range", "short_clip_request"):
        assert published(name) in flat
    assert published("segment").replace("<1>.", "· · ·") in flat
