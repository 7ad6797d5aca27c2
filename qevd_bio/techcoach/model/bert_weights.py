"""BERT's weights into the assessor: word embeddings, layers and the output layer, by name; nothing is executed."""

from __future__ import annotations

import re
from pathlib import Path

from torch import Tensor

from qevd_bio.learning.weights import read_tensors
from qevd_bio.store.errors import UserError
from qevd_bio.techcoach.model.assessor import Assessor

_FILES = ("model.safetensors", "pytorch_model.bin")
_LAYER = re.compile(r"encoder\.layer\.(\d+)\.(.+)\.(weight|bias)")
_IN_LAYER = {
    "attention.self.query": "query",
    "attention.self.key": "key",
    "attention.self.value": "value",
    "attention.output.dense": "out",
    "attention.output.LayerNorm": "attention_norm",
    "intermediate.dense": "inner",
    "output.dense": "outer",
    "output.LayerNorm": "norm",
}
_ELSEWHERE = {
    "embeddings.word_embeddings.weight": "words.weight",
    "embeddings.position_embeddings.weight": "positions.weight",
    "embeddings.token_type_embeddings.weight": "types.weight",
    "embeddings.LayerNorm.weight": "text_norm.weight",
    "embeddings.LayerNorm.bias": "text_norm.bias",
    "cls.predictions.transform.dense.weight": "transform.weight",
    "cls.predictions.transform.dense.bias": "transform.bias",
    "cls.predictions.transform.LayerNorm.weight": "transform_norm.weight",
    "cls.predictions.transform.LayerNorm.bias": "transform_norm.bias",
    "cls.predictions.decoder.weight": "decode.weight",
    "cls.predictions.bias": "decode.bias",
    "cls.predictions.decoder.bias": "decode.bias",
}


def load_bert(assessor: Assessor, folder: Path) -> int:
    """Fill the assessor from a BERT in `folder`; returns how many tensors were taken.

    Where the output layer is not stored, it is the word embedding's copy: from then on both are trained apart.
    UserError for another shape or missing layers.
    """
    path = next((folder / name for name in _FILES if (folder / name).is_file()), folder / _FILES[0])
    taken: dict[str, Tensor] = {}
    for name, value in read_tensors(path).items():
        own = _own_name(name.removeprefix("bert.").replace("gamma", "weight").replace("beta", "bias"))
        if own is not None:
            taken[own] = value
    if "words.weight" in taken:
        taken.setdefault("decode.weight", taken["words.weight"])
    wanted = assessor.state_dict()
    needed = [name for name in wanted if name.startswith(("words.", "positions.", "types.", "text_norm.", "layers."))]
    missing = [name for name in needed if name not in taken]
    if missing:
        raise UserError(f"{len(missing)} weights missing ({missing[0]})", where=path, expected="a whole BERT")
    odd = [name for name, value in taken.items() if name not in wanted or wanted[name].shape != value.shape]
    if odd:
        raise UserError(
            f"{odd[0]} does not fit", where=path, expected="the layers, width and vocabulary of the preset's assessor",
            fix="preset published takes bert-base-uncased",
        )  # fmt: skip
    assessor.load_state_dict(taken, strict=False)
    return len(taken)


def _own_name(name: str) -> str | None:
    if name in _ELSEWHERE:
        return _ELSEWHERE[name]
    match = _LAYER.fullmatch(name)
    if match is None or match[2] not in _IN_LAYER:
        return None
    return f"layers.{match[1]}.{_IN_LAYER[match[2]]}.{match[3]}"
