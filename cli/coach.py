"""qevd-bio coach: models of the coach."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .common import DEFAULT_WORKSPACE, Data, WorkspaceDir, need_data, open_workspace

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
    from qevd_bio.coach.presets import read_preset
    from qevd_bio.coach.released import import_stream_vlm as run_import

    done = run_import(source.expanduser(), out.expanduser(), read_preset(preset))
    typer.echo(f"{done.tensors} tensors ({done.lora} of LoRA); action tokens {' '.join(done.tokens)}; in {done.folder}")
    for note in done.notes:
        typer.echo(f"note: {note}")


@app.command()
def presets(
    name: Annotated[str | None, typer.Argument(help="One preset, or YAML file; without it all.")] = None,
) -> None:
    """List the presets with their numbers of parameters, in all and by part."""
    from qevd_bio.coach.presets import describe, preset_names

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
    from qevd_bio.coach.loading import open_coach
    from qevd_bio.coach.segment_data import sources
    from qevd_bio.coach.select_stage import FILE
    from qevd_bio.coach.select_stage import select_joints as run_select
    from qevd_bio.dataset.opening import open_dataset

    place = open_workspace(workspace)
    dataset = open_dataset(need_data(data), user_refs=place.user_refs)
    coach = open_coach(model, device=device)
    vision = coach.config.vision
    chosen = sources(dataset, place, dim=vision.dim, tokens=vision.tokens, reads_contexts=False)
    done, failed = run_select(chosen, coach, place, Path(model))
    typer.echo(f"{done} segments, {failed} failed; in {place.annotations / FILE}")
    if failed:
        raise typer.Exit(2)
