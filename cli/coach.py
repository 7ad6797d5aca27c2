"""`qevd-bio coach`: models of the coach."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from qevd_bio.coach.live.options import LiveOptions
from qevd_bio.coach.options import ContextUpdate, GenerateOptions
from qevd_bio.store.terminal import say

from .coach_new import new
from .coach_push import push
from .common import PlaceFlags, WorkspaceFlags
from .ending import leave, note
from .flags import group, spread
from .salient_flags import Frames, SalientFlags

G, L = GenerateOptions(), LiveOptions()
MODELS, PACE = "A model (not rules)", "Pace"
app = group("Models of the coach.")
app.command()(new)
app.command()(push)

Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:0.")]


@app.command("import-stream-vlm")
@spread
def import_stream_vlm(
    *,
    source: Annotated[Path, typer.Argument(help="The released checkpoint: its folder, or state_dict.pth.tar.")],
    out: Annotated[Path, typer.Option(help="Folder to write; `--model` of other commands.")],
    preset: Annotated[
        str, typer.Option(help="Preset, or YAML file, that says which architecture it is.")
    ] = "stream-vlm-7b",
) -> None:
    """Turn the released Stream-VLM weights into a checkpoint folder (safetensors); nothing in them is executed."""
    from qevd_bio.coach.model.presets import read_preset
    from qevd_bio.coach.model.released import import_stream_vlm as run_import

    done = run_import(source.expanduser(), out.expanduser(), read_preset(preset))
    say(f"{done.tensors} tensors ({done.lora} of LoRA); action tokens {' '.join(done.tokens)}; in {done.folder}")
    for line in done.notes:
        say(f"note: {line}")


@app.command()
@spread
def presets(
    *,
    name: Annotated[str | None, typer.Argument(help="One preset, or YAML file; without it all.")] = None,
) -> None:
    """List the presets with their numbers of parameters, in all and by part."""
    from qevd_bio.coach.model.listing import described
    from qevd_bio.coach.model.presets import preset_names

    lines, whole = described([name] if name else preset_names())
    for line in lines:
        say(line)
    if not whole:
        note("note: numbers of parameters need torch: pip install 'qevd-bio[train]'")


@app.command("select-joints")
@spread
def select_joints(
    *,
    model: Annotated[str, typer.Option(help="Checkpoint folder of a BioCoach with a trained selector.")],
    place: PlaceFlags,
    device: Device = "auto",
    evidence: Frames = "causal",
) -> None:
    """Choose each segment's salient joints from its video, for `qevd-bio analyze --salient selector`."""
    from qevd_bio.coach.training.selector import select_in

    where = place.open()
    done, failed = select_in(place.dataset(), where, model, device, evidence)
    say(f"{done} segments, {failed} failed; in {where.selected_joints}")
    leave(2 if failed else 0)


@dataclass(frozen=True)
class LiveFlags:
    """How the session runs; fields as in LiveOptions."""

    fast: Annotated[bool, typer.Option("--fast", help="Take a file's frames as fast as possible; drop none.")] = L.fast
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="End after so long.", show_default="the end, or Ctrl-C")
    ] = L.seconds
    late_s: Annotated[
        float, typer.Option("--late", min=0.0, help="Drop a frame that waited longer (s).", rich_help_panel=PACE)
    ] = L.late_s
    stature_m: Annotated[
        float | None, typer.Option("--stature-m", help="Of the person, where known (m).", show_default=False)
    ] = L.stature_m

    countdown_s: Annotated[
        float | None,
        typer.Option("--countdown", min=0.0, help="Time to step back (s).", show_default="3 before a camera"),
    ] = L.countdown_s
    debug: Annotated[bool, typer.Option("--debug", help="Show latency and dropped frames.", rich_help_panel=PACE)] = (
        L.debug
    )

    def of(self) -> LiveOptions:
        """The options as the stage takes them."""
        return replace(L, **vars(self))


@dataclass(frozen=True)
class ModelFlags:
    """How a model speaks; fields as in GenerateOptions."""

    context: Annotated[ContextUpdate, typer.Option(help="As for qevd-bio run.", rich_help_panel=MODELS)] = G.context
    temperature: Annotated[
        float, typer.Option(min=0.0, help="0: greedy; else of sampling.", rich_help_panel=MODELS)
    ] = G.temperature
    seed: Annotated[int, typer.Option(help="Of sampling.", rich_help_panel=MODELS)] = G.seed

    def of(self) -> GenerateOptions:
        """The options as the stage takes them."""
        return replace(G, **vars(self))


@app.command()
@spread
def live(
    *,
    source: Annotated[str, typer.Argument(help="A video file, or the number of a camera (0, 1, …).")],
    exercise: Annotated[str, typer.Option(help="What the person is doing.")],
    model: Annotated[
        str, typer.Option(help="rules (no model), a checkpoint folder, or a preset (untrained).")
    ] = "rules",
    out: Annotated[
        Path | None, typer.Option(help="Annotated video to write (mp4).", show_default="none: a window")
    ] = None,
    speak: Annotated[
        bool, typer.Option("--speak", help="Say each feedback by the system's voice (espeak-ng, say, SAPI).")
    ] = False,
    session: LiveFlags,
    place: WorkspaceFlags,
    weights: Annotated[
        str | None,
        typer.Option(
            help="The 3D CNN that a model was trained with; `random` tries out.",
            show_default=False,
            rich_help_panel=MODELS,
        ),
    ] = None,
    speech: ModelFlags,
    joints: SalientFlags,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:0.", rich_help_panel=MODELS)] = "auto",
) -> None:
    """Coach a person in a video or before a camera, live: joints, counter and feedback in the picture as they come.

    Camera and window need OpenCV (the extra `live`); q, Esc or Ctrl-C ends. --out writes a video instead.
    """
    from qevd_bio.coach.live.stage import run_live

    target = out.expanduser() if out else None
    ended = run_live(
        source, model, exercise, place.open(), session.of(),
        weights=weights, generate=speech.of(), motion=joints.wish(), device=device, out=target, speak=speak, say=say,
    )  # fmt: skip
    say(ended.describe(session.debug) + (f"; in {target}" if target else ""))
