"""`qevd-bio coach live`: the same words as offline, real pose model and figures, pace, drops, pictures, bad input."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import av
import numpy as np
import pytest
from qevd_bio.cli.app import app
from typer.testing import CliRunner

from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.coach.live import source as live_source
from qevd_bio.coach.live.model import LiveModel
from qevd_bio.coach.live.options import LiveOptions
from qevd_bio.coach.live.screen import steady, write
from qevd_bio.coach.live.session import Session, coach_live
from qevd_bio.coach.live.source import CameraSource, FileSource, LiveFrame
from qevd_bio.coach.live.stage import until_interrupted
from qevd_bio.coach.live.voice import Voice, find_voice
from qevd_bio.coach.options import GenerateOptions
from qevd_bio.coach.segments.data import SegmentInput, SegmentOutput
from qevd_bio.coach.streaming.decoding import Streamer
from qevd_bio.drawing.letters import plain, wrapped
from qevd_bio.drawing.picture import Layout
from qevd_bio.drawing.scene import Scene
from qevd_bio.simulation.drawing.camera import Camera
from qevd_bio.simulation.drawing.mp4 import write_mp4
from qevd_bio.simulation.drawing.render import render_clip
from qevd_bio.simulation.performance.exact_motion import Plan, make_motion
from qevd_bio.store.errors import UserError
from tests.coach.conftest import MakeCoach
from tests.coach.made_data import SPLIT, write_videos

MakeSegment = Callable[..., SegmentInput]
HZ = 15


@pytest.fixture(scope="session")
def squats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn figure that does squats half as deep as they should be, in 2.2 s each."""
    skeleton = Skeleton.from_stature(1.75)
    motion = make_motion("squats", skeleton, Plan(seconds=6.0, depth=0.5, cycle_s=2.2))
    angles, root = motion.angles[::2], motion.root[::2]
    path = tmp_path_factory.mktemp("live") / "squats.mp4"
    camera = Camera.looking_at((0.0, 0.9, 0.0), 35.0, distance=3.4)
    write_mp4(path, render_clip(angles, skeleton, root, camera), HZ)
    return path


def live(*args: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["coach", "live", *map(str, args)])
    assert "Traceback" not in result.output
    return result.exit_code, result.output


def pictures(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@pytest.mark.usefixtures("pose_model")
def test_rules_tell_a_drawn_figure_to_go_lower(squats: Path, tmp_path: Path) -> None:
    out = tmp_path / "coached.mp4"
    code, text = live(squats, "--exercise", "squats", "--fast", "--debug", "--out", out, "--workspace", tmp_path / "ws")
    assert code == 0, text
    said = re.findall(r"^00:(\d\d\.\d)  (.+)$", text, re.MULTILINE)
    assert said and "nee flexion" in said[0][1] and "Bend the knees" in said[0][1]
    assert 2.0 < float(said[0][0]) < 5.5  # the first repetition ends at about 3.3 s
    assert re.search(r"\d+ frames looked at, 0 dropped; a step took \d+ ms", text)
    before, after = pictures(squats), pictures(out)
    assert len(after) == len(before)
    height, width = before[0].shape[:2]
    assert after[0].shape[:2] == Layout.of(width, height).size[::-1]
    spoken = min(round((float(said[0][0]) + 0.3) * HZ), len(after) - 1)
    words = (slice(height, None), slice(width // 3, None))
    assert after[5][words].max() < 150 and after[spoken][words].max() > 200  # nothing was said yet; now there is
    assert (np.abs(after[spoken][:height].astype(int) - before[spoken]) > 60).mean() > 0.005  # the skeleton
    assert re.search(r"1 squat, 1 feedbacks|2 squats, \d feedbacks", text)


@pytest.mark.parametrize("kind", ["biocoach", "stream-vlm"])
def test_step_by_step_says_what_a_run_says(kind: str, make_coach: MakeCoach, make_segment: MakeSegment) -> None:
    coach = make_coach(kind, seed=1 if kind == "biocoach" else 6)
    options = GenerateOptions(timing="corrected", max_tokens=5, rows=1)
    for number in range(3):
        segment = make_segment(number, 24)
        (found,) = Streamer(coach, options).run([segment])
        assert isinstance(found, SegmentOutput)
        model, said = LiveModel(coach, segment.prompt, options), []
        for step in range(24):
            words = model.step(segment.features[step], float(segment.times[step]), segment.motion[step], segment.morph[step])  # fmt: skip
            assert all(time <= segment.times[step] for time, _ in words)
            said += words
        offline = [(one.time_s, one.text) for one in found.feedbacks]
        # A feedback that the end of the segment cut short is said live when the video goes on.
        assert said == offline[: len(said)] and len(offline) - len(said) <= 1
    assert said


def test_a_session_longer_than_the_model_reads_begins_again(make_coach: MakeCoach, make_segment: MakeSegment) -> None:
    coach = make_coach("stream-vlm", seed=6)
    coach.model.causal_lm.config.max_position_embeddings = 60
    segment = make_segment(0, 120, contexts=False)
    model = LiveModel(coach, segment.prompt, GenerateOptions(max_tokens=5))
    said = [words for step in range(120) for words in model.step(segment.features[step], step / 4, "", "")]
    assert max(time for time, _ in said) > 20


def test_an_untrained_model_watches_a_video_through_the_3d_cnn(tmp_path: Path) -> None:
    video = write_videos(tmp_path) / SPLIT / "long_range_videos" / "0200.mp4"
    args = (video, "--exercise", "squats", "--workspace", tmp_path / "ws", "--fast", "--seconds", "2", "--out", tmp_path / "o.mp4")  # fmt: skip
    code, text = live(*args, "--model", "tiny-stream-vlm")
    assert code == 2 and "--weights FILE with the 3D CNN" in text
    code, text = live(*args, "--debug", "--model", "tiny-stream-vlm", "--weights", "random")
    assert code == 0 and "is untrained" in text and "10 frames looked at" in text
    assert len(pictures(tmp_path / "o.mp4")) == 10


class Slow:
    """A coach that takes its time."""

    stepped = True

    def __init__(self, seconds: float) -> None:
        self.seconds, self.seen = seconds, list[int]()

    def see(self, frame: LiveFrame) -> list[tuple[float, str]]:
        self.seen.append(frame.index)
        time.sleep(self.seconds)
        return [(frame.time_s, f"frame {frame.index}")]

    def scene(self, now: float) -> Scene:
        return Scene(unit="frames", count=float(len(self.seen)))


def test_a_file_keeps_its_pace_and_late_frames_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_mp4(path, iter(np.zeros((24, 32, 48, 3), np.uint8)), 16)
    slow, session, lines = Slow(0.2), Session(), list[str]()
    start = time.monotonic()
    shown = list(coach_live(FileSource(path, False), slow, LiveOptions(late_s=0.1), session, lines.append))
    assert time.monotonic() - start > 1.4 and len(shown) == 24  # every frame is shown
    assert session.dropped == 24 - session.looked_at > 8 and len(slow.seen) == session.looked_at
    assert lines[0] == "00:00.0  frame 0" and min(session.latencies) >= 0.2
    fast = Session()
    list(coach_live(FileSource(path, True), Slow(0.0), LiveOptions(fast=True), fast, lines.append))
    assert (
        (fast.looked_at, fast.dropped) == (24, 0)
        and "0 dropped" in fast.describe(True)
        and "dropped" not in fast.describe()
    )


def test_ctrl_c_ends_a_session_and_keeps_its_recording(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_mp4(path, iter(np.zeros((24, 32, 48, 3), np.uint8)), 16)

    class Impatient(Slow):
        def see(self, frame: LiveFrame) -> list[tuple[float, str]]:
            if frame.index == 9:
                signal.raise_signal(signal.SIGINT)
            return []

    before = signal.getsignal(signal.SIGINT)
    with until_interrupted() as ended:
        session, source = Session(), FileSource(path, True)
        shown = coach_live(source, Impatient(0.0), LiveOptions(fast=True), session, print, ended)
        write(shown, tmp_path / "out.mp4", source.hz)
        source.close()
    assert session.frames == 10 and len(pictures(tmp_path / "out.mp4")) == 10
    assert signal.getsignal(signal.SIGINT) is before


def test_a_camera_gives_its_newest_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    class Camera:
        count, released = 0, False

        def read(self) -> tuple[bool, np.ndarray]:
            self.count += 1
            time.sleep(0.01)
            return self.count <= 40, np.full((4, 4, 3), (self.count, 0, 0), np.uint8)

        def release(self) -> None:
            self.released = True

    camera = Camera()
    monkeypatch.setattr(live_source, "_open_camera", lambda number: camera)
    source = CameraSource(0, LiveOptions())
    frames: list[LiveFrame] = []
    with pytest.raises(UserError, match="camera 0 gives no more frames"):
        for frame in source:
            frames.append(frame)
            time.sleep(0.05)
    source.close()
    assert camera.released and 3 <= len(frames) < 20
    assert len(frames) + source.dropped == 40
    assert [int(frame.image[0, 0, 2]) for frame in frames] == [frame.index + 1 for frame in frames]  # BGR turned to RGB


@pytest.mark.usefixtures("pose_model")
def test_a_clip_plays_through_a_virtual_camera(squats: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cv2 = pytest.importorskip("cv2")

    class VirtualCamera:
        """A file that is read as a camera is: each frame when it is due."""

        def __init__(self, number: int) -> None:
            assert number == 0
            self.file, self.start, self.count = cv2.VideoCapture(str(squats)), time.monotonic(), 0

        def read(self) -> tuple[bool, np.ndarray]:
            self.count += 1
            time.sleep(max(self.start + self.count / HZ - time.monotonic(), 0.0))
            fine, image = self.file.read()
            if not fine:  # over and over: a camera has no end
                self.file = cv2.VideoCapture(str(squats))
                fine, image = self.file.read()
            return fine, image

        def release(self) -> None:
            self.file.release()

    monkeypatch.setattr(live_source, "_open_camera", VirtualCamera)
    out = tmp_path / "camera.mp4"
    code, text = live(0, "--exercise", "squats", "--countdown", 1, "--seconds", 3.5, "--debug", "--late", 5, "--out", out,
                      "--workspace", tmp_path / "ws")  # fmt: skip
    assert code == 0 and re.search(r"frames looked at, \d+ dropped", text)
    made = pictures(out)
    height = pictures(squats)[0].shape[0]
    assert made[3][:height].max() > 230  # the countdown's number
    assert len(made) > 60  # at 30 a second


def test_pictures_come_at_an_even_rate() -> None:
    def shown(times: list[float]) -> list[int]:
        made: Iterator[tuple[float, np.ndarray]] = ((t, np.full((2, 2, 3), n, np.uint8)) for n, t in enumerate(times))
        return [int(picture[0, 0, 0]) for picture in steady(made, 10.0)]

    assert shown([0.0, 0.1, 0.2]) == [0, 1, 2]
    assert shown([0.0, 0.3, 0.4]) == [0, 0, 0, 1, 2]  # a gap: the last one stays
    assert shown([0.0, 0.02, 0.1, 0.12, 0.2]) == [1, 3, 4]  # too many: the newest of each tenth
    assert shown([]) == []


def test_words_are_wrapped_and_harmless() -> None:
    assert wrapped("one two three", len, 7, 4) == ["one two", "three"]
    assert wrapped("extraordinarily", len, 5, 4) == ["extra"]
    assert wrapped("a b c d e f", len, 1, most=3) == ["a", "b", "c …"]
    assert plain("go\x1b[31m \u202elower\n\tnow") == "go [31m lower now"


def test_a_countdown_comes_before_the_coach_looks(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_mp4(path, iter(np.zeros((32, 96, 64, 3), np.uint8)), 16)
    slow, session = Slow(0.0), Session()
    options = LiveOptions(fast=True, countdown_s=1.0, seconds=0.5)
    with closing(FileSource(path, True)) as source:
        shown = list(coach_live(source, slow, options, session, print))
    assert slow.seen[0] == 16 and len(shown) == 24  # a second of countdown, half a second of session
    assert shown[0][1][:90].max() > 200 and shown[20][1][:90].max() == 0  # the number in the picture, then no more


def test_the_voice_gets_its_words_by_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = tmp_path / "heard.txt"
    program = tmp_path / "espeak-ng"
    program.write_text(f'#!/bin/sh\ncat >> "{heard}"; echo " [$*]" >> "{heard}"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    voice = Voice(find_voice())
    voice.say("Go lower; $(rm -rf x) `id`")
    voice.close()
    assert heard.read_text() == "Go lower; $(rm -rf x) `id` [--stdin]\n"
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    with pytest.raises(UserError, match="no voice"):
        find_voice()


def test_what_is_not_there_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cv2")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    out = ("--out", tmp_path / "o.mp4", "--workspace", tmp_path)
    code, text = live(63, "--exercise", "squats", *out)
    assert code == 2 and "no camera 63" in text
    code, text = live(tmp_path / "no.mp4", "--exercise", "squats", *out)
    assert code == 2 and "no such file" in text and "number of a camera" in text
    (tmp_path / "text.mp4").write_text("no video")
    code, text = live(tmp_path / "text.mp4", "--exercise", "squats", *out)
    assert code == 2 and "text.mp4" in text and "a video file that can be decoded" in text
    code, text = live(tmp_path / "text.mp4", "--exercise", "sqats", *out)
    assert code == 2 and "squats" in text
    code, text = live(tmp_path / "text.mp4", "--exercise", "squats")
    assert code == 2 and "no display to open a window on" in text and "--out FILE.mp4" in text
    assert not (tmp_path / "o.mp4").exists()
