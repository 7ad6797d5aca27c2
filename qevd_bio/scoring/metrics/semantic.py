"""BERTScore (Zhang et al. 2020) of sentence pairs: F1 equal to bert_score's, each distinct sentence encoded once."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qevd_bio.scoring.cache import cache_folder
from qevd_bio.scoring.metrics.encoder import Encoded, TextEncoder, find_model, hash_model, resolve_layer
from qevd_bio.scoring.metrics.measured import Measured, mean_of
from qevd_bio.scoring.options import BertScoreOptions
from qevd_bio.store.atomic import atomic_path
from qevd_bio.store.errors import UserError
from qevd_bio.store.hashing import hash_bytes

if TYPE_CHECKING:
    import torch

Pair = tuple[str, str]


def bertscore(pairs: Sequence[Pair], options: BertScoreOptions, *, cached: bool = True) -> Measured:
    """BERTScore F1 of (reference, prediction) pairs; an empty side scores 0, as in bert_score.

    Embeddings of references are kept in the cache under the model's hash and layer. Raises UserError where
    the model is not there or has no such layer.
    """
    folder = find_model(options.model)
    if folder is None:
        raise UserError(
            "no such model on this machine",
            where=options.model,
            expected="a folder with config.json and weights, or a model in the Hugging Face cache",
            fix=f"hf download {options.model}",
        )
    layer = resolve_layer(options, folder)
    digest = hash_model(folder)
    encoder = LazyEncoder(folder, layer, options)
    name = f"{digest[:16]}-{layer}{'-blank' if options.prefix_space else ''}"
    store = EmbeddingStore(cache_folder("bertscore", name)) if cached else None
    references = encode_references([pair[0] for pair in pairs], encoder, store)
    others = list(dict.fromkeys(pair[1] for pair in pairs if pair[1] not in references))
    encoded = references | dict(zip(others, encoder.encode(others), strict=True))
    values = {pair: _f1(encoded[pair[0]], encoded[pair[1]]) for pair in dict.fromkeys(pairs)}
    items = np.array([values[pair] for pair in pairs], np.float64)
    if options.rescale:
        base = read_baseline(options, layer)
        items = (items - base) / (1 - base)
    signature = {
        "model": options.model if not Path(options.model).exists() else folder.name,
        "model-hash": digest[:12],
        "layer": str(layer),
        "idf": "no",
        "rescaled": "yes" if options.rescale else "no",
        "first-blank": "yes" if options.prefix_space else "as-installed",
        "transformers": version("transformers"),
    }
    return mean_of("bertscore_f1", items, signature)


class LazyEncoder:
    """Loads the model at the first sentence: a run whose sentences are all in the cache needs none."""

    def __init__(self, folder: Path, layer: int, options: BertScoreOptions) -> None:
        self._arguments = (folder, layer, options)
        self._encoder: TextEncoder | None = None

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """As `Encoder.encode`."""
        if not texts:
            return []
        if self._encoder is None:
            folder, layer, options = self._arguments
            self._encoder = TextEncoder(
                folder, layer, prefix_space=options.prefix_space, batch_tokens=options.batch_tokens
            )
        return self._encoder.encode(texts)


def encode_references(texts: Sequence[str], encoder: LazyEncoder, store: EmbeddingStore | None) -> dict[str, Encoded]:
    """Embeddings of the distinct texts: from the store where it has them, the others encoded and added."""
    wanted = list(dict.fromkeys(texts))
    found = store.load(wanted) if store else {}
    missing = [text for text in wanted if text not in found]
    made = dict(zip(missing, encoder.encode(missing), strict=True))
    if store and made:
        store.add(made)
    return found | made


def _f1(reference: Encoded, prediction: Encoded) -> float:
    """Greedy matching by cosine; special tokens can be matched but carry no weight."""
    if not reference.weights.any() or not prediction.weights.any():
        return 0.0
    similarity = prediction.embeddings @ reference.embeddings.T
    precision = float((similarity.amax(1) * prediction.weights).sum() / prediction.weights.sum())
    recall = float((similarity.amax(0) * reference.weights).sum() / reference.weights.sum())
    total = precision + recall
    return 2 * precision * recall / total if total else 0.0


class EmbeddingStore:
    """Embeddings on disk, for one model and layer: files of many sentences, only ever added."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, texts: Sequence[str]) -> dict[str, Encoded]:
        """The embeddings that are there; a damaged file is removed and counts as absent."""
        import torch
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        wanted = {_key(text): text for text in texts}
        found: dict[str, Encoded] = {}
        for file in sorted(self._folder.glob("*.safetensors")):
            try:
                tensors = load_file(file)
            except (SafetensorError, OSError):
                file.unlink(missing_ok=True)
                continue
            lengths = tensors["lengths"].tolist()
            rows = torch.split(tensors["embeddings"], lengths)
            weights = torch.split(tensors["weights"], lengths)
            keys = [bytes(row).hex() for row in tensors["keys"].numpy()]
            for key, embeddings, weight in zip(keys, rows, weights, strict=True):
                if key in wanted:
                    found[wanted[key]] = Encoded(embeddings, weight)
        return found

    def add(self, encoded: dict[str, Encoded]) -> None:
        """Write the sentences to a new file, atomically."""
        import torch
        from safetensors.torch import save_file

        keys = [_key(text) for text in encoded]
        raw = torch.tensor([list(bytes.fromhex(key)) for key in keys], dtype=torch.uint8)
        tensors: dict[str, torch.Tensor] = {
            "keys": raw,
            "lengths": torch.tensor([len(item.weights) for item in encoded.values()]),
            "embeddings": torch.cat([item.embeddings for item in encoded.values()]).contiguous(),
            "weights": torch.cat([item.weights for item in encoded.values()]),
        }
        name = hash_bytes("".join(keys).encode())[:20]
        with atomic_path(self._folder / f"{name}.safetensors") as temporary:
            save_file(tensors, temporary)


def _key(text: str) -> str:
    return hash_bytes(text.encode("utf-8"))


def read_baseline(options: BertScoreOptions, layer: int) -> float:
    """The F1 to which unrelated sentences are rescaled to 0, from bert_score's table or `baseline`.

    The table is CSV with the header LAYER,P,R,F. Raises UserError where there is none.
    """
    path = options.baseline
    if path is None:
        spec = find_spec("bert_score")
        places = list(spec.submodule_search_locations or ()) if spec else []
        names = [Path(p) / "rescale_baseline" / "en" / f"{options.model.split('/')[-1]}.tsv" for p in places]
        path = next((name for name in names if name.is_file()), None)
    try:
        lines = path.read_text("utf-8").splitlines()[1:] if path else []
        table = {int(fields[0]): float(fields[3]) for fields in (line.split(",") for line in lines if line)}
        return table[layer]
    except (OSError, ValueError, IndexError, KeyError) as error:
        raise UserError(
            f"no baseline for layer {layer}",
            where=path or options.model,
            expected="a table LAYER,P,R,F with a line for the layer (bert_score ships some)",
            fix="name the table with --bert-baseline, or leave --bert-rescale out",
        ) from error
