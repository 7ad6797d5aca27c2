"""qevd-bio coach: models of the coach."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from qevd_bio.coach.live.options import LiveOptions
from qevd_bio.coach.options import GenerateOptions

from .common import DEFAULT_WORKSPACE, Data, WorkspaceDir, need_data, open_workspace

G, L = GenerateOptions(), LiveOptions()
app = typer.Typer(help="Models of the coach.", no_args_is_help=True, pretty_exceptions_enable=False)


@app.command("import-stream-vlm")
def import_stream_vlm(
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
    typer.echo(f"{done.tensors} tensors ({done.lora} of LoRA); action tokens {' '.join(done.tokens)}; in {done.folder}")
    for note in done.notes:
        typer.echo(f"note: {note}")


@app.command()
def presets(
    name: Annotated[str | None, typer.Argument(help="One preset, or YAML file; without it all.")] = None,
) -> None:
    """List the presets with their numbers of parameters, in all and by part."""
    from qevd_bio.coach.model.presets import preset_names, summary

    try:
        from qevd_bio.coach.model.loading import describe
    except ImportError:
        describe = summary
        typer.echo("note: numbers of parameters need torch: pip install 'qevd-bio[train]'", err=True)

    for preset in [name] if name else preset_names():
        for line in describe(preset):
            typer.echo(line)


@app.command("select-joints")
def select_joints(
    model: Annotated[str, typer.Option(help="Checkpoint folder of a BioCoach with a trained selector.")],
    data: Data = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:0.")] = "auto",
) -> None:
    """Choose each segment's salient joints from its video; `qevd-bio analyze` then uses them."""
    from qevd_bio.coach.model.loading import open_coach
    from qevd_bio.coach.segments.data import sources
    from qevd_bio.coach.training.selector import FILE
    from qevd_bio.coach.training.selector import select_joints as run_select
    from qevd_bio.dataset.opening import open_dataset

    place = open_workspace(workspace)
    dataset = open_dataset(need_data(data), user_refs=place.user_refs)
    coach = open_coach(model, device=device)
    done, failed = run_select(sources(dataset, place, coach.sees), coach, place, Path(model))
    typer.echo(f"{done} segments, {failed} failed; in {place.annotations / FILE}")
    if failed:
        raise typer.Exit(2)


@app.command()
def live(
    source: Annotated[str, typer.Argument(help="A video file, or the number of a camera (0, 1, …).")],
    exercise: Annotated[str, typer.Option(help="What the person is doing.")],
    model: Annotated[
        str, typer.Option(help="rules (no model), a checkpoint folder, or a preset (untrained).")
    ] = "rules",
    weights: Annotated[
        str | None,
        typer.Option(help="The 3D CNN that a model was trained with; `random` tries out.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Annotated video to write (mp4).", show_default="none: a window")
    ] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Take a file's frames as fast as possible; drop none.")] = L.fast,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="End after so long.", show_default="the end, or Ctrl-C")
    ] = L.seconds,
    late: Annotated[float, typer.Option(min=0.0, help="Drop a frame that has waited longer (s).")] = L.late_s,
    stature: Annotated[
        float | None, typer.Option("--stature-m", help="Of the person, where known (m).", show_default=False)
    ] = L.stature_m,
    context: Annotated[Literal["fast", "exact", "start"], typer.Option(help="As for qevd-bio run.")] = G.context,
    temperature: Annotated[float, typer.Option(min=0.0, help="0: greedy; else of sampling.")] = G.temperature,
    seed: Annotated[int, typer.Option(help="Of sampling.")] = G.seed,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:0.")] = "auto",
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
) -> None:
    """Coach a person in a video or before a camera, live: feedback in the picture as it comes, with its latency.

    Camera and window need OpenCV (the extra `live`); q, Esc or Ctrl-C ends. --out writes a video instead.
    """
    from dataclasses import replace

    from qevd_bio.coach.live.stage import run_live

    options = replace(L, fast=fast, seconds=seconds, late_s=late, stature_m=stature)
    generate = replace(G, context=context, temperature=temperature, seed=seed)
    target = out.expanduser() if out else None
    session = run_live(
        source, model, exercise, open_workspace(workspace), options,
        weights=weights, generate=generate, device=device, out=target, say=typer.echo,
    )  # fmt: skip
    typer.echo(session.describe() + (f"; in {target}" if target else ""))
