from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qevd_bio.dataset.spans import Run, dense_of, runs_of
from qevd_bio.store.errors import UserError

TEXTS = st.sampled_from(["", "", "a", "b", "Größer! 💪", " "])


def frame_by_frame(dense: list[str]) -> list[tuple[str, int, int]]:
    """The official rule, written once more as a walk over frames with a current text."""
    spans, current, start = [], "", 0
    for frame, text in enumerate(dense):
        if current and text != current:
            spans.append((current, start, frame - 1))
            current = ""
        if text and not current:
            current, start = text, frame
    return spans


def test_closed_form() -> None:
    runs, tail = runs_of(["", "a", "a", "b", "", "b", ""])
    assert runs == [Run("a", 1, 2), Run("b", 3, 3), Run("b", 5, 5)]
    assert tail is None


def test_a_span_at_the_last_frame_is_never_closed() -> None:
    runs, tail = runs_of(["a", "", "b", "b"])
    assert runs == [Run("a", 0, 0)]
    assert tail == Run("b", 2, 3)
    assert runs_of([]) == ([], None)
    assert runs_of(["a"]) == ([], Run("a", 0, 0))


@given(st.lists(TEXTS, max_size=40))
def test_agrees_with_a_walk_over_frames(dense: list[str]) -> None:
    assert [tuple(run) for run in runs_of(dense)[0]] == frame_by_frame(dense)


@given(st.lists(TEXTS, max_size=40))
def test_round_trip_from_dense(dense: list[str]) -> None:
    runs, tail = runs_of(dense)
    if tail is None:
        assert dense_of(runs, len(dense)) == dense


@given(st.data())
def test_round_trip_from_runs(data: st.DataObject) -> None:
    """Whatever the writer accepts, the reader gives back; what it refuses would have been read otherwise."""
    bounds = sorted(data.draw(st.lists(st.integers(0, 30), min_size=0, max_size=10, unique=True)))
    pairs = list(zip(bounds[::2], bounds[1::2], strict=False))
    runs = [Run(data.draw(st.sampled_from("ab")), start, end) for start, end in pairs]
    frames = data.draw(st.integers(31, 33))
    by_hand = [""] * frames
    for run in runs:
        by_hand[run.start : run.end + 1] = [run.text] * (run.end - run.start + 1)
    try:
        dense = dense_of(runs, frames)
    except UserError:
        assert runs_of(by_hand)[0] != runs
    else:
        assert dense == by_hand
        assert runs_of(dense) == (runs, None)


@pytest.mark.parametrize(
    ("runs", "problem"),
    [
        ([Run("a", 1, 2), Run("a", 3, 4)], "touches the feedback before it, which has the same text"),
        ([Run("a", 5, 9)], "lasts until the last frame (9)"),
        ([Run("a", 5, 12)], "lasts until the last frame (9)"),
        ([Run("a", 3, 4), Run("b", 4, 5)], "frames out of order"),
        ([Run("a", 4, 3)], "frames out of order"),
        ([Run("a", -1, 3)], "frames out of order"),
        ([Run("", 1, 3)], "a feedback has no text"),
    ],
)
def test_refused(runs: list[Run], problem: str) -> None:
    with pytest.raises(UserError) as error:
        dense_of(runs, 10)
    assert error.value.problem == problem
    assert f"frames {runs[-1].start}-{runs[-1].end}" in (error.value.where or "")


def test_touching_spans_with_different_texts_are_fine() -> None:
    runs = [Run("a", 1, 2), Run("b", 3, 4)]
    assert runs_of(dense_of(runs, 10))[0] == runs
