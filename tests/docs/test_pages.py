"""Every page of the docs begins with a worked example, and each marked example runs.

`<!-- tested -->` on the line before a fenced block marks it. Python blocks of a page share one namespace; bash blocks hold
`qevd-bio` commands, run in this process, and scripts of the repository. All run in an empty folder. A comment `# exit 3`
states an exit code other than 0.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from qevd_bio.cli.app import app
from typer.testing import CliRunner

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
_MARKED = re.compile(r"^<!-- tested -->\n```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"^```", re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")


def examples(page: str) -> list[tuple[str, str]]:
    return _MARKED.findall((DOCS / page).read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES)
def test_pages_begin_with_an_example(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    first = _FENCE.search(text)
    marked = _MARKED.search(text)
    assert first and marked and marked.start() < first.start() < marked.end(), f"{page}: the first block is not tested"
    assert "\n## " not in text[: marked.start()], f"{page}: the example stands below a heading"
    assert len(text[: marked.start()].splitlines()) <= 8, f"{page}: the example comes late"


@pytest.mark.parametrize("page", PAGES)
def test_examples_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "example"}
    for language, code in examples(page):
        if language == "python":
            exec(compile(code, page, "exec"), names)
        else:
            assert language == "bash"
            for line in code.replace("\\\n", " ").splitlines():
                run_line(line)


def run_line(line: str) -> None:
    words = shlex.split(line, comments=True)
    if not words:
        return
    if words[0] == "python":
        subprocess.run([sys.executable, str(ROOT / words[1]), *words[2:]], check=True, capture_output=True, cwd=ROOT)
        return
    assert words[0] == "qevd-bio", f"only qevd-bio commands and scripts are run: {line}"
    result = CliRunner().invoke(app, words[1:])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    wanted = re.search(r"# exit (\d)", line)
    assert result.exit_code == (int(wanted[1]) if wanted else 0), f"{line}: exit {result.exit_code}\n{result.output}"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", *(f"docs/{page}" for page in PAGES)])
def test_links_lead_to_files(page: str) -> None:
    path = ROOT / page
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    missing = [link for link in _LINK.findall(text) if not (path.parent / link.strip()).exists()]
    assert not missing


def test_every_page_is_in_the_navigation() -> None:
    listed = set(re.findall(r": ([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE))
    assert listed == set(PAGES)


def test_the_readme_is_one_page() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


# Turns of phrase that English does not have, or that mean something else in it.
_ODD = {
    r"\b(goes|go) on (where|without|meanwhile)\b": "continues",
    r"\b(angles|frames|files?|rows?) a (frame|second|video|segment)\b": "… per …",
    r"\border of strength\b": "order of precedence",
    r"\bat hand\b": "available",
    r"\bbar\b(?! chart)": "target",
}


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", *(f"docs/{page}" for page in PAGES)])
def test_plain_english(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    found = [f"{match.group(0)!r}: {better}" for odd, better in _ODD.items() for match in re.finditer(odd, text)]
    assert not found
