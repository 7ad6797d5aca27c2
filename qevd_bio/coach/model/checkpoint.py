"""Our checkpoint folders: `coach.json`, the tokenizer's files and `model.safetensors`, whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from qevd_bio.coach.model.action_tokens import ActionTokens, find_action_tokens
from qevd_bio.coach.model.biocoach import make_model
from qevd_bio.coach.model.config import ModelConfig, read_config
from qevd_bio.coach.model.stream_vlm import StreamVLM
from qevd_bio.coach.model.tokenizer import read_tokenizer
from qevd_bio.coach.options import Ablations
from qevd_bio.learning.weights import fill, read_tensors
from qevd_bio.store.atomic import explain_os_error, make_folder
from qevd_bio.store.errors import UserError

CONFIG_FILE = "coach.json"
WEIGHTS_FILE = "model.safetensors"
FORMAT = 1


@dataclass
class Coach:
    """A model with what it needs to read and speak; `about` says where it comes from."""

    model: StreamVLM
    tokenizer: Any
    tokens: ActionTokens
    config: ModelConfig
    ablations: Ablations
    about: dict[str, Any]


def save_coach(
    folder: Path,
    model: StreamVLM,
    tokenizer: Any,
    *,
    ablations: Ablations | None = None,
    about: dict[str, Any] | None = None,
    tensors: dict[str, Tensor] | None = None,
) -> None:
    """Write a checkpoint folder: everything goes to a folder beside it, which then takes its place.

    `tensors` replaces the model's own weights (a model on the meta device). UserError where the disk refuses.
    """
    from safetensors.torch import save_file

    make_folder(folder.parent)
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise explain_os_error(error, folder) from error
    try:
        state = tensors if tensors is not None else model.state_dict()
        whole = {name: value.detach().to("cpu").contiguous() for name, value in state.items()}
        save_file(whole, temporary / WEIGHTS_FILE, metadata={"format": "pt"})
        tokenizer.save_pretrained(temporary)
        values = {
            "format": FORMAT,
            "config": model.config.as_json(),
            "ablations": asdict(ablations or model.ablations),
            "about": about or {},
        }
        (temporary / CONFIG_FILE).write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
        temporary.chmod(0o755)
        for path in temporary.iterdir():
            path.chmod(0o644)
            with path.open("rb") as file:
                os.fsync(file.fileno())
        _swap(temporary, folder)
    except OSError as error:
        raise explain_os_error(error, folder) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _swap(new: Path, place: Path) -> None:
    """Put `new` where `place` is; an earlier checkpoint there is removed only once the new one stands."""
    if not place.exists():
        new.replace(place)
        return
    if not (place / CONFIG_FILE).is_file() and any(place.iterdir()):
        raise UserError("this folder holds something else", where=place, expected="a checkpoint to replace, or nothing")
    old = Path(tempfile.mkdtemp(prefix=f".{place.name}.old.", dir=place.parent))
    place.replace(old / place.name)
    new.replace(place)
    shutil.rmtree(old, ignore_errors=True)


def read_about(folder: Path) -> tuple[ModelConfig, Ablations, dict[str, Any]]:
    """Configuration of a checkpoint folder; UserError for a folder that is none."""
    path = folder / CONFIG_FILE
    if not path.is_file():
        raise UserError(
            "no checkpoint of a coach here",
            where=folder,
            expected=f"a folder with {CONFIG_FILE} and {WEIGHTS_FILE}",
            fix="qevd-bio train writes one; qevd-bio coach import-stream-vlm makes one of the released weights",
        )
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        version, config = values["format"], values["config"]
        ablations, about = Ablations(**values["ablations"]), dict(values["about"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"cannot be read ({error})", where=path, expected="as qevd-bio writes it") from error
    if version != FORMAT:
        raise UserError(f"format {version}", where=path, expected=f"format {FORMAT}")
    return read_config(config, path), ablations, about


def load_coach(folder: Path, *, device: torch.device | str = "cpu", dtype: str | None = None) -> Coach:
    """A coach from its folder, ready to run on `device`. UserError for a missing, partial or foreign part."""
    config, ablations, about = read_about(folder)
    tokenizer = read_tokenizer(folder)
    tokens = find_action_tokens(tokenizer, folder, config.tokens)
    rows = int(config.language["vocab_size"])
    if len(tokenizer) > rows:
        raise UserError(
            f"the tokenizer has {len(tokenizer)} entries, the model {rows}",
            where=folder,
            expected="the tokenizer that the model was made with",
        )
    if not (folder / WEIGHTS_FILE).is_file():
        raise UserError("weights missing", where=folder / WEIGHTS_FILE, expected="a whole checkpoint folder")
    model = make_model(config, ablations=ablations, device="meta")
    kind: torch.dtype = getattr(torch, dtype or config.dtype)
    if torch.device(device).type == "cpu" and dtype is None:
        kind = torch.float32
    _check_memory(model, kind, device, folder)
    fill(model, read_tensors(folder / WEIGHTS_FILE), folder / WEIGHTS_FILE, f"{config.name} ({CONFIG_FILE})")
    restore_buffers(model)
    model = model.to(device=device, dtype=kind).eval()
    restore_buffers(model, device)  # again in float32
    return Coach(model, tokenizer, tokens, config, ablations, about)


def restore_buffers(model: StreamVLM, device: torch.device | str = "cpu") -> None:
    """Make the rotary embedding anew, in float32: it is no weight, a model from the meta device lacks its values, and
    rounded to bf16 its angles would be wrong by radians at the end of a long text.
    """
    decoder = model.decoder
    decoder.rotary_emb = type(decoder.rotary_emb)(config=decoder.config).to(device)


def _check_memory(model: StreamVLM, kind: torch.dtype, device: torch.device | str, folder: Path) -> None:
    """UserError where a model would not fit into main memory: the system would end the process without a word."""
    room = available_memory()
    needed = sum(parameter.numel() for parameter in model.parameters()) * kind.itemsize
    if torch.device(device).type == "cpu" and room is not None and needed > room:
        raise UserError(
            f"{model.config.name} takes {needed / 2**30:.0f} GiB of main memory in {str(kind).removeprefix('torch.')}, "
            f"{room / 2**30:.0f} GiB are free",
            where=folder,
            expected="a machine with more memory, or a GPU",
            fix="--dtype bfloat16 takes half of float32 (qevd-bio run); preset tiny runs anywhere",
        )


def available_memory() -> int | None:
    """Bytes of main memory that a process may still take; None where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = next((line for line in lines if line.startswith("MemAvailable:")), None)
    return int(found.split()[1]) * 1024 if found else None
