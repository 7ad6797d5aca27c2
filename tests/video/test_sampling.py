from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qevd_bio.video.orient import Orientation, orientation, pad_square
from qevd_bio.video.sampling import at_indices, at_rate, every_nth, indices_at_rate


def test_sixteen_a_second_from_thirty() -> None:
    """0, then the first frame at or after 1/16 s (frame 2 at 66.7 ms), after 2/16 s (frame 4 at 133.3 ms), …"""
    taken = indices_at_rate(np.arange(31) / 30, 16)
    assert taken.tolist() == [0, 2, 4, 6, 8, 10, 12, 14, 15, 17, 19, 21, 23, 25, 27, 29, 30]


def test_a_gap_is_caught_up_frame_by_frame() -> None:
    times = [0.0, 0.1, 1.0, 1.01, 1.02, 1.03, 2.0]
    assert indices_at_rate(times, 4).tolist() == [0, 2, 3, 4, 5, 6]


@given(
    st.lists(st.floats(0.001, 0.3), min_size=1, max_size=80),
    st.sampled_from([2.0, 4.0, 16.0, 30.0]),
    st.floats(0, 1e3),
)
def test_rate_agrees_with_the_rule_in_words(steps: list[float], fps: float, zero: float) -> None:
    """The k-th frame taken is the first one, after those taken before, whose time has reached zero + k/fps."""
    times = zero + np.cumsum(steps)
    expected: list[int] = []
    target = times[0]
    while True:
        later = [i for i in range(expected[-1] + 1 if expected else 0, len(times)) if times[i] >= target]
        if not later:
            break
        expected.append(later[0])
        target += 1.0 / fps
    assert indices_at_rate(times, fps).tolist() == expected


def test_every_nth_and_indices() -> None:
    assert [i for i in range(10) if every_nth(4)(i, 0.0)] == [0, 4, 8]
    assert [i for i in range(10) if at_indices([7, 2])(i, 0.0)] == [2, 7]
    with pytest.raises(ValueError, match="n must be at least 1"):
        every_nth(0)
    with pytest.raises(ValueError, match="fps must be positive"):
        at_rate(float("nan"))


def test_quarter_turns() -> None:
    image = np.arange(6, dtype=np.uint8).reshape(2, 3, 1)
    assert Orientation(1).apply(image)[..., 0].tolist() == [[3, 0], [4, 1], [5, 2]]
    assert Orientation(2).apply(image)[..., 0].tolist() == [[5, 4, 3], [2, 1, 0]]
    assert Orientation(3).size(10, 4) == (4, 10)
    for turns in range(4):
        assert Orientation(turns).apply(image).shape[1::-1] == Orientation(turns).size(3, 2)
        assert Orientation(turns).apply(image).flags.c_contiguous


def test_lying_videos_are_turned_clockwise_and_padded() -> None:
    image = np.array([[[1], [2], [3], [4]], [[5], [6], [7], [8]]], dtype=np.uint8)
    upright = orientation(0, lying=True).apply(image)[..., 0]
    assert upright.tolist() == [[0, 5, 1, 0], [0, 6, 2, 0], [0, 7, 3, 0], [0, 8, 4, 0]]
    assert orientation(90, lying=True) == Orientation(2, square=True)
    with pytest.raises(ValueError, match="multiple of 90"):
        orientation(45)


def test_an_odd_border_goes_right_and_below() -> None:
    assert pad_square(np.ones((3, 2, 1), np.uint8))[..., 0].tolist() == [[1, 1, 0]] * 3
    assert pad_square(np.ones((2, 3, 1), np.uint8))[..., 0].tolist() == [[1, 1, 1], [1, 1, 1], [0, 0, 0]]
