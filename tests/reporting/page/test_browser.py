"""The page in a real browser, filled with hostile texts: nothing runs, nothing leaves, the layout holds."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from qevd_bio.dataset.opening import open_dataset
from qevd_bio.reporting.page.stage import write_report
from qevd_bio.tables.workspace import Workspace
from tests.annotation.browser import Browser, browser
from tests.annotation.browser import missing as browser_missing
from tests.reporting.build import add_scores, lengths, make_workspace, write_data
from tests.reporting.build import rewritten as read_rewritten

TAB, ENTER = "\ue004", "\ue007"
PHONE, DESKTOP = 360, 1200


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """A server that answers everything and remembers who asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"window.hacked = 9")

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def hostile(base: str) -> list[str]:
    return [
        f"<script src='{base}/a'></script><script>window.hacked = 1; document.title = 'hacked'</script>",
        f"</bdi></td></table></details></main><img src='{base}/b' onerror='window.hacked = 2'>",
        f'" onfocus="window.hacked = 3" autofocus x="<svg onload=window.hacked=4><image href={base}/c />',
        f"</title></style></svg><style>@import '{base}/d'; * {{ display: none }}</style><link rel=stylesheet href={base}/e>",
        f"<meta http-equiv=refresh content='0;url={base}/f'><base href='{base}/'><iframe src='{base}/g'></iframe>",
        "\u202eright to left\u2066 and \u200f never back \u061c",
        "مرحبا " * 40,
        "x" * 10_000,
        "W" * 300 + " " + "&lt;b&gt; &#60;i&#62; \x00\x07 ]]> --> <!-- ",
        "word " * 2_000,
    ]


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[str], list[str]]]:
    """A page whose feedback, predictions, run name, exercise name and manifests are hostile; texts; requests."""
    if browser_missing():
        pytest.skip(browser_missing())
    root = tmp_path_factory.mktemp("hostile")
    with listening() as (base, asked):
        texts = hostile(base)
        spans = [(60 + 32 * i, text.replace("\x00", "").replace("\x07", "")) for i, text in enumerate(texts)]
        frames = 60 + 32 * len(texts) + 120
        data = write_data(root / "qevd", {**lengths(), "0202": frames}, spans)
        annotations = next(data.glob("*/feedbacks_long_range.json"))
        records = json.loads(annotations.read_text())
        # An exercise that nobody knows: its name is shown as it was written.
        unknown = f"First up are <img src={base}/h onerror=window.hacked=5>!"
        records[2]["feedbacks"] = [unknown if t.startswith("First") else t for t in records[2]["feedbacks"]]
        annotations.write_text(json.dumps(records))
        workspace = Workspace(root / "outputs")
        make_workspace(workspace, data)
        for text, name in ((texts[0], "near"), (texts[7], "far")):
            folder = add_scores(workspace, data, name, 0.5, text=text)
            scores = json.loads((folder / "scores.json").read_text())
            scores["name"] = f"<script>window.hacked=6</script>{name}" + "n" * 300
            scores["warnings"] = texts
            scores["breakdown"] += [{**scores["breakdown"][0], "group": texts[1]}]
            (folder / "scores.json").write_text(json.dumps(scores))
        (workspace.manifests / "odd.json").write_text(json.dumps({text: text for text in texts}))
        new = read_rewritten(workspace)
        page = write_report(workspace, dataset=open_dataset(data), rewritten=new).path
        yield page, texts, asked


@pytest.fixture
def tab(attacked: Any, tmp_path: Path) -> Iterator[Browser]:
    with browser(tmp_path) as opened:
        opened.visit(attacked[0])
        yield opened


def devtools(tab: Browser, command: str, **parameters: object) -> Any:
    return tab._call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})


def resize(tab: Browser, width: int) -> None:
    devtools(
        tab, "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 500
    )


def open_all(tab: Browser) -> None:
    tab.run("document.querySelectorAll('details').forEach(d => d.open = true)")


def test_nothing_runs_and_nothing_leaves(tab: Browser, attacked: Any) -> None:
    _, texts, asked = attacked
    open_all(tab)
    assert tab.run("window.hacked === undefined && document.title === 'QEVD-bio report'")
    assert tab.run("document.scripts.length") == 0
    assert tab.run("document.querySelectorAll('img, iframe, base, form, object, embed').length") == 0
    assert tab.run("document.querySelectorAll('style').length") == 1
    assert tab.run("[...document.querySelectorAll('*')].every(e => ![...e.attributes].some(a => /^on/i.test(a.name)))")
    shown = tab.run("document.body.textContent")
    assert all(text.strip()[:2000] in shown for text in texts if "\x00" not in text)
    assert tab.run("[...document.querySelectorAll('.note')].every(e => e.textContent.trim() !== 'Warning:')")
    assert tab.run("performance.getEntriesByType('resource').filter(e => !e.name.startsWith('data:')).length") == 0
    assert tab.complaints() == []
    assert asked == []


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_the_layout_holds(tab: Browser, width: int) -> None:
    resize(tab, width)
    open_all(tab)
    assert tab.run("innerWidth") == width
    assert tab.run("document.documentElement.scrollWidth") <= width
    wide = (
        "[...document.querySelectorAll('p, h1, h2, h3, li, summary, .said td, dd, pre')]"
        ".filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll')).length"
    )
    assert tab.run(wide) == 0
    assert tab.run("[...document.querySelectorAll('svg.time')].every(e => e.getBoundingClientRect().height > 40)")
    cells = "[...document.querySelectorAll('.said td')].every(e => e.scrollWidth <= e.clientWidth + 1)"
    assert tab.run(cells)


def test_marks_that_turn_the_writing_stay_in_their_text(tab: Browser) -> None:
    """The number before a right-to-left text stands left of it, as everywhere else."""
    place = (
        "[...document.querySelectorAll('.said td')].filter(e => e.textContent.includes('right to left'))"
        ".map(e => [e.querySelector('b').getBoundingClientRect().left, e.querySelector('bdi').getBoundingClientRect().left])"
    )
    open_all(tab)
    found = tab.run(place)
    assert found and all(number < text for number, text in found)


def test_light_dark_and_print(tab: Browser) -> None:
    def ground(**media: object) -> str:
        devtools(tab, "Emulation.setEmulatedMedia", **media)
        return str(tab.run("getComputedStyle(document.body).backgroundColor"))

    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    light = [{"name": "prefers-color-scheme", "value": "light"}]
    assert ground(media="screen", features=light) == "rgb(255, 255, 255)"
    assert ground(media="screen", features=dark) == "rgb(20, 22, 26)"
    assert ground(media="print", features=dark) == "rgb(255, 255, 255)"
    assert tab.run("getComputedStyle(document.querySelector('nav')).display") == "none"
    closed = "document.querySelectorAll('details.video:not([open]) svg.time')"
    assert tab.run(f"{closed}.length") > 0
    assert tab.run(f"[...{closed}].every(e => e.checkVisibility())")
    pdf = base64.b64decode(devtools(tab, "Page.printToPDF")["data"])
    assert pdf.startswith(b"%PDF") and len(pdf) > 20_000


def test_the_keyboard_reaches_everything(tab: Browser) -> None:
    active = "document.activeElement"
    tab.keys(TAB)
    assert tab.run(f"{active}.className") == "skip"
    assert tab.run(f"{active}.getBoundingClientRect().left") >= 0
    assert tab.run(f"getComputedStyle({active}).outlineStyle") == "solid"
    tab.keys(ENTER)
    assert tab.run("location.hash") == "#content"
    seen: list[str] = []
    for _ in range(200):
        tab.keys(TAB)
        seen.append(tab.run(f"{active}.tagName + ' ' + ({active}.className || '')"))
        if tab.run(f"{active}.nextElementSibling && {active}.nextElementSibling.id === 'video-1'"):
            break
    else:
        pytest.fail("the second video's fold was not reached")
    assert "DIV scroll" in seen
    tab.keys(ENTER)
    assert tab.run("document.getElementById('video-1').parentElement.open") is True
    assert tab.run("[...document.querySelectorAll('.scroll')].every(e => e.getAttribute('aria-label'))")


def test_a_link_opens_its_video(tab: Browser) -> None:
    folded = "document.getElementById('video-2').parentElement.open"
    assert tab.run(folded) is False
    tab.run("document.querySelector('a[href=\"#video-2\"]').focus()")
    tab.keys(ENTER)
    assert tab.run(folded) is True
    assert tab.run("Math.abs(document.getElementById('video-2').getBoundingClientRect().top) < innerHeight")
