"""Log levels of the terminal, the log file, and the secrets that neither may hold."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from qevd_bio.store import logs, progress
from qevd_bio.store.errors import UserError

LOG = logging.getLogger("qevd_bio.store.test")


@pytest.fixture(autouse=True)
def afterwards() -> Iterator[None]:
    yield
    logs.start(0, False, None)
    progress.show(True)


@pytest.mark.parametrize(
    ("verbose", "quiet", "shown"),
    [(0, False, "we"), (1, False, "iwe"), (2, False, "diwe"), (0, True, "e"), (2, True, "e")],
)
def test_levels(verbose: int, quiet: bool, shown: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "deep" / "run.log"
    logs.start(verbose, quiet, file)
    for name, level in (("d", logging.DEBUG), ("i", logging.INFO), ("w", logging.WARNING), ("e", logging.ERROR)):
        LOG.log(level, "message-%s", name)
    err = capsys.readouterr().err
    assert "".join(name for name in "diwe" if f"message-{name}" in err) == shown
    assert all(f"message-{name}" in file.read_text() for name in "diwe")
    assert progress.is_shown() is not quiet


def test_the_file_is_appended_to_and_started_once(tmp_path: Path) -> None:
    file = tmp_path / "run.log"
    for number in range(3):
        logs.start(0, False, file)
        LOG.info("run %d", number)
    assert [line.rsplit(" ", 1)[-1] for line in file.read_text().splitlines()] == ["0", "1", "2"]


SECRET = "correct-horse-battery"


@pytest.mark.parametrize(
    "text",
    [
        f"the key is {SECRET}.",
        f"Authorization: Bearer {SECRET}",
        f"https://me:{SECRET}@host/v1",
        f"http://host/v1?api_key={SECRET}&x=1",
        f"--api-key={SECRET}",
        f'{{"token": "{SECRET}"}}',
        f"sk-{SECRET}",
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_no_secret_is_written(text: str, known: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if known:
        monkeypatch.setenv("MY_API_KEY", SECRET)
    elif text.startswith("the key is"):
        return  # a bare word that nothing marks as a secret
    file = tmp_path / "run.log"
    logs.start(0, False, file)
    LOG.info("%s", text)
    try:
        raise ValueError(text)
    except ValueError:
        LOG.exception("with a traceback")
    assert SECRET not in file.read_text() and "***" in file.read_text()


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="another --log-file"):
        logs.start(0, False, tmp_path)


def test_control_characters_do_not_reach_the_file(tmp_path: Path) -> None:
    file = tmp_path / "run.log"
    logs.start(0, False, file)
    LOG.info("video %s", "a\x1b[2J\u202e")
    assert "a�[2J�" in file.read_text()
