"""Image encoders saved by `transformers`, and how they want their pixels. Nothing is downloaded, no code is run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qevd_bio.store.errors import UserError
from qevd_bio.store.plain_data import read_json

PREPROCESSOR = "preprocessor_config.json"


@dataclass(frozen=True)
class Normal:
    """Mean and standard deviation of each colour that an image encoder was trained with, on values in 0..1."""

    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)


def read_normal(folder: Path) -> Normal:
    """What `preprocessor_config.json` in a model's folder says, 0.5 each where there is none.

    UserError for one that cannot be read or names something else than three numbers each.
    """
    path = folder / PREPROCESSOR
    if not path.is_file():
        return Normal()
    expected = "image_mean and image_std with three numbers each, as transformers writes them"
    try:
        values = read_json(path, expected)
        if not values.get("do_normalize", True):
            return Normal((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
        mean, std = (tuple(float(value) for value in values[name]) for name in ("image_mean", "image_std"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"cannot be used ({error})", where=path, expected=expected) from error
    if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
        raise UserError(f"image_mean {mean}, image_std {std}", where=path, expected=expected)
    return Normal(mean, std)


def vision_width(folder: Path) -> int:
    """Values of a patch's features of the image encoder in `folder`, from its configuration alone.

    UserError where there is none, or a model without a vision part.
    """
    _need_config(folder)
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(folder, error) from error
    part = getattr(config, "vision_config", config)
    if not hasattr(part, "image_size") or not hasattr(part, "hidden_size"):
        raise UserError(f"{config.model_type} does not see images", where=folder, expected=_EXPECTED)
    return int(part.hidden_size)


def read_vision_model(folder: Path) -> Any:
    """The vision part of the model in `folder` (`config.json`, safetensors), in its own number format, on the CPU.

    UserError where there is none, or it cannot be read.
    """
    _need_config(folder)
    from transformers import AutoModel

    try:
        model = AutoModel.from_pretrained(folder, local_files_only=True, trust_remote_code=False, use_safetensors=True)
    except (OSError, ValueError, KeyError) as error:
        raise _unreadable(folder, error) from error
    return getattr(model, "vision_model", model)


_EXPECTED = "a vision model saved by transformers, with safetensors (CLIP, SigLIP, DINOv2)"


def _need_config(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise UserError(
            "no image encoder here", where=folder, expected="a folder of transformers (config.json, model.safetensors)"
        )


def _unreadable(folder: Path, error: BaseException) -> UserError:
    reason = (str(error).splitlines() or ["?"])[0][:160]
    return UserError(f"cannot be read ({reason})", where=folder, expected=_EXPECTED)
