"""`--language`: a folder, a GGUF file, a model that `qevd-bio models` can fetch, or a name on the hub."""

from __future__ import annotations

import re
from pathlib import Path

from qevd_bio.learning.pretrained import PretrainedLanguage, open_folder
from qevd_bio.store import extras
from qevd_bio.store.errors import UserError
from qevd_bio.store.models.cache import cached_file
from qevd_bio.store.models.table import models

LANGUAGE = "language"
"""Kind of the fetchable models that can be named here."""

_HUB = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_PATTERNS = ["config.json", "tokenizer*", "special_tokens_map.json", "*.safetensors", "*.safetensors.index.json",
             "vocab.json", "merges.txt", "*.jinja"]  # fmt: skip


def open_language(name: str) -> PretrainedLanguage:
    """The language model called `name`. UserError where there is none, or it cannot be used."""
    place = language_place(name)
    if place.is_dir():
        return open_folder(place)
    from qevd_bio.learning.gguf_file import open_gguf

    return open_gguf(place)


def language_place(name: str) -> Path:
    """The folder or GGUF file that `name` means; one of the hub is brought here. UserError where there is none."""
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    fetched = {model.name: model for model in models().values() if model.kind == LANGUAGE}
    if name in fetched:
        return cached_file(fetched[name])
    if path.is_file():
        if path.suffix == ".gguf":
            return path
        raise UserError(
            "is no GGUF file", where=path, expected="a file.gguf, or the folder that holds config.json and weights"
        )
    if _HUB.fullmatch(name):
        return _from_hub(name)
    raise UserError(
        f"no language model {name!r}",
        expected=f"a folder, a file.gguf, {', '.join(fetched)}, or OWNER/NAME on the hub",
    )


def _from_hub(name: str) -> Path:
    extras.need("huggingface_hub", what=f"fetching {name}")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        return Path(snapshot_download(name, allow_patterns=_PATTERNS))
    except (OSError, ValueError, HfHubHTTPError, HFValidationError) as error:
        raise UserError(
            f"{name} is no folder here, and the hub does not give it ({(str(error).splitlines() or ['?'])[0][:160]})",
            expected="a folder, or a name that the hub knows, with access to it",
            fix="go online, accept the model's licence on the hub and log in, or copy the folder here",
        ) from error
