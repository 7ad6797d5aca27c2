"""`qevd-bio compare`: folders of scores in, one text out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qevd_bio.scoring.compare import compare, load_systems
from qevd_bio.scoring.compare_formats import formatted, overview
from qevd_bio.scoring.options import PROTOCOLS, CompareOptions
from qevd_bio.store.errors import UserError


def comparison(folders: Sequence[Path], options: CompareOptions, protocol: str, form: str) -> str:
    """The comparison of the systems in `folders` under `protocol` ("all": each of PROTOCOLS) as `form`.

    Raises UserError for an unknown protocol or form, and for systems that cannot be compared.
    """
    if protocol not in (*PROTOCOLS, "both", "all"):
        names = f"{', '.join(PROTOCOLS)}, both (official and strict) or all"
        raise UserError(f"unknown protocol {protocol!r}", where="--protocol", expected=names)
    protocols = {"all": PROTOCOLS, "both": PROTOCOLS[:2]}.get(protocol, (protocol,))
    loaded = load_systems(folders)
    text = formatted(compare(loaded, options, protocols), options, form)
    if form in ("text", "markdown"):
        text = "\n".join([*(overview(loaded, name, form) for name in protocols), text])
    return text
