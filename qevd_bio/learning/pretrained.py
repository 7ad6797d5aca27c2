"""Pretrained language models in folders: configuration, tokenizer, and weights that are read one by one.

Nothing of a checkpoint is executed: configuration and weights are data, and code that a model brings is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from qevd_bio.learning.language import available_memory, make_language_model, read_tokenizer
from qevd_bio.learning.weights import read_tensors
from qevd_bio.store.errors import UserError
from qevd_bio.store.plain_data import read_json

Dtype = Literal["float32", "bfloat16", "float16"]
_CONFIG = "config.json"
_INDEX = "model.safetensors.index.json"
_TORCH_INDEX = "pytorch_model.bin.index.json"
_EXPECTED = "the folder of a causal language model (config.json, tokenizer, *.safetensors), or a file.gguf"
# What a configuration says of how it was saved, not of the model.
_OF_THE_FILE = (
    "_name_or_path", "_attn_implementation_autoset", "architectures", "auto_map", "dtype", "torch_dtype",
    "quantization_config", "transformers_version", "use_cache",
)  # fmt: skip
_BYTES_A_VALUE = 16
"""Of the tensor that is being read: as it lies in the file, in float32, longer by new rows, and as it is written."""
_SMALLEST_SHARE = 0.75
"""A tokenizer with fewer entries than this share of the embedding's rows belongs to another model."""


@dataclass(frozen=True)
class PretrainedLanguage:
    """A language model on disk.

    settings: its configuration's values (`transformers`). dtype: number format of the weights. memory: bytes that
    reading takes at once. read: gives each weight once, by the names of `transformers`' causal language model.
    """

    where: Path
    settings: dict[str, Any]
    tokenizer: Any
    dtype: Dtype
    memory: int
    read: Callable[[], Iterator[tuple[str, Tensor]]]

    @property
    def vocabulary(self) -> int:
        """Rows of the embedding."""
        return int(self.settings["vocab_size"])

    @property
    def tied(self) -> bool:
        """Whether the output layer uses the embedding's weights."""
        return bool(self.settings.get("tie_word_embeddings", False))


def open_folder(folder: Path) -> PretrainedLanguage:
    """The language model in `folder`; headers are read, weights are not yet.

    Raises UserError for a folder without one, another kind of model, weights that do not fit the configuration, a
    tokenizer of another model, and where the memory is too small.
    """
    settings = _settings(folder)
    files = _weight_files(folder)
    shapes, dtype, largest = _headers(files)
    wanted = check_decoder(settings, folder)
    _check_names(shapes, wanted, bool(settings.get("tie_word_embeddings")), folder)
    tokenizer = read_tokenizer(folder)
    found = PretrainedLanguage(folder, settings, tokenizer, dtype, largest, lambda: _read(files, set(wanted)))
    check_vocabulary(found)
    return found


def plain_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration without what tells of the file it stood in."""
    return {name: value for name, value in values.items() if name not in _OF_THE_FILE}


def check_decoder(settings: Mapping[str, Any], where: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights that a model of these settings has.

    UserError for one that is not built like a decoder: embedding, layers, norm and output layer.
    """
    with torch.device("meta"):
        model = make_language_model(settings, str(where), "eager")
    inner = getattr(model, "model", None)
    if not all(hasattr(inner, name) for name in ("embed_tokens", "layers", "norm")) or not hasattr(model, "lm_head"):
        raise UserError(
            f"{type(model).__name__} is not built like a decoder of LLaMA's kind",
            where=where,
            expected="a causal language model as LLaMA, SmolLM2, Qwen, Mistral or Gemma",
        )
    return {name: tuple(value.shape) for name, value in model.state_dict().items()}


def check_vocabulary(found: PretrainedLanguage) -> None:
    """UserError for a tokenizer that was not made for this embedding, or where its weights do not fit the memory."""
    entries, rows = len(found.tokenizer), found.vocabulary
    if not _SMALLEST_SHARE * rows <= entries <= rows:
        raise UserError(
            f"the tokenizer has {entries} entries, the embedding {rows} rows",
            where=found.where,
            expected="the tokenizer that the language model was trained with",
            fix="copy the tokenizer files that came with these weights into the folder",
        )
    check_room(found.memory, found.where)


def check_room(needed: int, where: Path) -> None:
    """UserError where `needed` bytes are more than the machine has left; said before anything large is read."""
    room = available_memory()
    if room is not None and needed > room:
        raise UserError(
            f"reading it takes {needed / 2**30:.1f} GiB of main memory, {room / 2**30:.1f} GiB are free",
            where=where,
            expected="a machine with more memory",
            fix="use safetensors instead of a .gguf or .bin file: these are read tensor by tensor",
        )


def _settings(folder: Path) -> dict[str, Any]:
    path = folder / _CONFIG
    if not path.is_file():
        others = sorted(one.name for one in folder.glob("*.gguf"))
        fix = f"name the file: --language {folder / others[0]}" if others else None
        raise UserError(f"no {_CONFIG} here", where=folder, expected=_EXPECTED, fix=fix)
    values = read_json(path, "a JSON object, as transformers writes it")
    if not isinstance(values, dict) or not isinstance(values.get("model_type"), str):
        raise UserError("names no model_type", where=path, expected=_EXPECTED)
    _check_kind(values, path)
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"cannot be used ({(str(error).splitlines() or ['?'])[0][:160]})", where=path, expected=_EXPECTED
        ) from error
    return plain_settings(config.to_dict())


def _check_kind(values: Mapping[str, Any], path: Path) -> None:
    """UserError for a configuration of something else than a plain causal language model."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    kind, built = values["model_type"], [str(name) for name in values.get("architectures") or ()]
    if kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        if values.get("auto_map"):
            raise UserError(
                f"{kind} brings code of its own, which is never run here", where=path, expected=_EXPECTED,
                fix="take a model that transformers itself knows",
            )  # fmt: skip
        raise UserError(f"{kind} is not a causal language model", where=path, expected=_EXPECTED)
    speaks = any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in built)
    if (built and not speaks) or values.get("is_encoder_decoder") or values.get("is_decoder") is False:
        raise UserError(
            f"{(built or [kind])[0]} is an encoder or has another head, not a causal language model",
            where=path,
            expected=_EXPECTED,
        )
    if values.get("quantization_config"):
        method = values["quantization_config"].get("quant_method", "quantised")
        raise UserError(
            f"its weights are quantised ({method})",
            where=path,
            expected="weights in float32, bfloat16 or float16, or a .gguf file",
            fix="take the unquantised checkpoint of the same model",
        )


def _weight_files(folder: Path) -> list[Path]:
    """The files that hold the weights; safetensors where there are both kinds."""
    for index, pattern in ((_INDEX, "*.safetensors"), (_TORCH_INDEX, "pytorch_model*.bin")):
        if (folder / index).is_file():
            values = read_json(folder / index, "as transformers writes it")
            try:
                files = sorted({folder / str(name) for name in values["weight_map"].values()})
            except (KeyError, TypeError, AttributeError) as error:
                raise UserError(
                    "has no weight_map", where=folder / index, expected="as transformers writes it"
                ) from error
            missing = [path.name for path in files if not path.is_file() or path.parent != folder]
            if missing:
                raise UserError(
                    f"{len(missing)} of {len(files)} weight files are missing: {', '.join(missing[:3])}",
                    where=folder,
                    expected=f"all files that {index} names",
                    fix="download the rest of the checkpoint",
                )
            return files
        files = sorted(folder.glob(pattern))
        if files:
            return files
    raise UserError("no weights here", where=folder, expected="model.safetensors, or its parts with their index")


def _headers(files: Iterable[Path]) -> tuple[dict[str, tuple[int, ...]], Dtype, int]:
    """Shapes by name, the number format of most values, and the most bytes that are read at once."""
    shapes: dict[str, tuple[int, ...]] = {}
    sizes: dict[str, int] = {}
    largest = 0
    for path in files:
        if path.suffix != ".safetensors":
            check_room(path.stat().st_size, path)  # such a file is read whole
            largest = max(largest, path.stat().st_size)
            read = {
                name: (tuple(t.shape), str(t.dtype).removeprefix("torch.")) for name, t in read_tensors(path).items()
            }
        else:
            read = _safetensors_header(path)
        for name, (shape, dtype) in read.items():
            shapes[name] = shape
            count = torch.Size(shape).numel()
            sizes[dtype] = sizes.get(dtype, 0) + count
            largest = max(largest, count * _BYTES_A_VALUE)
    most = max(sizes, key=lambda name: sizes[name], default="float32")
    kind: Dtype = "bfloat16" if most == "bfloat16" else "float16" if most == "float16" else "float32"
    return shapes, kind, largest


_FORMATS = {"F32": "float32", "BF16": "bfloat16", "F16": "float16", "F64": "float64"}


def _safetensors_header(path: Path) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shape and number format of each tensor, from the header alone."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= min(path.stat().st_size, 100_000_000):
                raise ValueError("no header")
            header = json.loads(file.read(length))
        last = 0
        found = {}
        for name, about in header.items():
            if name != "__metadata__":
                found[name] = (tuple(map(int, about["shape"])), _FORMATS.get(about["dtype"], str(about["dtype"])))
                last = max(last, int(about["data_offsets"][1]))
        if 8 + length + last > path.stat().st_size:
            raise ValueError("cut off")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"cannot be read ({error})", where=path, expected="a whole safetensors file", fix="download it again"
        ) from error
    odd = next((dtype for _, dtype in found.values() if dtype not in _FORMATS.values()), None)
    if odd:
        raise UserError(
            f"holds weights of number format {odd}",
            where=path,
            expected="float32, bfloat16 or float16",
            fix="take the unquantised checkpoint of the same model",
        )
    return found


def _check_names(
    shapes: Mapping[str, tuple[int, ...]], wanted: Mapping[str, tuple[int, ...]], tied: bool, where: Path
) -> None:
    """UserError for weights that the configuration's model lacks, has in another shape, or does not know."""
    missing = [name for name in wanted if name not in shapes and not (tied and name.startswith("lm_head."))]
    surplus = [name for name in shapes if name not in wanted and not name.endswith("rotary_emb.inv_freq")]
    if missing or surplus:
        odd, what = (missing, "missing") if missing else (surplus, "unknown")
        raise UserError(
            f"{len(odd)} weights are {what} ({odd[0]})",
            where=where,
            expected=f"the {len(wanted)} weights of the model that {_CONFIG} describes",
            fix="take the checkpoint of the language model alone, whole",
        )
    for name, shape in wanted.items():
        if name in shapes and shapes[name] != shape:
            raise UserError(
                f"{name} has shape {shapes[name]}", where=where, expected=f"{shape}, as {_CONFIG} describes it"
            )


def _read(files: Iterable[Path], wanted: set[str]) -> Iterator[tuple[str, Tensor]]:
    for path in files:
        if path.suffix == ".safetensors":
            from safetensors import safe_open

            with safe_open(path, framework="pt") as file:
                for name in file.keys():  # noqa: SIM118  not a dict
                    if name in wanted:
                        yield name, file.get_tensor(name)
        else:
            yield from ((name, tensor) for name, tensor in read_tensors(path).items() if name in wanted)
