"""The reward stage: what a coach says in sampled streams is rewarded as a whole (group-relative policy optimisation).

Of each segment several streams are sampled; one is made likelier by how much better it did than its group, and all are
held to the supervised model by a KL term. No value function is learnt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from qevd_bio.coach.model.checkpoint import Coach, save_coach
from qevd_bio.coach.options import GenerateOptions, SequenceOptions
from qevd_bio.coach.segments.data import SegmentInput, SegmentOutput, SegmentSource
from qevd_bio.coach.streaming.decoding import Streamer
from qevd_bio.coach.streaming.speaker import Speaker
from qevd_bio.coach.training.coach import Said, SequenceLoss, about_after
from qevd_bio.coach.training.collate import Batch, collate
from qevd_bio.coach.training.examples import Example, contexts_of, features_of, morphs_of, targets_of
from qevd_bio.coach.training.options import RewardOptions
from qevd_bio.coach.training.sequence import IGNORED, TrainingSequence, context_versions
from qevd_bio.learning.batches import hold_out
from qevd_bio.learning.options import LoopOptions
from qevd_bio.scoring.metrics.lexical import rouge_likeness
from qevd_bio.scoring.options import MatchingOptions
from qevd_bio.scoring.pairing.ordered import Similarity, ordered_pairs
from qevd_bio.store.errors import ItemError, UserError

_MEANING = 0.5
"""Weight of the texts' likeness in choosing which feedback answers which; the other half is time."""


def reward_of(truth: Said, said: Said, similarity: Similarity, tolerance_s: float) -> float:
    """Reward, 0 to 1, of what was said: timing times meaning of an order-keeping assignment.

    truth, said: (seconds from the segment's start, text), in order. Each pair is worth (1 - |dt| / tolerance) times
    the likeness of its texts; the sum is divided by the mean number of feedbacks, so that silence and chatter both
    cost. Nothing said where nothing was to be said is worth 1.
    """
    if not truth and not said:
        return 1.0
    times, texts = [time for time, _ in truth], [text for _, text in truth]
    own_times, own = [time for time, _ in said], [text for _, text in said]
    pairs = ordered_pairs(times, own_times, texts, own, tolerance_s, _MEANING, similarity)
    worth = sum((1 - abs(times[a] - own_times[b]) / tolerance_s) * similarity(texts[a], own[b]) for a, b in pairs)
    return 2 * worth / (len(truth) + len(said))


def advantages(rewards: Sequence[float]) -> list[float]:
    """By how many standard deviations each sample of a group did better than its mean; 0 where all did alike."""
    values = np.asarray(rewards, dtype=np.float64)
    spread = float(values.std())
    return ((values - values.mean()) / spread).tolist() if spread > 1e-6 else [0.0] * len(values)


def sequence_of(
    segment: SegmentInput, output: Sequence[int], coach: Coach, options: GenerateOptions
) -> TrainingSequence:
    """A sampled stream as a training sequence: each token that the coach was free to choose is a target of weight 1."""
    tokens, front = coach.tokens, coach.front
    contexts = contexts_of(segment, coach, front, options.context_every) if front else []
    chosen = SequenceOptions(context="fast" if front else "none", context_every=options.context_every)
    versions, of_step = context_versions(contexts, chosen) if front else ([], [-1] * len(segment.features))
    prompt = coach.prompt_ids(segment.prompt)
    speaker = Speaker(tokens, len(segment.features), options)
    ids, steps, reads = list(prompt), [-1] * len(prompt), [of_step[0]] * len(prompt)
    targets, spoken, held = [IGNORED] * len(prompt), 0, of_step[0]
    for following in output[1:]:
        reading = speaker.pending
        assert reading is not None
        ids.append(reading)
        steps.append(speaker.step if speaker.sees else -1)
        held = of_step[speaker.step] if speaker.sees else held  # C_motion is looked at when a step is seen
        reads.append(held)
        spoken = spoken + 1 if reading not in (tokens.next, tokens.end, tokens.feedback) else 0
        # After this many tokens a feedback is ended by rule; between steps `interval_steps` decides.
        free = spoken < options.max_tokens and not (options.interval_steps and reading in (tokens.next, tokens.end))
        targets.append(following if free else IGNORED)
        speaker.take(following)
    blocks = [token for version in versions for token in version]
    places = [front - len(version) + place for version in versions for place in range(len(version))]
    owner = [number for number, version in enumerate(versions) for _ in version]
    start, before = (front if front else 0), len(blocks)
    learnt = np.array([IGNORED] * before + targets, dtype=np.int64)
    return TrainingSequence(
        ids=np.array(blocks + ids, dtype=np.int64),
        positions=np.array(places + list(range(start, start + len(ids))), dtype=np.int64),
        targets=learnt,
        weights=(learnt != IGNORED).astype(np.float32),
        steps=np.array([-1] * before + steps, dtype=np.int64),
        version=np.array(owner + [-1] * len(ids), dtype=np.int64),
        reads=np.array(owner + reads, dtype=np.int64),
    )


@dataclass
class Sampled:
    """Sampled streams side by side, and by how much each did better than its group (B,)."""

    batch: Batch
    advantages: Tensor

    def to(self, device: torch.device) -> Sampled:
        """The same on `device`."""
        return Sampled(self.batch.to(device), self.advantages.to(device))


class RewardLoss(nn.Module):
    """Sampled streams to the sum over them of what is minimised, each averaged over its choices."""

    def __init__(self, coach: Coach, kl: float) -> None:
        super().__init__()
        self.model = coach.model
        self._tokens, self._kl = coach.tokens, kl
        self._loss = SequenceLoss(coach.model)
        # The supervised model: what is trained, as it was before.
        self._before = {n: p.detach().clone() for n, p in coach.model.named_parameters() if p.requires_grad}

    def forward(self, sampled: Sampled) -> Tensor:
        batch = sampled.batch
        self.model.eval()  # as the streams were sampled: without dropout
        chances, rows = self.chances(batch)
        with torch.no_grad():
            self._swap()
            reference, _ = self.chances(batch)
            self._swap()
        share = 1.0 / torch.bincount(rows, minlength=len(batch.ids)).clamp(min=1).to(chances.dtype)[rows]
        apart = reference - chances
        kept = torch.exp(apart) - apart - 1  # an estimate of the KL divergence that is never negative
        return ((self._kl * kept - sampled.advantages.to(chances.dtype)[rows] * chances) * share).sum()

    def chances(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Log probability of each choice (K,), and the stream (K,) that it stands in.

        Between feedbacks there are two choices, to speak or not; within one any action token ends it.
        """
        logits, kept = self._loss.logits(batch)
        known = logits.float().log_softmax(dim=-1)
        took, reading = batch.targets[kept], batch.ids[kept]
        tokens = self._tokens
        plain = known.gather(1, took[:, None])[:, 0]
        speak = known[:, tokens.feedback]
        silent = torch.log1p(-speak.exp().clamp(max=1 - 1e-6))
        ends = torch.logsumexp(known[:, [tokens.next, tokens.feedback, tokens.end]], dim=-1)
        outside = (reading == tokens.next) | (reading == tokens.end)
        between = torch.where(took == tokens.feedback, speak, silent)
        within = torch.where(took == tokens.end, ends, plain)
        rows = kept.nonzero()[:, 0]
        return torch.where(outside, between, within), rows

    def _swap(self) -> None:
        """Exchange the trained weights with those from before."""
        for name, parameter in self.model.named_parameters():
            if name in self._before:
                now = parameter.data
                parameter.data = self._before[name].to(now)
                self._before[name] = now


class RewardTask:
    """A coach, segments to sample in, and what is held out of them."""

    name, chooses = "reward", "reward"
    advice: Sequence[str] = ("--samples 4 (fewer streams of each segment)",)

    def __init__(
        self,
        coach: Coach,
        sources: Sequence[SegmentSource],
        options: LoopOptions,
        reward: RewardOptions,
        parts: Sequence[str],
    ) -> None:
        self.coach, self._reward, self._parts = coach, reward, tuple(parts)
        groups = [source.segment.key.rsplit("/", 1)[0] for source in sources]
        train, held = hold_out(groups, options.validation_share, options.seed)
        self._sources, self._held = [sources[index] for index in train], [sources[index] for index in held]
        self.trained = coach.model.train_only(parts)
        self.module: nn.Module = RewardLoss(coach, reward.kl)
        self.lengths: Sequence[int] = [1] * len(self._sources)
        self._similarity = rouge_likeness()
        self._tolerance_s = MatchingOptions().tolerance_s
        self.rewards: list[float] = []
        """Mean reward of the samples of each step so far."""

    def collate(self, indices: Sequence[int]) -> Sampled:
        """Streams sampled with the weights of this moment; which ones follows from torch's seed, so from the step."""
        options = self._options(self._reward.temperature, int(torch.randint(2**31 - 1, ()).item()))
        examples, worth, found = [], [], []
        for index in indices:
            source = self._sources[index]
            segment = source.load()
            copies = [replace(segment, key=f"{segment.key}#{number}") for number in range(self._reward.samples)]
            outputs = self._said(copies, options)
            rewards = [self._worth(source, output) for output in outputs]
            found += rewards
            worth += advantages(rewards)
            morphs, of_step = morphs_of(segment, self.coach)
            for output in outputs:
                sequence = sequence_of(segment, output.output, self.coach, options)
                examples.append(Example(output.key, "", sequence, features_of(source), morphs, of_step))
        self.rewards.append(float(np.mean(found)))
        vision = self.coach.config.vision
        batch = collate(examples, self.coach.tokens.pad, (vision.tokens, vision.dim))
        return Sampled(batch, torch.tensor(worth, dtype=torch.float32))

    def _options(self, temperature: float, seed: int = 0) -> GenerateOptions:
        chosen = GenerateOptions(
            timing="corrected", temperature=temperature, seed=seed, max_tokens=self._reward.max_tokens
        )
        return self.coach.settled(chosen)

    def _said(self, segments: Sequence[SegmentInput], options: GenerateOptions) -> list[SegmentOutput]:
        training = self.coach.model.training
        found: dict[str, SegmentOutput] = {}
        for result in Streamer(self.coach, options).run(segments):
            if not isinstance(result, SegmentOutput):
                raise UserError(f"{result[0]}: {result[1].detail or result[1].reason}", expected="segments that fit")
            found[result.key] = result
        self.coach.model.train(training)
        return [found[segment.key] for segment in segments]

    def _worth(self, source: SegmentSource, output: SegmentOutput) -> float:
        said = [(one.time_s, one.text) for one in output.feedbacks]
        return reward_of(targets_of(source.segment), said, self._similarity, self._tolerance_s)

    def weight(self, indices: Sequence[int]) -> float:
        """What the summed loss of these items is divided by."""
        return float(len(indices) * self._reward.samples)

    def better(self, new: float, old: float) -> bool:
        """Whether `new` is the better value."""
        return new > old

    @torch.no_grad()
    def validate(self) -> Mapping[str, float]:
        """Mean reward of what is said without sampling in the held-out segments."""
        if not self._held:
            return {}
        segments = [source.load() for source in self._held]
        outputs = self._said(segments, self._options(0.0))
        worth = [self._worth(source, output) for source, output in zip(self._held, outputs, strict=True)]
        return {"reward": float(np.mean(worth))}

    def save(self, folder: Path, about: Mapping[str, Any], tensors: dict[str, Tensor] | None = None) -> None:
        """Write a checkpoint; `tensors` are the weights where they are spread over processes."""
        coach = self.coach
        whole = {**about_after(coach, self._parts), "trained": self.name, **about}
        if tensors is not None:
            tensors = {name.removeprefix("model."): value for name, value in tensors.items()}
        save_coach(folder, coach.model, coach.tokenizer, ablations=coach.ablations, about=whole, tensors=tensors)


def usable(sources: Sequence[SegmentSource], coach: Coach) -> tuple[list[SegmentSource], dict[str, int]]:
    """Segments that can be streamed, and why others cannot: reason -> number. UserError where none can."""
    found: list[SegmentSource] = []
    missing: dict[str, int] = {}
    problem = ""
    for source in sources:
        try:
            segment = source.load()
            if coach.front:
                contexts_of(segment, coach, coach.front, 1)
            morphs_of(segment, coach)
        except (ItemError, UserError) as error:
            reason = error.reason if isinstance(error, ItemError) else "bad_input"
            missing[reason] = missing.get(reason, 0) + 1
            problem = problem or str(error)
            continue
        found.append(source)
    if not found:
        raise UserError(f"no segment to train on: {problem}", expected="features and contexts of the training videos")
    return found, missing
