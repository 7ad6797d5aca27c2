"""The joint selector: trained on visual tokens and annotated joints (stage 1), then asked for J* of each segment.

BioCoach, Sec. 3.6, Supp. 11.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from qevd_bio.anatomy.dofs import JOINT_NAMES
from qevd_bio.coach.model.biocoach import BioCoach
from qevd_bio.coach.model.checkpoint import Coach, save_coach
from qevd_bio.coach.model.loading import open_coach
from qevd_bio.coach.model.selector import JointSelector, accuracy, balanced_loss, pool
from qevd_bio.coach.segments.data import SegmentSource, sources, span_of
from qevd_bio.coach.segments.joints import select_joints
from qevd_bio.dataset.opening import Dataset
from qevd_bio.exercise.catalogue import get
from qevd_bio.learning.batches import hold_out
from qevd_bio.learning.options import LoopOptions
from qevd_bio.motion.options import Evidence
from qevd_bio.motion.salient import salient_joints
from qevd_bio.store.atomic import atomic_path, make_folder
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.store.hashing import hash_json
from qevd_bio.tables.workspace import Workspace


@dataclass(frozen=True)
class Windows:
    """Pooled windows (W, crops, d) of tau seconds, joints of each (W, 24), its video, whether it begins its segment.

    annotated: windows whose joints were annotated; the others have their exercise's standard set.
    """

    pooled: NDArray[np.float32]
    joints: NDArray[np.float32]
    groups: tuple[str, ...]
    first: NDArray[np.bool_]
    annotated: int = 0


@dataclass
class JointBatch:
    """pooled (B, d), joints (B, 24)."""

    pooled: Tensor
    joints: Tensor

    def to(self, device: torch.device) -> JointBatch:
        """The same on `device`."""
        return JointBatch(self.pooled.to(device), self.joints.to(device))


def read_windows(
    sources: Sequence[SegmentSource],
    workspace: Workspace,
    steps: int,
    folder: Path,
    evidence: Evidence = "causal",
) -> Windows:
    """Every whole window of `steps` steps of each segment, in each crop of the picture that all segments have.

    Windows are pooled once, kept in `folder` under a name that follows from the feature files, and mapped from there.
    Joints are the annotated ones, else the exercise's standard set; of annotations that say when a joint was seen to
    matter, those seen by the window's end (`whole`: in the segment). What a selector chose is never learnt from.
    UserError where no segment has both features and an exercise.
    """
    salient = salient_joints(workspace, "annotated", evidence)
    crops = 1 + min((len(source.crops) for source in sources), default=0)
    annotated = 0
    chosen: list[tuple[SegmentSource, int]] = []
    joints, groups, first, files = [], [], [], []
    problem = "no exercise is known"
    for source in sources:
        segment = source.segment
        if segment.exercise_id is None:
            continue
        known = salient.of((segment.split, segment.video, segment.index), get(segment.exercise_id))
        try:
            seen = source.mapped()
            count = max(len(seen.values) // steps, 1)
        except (ItemError, UserError) as error:
            problem = str(error)
            continue
        chosen.append((source, count))
        files.append([segment.key, list(span_of(segment)), count, source.state(crops)])
        ends = seen.times[[min((number + 1) * steps, len(seen.times)) - 1 for number in range(count)]]
        for end in (ends - span_of(segment)[0] + segment.start_s).tolist():
            joints.append([float(name in known.at(end)) for name in JOINT_NAMES])
        annotated += count * (known.source == "annotated")
        groups += [f"{segment.split}/{segment.video}"] * count
        first += [number == 0 for number in range(count)]
    if not chosen:
        raise UserError(
            f"no segment with features and a known exercise: {problem}",
            fix="qevd-bio features, then qevd-bio train selector",
        )
    cache = make_folder(folder) / f"pooled-{hash_json([steps, files])[:16]}.npy"
    if not cache.is_file():
        pooled = [window for source, count in chosen for window in _pooled(source, count, steps, crops)]
        with atomic_path(cache) as path, path.open("wb") as file:
            np.save(file, np.array(pooled, np.float32), allow_pickle=False)
    mapped = np.load(cache, mmap_mode="r", allow_pickle=False)
    return Windows(mapped, np.array(joints, np.float32), tuple(groups), np.array(first), annotated)


def _pooled(source: SegmentSource, count: int, steps: int, crops: int) -> Iterator[NDArray[np.float32]]:
    """(crops, d) of each window."""
    found = [source.mapped(crop) for crop in range(crops)]
    for number in range(count):
        part = slice(number * steps, (number + 1) * steps)
        yield np.stack([pool(torch.from_numpy(one.tokens(part))).numpy() for one in found])


class SelectorLoss(nn.Module):
    """A batch to its balanced cross-entropy, times its size."""

    def __init__(self, selector: JointSelector) -> None:
        super().__init__()
        self.selector = selector

    def forward(self, batch: JointBatch) -> Tensor:
        loss: Tensor = balanced_loss(self.selector(batch.pooled), batch.joints) * len(batch.pooled)
        return loss


class SelectorTask:
    """The selector of one coach, windows to train with and windows held out by video."""

    name, chooses = "selector", "accuracy"
    advice: Sequence[str] = ()

    def __init__(self, coach: Coach, windows: Windows, options: LoopOptions) -> None:
        model = coach.model
        if not isinstance(model, BioCoach):
            raise UserError(f"{coach.config.name} has no joint selector", expected="a biocoach model")
        self.coach, self._windows = coach, windows
        model.train_only(("selector",))
        self._selector = model.selector
        self._train, self._held = hold_out(windows.groups, options.validation_share, options.seed)
        self.module: nn.Module = SelectorLoss(model.selector)
        self.lengths: Sequence[int] = [1] * len(self._train)

    def collate(self, indices: Sequence[int]) -> JointBatch:
        """The batch of these training items."""
        crops = torch.randint(self._windows.pooled.shape[1], (len(indices),)).numpy()
        return self._batch([self._train[index] for index in indices], crops)

    def _batch(self, places: Sequence[int], crops: NDArray[np.int64] | None = None) -> JointBatch:
        """The windows at these places, each in its crop (None: all in the middle of the picture)."""
        own = np.asarray(places, dtype=np.intp)
        pooled = torch.from_numpy(np.array(self._windows.pooled[own, 0 if crops is None else crops]))
        return JointBatch(pooled, torch.from_numpy(self._windows.joints[own]))

    def weight(self, indices: Sequence[int]) -> float:
        """What the summed loss of these items is divided by."""
        return float(len(indices))

    def better(self, new: float, old: float) -> bool:
        """Whether `new` is the better value."""
        return new > old

    @torch.no_grad()
    def validate(self) -> Mapping[str, float]:
        """Balanced loss, and the share of annotated joints among the top K, of held-out segments' first windows."""
        held = [place for place in self._held if self._windows.first[place]]
        if not held:
            return {}
        batch = self._batch(held).to(next(self.module.parameters()).device)
        logits = self._selector(batch.pooled)
        share = accuracy(logits, batch.joints, self.coach.config.selector.top_k)
        return {"accuracy": share, "loss": float(balanced_loss(logits, batch.joints))}

    def save(self, folder: Path, about: Mapping[str, Any], tensors: dict[str, Tensor] | None = None) -> None:
        """Write a checkpoint; `tensors` are the weights where they are spread over processes."""
        whole = {**self.coach.about, "selector": "trained", "selector_training": dict(about)}
        model, tokenizer, ablations = self.coach.model, self.coach.tokenizer, self.coach.ablations
        gathered = {**model.state_dict(), **tensors} if tensors is not None else None
        save_coach(folder, model, tokenizer, ablations=ablations, about=whole, tensors=gathered)


def select_in(dataset: Dataset, workspace: Workspace, model: str, device: str, evidence: Evidence) -> tuple[int, int]:
    """`select_joints` in every segment of a data set, by the model of that name."""
    coach = open_coach(model, device=device)
    chosen = sources(dataset, workspace, coach.sees)
    return select_joints(chosen, coach, workspace.selected_joints, model, evidence)
