"""A live session from the names that a user gives: coach, exercise, source, where it is seen."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path

from qevd_bio.coach.baselines.rules import RulesCoach
from qevd_bio.coach.live.motion import LiveMotion
from qevd_bio.coach.live.options import LiveOptions
from qevd_bio.coach.live.pose import live_pose
from qevd_bio.coach.live.screen import need_window, show, write
from qevd_bio.coach.live.session import RulesWatcher, Session, Watcher, coach_live
from qevd_bio.coach.live.source import CameraSource, open_source
from qevd_bio.coach.live.voice import Voice, find_voice
from qevd_bio.coach.options import AS_TRAINED, RANDOM, FeatureOptions, GenerateOptions, MotionWish
from qevd_bio.dataset.names import load_names
from qevd_bio.exercise.catalogue import load
from qevd_bio.exercise.rules import Exercise
from qevd_bio.store.errors import UserError
from qevd_bio.tables.workspace import Workspace

RULES = "rules"
COUNTDOWN_S = 3.0


def run_live(
    name: str,
    model: str,
    exercise: str,
    workspace: Workspace,
    options: LiveOptions,
    *,
    weights: str | None = None,
    generate: GenerateOptions | None = None,
    motion: MotionWish = AS_TRAINED,
    device: str = "auto",
    out: Path | None = None,
    speak: bool = False,
    say: Callable[[str], None],
) -> Session:
    """Coach whoever is seen in `name` (a video file, or a camera's number) until it ends.

    model: `rules`, or what `--model` of `qevd-bio run` takes; weights: of the 3D CNN, for a model; motion: where J*
    comes from and how far back is looked. The annotated pictures go to `out`, else to a window; with `speak` the
    system's voice says each feedback. Raises UserError for what is not there or cannot be opened.
    """
    chosen = find_exercise(exercise, workspace)
    _check_wish(motion, model)
    voice = find_voice() if speak else None
    if out is None:
        need_window()
    session = Session()
    with ExitStack() as stack:
        source = stack.enter_context(closing(open_source(name, options)))
        if options.countdown_s is None:
            options = replace(options, countdown_s=COUNTDOWN_S if isinstance(source, CameraSource) else 0.0)
        if model == RULES:
            pose = live_pose(options.window_s, options.stature_m)
            seen = LiveMotion(pose, chosen, workspace, options.stature_m, wish=motion)
            watcher: Watcher = RulesWatcher(seen, RulesCoach(chosen))
        else:
            watcher = stack.enter_context(
                _model_watcher(
                    model, chosen, workspace, options, weights, generate or GenerateOptions(), motion, device, say
                )
            )
        ended = stack.enter_context(until_interrupted())
        spoken = stack.enter_context(closing(Voice(voice))).say if voice else _silent
        pictures = coach_live(source, watcher, options, session, say, ended, spoken)
        if out is None:
            show(pictures)
        else:
            write(pictures, out, source.hz)
    return session


def _check_wish(motion: MotionWish, model: str) -> None:
    """UserError for what a live session cannot have: annotations, a later look, a selector without a model."""
    if motion.salient == "annotated":
        raise UserError("nothing is annotated in a live session", expected="--salient selector, exercise or all")
    if motion.evidence == "whole":
        raise UserError("a live session does not know its end", expected="--evidence causal")
    if motion.salient == "selector" and model == RULES:
        raise UserError(f"{RULES} has no joint selector", expected="--salient exercise or all, or --model with one")


def _silent(text: str) -> None:
    """What speaks where no voice is wanted."""


@contextmanager
def until_interrupted() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed: the session then ends at its next frame, and what was recorded is kept.

    A second Ctrl-C ends the program.
    """
    pressed = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield pressed.is_set
        return
    before = signal.getsignal(signal.SIGINT)

    def note(*_: object) -> None:
        pressed.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def find_exercise(name: str, workspace: Workspace) -> Exercise:
    """The exercise that `name` means. UserError with the closest names for one that is not known."""
    catalogue = load((workspace.user_refs / "exercises",))
    found = load_names(workspace.user_refs).find(name)
    exercise = catalogue.get(found.id)
    if exercise is None:
        raise UserError(f"no rules for {name!r}", expected=f"one of {', '.join(sorted(catalogue))}")
    return exercise


@contextmanager
def _model_watcher(
    model: str,
    exercise: Exercise,
    workspace: Workspace,
    options: LiveOptions,
    weights: str | None,
    generate: GenerateOptions,
    motion: MotionWish,
    device: str,
    say: Callable[[str], None],
) -> Iterator[Watcher]:
    """A trained coach with what it needs to see and read."""
    from qevd_bio.coach.live.model import LiveModel, ModelWatcher
    from qevd_bio.coach.model.loading import open_coach
    from qevd_bio.coach.model.prompts import segment_prompt
    from qevd_bio.coach.segments.joints import trained_selector
    from qevd_bio.coach.vision.encoders import load_encoder

    coach = open_coach(model, device=device)
    if coach.in_turns:
        raise UserError(
            f"{coach.config.name} is asked every few seconds and cannot coach live",
            where=Path(model),
            expected="a coach that streams, or rules",
        )
    sees = coach.sees
    if weights is None:
        raise UserError(
            f"{coach.config.name} sees through a vision backbone, and none is named",
            expected="--weights FILE with the 3D CNN that it was trained with (an image encoder's folder for one "
            f"trained with --encoder image), or --weights {RANDOM} to try out",
        )
    if coach.untrained:
        say(f"note: preset {coach.config.name} is untrained; what it says means nothing")
    encoder = load_encoder(sees.encoder, weights, 0, str(coach.model.device))
    cells = encoder.grid[0] * encoder.grid[1]
    if (encoder.dim, cells) != (sees.dim, sees.tokens):
        raise UserError(
            f"these weights give {encoder.dim} values in {cells} cells",
            where=weights,
            expected=f"{sees.dim} values in {sees.tokens} cells, as {coach.config.name} sees",
        )
    features = encoder.stream(FeatureOptions().warm_up)
    live = LiveModel(coach, segment_prompt(exercise.name), generate)
    if not coach.reads.measured:
        yield ModelWatcher(live, features, None)
        return
    wish = coach.wish(motion)
    chooser = trained_selector(coach, model) if wish.salient == "selector" else None
    pose = live_pose(options.window_s, options.stature_m)
    seen = LiveMotion(pose, exercise, workspace, options.stature_m, live.room, wish)
    with _room_for_poses():
        yield ModelWatcher(live, features, seen, chooser, coach.ablations.tau_steps)


@contextmanager
def _room_for_poses() -> Iterator[None]:
    """Leave half of the cores to the pose model, which runs beside the 3D CNN."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(max(before // 2, 1))
    try:
        yield
    finally:
        torch.set_num_threads(before)
