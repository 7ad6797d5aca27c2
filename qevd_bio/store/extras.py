"""Optional packages: which extra of qevd-bio brings each, and the one sentence for a package that is not there."""

from __future__ import annotations

from importlib.util import find_spec

from qevd_bio.store.errors import UserError

EXTRAS = {
    "openvino": "pose",
    "ai_edge_litert": "litert",
    "cv2": "live",
    "openai": "language",
    "bert_score": "bertscore",
    "torch": "train",
    "transformers": "train",
    "peft": "train",
    "accelerate": "train",
    "safetensors": "pose",
    "gguf": "train",
    "tensorboard": "train",
    "datasets": "hub",
    "huggingface_hub": "hub",
    "ezc3d": "c3d",
    "matplotlib": "report",
    "sacrebleu": "metrics",
    "ray": "ray",
}
"""Module -> the extra that brings it."""

_NAMES = {
    "openvino": "OpenVINO",
    "ai_edge_litert": "LiteRT",
    "cv2": "OpenCV",
    "openai": "the package openai",
    "bert_score": "the package bert-score",
    "ray": "Ray",
}


def is_installed(module: str) -> bool:
    """Whether `module` can be imported; it is not imported."""
    try:
        return find_spec(module) is not None
    except (ModuleNotFoundError, ValueError):  # ValueError: a module put into sys.modules by hand, without a spec
        return False


def need(*modules: str, what: str = "this command") -> None:
    """Raise UserError for the first of `modules` that is not installed; `what` needs it."""
    for module in modules:
        if not is_installed(module):
            raise not_installed(module, what)


def not_installed(module: str, what: str = "this command") -> UserError:
    """The error for a missing module of `EXTRAS`, with the command that installs it."""
    name = _NAMES.get(module, module)
    return UserError(f"{what} needs {name}, which is not installed", fix=f"pip install 'qevd-bio[{EXTRAS[module]}]'")


def explained(error: ImportError) -> UserError | None:
    """The same error for an import that failed since an optional package is missing; None for any other cause."""
    module = (error.name or "").partition(".")[0]
    return not_installed(module) if module in EXTRAS and not is_installed(module) else None
