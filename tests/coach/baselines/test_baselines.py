"""Baselines: what they say and when, and what turn-based models are asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qevd_bio.coach.baselines.classes import ClassHead, lines_of, read_labels
from qevd_bio.coach.baselines.options import BASELINES, VISION_MODELS, BaselineOptions
from qevd_bio.coach.baselines.scripted import activities, copy_context, first_issue
from qevd_bio.coach.baselines.stage import write_baseline
from qevd_bio.coach.baselines.turns import Talk, hold_talks, plain, socratic_prompt, vision_prompt, window_frames
from qevd_bio.dataset.opening import open_dataset
from qevd_bio.motion.context import Issue, Motion, write_motion
from qevd_bio.store.errors import UserError
from qevd_bio.tables.workspace import Workspace
from tests.coach.conftest import Endpoint

KNEE = Issue("r", "knee flexion", "insufficient", 85.0, 90.0, "deg")
HIP = Issue("l", "hip flexion", "insufficient", 70.0, 90.0, "deg")
TIMES = [0.25 * (1 + step) for step in range(40)]


def motions() -> list[str]:
    """A repetition every 2 s: the first and third with a faulty knee, the fourth with hip and knee."""
    issues: tuple[tuple[Issue, ...], ...] = ((), (KNEE,), (), (KNEE,), (HIP, KNEE), ())
    return [
        write_motion(Motion(cycles=int(time / 2), last_s=2.0, score=0.9, issues=issues[int(time / 2)]))
        for time in TIMES
    ]


def test_copy_context_reads_out_the_gravest_issue() -> None:
    knee = "Right knee flexion insufficient (85° detected, 90° required)."
    hip = "Left hip flexion insufficient (70° detected, 90° required)."
    assert first_issue(motions()[-5]) == hip
    assert copy_context(TIMES, motions(), 0.0) == [(2.0, knee), (6.0, knee), (8.0, hip)]
    assert copy_context(TIMES, motions(), 4.0) == [(2.0, knee), (6.0, knee)]
    assert copy_context([], [], 4.0) == []


def test_activities_say_each_second_what_the_motion_context_knows() -> None:
    lines = activities(TIMES, motions())
    assert [time for time, _ in lines] == [float(second) for second in range(1, 11)]
    said = [text for _, text in lines]
    assert said[0] == "The user is doing the exercise." and said[3] == "The user has good form."
    assert said[1].startswith("Right knee flexion insufficient") and said[7].startswith("Left hip flexion")


@pytest.mark.parametrize(("name", "turn", "count"), [
    ("instructblip", 3, 1), ("video-llava", 3, 8), ("video-llama", 3, 8),
    ("video-chatgpt", 3, 60), ("llava-next", 3, 24), ("llama-vid", 3, 60), ("llava-next", 1, 8),
])  # fmt: skip
def test_frames_of_the_six_models(name: str, turn: int, count: int) -> None:
    times = np.arange(0, 30, 1 / 30)
    chosen = window_frames(times, 4.0, turn, VISION_MODELS[name])
    assert len(chosen) == count
    assert times[chosen[-1]] == pytest.approx(4.0 + 5 * turn, abs=0.04) and times[chosen[-1]] <= 4.0 + 5 * turn + 1e-6
    begin = 4.0 if VISION_MODELS[name].accumulate else 4.0 + 5 * (turn - 1)
    assert times[chosen[0]] >= begin


def test_prompts_hold_history_and_windows() -> None:
    talk = Talk("k", "squats", 16.0, None, [(1.0, "one"), (6.0, "six"), (10.0, "<said> ten")], [(5.0, "Lower!")])
    text = socratic_prompt(talk, 2)
    before, after = text.split("Latest user activity:")
    assert "Timestep: 1.00 – one" in before and "Timestep: 5.00 – Lower!" in before
    assert "Timestep: 6.00 – six" in after and "Timestep: 10.00 – <said> ten" in after and "one" not in after
    vision = vision_prompt(talk, 2)
    assert "over the last 5 seconds:\nLower!" in vision and "The user should be doing squats" in vision
    assert talk.turns == 3
    assert plain('\n Response: "Well done!"\nMore.') == "Well done!"


def test_turns_are_asked_in_order_with_what_was_said(endpoint: Endpoint) -> None:
    talk = Talk("s/v/0", "squats", 10.5, None, activities(TIMES, motions()))
    hold_talks([talk], BaselineOptions(url=endpoint.url, llm="m"))
    assert talk.said == [(5.0, "Reply 1."), (10.0, "Reply 2.")] and not talk.silent
    assert "Timestep: 5.00 – Reply 1." in endpoint.asked[1]["messages"][0]["content"]


def test_a_reply_without_words_is_a_silent_turn_and_no_reply_breaks_the_talk_off(endpoint: Endpoint) -> None:
    endpoint.answer = lambda body: "" if "10.00" in str(body) and "15.00" not in str(body) else "Go!"
    talk = Talk("s/v/0", "squats", 15.5, None, [(10.0, "ten"), (15.0, "fifteen")])
    hold_talks([talk], BaselineOptions(url=endpoint.url, llm="m"))
    assert talk.said == [(5.0, "Go!"), (15.0, "Go!")] and talk.silent == {"empty": 1} and talk.broken is None
    endpoint.answer = lambda body: None if "10.00" in str(body) else "Go!"
    talk = Talk("s/v/0", "squats", 15.5, None, [(10.0, "ten"), (15.0, "fifteen")])
    hold_talks([talk], BaselineOptions(url=endpoint.url, llm="m"))
    assert talk.said == [(5.0, "Go!")] and talk.broken is not None and talk.broken.reason == "turn_unanswered"
    assert "turn 2 of 3 got no reply (refused_request" in talk.broken.detail


def test_faults_are_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.mp4").write_bytes(b"")
    data, room, out = open_dataset(tmp_path / "data"), Workspace(tmp_path / "w"), tmp_path / "x.jsonl"
    with pytest.raises(UserError, match="no baseline 'x'"):
        write_baseline("x", data, room, out)
    with pytest.raises(UserError, match="socratic asks a language model, and none is named"):
        write_baseline("socratic", data, room, out)
    with pytest.raises(UserError, match=r"rules reads what analyze writes[\s\S]*qevd-bio analyze"):
        write_baseline("rules", data, room, out)
    asked = BaselineOptions(url="http://127.0.0.1:9/v1", llm="m")
    with pytest.raises(UserError, match=r"told the classes of the 3D CNN[\s\S]*--vision-weights FILE"):
        write_baseline("socratic", data, room, out, asked)
    with pytest.raises(UserError, match=r"socratic-context reads what analyze writes[\s\S]*qevd-bio analyze"):
        write_baseline("socratic-context", data, room, out, asked)
    with pytest.raises(UserError, match=r"--llm-local with zero-shot-video-llava[\s\S]*sees no pictures"):
        write_baseline("zero-shot-video-llava", data, room, out, BaselineOptions(local="smollm2"))
    assert len(set(BASELINES)) == 11 and not out.exists()


def test_classes_become_a_line_a_second() -> None:
    head = ClassHead(np.eye(3, 8, dtype=np.float32), np.zeros(3, np.float32), ("squats - fast", "", "plank"), "w")
    features = np.zeros((10, 35, 8), np.float32)
    features[:4, :, 0], features[4:8, :, 1], features[4:8, :, 2] = 5, 9, 3
    features[8:] = -4
    chances = head.chances(features)
    assert np.allclose(chances.sum(1), 1) and not chances[:, 1].any()  # a class without a name is no activity
    assert chances[0, 0] == pytest.approx(1 / (1 + np.exp(-5)))
    lines = lines_of(0.25 * (1 + np.arange(10)), chances, head.names)
    assert lines == [(1.0, "The user is doing squats: fast."), (2.0, "The user is doing plank.")]
    assert lines_of(np.zeros(0), np.zeros((0, 3)), head.names) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 3}', "'a' has the class 3"),
        ('{"a": true}', "'a' has the class True"),
        ("{}", "names no class"),
        ("{", "is not valid JSON"),
        (None, "no such file"),
    ],
)
def test_faulty_labels_are_explained(text: str | None, message: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "label2int.json").write_text(text)
    with pytest.raises(UserError, match=message):
        read_labels(tmp_path / "label2int.json", 3)
    (tmp_path / "label2int.json").write_text('{"b": 0, "a": 0, "c d": 2}')
    assert read_labels(tmp_path / "label2int.json", 3) == ("a", "", "c d")
