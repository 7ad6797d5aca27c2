"""Our checkpoint folders: `coach.json`, the tokenizer's files and `model.safetensors`, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from qevd_bio.coach.model.biocoach import BioCoach, make_model
from qevd_bio.coach.model.config import ModelConfig, read_config
from qevd_bio.coach.model.prompts import published
from qevd_bio.coach.model.selector import JointSelector
from qevd_bio.coach.model.stream_vlm import StreamVLM
from qevd_bio.coach.model.tokens import ActionTokens, find_action_tokens, prompt_ids
from qevd_bio.coach.options import Ablations, ContextsRead, EncoderName, GenerateOptions, MotionWish, Read
from qevd_bio.coach.vision.feature_files import FeatureShape
from qevd_bio.learning.folders import whole_folder
from qevd_bio.learning.language import check_memory, read_tokenizer, restore_buffers
from qevd_bio.learning.weights import fill, read_tensors
from qevd_bio.store.errors import UserError
from qevd_bio.store.plain_data import read_json

CONFIG_FILE = "coach.json"
WEIGHTS_FILE = "model.safetensors"
FORMAT = 1
PROMPT, LONG_RANGE = "prompt", "long_range"
"""Entry of `about`: which published system prompt it was trained with; without it that of the released evaluation."""
LANGUAGE_PRINT, LANGUAGE_CHANGED = "language_print", "language_changed"
"""Entries of `about`: hash of the pretrained language model's last norm, and whether it has been trained since."""
BEGINS = "begins"
"""Entry of `about`: groups of weights as they were initialised, which the first training changes."""


@dataclass
class Coach:
    """A model with what it needs to read and speak; `about` says where it comes from.

    What a caller has to know of a coach (what it sees and reads, when it speaks) is asked here.
    """

    model: StreamVLM
    tokenizer: Any
    tokens: ActionTokens
    config: ModelConfig
    ablations: Ablations
    about: dict[str, Any]

    @property
    def sees(self) -> FeatureShape:
        """The features of a step."""
        encoder: EncoderName = "image" if self.ablations.image_encoder else "3d-cnn"
        return FeatureShape(encoder, self.config.vision.dim, self.config.vision.tokens)

    @property
    def reads(self) -> ContextsRead:
        """What it reads of C_motion and C_morph."""
        if self.config.kind != "biocoach":
            return ContextsRead()
        without: Read = "blank" if self.ablations.matched else "none"
        return ContextsRead(
            motion=without if self.ablations.no_motion_context else "measured",
            morph=without if self.ablations.no_morphology else "measured",
        )

    @property
    def front(self) -> int:
        """Columns that are kept in front of the prompt for C_motion, 0 where none is read."""
        return self.config.context_tokens if self.reads.motion != "none" else 0

    def prompt_ids(self, prompt: str) -> list[int]:
        """Ids of a system prompt as the family writes it, after the start token where nothing stands before it.

        A coach that was trained with one prompt for all segments (QEVD, App. D.3) reads that in its place.
        """
        if self.about.get(PROMPT) == LONG_RANGE:
            prompt = published(LONG_RANGE).strip()
        return prompt_ids(self.tokenizer, self.tokens, self.config.prompt, prompt, first=not self.front)

    @property
    def begins(self) -> tuple[str, ...]:
        """Groups of weights that have not been trained yet, in a coach made of a pretrained language model."""
        return tuple(self.about.get(BEGINS, ()))

    @property
    def in_turns(self) -> bool:
        """Whether it is asked at fixed intervals and shown frames, in the place of streaming."""
        return self.config.kind == "turn-based"

    @property
    def reads_morph(self) -> bool:
        """Whether it reads C_morph, be it one that says nothing."""
        return self.reads.morph != "none"

    @property
    def interval_steps(self) -> int:
        """Steps between two feedbacks of a coach without action tokens, 0 for one that speaks when it wants."""
        return self.ablations.interval_steps if self.ablations.no_action_tokens else 0

    @property
    def untrained(self) -> bool:
        """Whether its weights are random: what it says means nothing."""
        return bool(self.about.get("untrained"))

    @property
    def selector(self) -> JointSelector | None:
        """The trained joint selector; None where the model has none, or it was never trained."""
        trained = isinstance(self.model, BioCoach) and self.about.get("selector") == "trained"
        return self.model.selector if trained and isinstance(self.model, BioCoach) else None

    def wish(self, asked: MotionWish) -> MotionWish:
        """The contexts that it reads where nothing else is `asked`: those that it was trained with.

        Never those of annotations: a coach that is scored must not know what people or models said of the segment.
        """
        salient = asked.salient or self.ablations.salient
        if asked.salient is None:
            trained = self.about.get("salient")
            salient = trained if trained in ("exercise", "all") else salient
            salient = "exercise" if salient == "selector" and self.selector is None else salient
        window_s = float(self.about.get("window_s", self.ablations.window_s))
        return MotionWish(salient, window_s if asked.window_s is None else asked.window_s, asked.evidence)

    def settled(self, options: GenerateOptions, context_every: int | None = None) -> GenerateOptions:
        """`options` for this coach: its interval, and C_motion as often as asked, else as it was trained with."""
        every = context_every or int(self.about.get("context_every", options.context_every))
        return replace(options, context_every=every, interval_steps=self.interval_steps)


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

    state = tensors if tensors is not None else model.state_dict()
    shared = set(model.shared_names())
    whole = {name: value.detach().to("cpu").contiguous() for name, value in state.items() if name not in shared}

    def weights(path: Path) -> None:
        save_file(whole, path, metadata={"format": "pt"})

    write_coach(folder, model.config, ablations or model.ablations, about or {}, tokenizer, weights)


def write_coach(
    folder: Path,
    config: ModelConfig,
    ablations: Ablations,
    about: dict[str, Any],
    tokenizer: Any,
    weights: Callable[[Path], None],
) -> None:
    """Write a checkpoint folder, whole or not at all; `weights` writes the safetensors file at the path it is given."""
    values = {"format": FORMAT, "config": config.as_json(), "ablations": asdict(ablations), "about": about}
    with whole_folder(folder, CONFIG_FILE) as new:
        weights(new / WEIGHTS_FILE)
        tokenizer.save_pretrained(new)
        (new / CONFIG_FILE).write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


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
        values = read_json(path, "as qevd-bio writes it")
        version, config = values["format"], values["config"]
        ablations, about = Ablations(**values["ablations"]), dict(values["about"])
    except (ValueError, KeyError, TypeError) as error:
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
    check_memory(model, config.name, kind, device, folder)
    tensors = read_tensors(folder / WEIGHTS_FILE)
    tensors |= {name: tensors[source] for name, source in model.shared_names().items() if source in tensors}
    fill(model, tensors, folder / WEIGHTS_FILE, f"{config.name} ({CONFIG_FILE})")
    model.restore(config.action_rows)
    model = model.to(device=device, dtype=kind).eval()
    restore_buffers(model.decoder, device)  # again in float32
    return Coach(model, tokenizer, tokens, config, ablations, about)
