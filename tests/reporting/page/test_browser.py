"""The page in a real browser, filled with hostile texts: nothing runs, nothing leaves, the layout holds."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.annotation.browser import Browser
from tests.reporting.page.attack import DESKTOP, ENTER, PHONE, TAB, devtools, open_all, resize


def test_nothing_runs_and_nothing_leaves(tab: Browser, attacked: Any) -> None:
    _, texts, asked = attacked
    open_all(tab)
    assert tab.run("window.hacked === undefined && document.title === 'QEVD-bio report'")
    assert tab.run("document.scripts.length") == 1
    assert tab.run("document.querySelectorAll('iframe, base, object, embed').length") == 0
    assert tab.run("[...document.images].every(e => e.src.startsWith('data:image/jpeg;base64,'))")
    assert tab.run("document.querySelectorAll('form').length") == 2
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
    tab.run("document.querySelector('a[href=\"#video-2-0\"]').focus()")
    tab.keys(ENTER)
    assert tab.run(folded) is True
    assert tab.run("Math.abs(document.getElementById('video-2-0').getBoundingClientRect().top) < innerHeight")
