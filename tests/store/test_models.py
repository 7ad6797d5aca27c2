"""Models are listed and fetched from whichever source answers; what arrives is checked; nothing half is left."""

from __future__ import annotations

import hashlib
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from qevd_bio.cli.app import app
from typer.testing import CliRunner

from qevd_bio.store.errors import UserError
from qevd_bio.store.models import fetch as fetching
from qevd_bio.store.models.cache import cached_file, place_of
from qevd_bio.store.models.fetch import fetch
from qevd_bio.store.models.table import Edition, Model, ModelFile, Source, find_model, models, with_needs

CONTENT = b"weights"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QEVD_BIO_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def model(*sources: Source) -> Model:
    edition = Edition(hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), sources)
    return Model("tiny", "pose", "a test", "Apache-2.0", "nobody", "", (), (ModelFile("tiny.tflite", (edition,)),))


def url(path: Path) -> Source:
    return Source("url", path.as_uri())


def test_every_row_of_the_table_is_whole() -> None:
    assert {"pose-lite", "pose-full", "pose-heavy", "pose-detector"} <= set(models())
    for row in models().values():
        assert row.licence and row.author and row.card.startswith("https://")
        for file in row.files:
            for edition in file.editions:
                assert len(edition.sha256) == 64 and edition.size > 0 and edition.sources
                assert all(source.member for source in edition.sources if source.kind != "url")
    assert [each.name for each in with_needs("pose-full")] == ["pose-full", "pose-detector"]
    with pytest.raises(UserError, match="no model is called pose-tiny"):
        find_model("pose-tiny")


def test_the_first_source_that_answers_is_used(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "good").write_bytes(CONTENT)
    (tmp_path / "other").write_bytes(b"other weights")
    said: list[str] = []
    row = model(url(tmp_path / "none"), url(tmp_path / "other"), url(tmp_path / "good"))
    (path,) = fetch([row], said.append)
    assert path == folder / "tiny" / "tiny.tflite" and path.read_bytes() == CONTENT and len(said) == 3
    assert cached_file(row) == path
    assert fetch([row], said.append) == [path] and len(said) == 3, "what is there is not fetched again"
    path.write_bytes(b"changed")
    with pytest.raises(UserError, match="is not the file that the model tiny needs"):
        cached_file(row)
    fetch([row])
    assert path.read_bytes() == CONTENT


def test_where_nothing_answers_it_says_what_to_put_where(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "other").write_bytes(b"other weights")
    row = model(url(tmp_path / "none"), url(tmp_path / "other"))
    with pytest.raises(UserError) as caught:
        fetch([row])
    text = str(caught.value)
    assert str(folder / "tiny" / "tiny.tflite") in text and row.files[0].editions[0].sha256 in text
    assert "No such file" in text and hashlib.sha256(b"other weights").hexdigest() in text
    assert not list(folder.rglob("*")), "nothing is left behind"
    with pytest.raises(UserError, match="qevd-bio models fetch tiny"):
        cached_file(row)


def fake_run(
    make: Callable[[list[str]], None], lines: list[list[str]]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(line: list[str], **how: object) -> subprocess.CompletedProcess[str]:
        lines.append(line)
        make(line)
        return subprocess.CompletedProcess(line, 0, "", "")

    return run


def test_a_wheel_comes_by_pip_and_gives_one_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """pip itself would go to the network; the command line that it gets is looked at instead."""
    lines: list[list[str]] = []

    def wheel(line: list[str]) -> None:
        place = Path(line[line.index("--dest") + 1])
        place.mkdir(parents=True)
        with zipfile.ZipFile(place / "some-1-py3-none-any.whl", "w") as archive:
            archive.writestr("some/tiny.tflite", CONTENT)

    monkeypatch.setattr(fetching.subprocess, "run", fake_run(wheel, lines))
    (path,) = fetch([model(Source("pypi", "some==1", "some/tiny.tflite"))])
    assert path.read_bytes() == CONTENT
    assert lines[0][1:4] == ["-m", "pip", "download"] and "--no-deps" in lines[0] and lines[0][-1] == "some==1"


def package() -> bytes:
    stream = BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        info = tarfile.TarInfo("package/tiny.tflite")
        info.size = len(CONTENT)
        archive.addfile(info, BytesIO(CONTENT))
    return stream.getvalue()


def test_an_npm_package_comes_without_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching.shutil, "which", lambda name: None)
    (tmp_path / "package.tgz").write_bytes(package())
    registry = tmp_path / "registry" / "@some" / "pose"
    registry.mkdir(parents=True)
    (registry / "0.5").write_text(f'{{"dist": {{"tarball": "{(tmp_path / "package.tgz").as_uri()}"}}}}')
    monkeypatch.setenv("npm_config_registry", (tmp_path / "registry").as_uri())
    (path,) = fetch([model(Source("npm", "@some/pose@0.5", "package/tiny.tflite"))])
    assert path.read_bytes() == CONTENT
    with pytest.raises(UserError, match="does not hold package/other"):
        path.unlink()
        fetch([model(Source("npm", "@some/pose@0.5", "package/other"))])


def test_the_command_lists_and_refuses() -> None:
    runner = CliRunner()
    listed = runner.invoke(app, ["models"])
    assert listed.exit_code == 0 and "not fetched: qevd-bio models fetch pose-heavy" in listed.output
    assert "Apache-2.0" in listed.output and "SHA-256 e9a5c5cb" in listed.output
    refused = runner.invoke(app, ["models", "fetch", "pose-tiny"])
    assert refused.exit_code == 2 and "no model is called pose-tiny" in refused.output


def test_a_right_file_put_there_by_hand_is_taken(folder: Path) -> None:
    row = model()
    path = place_of(row, row.files[0])
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    assert cached_file(row) == path and fetch([row]) == [path]
