"""A C_morph that is the same in all videos is told: nothing can be learnt from it."""

from __future__ import annotations

from typing import Any, cast

import pytest

pytest.importorskip("torch")

from qevd_bio.coach.training.examples import Example, same_body


def example(group: str, *morphs: tuple[int, ...]) -> Example:
    return Example(f"{group}/0", group, cast(Any, None), cast(Any, None), morphs)


def test_one_body_in_all_videos_is_told() -> None:
    assert same_body([example("a", (1, 2)), example("b", (1, 2))])
    assert not same_body([example("a", (1, 2)), example("b", (1, 3))])


def test_one_video_or_no_morphology_is_no_reason() -> None:
    assert not same_body([example("a", (1, 2)), example("a", (1, 2))])
    assert not same_body([example("a"), example("b")])
    assert not same_body([])
