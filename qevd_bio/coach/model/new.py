"""`qevd-bio coach new`: a coach on a pretrained language model, whose weights stay as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from qevd_bio.coach.model.biocoach import BioCoach, make_model
from qevd_bio.coach.model.checkpoint import BEGINS, LANGUAGE_PRINT, write_coach
from qevd_bio.coach.model.config import Dtype, ModelConfig, PromptForm, VisionConfig
from qevd_bio.coach.model.family import check_family
from qevd_bio.coach.model.presets import read_preset
from qevd_bio.coach.model.publish import OWN_WEIGHTS, read_own
from qevd_bio.coach.model.released import names_of
from qevd_bio.coach.model.stream_vlm import StreamVLM, part_of
from qevd_bio.coach.model.tokens import find_action_tokens
from qevd_bio.coach.options import RANDOM, Ablations
from qevd_bio.coach.vision.backbone import FEATURE_DIM, GRID
from qevd_bio.coach.vision.weights import load_backbone
from qevd_bio.learning.encoders import vision_width
from qevd_bio.learning.language import padded
from qevd_bio.learning.language_source import open_language
from qevd_bio.learning.pretrained import PretrainedLanguage
from qevd_bio.learning.tensor_file import write_tensors
from qevd_bio.store.errors import UserError
from qevd_bio.store.hashing import hash_bytes, hash_file

_ON_A_CPU = 1_500_000_000
"""Values of a language model that is run without a GPU as a matter of course."""
_CELLS = GRID[0] * GRID[1]


@dataclass(frozen=True)
class NewCoach:
    """What was made: its folder and configuration, number of values by part."""

    folder: Path
    config: ModelConfig
    values: dict[str, int]

    def describe(self) -> list[str]:
        """Lines that say what it is made of."""
        kind = self.config.language["model_type"]
        layers = self.config.language["num_hidden_layers"]
        seen = ", ".join(map(str, self.config.cross_attention.layers))
        listed = ", ".join(f"{part} {count:,}" for part, count in self.values.items() if count)
        return [
            f"{self.config.name}: {self.config.kind} on {kind} of {layers} layers, sees after {seen}",
            f"values: {listed}",
        ]


def new_coach(
    language: str,
    vision: str,
    preset: str | Path,
    folder: Path,
    *,
    dtype: Dtype | None = None,
    lora_rank: int | None = None,
    seed: int = 0,
) -> NewCoach:
    """Write a checkpoint folder of a coach that begins from a pretrained language model.

    language: a folder, a file.gguf, a fetched model, or a name on the hub. vision: weights of the 3D CNN, a folder
    with an image encoder, or "random". preset: says where vision enters and what a BioCoach adds. dtype: number
    format of the weights, None for that of the language model. lora_rank: None as the preset says. Tensors are read
    and written one by one. Raises UserError for anything that cannot be used, before the folder is touched.
    """
    folder_of_own = Path(preset).expanduser()
    if folder_of_own.is_dir():
        if dtype is not None or lora_rank is not None or vision != RANDOM:
            raise UserError(
                "--vision, --dtype and --lora-rank are those of the published coach",
                where=folder_of_own,
                expected="--language, --preset and --out alone",
            )
        return _put_together(language, folder_of_own, folder)
    shape = read_preset(preset)
    seen, about_vision = read_vision(vision, shape)
    found = open_language(language)
    known = len(found.tokenizer)
    config = shaped(shape, found, seen, dtype, lora_rank)
    check_family(config, found.where)
    ablations = Ablations(image_encoder="folder" in about_vision)
    model = make_model(config, ablations=ablations, device="meta", seed=seed)
    initialise(model)
    begins = [part for part in ("fusion", "xattn", "projector", "actions") if model.parts()[part]]
    about: dict[str, Any] = {"language": found.where.name, "vision": about_vision, "seed": seed, BEGINS: begins}
    return _write(folder, model, found, known, about)


def _put_together(language: str, own: Path, folder: Path) -> NewCoach:
    """A published coach (`coach push`) on its language model again. UserError where that is another one."""
    config, ablations, about, tensors = read_own(own)
    found = open_language(language)
    known = len(found.tokenizer)
    shape = {name: config.language.get(name) for name in _SHAPE}
    theirs = {name: found.settings.get(name) for name in _SHAPE}
    _add_tokens(found.tokenizer, _names(config), found.settings.get("bos_token_id"))
    ids = tuple(found.tokenizer.convert_tokens_to_ids(list(_names(config))))
    if shape != theirs or ids != config.action_rows:
        raise _other_language(own, found, about)
    model = make_model(config, ablations=ablations, device="meta")
    wanted = {name for name in model.state_dict() if part_of(name) != "language"}
    if wanted != set(tensors):
        odd = sorted(wanted ^ set(tensors))[0]
        raise UserError(
            f"{odd} is missing or unknown", where=own / OWN_WEIGHTS, expected=f"the weights of {config.name}"
        )
    model.load_state_dict(tensors, strict=False, assign=True)
    return _write(folder, model, found, known, about, own)


_SHAPE = ("model_type", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")


def _other_language(own: Path, found: PretrainedLanguage, about: dict[str, Any]) -> UserError:
    return UserError(
        f"{found.where.name} is not the language model of this coach",
        where=own,
        expected=f"{about.get('language')}, as its card says",
    )


def _write(
    folder: Path,
    model: StreamVLM,
    found: PretrainedLanguage,
    known: int,
    about: dict[str, Any],
    own: Path | None = None,
) -> NewCoach:
    """Write the checkpoint; `own` is the published folder that it must belong to, if it comes from one."""
    config, shared = model.config, model.shared_names()
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items() if name not in shared}
    kind: torch.dtype = getattr(torch, config.dtype)
    told = dict(about)

    def weights(path: Path) -> None:
        write_tensors(path, shapes, kind, _tensors(model, found, known, told))
        if own is not None and told[LANGUAGE_PRINT] != about.get(LANGUAGE_PRINT):
            raise _other_language(own, found, about)

    write_coach(folder, config, model.ablations, told, found.tokenizer, weights)
    parts = {name: sum(value.numel() for value in values) for name, values in model.parts().items()}
    return NewCoach(folder, config, parts)


_NORM = "model.norm.weight"


def read_vision(vision: str, shape: ModelConfig) -> tuple[VisionConfig, dict[str, Any]]:
    """What the coach will see, and a note of which weights make it. UserError for weights that cannot be used."""
    if vision == RANDOM:
        return shape.vision, {"weights": RANDOM}
    path = Path(vision).expanduser()
    if path.is_dir():
        width = vision_width(path)
        if width % shape.fusion.heads and shape.kind == "biocoach":
            raise UserError(
                f"its features have {width} values, which {shape.fusion.heads} heads of the fusion do not divide",
                where=path,
                expected="a preset with fusion.heads that divide the width",
            )
        return VisionConfig(width, _CELLS), {"folder": path.name}
    load_backbone(path)
    return VisionConfig(FEATURE_DIM, _CELLS), {"weights": path.name, "sha256": hash_file(path)}


def shaped(
    shape: ModelConfig, found: PretrainedLanguage, vision: VisionConfig, dtype: Dtype | None, lora_rank: int | None
) -> ModelConfig:
    """`shape` on the language model `found`; its tokenizer gets the action tokens.

    Vision enters at the same relative depths, with an attention as wide in proportion to the hidden states.
    """
    tokenizer, settings = found.tokenizer, found.settings
    _add_tokens(tokenizer, _names(shape), settings.get("bos_token_id"))
    tokens = find_action_tokens(tokenizer, found.where, shape.tokens)
    layers, width = int(settings["num_hidden_layers"]), int(settings["hidden_size"])
    rows = found.vocabulary if len(tokenizer) <= found.vocabulary else padded(len(tokenizer))
    small = layers * width * width * 12 < _ON_A_CPU
    attention = shape.cross_attention
    attention = replace(
        attention,
        layers=relative_layers(attention.layers, int(shape.language["num_hidden_layers"]), layers),
        dim=_scaled(attention.dim, int(shape.language["hidden_size"]), width, attention.heads),
    )
    return replace(
        shape,
        language={**settings, "vocab_size": rows},
        vision=vision,
        cross_attention=attention,
        prompt=prompt_form(tokenizer, ("user",) if shape.kind == "turn-based" else ("system", "user")),
        action_rows=(tokens.next, tokens.feedback, tokens.end),
        lora=shape.lora if lora_rank is None else replace(shape.lora, r=lora_rank),
        tokenizer="",
        dtype=dtype or found.dtype,
        device="cpu" if small else shape.device,
        memory_gib=0.0 if small else shape.memory_gib,
    )


def _names(config: ModelConfig) -> tuple[str, str, str]:
    return config.tokens.next, config.tokens.feedback, config.tokens.end


def relative_layers(layers: tuple[int, ...], of: int, into: int) -> tuple[int, ...]:
    """The layers of a decoder with `into` layers that lie as deep as `layers` in one with `of`."""
    return tuple(sorted({min(round(layer * into / of), into - 1) for layer in layers}))


def _scaled(dim: int, of: int, into: int, heads: int) -> int:
    step = 8 * heads
    return max(step, round(dim * into / of / step) * step)


def _add_tokens(tokenizer: Any, names: tuple[str, ...], start: Any) -> None:
    """Add the action tokens, and name a start token where the family's texts begin without one (Qwen)."""
    from transformers import AddedToken

    tokenizer.add_tokens([AddedToken(name, special=True, normalized=False) for name in names], special_tokens=True)
    if tokenizer.bos_token_id is None:
        named = tokenizer.convert_ids_to_tokens(start) if isinstance(start, int) else None
        tokenizer.bos_token = named or tokenizer.eos_token


_MARK = "THE SYSTEM PROMPT"


def prompt_form(tokenizer: Any, roles: tuple[str, ...] = ("system", "user")) -> PromptForm:
    """What the tokenizer's chat template writes around the words of the first of `roles` that it knows; else empty.

    A family without system prompts (Gemma) gets it as the user's words. The template runs in the sandbox of
    `transformers`. A start token that is no mark of a turn is left out: sequences begin with it anyway.
    """
    if not tokenizer.chat_template:
        return PromptForm()
    from jinja2 import TemplateError

    for role in roles:
        try:
            text = tokenizer.apply_chat_template(
                [{"role": role, "content": _MARK}], tokenize=False, add_generation_prompt=True
            )
        except (TemplateError, ValueError, TypeError, KeyError, IndexError):
            continue
        before, mark, after = str(text).partition(_MARK)
        if not mark:
            continue
        start = tokenizer.bos_token or ""
        rest = before.removeprefix(start)
        return PromptForm(rest if start and start not in rest + after else before, after)
    return PromptForm()


def initialise(model: StreamVLM) -> None:
    """Give every weight that is not the language model's its value before training; the others stay on meta."""
    for name, module in model.named_modules():
        own = [key for key, _ in module.named_parameters(recurse=False)]
        part = part_of(f"{name}.{own[0]}") if own else "language"
        if part == "language":
            continue
        module.to_empty(device="cpu", recurse=False)
        if part == "actions" or ".lora_B." in f"{name}.":
            for parameter in module.parameters(recurse=False):
                nn.init.zeros_(parameter)
        elif isinstance(module, (nn.Linear, nn.LayerNorm)):
            module.reset_parameters()
    if isinstance(model, BioCoach):
        model.fusion.initialise()


def _tensors(
    model: StreamVLM, found: PretrainedLanguage, known: int, about: dict[str, Any]
) -> Iterator[tuple[str, Tensor]]:
    """Every weight of the new coach: the language model's under our names, then what is new.

    `about` is told which language model went by: the hash of its last norm.
    """
    rows, shared, ours = model.vocabulary, model.shared_names(), names_of(model)
    for plain, value in found.read():
        if plain == _NORM:
            about[LANGUAGE_PRINT] = hash_bytes(value.float().numpy().tobytes())
        name = ours[plain]
        if name not in shared:
            is_row = plain.startswith("lm_head.") or plain == "model.embed_tokens.weight"
            yield name, with_rows(value, rows, known, model.config.action_rows) if is_row else value
    new = ((name, value) for name, value in model.state_dict().items() if value.device.type != "meta")
    yield from new


def with_rows(weight: Tensor, rows: int, known: int, added: tuple[int, ...]) -> Tensor:
    """(V, …) to (rows, …): rows of new tokens (those from `known` on) are the mean of the old ones."""
    old = weight[:known].float()
    mean = old.mean(dim=0).to(weight.dtype)
    whole = mean.expand(rows, *weight.shape[1:]).clone()
    whole[: len(weight)] = weight
    fresh = [token for token in added if token >= known]
    whole[fresh] = mean
    return whole
