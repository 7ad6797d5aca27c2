"""The backbone from a file: the released checkpoint by its own names, our own, or random weights."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from qevd_bio.coach.vision.backbone import Backbone
from qevd_bio.learning.weights import fill, read_tensors
from qevd_bio.store.errors import UserError

# The released network is Sequential(cnn, mean over space, Sequential(Dropout, Linear)).
_CLASSIFIER = "2.1."
_BODY = "0."


def load_backbone(path: Path) -> Backbone:
    """A backbone with the weights of `path`, on the CPU, for inference.

    Names may be the released ones (`0.cnn.K…`, `2.1.weight`, with `module.` anywhere) or ours (`cnn.K…`,
    `classifier.weight`). A file without classifier gives one of zeros. Raises UserError for anything else.
    """
    tensors = {_our_name(name): value for name, value in read_tensors(path).items()}
    if not any(name.startswith("cnn.") for name in tensors):
        raise UserError(
            f"no vision backbone in it (first name: {next(iter(tensors))!r})",
            where=path,
            expected="names such as 0.cnn.0.0.weight (efficientnet4Lite) or cnn.0.0.weight",
            fix="name the 3D CNN's checkpoint with --weights",
        )
    classes = tensors["classifier.weight"].shape[0] if "classifier.weight" in tensors else 0
    with torch.device("meta"):
        backbone = Backbone(classes or 1)
    if not classes:
        tensors["classifier.weight"] = torch.zeros(1, backbone.classifier.in_features)
        tensors["classifier.bias"] = torch.zeros(1)
    fill(backbone, {name: value.float() for name, value in tensors.items()}, path, "the 3D CNN")
    return backbone.eval()


def _our_name(name: str) -> str:
    if name.startswith(_CLASSIFIER):
        return "classifier." + name.removeprefix(_CLASSIFIER)
    return name.removeprefix(_BODY)


def released_names(backbone: Backbone) -> dict[str, Tensor]:
    """The weights under the released checkpoint's names, as `torch.save` would hold them."""
    return {
        _CLASSIFIER + name.removeprefix("classifier.") if name.startswith("classifier.") else _BODY + name: value
        for name, value in backbone.state_dict().items()
    }
