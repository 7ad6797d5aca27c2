"""The annotated video: the same length and sound, a counter and words at their time, a reference that keeps time."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from qevd_bio.cli.app import app
from typer.testing import CliRunner

from qevd_bio.anatomy.skeleton import Skeleton
from qevd_bio.drawing.picture import Layout
from qevd_bio.exercise.catalogue import get, load
from qevd_bio.reporting.film.reference import ReferenceFigure
from qevd_bio.reporting.film.stage import read_parts
from qevd_bio.reporting.film.story import Story
from qevd_bio.simulation.drawing.camera import Camera
from qevd_bio.simulation.performance.exact_motion import Plan, make_motion
from qevd_bio.simulation.sensing.exact import look
from qevd_bio.tables.kinematics import OK, Kinematics
from qevd_bio.tables.workspace import Workspace
from qevd_bio.video.film import write_film
from tests.made_rows import cycle_row

FPS, SECONDS = 20, 8.0
WIDTH, HEIGHT = 320, 240


def clip_with_sound(path: Path, frames: int, codec: str = "aac") -> None:
    """A grey video of FPS frames a second with a tone as long as itself."""
    with av.open(str(path), "w") as out:
        picture = out.add_stream("libx264", rate=FPS)
        picture.width, picture.height, picture.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        sound = out.add_stream(codec, rate=16000, layout="mono")
        for _ in range(frames):
            image = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
            out.mux(picture.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(picture.encode(None))
        wave = np.sin(np.arange(int(16000 * frames / FPS)) / 8).astype(np.float32)[None]
        for at in range(0, wave.shape[1] - 1023, 1024):
            frame = av.AudioFrame.from_ndarray((wave[:, at : at + 1024] * 9000).astype(np.int16), "s16", "mono")
            frame.sample_rate, frame.pts, frame.time_base = 16000, at, Fraction(1, 16000)
            out.mux(sound.encode(frame))
        out.mux(sound.encode(None))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a clip of shallow squats, and a workspace with what extract and analyze leave."""
    folder = tmp_path_factory.mktemp("film")
    (folder / "clips").mkdir()
    skeleton = Skeleton.from_stature(1.75)
    motion = make_motion("squats", skeleton, Plan(seconds=SECONDS, depth=0.55, cycle_s=2.2, fps=FPS))
    frames = len(motion.angles)
    clip_with_sound(folder / "clips" / "me.mp4", frames)
    camera = Camera.looking_at((0.0, 0.9, 0.0), 50.0, 3.4, focal_px=300, width=WIDTH, height=HEIGHT)
    sight = look(motion.angles, motion.root, skeleton, camera)
    landmarks = np.ones((frames, 33, 7), np.float32)
    landmarks[..., :2], landmarks[..., 2:5] = sight.pixels, sight.inside
    angles = motion.angles.astype(np.float32)
    Kinematics(
        split="videos", video="me", fps=float(FPS), frame=np.arange(frames, dtype=np.int32),
        time_s=np.arange(frames) / FPS, angles=angles, raw=angles, observed=np.ones(angles.shape, bool),
        confidence=np.ones(frames, np.float32), status=np.full(frames, OK, np.uint8),
        root=motion.root.astype(np.float32), landmarks=landmarks, skeleton_lengths=dict(skeleton.lengths()),
        meta={"view": {"heading_deg": -50.0}},
    ).write(Workspace(folder / "work").kinematics("videos", "me"))  # fmt: skip
    run("analyze", "--workspace", folder / "work", "--exercise", "squats")
    return folder


def run(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done.output


def streams(path: Path) -> tuple[list[float], list[np.ndarray], float, str]:
    """Times and pictures, seconds of sound, name of the codec."""
    with av.open(str(path)) as film:
        name = film.streams.video[0].codec_context.name
        pictures = [(float(frame.time or 0), frame.to_ndarray(format="rgb24")) for frame in film.decode(video=0)]
    with av.open(str(path)) as film:
        samples = sum(frame.samples for frame in film.decode(audio=0))
        rate = film.streams.audio[0].codec_context.rate
    return [at for at, _ in pictures], [picture for _, picture in pictures], samples / rate, name


def test_the_film_has_the_videos_length_sound_and_words(place: Path) -> None:
    said = run("show", place / "clips" / "me.mp4", "--video", "--workspace", place / "work", "-q")
    path = Path(said.split()[-1])
    assert path == place / "work" / "films" / "videos" / "me.mp4"
    times, pictures, heard, codec = streams(path)
    assert codec == "h264" and len(times) == round(SECONDS * FPS)
    np.testing.assert_allclose(times, np.arange(len(times)) / FPS, atol=1e-3)
    assert heard == pytest.approx(SECONDS, abs=0.15)
    at = Layout.of(WIDTH, HEIGHT)
    assert pictures[0].shape == (at.size[1], at.size[0], 3)
    words = (slice(at.height, None), slice(at.width // 2, None))
    spoken = [picture[words][: at.band // 2].max() > 180 for picture in pictures]
    assert not any(spoken[: 2 * FPS]) and any(spoken)  # nothing before the first repetition is over


def test_the_story_counts_when_a_repetition_ends_and_speaks_when_it_is_known(place: Path) -> None:
    work = Workspace(place / "work")
    kinematics = Kinematics.read(work.kinematics("videos", "me"))
    from qevd_bio.dataset.items import VideoItem

    video = VideoItem("videos", "me", place / "clips" / "me.mp4")
    (part,) = read_parts(work.motion_parts("videos", "me"), video, load())
    story = Story(kinematics, [part])
    assert len(part.cycles) == 3
    first = part.cycles[0]
    assert story.scene(first.end_s - 0.05).count == 0 and story.scene(first.end_s + 0.05).count == 1
    assert story.scene(0.0).state == "waiting" and story.scene(first.key_s).state == "counting"
    scene = story.scene(first.key_s)
    assert scene.dial is not None and scene.dial.value == pytest.approx(first.amplitude_deg + 5, abs=12)
    assert scene.marks["knee_r"] == "broken"
    assert story.scene(first.reported_s - 0.05).sentence == ""
    assert "nee flexion" in story.scene(first.reported_s + 0.05).sentence
    assert story.scene(SECONDS + 5).landmarks is None
    row = int(np.argmin(np.abs(kinematics.time_s - first.key_s)))
    between = story.scene(float(kinematics.time_s[row : row + 2].mean())).landmarks
    assert between is not None and kinematics.landmarks is not None
    np.testing.assert_allclose(between[:, :2], kinematics.landmarks[row : row + 2, :, :2].mean(axis=0), atol=1e-2)


def test_the_reference_performs_in_time(place: Path) -> None:
    layout = Layout.of(WIDTH, HEIGHT, reference=True)
    signal = get("squats").signal.expression
    figure = ReferenceFigure(get("squats"), place / "work" / "refs", signal, -50.0, layout)
    cycle = cycle_row(start_s=2.0, key_s=2.5, end_s=4.0)
    assert figure.share(cycle, 2.0) == 0.0 and figure.share(cycle, 4.0) == 1.0
    assert figure.share(cycle, 2.5) == pytest.approx(0.5, abs=0.1)  # the squat's bottom, though it came early
    rest, bottom = figure.at(None, 0.0), figure.at(cycle, 2.5)
    assert rest.shape == (layout.height, layout.beside, 3)

    def top(picture: np.ndarray) -> int:
        """First row with the shirt's blue, in the middle of the picture."""
        middle = picture[:, layout.beside // 3 : -layout.beside // 3].astype(int)
        return int(np.argmax((middle[..., 2] - middle[..., 1] > 40).any(axis=1)))

    assert top(bottom) > top(rest) + layout.height // 10
    feet = rest[-layout.height // 6 :].astype(int)
    assert (np.ptp(feet, axis=(0, 1)) > 60).any()  # they are in the picture
    path = Path(
        run("show", place / "clips" / "me.mp4", "--with-reference", "--workspace", place / "work", "-q").split()[-1]
    )
    _, pictures, _, _ = streams(path)
    assert pictures[0].shape[:2] == layout.size[::-1]


def test_sound_that_an_mp4_does_not_hold_is_encoded_again(tmp_path: Path) -> None:
    source = tmp_path / "pcm.mkv"
    clip_with_sound(source, 40, "pcm_s16le")
    pictures = ((n / FPS, np.zeros((64, 64, 3), np.uint8)) for n in range(40))
    assert write_film(tmp_path / "out.mp4", pictures, FPS, sound=source) == 40
    _, _, heard, _ = streams(tmp_path / "out.mp4")
    assert heard == pytest.approx(2.0, abs=0.15)
    with pytest.raises(ValueError, match="no pictures"):
        write_film(tmp_path / "none.mp4", iter(()), FPS)
    assert not (tmp_path / "none.mp4").exists()


def test_a_video_that_is_not_there_is_one_message(place: Path) -> None:
    done = CliRunner().invoke(app, ["show", "videos/me", "--video", "--workspace", str(place / "work")])
    assert done.exit_code == 2 and "--data FOLDER" in done.output and "Traceback" not in done.output
