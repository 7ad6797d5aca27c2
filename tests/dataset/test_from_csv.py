"""`qevd-bio dataset from-csv`: what is written reads back as the same feedback, and each bad row is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from qevd_bio.cli.app import app
from typer.testing import CliRunner

from qevd_bio.dataset.opening import open_dataset
from qevd_bio.simulation.drawing.mp4 import write_mp4


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    for name in ("0003", "evening"):
        write_mp4(tmp_path / "clips" / f"{name}.mp4", iter(np.zeros((150, 32, 32, 3), np.uint8)), 15)
    return tmp_path / "clips"


def convert(clips: Path, text: str, out: str = "data") -> tuple[int, str]:
    table = clips.parent / "feedback.csv"
    table.write_text(text, encoding="utf-8")
    words = ["dataset", "from-csv", table, "--videos", clips, "--out", clips.parent / out, "-q"]
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert "Traceback" not in done.output
    return done.exit_code, done.output


ROWS = """video,time,text,exercise
0003.mp4,6.0,"Nice, even pace",push-ups
0003,2.0,Go lower,squat
0003,2.3,Go lower,squats
evening,0,Arms up,jumping jack
"""


def test_the_rows_read_back_as_segments_with_their_feedback(clips: Path) -> None:
    code, said = convert(clips, ROWS)
    assert code == 0 and "2 videos, 4 feedbacks" in said
    data = open_dataset(clips.parent / "data")
    assert data.problems() == []
    found = {(s.video, s.exercise_id): s for s in data.segments()}
    assert set(found) == {("v0003", "squats"), ("v0003", "push_ups"), ("evening", "jumping_jacks")}
    squats = found["v0003", "squats"].feedbacks
    assert [f.text for f in squats] == ["Go lower", "Go lower"]
    assert squats[0].span.start_s == pytest.approx(2.0, abs=0.07)  # the second one follows as soon as it can
    assert squats[1].span.start_s > squats[0].span.end_s
    assert [f.text for f in found["v0003", "push_ups"].feedbacks] == ["Nice, even pace"]
    assert found["evening", "jumping_jacks"].feedbacks[0].span.start_s < 0.6
    assert not any(item.lies_on_side for item in data.videos())  # 0003 would be one of QEVD's early videos


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("video,time,text\n0003,1,x\n", "no column exercise"),
        ("video,time,text,exercise\n0003,soon,Go,squats\n", "line 2: 'soon' is no time"),
        ("video,time,text,exercise\n0003,1,,squats\n", "line 2: no text"),
        ("video,time,text,exercise\n0003,1,Go,sqats\n", "unknown exercise 'sqats'"),
        ("video,time,text,exercise\n0004,1,Go,squats\n", "no video '0004'"),
        ("video,time,text,exercise\n0003,11,Go,squats\n", "no room for a feedback in a video of 9.9 s"),
        ("video,time,text,exercise\n", "holds no feedback"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_written(clips: Path, rows: str, message: str) -> None:
    code, said = convert(clips, rows)
    assert code == 2 and message in " ".join(said.split())
    assert not (clips.parent / "data").exists()


def test_a_folder_in_use_is_left_alone(clips: Path) -> None:
    assert convert(clips, ROWS)[0] == 0
    code, said = convert(clips, ROWS)
    assert code == 2 and "is not empty" in said
