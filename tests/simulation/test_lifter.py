"""The lifter: lessons of simulated bodies, a network that numpy runs as torch does, a fit that takes its bones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from qevd_bio.anatomy.dofs import DOF_INDEX
from qevd_bio.pose.fit.clip import FitResult, fit_clip
from qevd_bio.pose.fit.lifter import N_BONES, N_INPUTS, N_OUTPUTS, WIDTH, forward, inputs_of, read_lifter
from qevd_bio.pose.fit.options import FitOptions
from qevd_bio.pose.fit.seen import SeenClip
from qevd_bio.simulation.lifter.bodies import WINDOW, Lesson, lessons, motions
from qevd_bio.store.errors import UserError
from tests.pose.seen import SIZE, landmarks_of, squats

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def made() -> list[Lesson]:
    return list(lessons(motions(5, 1, ("squats", "push_ups")), 12, np.random.default_rng(3)))


def test_lessons_are_whole_and_their_truth_is_a_body(made: list[Lesson]) -> None:
    for lesson in made:
        assert lesson.inputs.shape == (WINDOW, N_INPUTS) and np.isfinite(lesson.inputs).all()
        bones = np.linalg.norm(lesson.bones.reshape(WINDOW, N_BONES, 3), axis=-1)
        # thighs and shanks in statures, the same in every frame
        assert ((bones[:, 3:7] > 0.18) & (bones[:, 3:7] < 0.32)).all()
        assert bones[:, 5:7].std(0).max() < 1e-6
        assert lesson.angles.shape == (WINDOW, 46)


def test_size_and_place_in_the_picture_hardly_count() -> None:
    time_s, truth = squats(frames=40)
    seen = landmarks_of(truth)
    near, far = seen.copy(), seen.copy()
    far[..., :2] = 0.5 * seen[..., :2] + 200.0
    far[..., 2:5] = 0.8 * seen[..., 2:5]
    one, two = (inputs_of(SeenClip.of(values, time_s, SIZE), 720.0) for values in (near, far))
    own = slice(0, 111)  # landmarks and visibility; the last five say where and how large
    assert np.abs(one[:, own] - two[:, own]).max() < 1e-6


def test_numpy_runs_the_network_as_torch_does(made: list[Lesson]) -> None:
    from qevd_bio.simulation.lifter.training import Lifter

    torch.manual_seed(1)
    model = Lifter().eval()
    inputs = made[0].inputs.astype(np.float32)
    with torch.no_grad():
        theirs = model(torch.from_numpy(inputs)[None])[0].numpy()
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    ours = forward(weights, inputs)
    assert ours.shape == (WINDOW, N_OUTPUTS)
    assert np.abs(ours - theirs).max() < 1e-4
    short = forward(weights, inputs[:1])
    assert np.isfinite(short).all()


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from qevd_bio.simulation.lifter.training import LifterOptions, train_lifter

    told: list[str] = []
    options = LifterOptions(
        workouts=1, windows=48, held_out=8, steps=120, batch=8, leave_out=_all_but("squats", "good_mornings")
    )
    path = train_lifter(options, tmp_path_factory.mktemp("lifter"), told.append)
    assert any("held out" in line for line in told)
    return path


def _all_but(*kept: str) -> tuple[str, ...]:
    from qevd_bio.exercise.catalogue import load

    return tuple(name for name in load() if name not in kept)


def test_training_learns_the_bones(weights: Path, made: list[Lesson]) -> None:
    found = read_lifter(weights)
    assert weights.stat().st_size < 3_000_000 and found["last.weight"].shape == (N_OUTPUTS, WIDTH, 1)
    squat = [lesson for lesson in made if np.ptp(lesson.angles[:, DOF_INDEX["knee_angle_r"]]) > 0.5][:3]
    assert squat
    for lesson in squat:
        bones = forward(found, lesson.inputs.astype(np.float32))[:, : 3 * N_BONES]
        error = np.sqrt(((bones - lesson.bones) ** 2).mean())
        assert error < 0.8 * np.sqrt((lesson.bones**2).mean())


def _knees(fit: FitResult) -> NDArray[np.float64]:
    return np.rad2deg(fit.raw[:, [DOF_INDEX["knee_angle_r"], DOF_INDEX["knee_angle_l"]]])


def test_the_three_fits_agree_on_a_squat(weights: Path) -> None:
    time_s, truth = squats(frames=60, heading=60.0)
    seen = landmarks_of(truth)
    fits = {
        kind: fit_clip(seen, time_s, SIZE, FitOptions(kind=kind, lifter=weights))
        for kind in ("geometric", "combined", "lifter")
    }
    for fit in fits.values():
        assert np.isfinite(fit.raw).all() and (fit.sigma > 0).all()
    assert np.abs(_knees(fits["combined"]) - _knees(fits["geometric"])).mean() < 25.0
    assert np.abs(_knees(fits["lifter"]) - _knees(fits["geometric"])).max() > 1.0


def test_weights_that_are_none_are_refused(tmp_path: Path, weights: Path) -> None:
    from safetensors.numpy import save_file

    assert read_lifter(None)["last.weight"].shape == (N_OUTPUTS, WIDTH, 1)
    with pytest.raises(UserError, match="no such file"):
        read_lifter(tmp_path / "none.safetensors")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(weights.read_bytes()[:999])
    with pytest.raises(UserError, match="cannot be read"):
        read_lifter(cut)
    other = tmp_path / "other.safetensors"
    save_file({"first.weight": np.zeros((2, 2, 3), np.float32)}, other)
    with pytest.raises(UserError, match="holds another network"):
        read_lifter(other)
