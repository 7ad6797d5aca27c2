"""Training of BioCoach and Stream-VLM on segments: weighted cross-entropy over sequences (BioCoach, Sec. 3.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from qevd_bio.coach.model.biocoach import BioCoach
from qevd_bio.coach.model.checkpoint import BEGINS, LANGUAGE_CHANGED, Coach, save_coach
from qevd_bio.coach.model.cross_attention import Vision
from qevd_bio.coach.model.stream_vlm import StreamVLM
from qevd_bio.coach.options import GenerateOptions
from qevd_bio.coach.segments.data import SegmentOutput, SegmentSource
from qevd_bio.coach.segments.views import NOT_STATED
from qevd_bio.coach.streaming.decoding import Streamer
from qevd_bio.coach.training.clips import ClipExamples
from qevd_bio.coach.training.collate import Batch, collate
from qevd_bio.coach.training.examples import Example, Prepared, targets_of
from qevd_bio.coach.training.options import CoachData, ShortParts
from qevd_bio.coach.training.sequence import IGNORED
from qevd_bio.learning.batches import hold_out
from qevd_bio.learning.options import LoopOptions
from qevd_bio.learning.precision import mixed
from qevd_bio.learning.state import is_sharded
from qevd_bio.scoring.measures import measure
from qevd_bio.scoring.options import MatchingOptions, ScoreOptions
from qevd_bio.scoring.pairing.matching import official_pairs

Stage = Literal["short", "long"]


class SequenceLoss(nn.Module):
    """A batch to the sum of weighted cross-entropies; logits are computed where something is learnt alone."""

    def __init__(self, model: StreamVLM) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch) -> Tensor:
        logits, kept = self.logits(batch)
        losses = cross_entropy(logits.float(), batch.targets[kept], reduction="none")
        return (losses * batch.weights[kept]).sum()

    def logits(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Logits (K, V) of the K learnt places, and where these are (B, L)."""
        kept = batch.targets != IGNORED
        features = batch.features
        if isinstance(self.model, BioCoach) and batch.morph.shape[1]:
            features = self.model.fuse(features, batch.morph, batch.known, batch.runs)
        vision = Vision(batch.rows, batch.columns, features)
        return self.model(batch.ids, batch.positions, None, vision, kept, batch.blocks), kept


def parts_to_train(coach: Coach, stage: Stage, short: ShortParts = "cross-attention") -> tuple[str, ...]:
    """Groups of weights that a stage changes, as published.

    BioCoach: the fusion alone (Sec. 3.6). Stream-VLM: on short clips the cross-attention (QEVD, Sec. 4), with `short`
    all but the 3D CNN; on long videos LoRA. What begins with random weights is trained, too: the whole language model
    of a preset, the cross-attention of a coach that has seen no short clips. Without a fusion (no morphology) a
    BioCoach trains the cross-attention. A turn-based model trains its projector and LoRA. The action tokens' own rows
    are no part of a pretrained language model, and are trained in every stage.
    """
    biocoach = coach.config.kind == "biocoach"
    own = ("actions",) if coach.config.action_rows else ()
    if coach.untrained:
        fusion = ("fusion",) if coach.reads_morph else ()
        return ("language", "xattn", *fusion, *own)
    if coach.in_turns:
        published: tuple[str, ...] = ("projector", "lora") if coach.config.lora.r else ("projector",)
        return (*published, *own)
    if biocoach:
        published = ("fusion",) if coach.reads_morph else ("xattn",)
        more: tuple[str, ...] = ("xattn",) if coach.ablations.no_pretraining or "xattn" in coach.begins else ()
    elif stage == "short":
        published, more = ("language", "xattn") if short == "all" else ("xattn",), ()
    else:
        published = ("lora",) if coach.config.lora.r else ("xattn",)
        more = ("xattn",) if "xattn" in coach.begins else ()
    return tuple(dict.fromkeys((*published, *more, *own)))


class CoachTask:
    """One coach, its examples and what is held out of them."""

    chooses = "loss"
    advice: Sequence[str] = ("--context-every 24 or a smaller --max-tokens (shorter sequences)",)

    def __init__(
        self,
        coach: Coach,
        prepared: Prepared,
        data: CoachData,
        options: LoopOptions,
        parts: Sequence[str],
        name: str = "coach",
    ) -> None:
        self.name, self.coach, self._data, self._options = name, coach, data, options
        train, held = hold_out(groups_of(prepared.examples), options.validation_share, options.seed)
        self._examples, self._held = part(prepared.examples, train), part(prepared.examples, held)
        self._held_sources = [prepared.sources[index] for index in held] if prepared.sources else []
        model = coach.model
        self.trained = model.train_only(parts)
        if options.activation_checkpointing:
            _checkpoint_activations(model.causal_lm)
        self.module: nn.Module = SequenceLoss(model)
        self.lengths: Sequence[int] = lengths_of(self._examples)
        self._parts = tuple(parts)

    def collate(self, indices: Sequence[int]) -> Batch:
        """The batch of these training items."""
        return self._collate([self._examples[index] for index in indices], draw=True)

    def _collate(self, examples: Sequence[Example], draw: bool = False) -> Batch:
        vision = self.coach.config.vision
        return collate(examples, self.coach.tokens.pad, (vision.tokens, vision.dim), draw=draw)

    def weight(self, indices: Sequence[int]) -> float:
        """What the summed loss of these items is divided by."""
        return sum(self._examples[index].weight for index in indices)

    def better(self, new: float, old: float) -> bool:
        """Whether `new` is the better value."""
        return new < old

    @torch.no_grad()
    def validate(self) -> Mapping[str, float]:
        """Loss over the held-out segments, and lexical scores of what the coach says in some of them.

        Weights that are spread over processes (FSDP) cannot speak step by step: then the loss alone.
        """
        if not self._held:
            return {}
        with mixed(self.coach.model.device, self._options.precision):
            return self._validated()

    def _validated(self) -> dict[str, float]:
        size = self._options.micro_batch or self._options.batch
        lengths = lengths_of(self._held)
        ordered = sorted(range(len(lengths)), key=lengths.__getitem__)
        loss = weight = 0.0
        for first in range(0, len(ordered), size):
            examples = [self._held[index] for index in ordered[first : first + size]]
            loss += float(self.module(self._collate(examples).to(self.coach.model.device)))
            weight += sum(example.weight for example in examples)
        values = {"loss": loss / max(weight, 1e-8)}
        chosen = self._held_sources[: self._data.generate]
        if chosen and not is_sharded(self.module):
            values |= generated_scores(self.coach, chosen, self._data.context_every)
        return values

    def save(self, folder: Path, about: Mapping[str, Any], tensors: dict[str, Tensor] | None = None) -> None:
        """Write a checkpoint; `tensors` are the weights where they are spread over processes."""
        motion = self._data.motion
        read = {"salient": motion.salient or NOT_STATED, "window_s": motion.window_s or 0.0}
        contexts = {**read, "evidence": motion.evidence} if self.coach.reads.measured else {}
        whole = about_after(self.coach, self._parts) | {"trained": self.name}
        whole |= {"context_every": self._data.context_every, **contexts, **about}
        model, tokenizer, ablations = self.coach.model, self.coach.tokenizer, self.coach.ablations
        if tensors is not None:
            tensors = {name.removeprefix("model."): value for name, value in tensors.items()}
        save_coach(folder, model, tokenizer, ablations=ablations, about=whole, tensors=tensors)


def about_after(coach: Coach, parts: Sequence[str]) -> dict[str, Any]:
    """What a checkpoint says of a coach once these groups of weights have been trained."""
    kept = {name: value for name, value in coach.about.items() if name != "untrained"}
    kept[BEGINS] = [name for name in coach.begins if name not in parts]
    kept[LANGUAGE_CHANGED] = coach.about.get(LANGUAGE_CHANGED, False) or "language" in parts
    return kept


def part(examples: Sequence[Example], indices: Sequence[int]) -> Sequence[Example]:
    """The examples of these numbers; those of clips stay unmade."""
    if isinstance(examples, ClipExamples):
        return examples.part(indices)
    return [examples[index] for index in indices]


def lengths_of(examples: Sequence[Example]) -> list[int]:
    """Tokens of each example, of clips estimated."""
    if isinstance(examples, ClipExamples):
        return examples.lengths
    return [len(example.sequence) for example in examples]


def groups_of(examples: Sequence[Example]) -> list[str]:
    """Whom each example shows: what is held out together."""
    return examples.groups if isinstance(examples, ClipExamples) else [example.group for example in examples]


def _checkpoint_activations(language: Any) -> None:
    """Keep each layer's input alone and compute the rest again in the backward pass."""
    settings = {"use_reentrant": False}
    if hasattr(language, "activation_checkpointing_enable"):
        language.activation_checkpointing_enable(settings)
    else:
        language.gradient_checkpointing_enable(gradient_checkpointing_kwargs=settings)


Said = Sequence[tuple[float, str]]


def generated_scores(coach: Coach, sources: Sequence[SegmentSource], context_every: int) -> dict[str, float]:
    """METEOR, ROUGE-L, temporal F-score (official protocol, `corrected` timing) and feedbacks said a segment."""
    streamer = Streamer(coach, coach.settled(GenerateOptions(timing="corrected"), context_every))
    said: dict[str, Said] = {}
    for output in streamer.run(source.load() for source in sources):
        if isinstance(output, SegmentOutput):
            said[output.key] = [(spoken.time_s, spoken.text) for spoken in output.feedbacks]
    truth = {source.segment.key: targets_of(source.segment) for source in sources}
    return lexical_scores([(truth[key], spoken) for key, spoken in said.items()])


def lexical_scores(segments: Sequence[tuple[Said, Said]]) -> dict[str, float]:
    """Scores of (truth, predictions) of each segment, both (seconds from its start, text).

    A metric that this machine cannot compute (no WordNet) is left out.
    """
    tolerance = MatchingOptions().tolerance_s
    pairs: list[tuple[str, str]] = []
    right = spoken = hit = wanted = 0
    for truth, predictions in segments:
        times, texts = [t for t, _ in truth], [text for _, text in truth]
        own_times, own = [t for t, _ in predictions], [text for _, text in predictions]
        found = official_pairs(times, own_times, own, tolerance)
        pairs += [(texts[a], own[b]) for a, b in found]
        hit, wanted = hit + len(found), wanted + len(truth)
        right += len(official_pairs(own_times, times, texts, tolerance))
        spoken += len(predictions)
    precision, recall = right / max(spoken, 1), hit / max(wanted, 1)
    scores = {
        "temporal_f": 2 * precision * recall / (precision + recall) if right and hit else 0.0,
        "said": spoken / max(len(segments), 1),
    }
    for metric in ("meteor", "rouge_l"):
        outcome = measure(metric, {"official": pairs}, ScoreOptions(), None) if pairs else None
        if outcome is not None and outcome.reason is None:
            scores[metric] = outcome.measured["official"].value
    return scores
