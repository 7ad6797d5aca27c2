"""The published system prompts, filled for a segment or a whole workout."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from qevd_bio.store.plain_data import read_yaml
from qevd_bio.store.resources import prompts_path

UNKNOWN_EXERCISE = "exercises"
NOTHING_SAID = "(nothing)"
"""Stands in a prompt where an earlier turn said nothing."""


def segment_prompt(exercise: str) -> str:
    """System prompt of one exercise segment; `exercise` as the official reader names it."""
    return published("segment").replace("<1>", exercise or UNKNOWN_EXERCISE)


def workout_prompt(exercises: Sequence[str]) -> str:
    """System prompt of a whole workout, its exercises numbered in order."""
    listed = "; ".join(f"{number}) {name}" for number, name in enumerate(exercises, start=1))
    return published("workout").replace("<1>", listed)


def turn_question(prompt: str, seconds: float, said: Sequence[str]) -> str:
    """What a turn-based model is asked (QEVD, App. E.3); `prompt` is the segment's, with which the question begins."""
    asked = str(_turn_texts()["vision"])
    _, _, rest = asked.partition("<exercise>")
    heard = "\n".join(said) or NOTHING_SAID
    return prompt.removesuffix(".") + rest.replace("<seconds>", f"{seconds:g}").replace("<said>", heard)


def published(name: str) -> str:
    """One of the texts of `prompts/published/stream_vlm_system.yaml`."""
    return _texts()[name]


@cache
def _turn_texts() -> dict[str, str]:
    texts = read_yaml(prompts_path("published", "baselines.yaml"))
    return {str(key): str(value) for key, value in texts.items()}


@cache
def _texts() -> dict[str, str]:
    texts = read_yaml(prompts_path("published", "stream_vlm_system.yaml"))
    return {str(key): str(value) for key, value in texts.items()}
