"""Whatever stands in the files: workouts, listed problems or one clear error, never anything else."""

from __future__ import annotations

import copy
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qevd_bio.dataset.opening import open_dataset
from qevd_bio.dataset.stage import write_segments
from qevd_bio.dataset.timestamps import read_timestamps
from qevd_bio.dataset.writer import write_split
from qevd_bio.store.errors import UserError
from qevd_bio.tables.workspace import Workspace

GOOD: dict[str, Any] = {
    "long_range_video_file": "./long_range_videos/0200.mp4",
    "video_timestamps": "./long_range_videos/0200_timestamps.npy",
    "feedbacks": ["", "First up are squats!", "", "Lower!", "", "", "The end!", ""],
    "feedback_timestamps": [1600000000.1, 1600000000.3, 1600000000.6],
    "is_transition": [True, False, True],
}
ODD = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.sampled_from([10**400, -1, 2**63, 1e308, float("nan"), float("inf")]),
        st.floats(),
        st.text(max_size=6),
        st.sampled_from(["../x", "/x", "a" * 5000 + "/b.mp4", "\ud800", "\x00", "x.npy", ".", "./long_range_videos"]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mutations") / "QEVD-FIT-COACH"
    (folder / "long_range_videos").mkdir(parents=True)
    times = (1_600_000_000 - 28800) * 10**9 + np.arange(8) * 100_000_000
    np.save(folder / "long_range_videos/0200_timestamps.npy", times)
    return folder


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    record = copy.deepcopy(GOOD)
    for _ in range(draw(st.integers(1, 2))):
        key = draw(st.sampled_from(sorted(GOOD)))
        value = record.get(key)
        if isinstance(value, list) and value and draw(st.booleans()):
            value[draw(st.integers(0, len(value) - 1))] = draw(ODD)
        elif draw(st.booleans()):
            record[key] = draw(ODD)
        else:
            record.pop(key, None)
    return [record, GOOD] if draw(st.booleans()) else draw(st.one_of(st.just([record]), ODD))


@given(mutated())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_annotations(folder: Path, content: Any) -> None:
    (folder / "feedbacks_long_range.json").write_text(json.dumps(content))
    dataset = open_dataset(folder)
    try:
        dataset.videos()
        summary = write_segments(dataset, Workspace(folder.parent / "outputs"))
    except UserError as error:
        assert error.where is not None
        return
    workouts = dataset.workouts(strict=False)
    assert len(workouts) + sum(problem.level == "error" for problem in summary.problems) == len(content)
    try:
        path = write_split(folder.parent / "again", workouts)
    except UserError as error:  # a key the format does not know holds NaN
        assert "cannot be written as JSON" in error.problem
    else:
        assert len(json.loads(path.read_text())) == len(workouts)


@given(st.binary(max_size=60), st.integers(0, 190), st.integers(0, 20))
@settings(max_examples=300, deadline=None)
def test_timestamp_files(tmp_path_factory: pytest.TempPathFactory, patch: bytes, at: int, cut: int) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.arange(8) * 10**8)
    data = bytearray(buffer.getvalue())
    data[at : at + len(patch)] = patch
    path = tmp_path_factory.getbasetemp() / "times.npy"
    path.write_bytes(bytes(data[: len(data) - cut]))
    try:
        times = read_timestamps(path)
    except UserError as error:
        assert error.where == str(path)
    else:
        assert times.ndim == 1 and len(times) and np.all(np.diff(times) >= 0)


def test_a_number_of_ten_thousand_digits(folder: Path) -> None:
    (folder / "feedbacks_long_range.json").write_text("[" + "1" * 10_000 + "]")
    with pytest.raises(UserError, match="not usable JSON: Exceeds the limit"):
        open_dataset(folder).videos()
