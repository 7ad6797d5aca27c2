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
from qevd_bio.dataset.opening import Dataset
from qevd_bio.exercise.catalogue import get
from qevd_bio.learning.batches import hold_out
from qevd_bio.learning.options import LoopOptions
from qevd_bio.motion.salient import read_salient
from qevd_bio.store.atomic import atomic_path, make_folder
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.store.hashing import hash_json
from qevd_bio.tables.annotations import SALIENT, SalientRow
from qevd_bio.tables.workspace import Workspace


@dataclass(frozen=True)
class Windows:
    """Pooled windows (W, d) of tau seconds, joints of each (W, 24), its video and whether it begins its segment."""

    pooled: NDArray[np.float32]
    joints: NDArray[np.float32]
    groups: tuple[str, ...]
    first: NDArray[np.bool_]


@dataclass
class JointBatch:
    """pooled (B, d), joints (B, 24)."""

    pooled: Tensor
    joints: Tensor

    def to(self, device: torch.device) -> JointBatch:
        return JointBatch(self.pooled.to(device), self.joints.to(device))


def read_windows(sources: Sequence[SegmentSource], workspace: Workspace, steps: int, folder: Path) -> Windows:
    """Every whole window of `steps` steps of each segment.

    Windows are pooled once, kept in `folder` under a name that follows from the feature files, and mapped from there.
    Joints are the annotated ones, else the exercise's standard set. UserError where no segment has both features
    and an exercise.
    """
    salient = read_salient(workspace)
    chosen: list[tuple[SegmentSource, int]] = []
    joints, groups, first, files = [], [], [], []
    problem = "no exercise is known"
    for source in sources:
        segment = source.segment
        if segment.exercise_id is None:
            continue
        names, _ = salient.of((segment.split, segment.video, segment.index), get(segment.exercise_id))
        try:
            count = max(len(source.mapped().values) // steps, 1)
        except (ItemError, UserError) as error:
            problem = str(error)
            continue
        chosen.append((source, count))
        files.append([segment.key, list(span_of(segment)), count, source.state()])
        joints += [[float(name in names) for name in JOINT_NAMES]] * count
        groups += [f"{segment.split}/{segment.video}"] * count
        first += [number == 0 for number in range(count)]
    if not chosen:
        raise UserError(
            f"no segment with features and a known exercise: {problem}",
            fix="qevd-bio features, then qevd-bio train selector",
        )
    cache = make_folder(folder) / f"pooled-{hash_json([steps, files])[:16]}.npy"
    if not cache.is_file():
        pooled = [window for source, count in chosen for window in _pooled(source, count, steps)]
        with atomic_path(cache) as path, path.open("wb") as file:
            np.save(file, np.array(pooled, np.float32), allow_pickle=False)
    mapped = np.load(cache, mmap_mode="r", allow_pickle=False)
    return Windows(mapped, np.array(joints, np.float32), tuple(groups), np.array(first))


def _pooled(source: SegmentSource, count: int, steps: int) -> Iterator[NDArray[np.float32]]:
    found = source.mapped()
    for number in range(count):
        window = found.tokens(slice(number * steps, (number + 1) * steps))
        yield pool(torch.from_numpy(window)).numpy()


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
        return self._batch([self._train[index] for index in indices])

    def _batch(self, places: Sequence[int]) -> JointBatch:
        own = np.asarray(places, dtype=np.intp)
        pooled = torch.from_numpy(np.array(self._windows.pooled[own]))
        return JointBatch(pooled, torch.from_numpy(self._windows.joints[own]))

    def weight(self, indices: Sequence[int]) -> float:
        return float(len(indices))

    def better(self, new: float, old: float) -> bool:
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
        whole = {**self.coach.about, "selector": "trained", "selector_training": dict(about)}
        model, tokenizer, ablations = self.coach.model, self.coach.tokenizer, self.coach.ablations
        gathered = {**model.state_dict(), **tensors} if tensors is not None else None
        save_coach(folder, model, tokenizer, ablations=ablations, about=whole, tensors=gathered)


def select_joints(chosen: Sequence[SegmentSource], coach: Coach, workspace: Workspace, where: Path) -> tuple[int, int]:
    """Choose the top-K joints of each segment from its first tau seconds; they hold for the whole segment.

    Writes the selector's own table of salient joints; returns how many segments were done and how many failed. Raises
    UserError for a model without selector, or with one that was never trained.
    """
    if not isinstance(coach.model, BioCoach):
        raise UserError(f"{coach.config.name} has no joint selector", where=where, expected="a biocoach model")
    selector = coach.selector
    if selector is None:
        raise UserError(
            "the joint selector of this model is not trained",
            where=where,
            expected="a model whose selector was trained",
            fix="qevd-bio train selector",
        )
    rows: list[SalientRow] = []
    steps = coach.ablations.tau_steps
    for source in chosen:
        try:
            features = torch.from_numpy(source.load().features[:steps]).to(coach.model.device)
            rows.append(_row(source, selector.choose(features), "ok", None))
        except (ItemError, UserError) as error:
            reason = error.reason if isinstance(error, ItemError) else "bad_input"
            rows.append(_row(source, (), "failed", reason))
    about = {"model": coach.config.name, "tau_steps": steps, "top_k": coach.config.selector.top_k}
    SALIENT.save(workspace.selected_joints, rows, metadata=about)
    failed = sum(row.status == "failed" for row in rows)
    return len(rows) - failed, failed


def _row(source: SegmentSource, joints: tuple[str, ...], status: str, reason: str | None) -> SalientRow:
    segment = source.segment
    return SalientRow(
        split=segment.split,
        video=segment.video,
        segment=segment.index,
        exercise=segment.exercise_id,
        joints=list(joints) or None,
        vector=[int(name in joints) for name in JOINT_NAMES] if joints else None,
        status=status,
        reason=reason,
        method="selector",
    )


def select_in(dataset: Dataset, workspace: Workspace, model: str, device: str) -> tuple[int, int]:
    """`select_joints` in every segment of a data set, by the model of that name."""
    coach = open_coach(model, device=device)
    return select_joints(sources(dataset, workspace, coach.sees), coach, workspace, Path(model))
