"""The table of models as text."""

from __future__ import annotations

from qevd_bio.store.models.cache import edition_of, models_folder, place_of
from qevd_bio.store.models.table import Model, ModelFile, models


def listing() -> str:
    """Every model with licence, author, and for each file its state, size, hash and place."""
    parts = [f"Models in {models_folder()}"]
    for model in models().values():
        parts.append(f"\n{model.name}: {model.about}\n  {model.licence}, {model.author}; {model.card}")
        parts.extend(_file(model, file) for file in model.files)
    return "\n".join(parts)


def _file(model: Model, file: ModelFile) -> str:
    path = place_of(model, file)
    edition = edition_of(file, path) if path.is_file() else None
    if edition is not None:
        state = "here"
    elif path.is_file():
        state = f"another file lies there: delete it, then qevd-bio models fetch {model.name}"
    else:
        state = f"not fetched: qevd-bio models fetch {model.name}"
    shown = edition or file.editions[0]
    return f"  {path}\n  {state}; {shown.size / 2**20:.1f} MiB, SHA-256 {shown.sha256}"
