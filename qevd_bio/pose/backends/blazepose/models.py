"""Which model files a name or a path means: the detector and the landmark model, checked."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

from qevd_bio.pose.options import POSE_MODELS
from qevd_bio.store.errors import UserError
from qevd_bio.store.hashing import hash_bytes
from qevd_bio.store.models.cache import cached_file
from qevd_bio.store.models.table import find_model

_SUFFIXES = (".task", ".tflite")
_TASK_PARTS = ("pose_landmarks_detector.tflite", "pose_detector.tflite")
_LARGEST = 200 * 2**20
_EXPECTED = f"{', '.join(POSE_MODELS)}, or a pose_landmarker .task or pose_landmark .tflite file"


@dataclass(frozen=True)
class ModelFile:
    """Content of one model; `name` for messages; `path` where these bytes lie as a file of their own."""

    name: str
    content: bytes
    path: Path | None = None

    @property
    def sha256(self) -> str:
        return hash_bytes(self.content)


@dataclass(frozen=True)
class PoseModel:
    """The two models that belong together."""

    name: str
    landmarks: ModelFile
    detector: ModelFile


def model_paths(choice: str) -> tuple[Path, ...]:
    """The files that results of this choice depend on. Raises UserError where one is missing or wrong."""
    if choice in POSE_MODELS:
        return _named(choice), _named("detector")
    path = Path(choice).expanduser()
    if path.suffix.lower() not in _SUFFIXES:
        raise UserError(f"no pose model is called {choice}", expected=_EXPECTED, fix="check --pose-model")
    if not path.is_file():
        raise UserError("no such file", where=path, expected=_EXPECTED, fix="check --pose-model")
    return (path,) if path.suffix.lower() == ".task" else (path, _named("detector"))


def open_model(choice: str) -> PoseModel:
    """The model of this name, or of this `.task` or `.tflite` file. Raises UserError as `model_paths` does."""
    paths = model_paths(choice)
    if paths[0].suffix.lower() == ".task":
        landmarks, detector = _bundled(paths[0])
    else:
        landmarks, detector = (ModelFile(str(path), _read(path), path) for path in paths)
    name = paths[0].stem if choice not in POSE_MODELS else f"pose_landmark_{choice}"
    return PoseModel(name, landmarks, detector)


def _named(name: str) -> Path:
    return cached_file(find_model(f"pose-{name}"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(error.strerror or "cannot be read", where=path, fix="check --pose-model") from error


def _bundled(path: Path) -> tuple[ModelFile, ModelFile]:
    """The two models of a `.task` file, which is a zip archive of them."""
    try:
        with zipfile.ZipFile(path) as bundle:
            inside = {info.filename: info for info in bundle.infolist()}
            if not set(_TASK_PARTS) <= set(inside):
                raise UserError(
                    f"is a bundle of another kind: it holds {', '.join(sorted(inside)) or 'nothing'}",
                    where=path,
                    expected=f"a pose_landmarker .task file with {' and '.join(_TASK_PARTS)}",
                    fix="check --pose-model",
                )
            large = [name for name in _TASK_PARTS if inside[name].file_size > _LARGEST]
            if large:
                raise UserError(f"{large[0]} in it is larger than any pose model", where=path, fix="check --pose-model")
            landmarks, detector = (ModelFile(f"{path}: {name}", bundle.read(name)) for name in _TASK_PARTS)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError) as error:
        raise UserError(
            f"cannot be read as a bundle of models: {error}",
            where=path,
            expected="a whole pose_landmarker .task file",
            fix="download it again, or name one of " + ", ".join(POSE_MODELS),
        ) from error
    return landmarks, detector
