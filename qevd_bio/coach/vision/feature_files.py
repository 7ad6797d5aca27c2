"""Feature files in the official layout: where they lie, reading with checks, and the part of a segment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qevd_bio.coach.options import STEP_HZ, EncoderName
from qevd_bio.store.arrays import UNREADABLE
from qevd_bio.store.errors import ItemError, UserError
from qevd_bio.store.names import safe_name
from qevd_bio.tables.workspace import Workspace

_FOLDERS: dict[EncoderName, str] = {"3d-cnn": "efficientnet_features", "image": "image_features"}
_EXPECTED = "(T, C, H, W) float32 features with (T,) float64 times, as qevd-bio features writes them"


@dataclass(frozen=True)
class FeaturePaths:
    """The two files of one video."""

    features: Path
    times: Path

    @property
    def exist(self) -> bool:
        return self.features.is_file() and self.times.is_file()


@dataclass(frozen=True)
class FeatureShape:
    """What a model sees at a step: `tokens` vectors of `dim` values, made by `encoder`."""

    encoder: EncoderName
    dim: int
    tokens: int


def paths_in(root: Path, stem: str, encoder: EncoderName = "3d-cnn", crop: int = 0) -> FeaturePaths:
    """Feature files of a video below a split's folder (the data set's own, or the workspace's)."""
    folder = root / _FOLDERS[encoder] / "long_range_videos"
    if crop:
        folder = folder / f"crop-{crop}"
    return FeaturePaths(folder / f"{stem}_features.npy", folder / f"{stem}_timestamps.npy")


def feature_paths(
    workspace: Workspace, split: str, stem: str, encoder: EncoderName = "3d-cnn", crop: int = 0
) -> FeaturePaths:
    """Where `qevd-bio features` writes a video's features: those of the middle (crop 0), or of another crop."""
    return paths_in(workspace.path("features", split), safe_name(stem), encoder, crop)


def other_crops(paths: FeaturePaths) -> tuple[FeaturePaths, ...]:
    """The crops that lie beside a video's features, from the first on without a gap."""
    found: list[FeaturePaths] = []
    while True:
        folder = paths.features.parent / f"crop-{len(found) + 1}"
        crop = FeaturePaths(folder / paths.features.name, folder / paths.times.name)
        if not crop.exist:
            return tuple(found)
        found.append(crop)


def stage_name(encoder: EncoderName, crop: int = 0) -> str:
    """The stage that makes features of this encoder and crop, as its manifests and records are called."""
    name = "features" if encoder == "3d-cnn" else f"features-{encoder}"
    return f"{name}-crop-{crop}" if crop else name


@dataclass(frozen=True)
class VideoFeatures:
    """Features of one video: (T, C, H, W), mapped from disk, and their times (T,) in seconds."""

    values: NDArray[np.float32]
    times: NDArray[np.float64]
    path: Path

    def segment(self, start: float, end: float) -> VideoFeatures:
        """The steps with start < time <= end, on the scale of the times. ItemError where there are none."""
        chosen = np.flatnonzero((self.times > start) & (self.times <= end))
        if not chosen.size:
            raise ItemError(
                "no_features",
                f"{self.path}: no feature between {start:.2f} s and {end:.2f} s "
                f"(they run from {self.times[0]:.2f} s to {self.times[-1]:.2f} s)",
            )
        part = slice(int(chosen[0]), int(chosen[-1]) + 1)
        return VideoFeatures(self.values[part], self.times[part], self.path)

    def tokens(self, part: slice | None = None) -> NDArray[np.float32]:
        """(T, N, C): the grid's cells in reading order, as the model takes them."""
        values = self.values if part is None else self.values[part]
        flat = values.reshape(len(values), values.shape[1], -1)
        return np.ascontiguousarray(flat.transpose(0, 2, 1), dtype=np.float32)


def with_zero_in_front(tokens: NDArray[np.float32]) -> NDArray[np.float32]:
    """(T, N, C) to (T + 1, N, C): the all-zero feature that the released model puts before a segment's."""
    return np.concatenate((np.zeros_like(tokens[:1]), tokens))


def read_features(paths: FeaturePaths, dim: int | None = None, tokens: int | None = None) -> VideoFeatures:
    """Map a video's features; UserError for a file that is missing, damaged, of another shape or frame rate."""
    values = _checked(paths, dim, tokens)
    times = np.asarray(_load(paths.times), dtype=np.float64)
    if times.shape != (len(values),):
        raise UserError(f"{times.shape} times for {len(values)} features", where=paths.times, expected=_EXPECTED)
    _check_rate(times, paths.times)
    return VideoFeatures(values, times, paths.features)


def count_features(paths: FeaturePaths, dim: int | None = None, tokens: int | None = None) -> int:
    """How many features a video has, from the file's header alone; errors as `read_features`, as far as it tells."""
    if not paths.times.is_file() and paths.features.is_file():
        raise UserError("no such file", where=paths.times, expected=_EXPECTED)
    return len(_checked(paths, dim, tokens))


def _checked(paths: FeaturePaths, dim: int | None, tokens: int | None) -> NDArray[np.float32]:
    values = _load(paths.features)
    if values.ndim != 4 or values.dtype.kind != "f" or not len(values):
        raise UserError(f"holds {values.dtype} {values.shape}", where=paths.features, expected=_EXPECTED)
    cells = values.shape[2] * values.shape[3]
    if (dim is not None and values.shape[1] != dim) or (tokens is not None and cells != tokens):
        raise UserError(
            f"features of {values.shape[1]} values in {cells} cells",
            where=paths.features,
            expected=f"{dim} values in {tokens} cells, as this model sees",
            fix="make features with the encoder that the model was trained with (qevd-bio features)",
        )
    return values


def _check_rate(times: NDArray[np.float64], where: Path) -> None:
    if not np.isfinite(times).all() or (np.diff(times) <= 0).any():
        raise UserError("times are not finite or do not rise", where=where, expected=_EXPECTED)
    if len(times) < 3:
        return
    rate = 1.0 / float(np.median(np.diff(times)))
    if abs(rate - STEP_HZ) > 0.1 * STEP_HZ:
        raise UserError(
            f"{rate:.2f} features a second",
            where=where,
            expected=f"{STEP_HZ:g} a second",
            fix="make the features again with qevd-bio features, or with --rate 16 where this was changed",
        )


def _load(path: Path) -> NDArray[np.float32]:
    if not path.is_file():
        raise UserError(
            "no such file", where=path, expected=_EXPECTED, fix="qevd-bio features --data FOLDER --weights FILE"
        )
    try:
        loaded: NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
    except UNREADABLE as error:
        reason = (str(error).splitlines() or ["empty"])[0][:120]
        raise UserError(f"cannot be read ({reason})", where=path, expected=_EXPECTED) from error
    if not isinstance(loaded, np.ndarray):
        raise UserError("holds several arrays", where=path, expected=_EXPECTED)
    return loaded
