"""The page's search, filters, sorting, CSV files and comparison in a real browser, by keyboard; and without script."""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path
from typing import Any

import pytest

from tests.annotation.browser import Browser
from tests.reporting.page.attack import DESKTOP, ENTER, PHONE, TAB, devtools, open_all, resize

DOWN, UP = "\ue015", "\ue013"
SHOWN = "[...document.querySelectorAll('section.seg')].map(e => !e.hidden)"


def focus(tab: Browser, what: str) -> None:
    """Tab through the page from its top to the first element that this script's condition on `e` chooses."""
    tab.run("(document.activeElement.blur(), scrollTo(0, 0))")
    for _ in range(250):
        tab.keys(TAB)
        if tab.run(f"(e => {what})(document.activeElement)"):
            return
    pytest.fail(f"no way by Tab to {what}")


def found(tab: Browser) -> str:
    return str(tab.run("document.getElementById('found').textContent"))


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_searching_by_keyboard(tab: Browser, width: int) -> None:
    resize(tab, width)
    focus(tab, "e.id === 'query'")
    tab.keys("HACKED=5 img")
    assert tab.run(SHOWN) == [False, False, True] and found(tab) == "1 of 3 exercises, in 1 of 3 videos"
    assert tab.run("[...document.querySelectorAll('details.video')].map(e => e.hidden)") == [True, True, False]
    assert tab.run("[...document.querySelectorAll('tr[data-at]')].map(e => e.hidden)") == [True, True, False]
    tab.keys(ENTER)  # sends nothing and leaves nothing
    assert tab.run("document.getElementById('query').value") == "HACKED=5 img"
    tab.keys(" nosuchword")
    assert tab.run(SHOWN) == [False, False, False] and found(tab).startswith("0 of 3")
    focus(tab, "e.type === 'reset'")
    tab.keys(ENTER)
    time.sleep(0.2)
    assert tab.run(SHOWN) == [True, True, True] and found(tab) == ""
    assert tab.run("document.documentElement.scrollWidth") <= width and tab.complaints() == []


def test_filters_hold_hostile_names_as_plain_words(tab: Browser) -> None:
    assert tab.run("[...document.querySelectorAll('#find select')].every(e => e.options.length > 1)")
    assert tab.run("document.querySelectorAll('#find option *, #pair option *').length") == 0
    names = tab.run("[...document.querySelectorAll('#find option')].map(e => e.textContent)")
    assert any(name.startswith("<img src=") for name in names) and "squats" in names
    focus(tab, "e.tagName === 'SELECT' && e.parentElement.textContent.startsWith('Exercise')")
    tab.keys("squats")
    assert tab.run("document.activeElement.selectedOptions[0].textContent") == "squats"
    assert tab.run(SHOWN) == [True, True, False]
    focus(tab, "e.tagName === 'SELECT' && e.parentElement.textContent.startsWith('Fault')")
    tab.keys(DOWN)
    assert tab.run(SHOWN) == [False, True, False]  # the shallow squats


def test_tables_are_sorted_by_keyboard(tab: Browser) -> None:
    column = "[...document.querySelectorAll('table.all tr[data-at]')].map(r => r.cells[4].textContent)"
    before = tab.run(column)
    assert before == ["0", "10", "–"]
    focus(tab, "e.textContent === 'faults' && e.tagName === 'BUTTON' && e.closest('.all')")
    tab.keys(ENTER)
    assert tab.run("document.activeElement.closest('th').getAttribute('aria-sort')") == "ascending"
    tab.keys(ENTER)
    assert tab.run(column) == ["10", "0", "–"], "what is not known stays last"
    assert tab.run("document.activeElement.closest('th').getAttribute('aria-sort')") == "descending"


def test_csv_files_hold_no_formula(tab: Browser, tmp_path: Path) -> None:
    open_all(tab)
    time.sleep(0.3)
    cell = "[...document.querySelectorAll('th[scope=row]')].find(e => e.textContent.startsWith('=HYPERLINK'))"
    tab.run(f"{cell}.closest('.scroll').previousElementSibling.querySelector('button').focus()")
    tab.keys(ENTER)
    for _ in range(50):
        files = list(tmp_path.glob("*.csv"))
        if files and files[0].read_bytes():
            break
        time.sleep(0.1)
    rows = list(csv.reader(io.StringIO(files[0].read_text("utf-8-sig"))))
    assert len({len(row) for row in rows}) == 1 and len(rows) > 3
    fields = [field for row in rows for field in row]
    assert any(field.startswith("'=HYPERLINK(") for field in fields)
    assert any(field.startswith("</bdi></td>") for field in fields), "other texts stay as they are"
    assert not any(field[:1] in ("=", "+", "-", "@") and not _number(field) for field in fields)
    assert tab.complaints() == []


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_two_systems_are_compared(tab: Browser) -> None:
    rows = "[...document.querySelectorAll('#differences tbody tr')].filter(r => !r.hidden).length"
    told = "document.getElementById('differ').textContent"
    assert tab.run(told) == f"They differ in {tab.run(rows)} of 3 exercises." and tab.run(rows) > 0
    focus(tab, "e.closest('#pair') && e.parentElement.textContent.startsWith('The other')")
    tab.keys(UP)  # up: the same system twice
    assert tab.run(rows) == 0 and tab.run(told) == "They differ in 0 of 3 exercises."


def test_moments_lead_into_the_video_and_clips_are_on_the_page(tab: Browser, attacked: Any) -> None:
    open_all(tab)
    links = tab.run(
        "[...document.querySelectorAll('td a, th a')].map(e => e.getAttribute('href')).filter(h => h[0] !== '#')"
    )
    assert links and all(".mp4#t=" in link and ":" not in link for link in links)
    assert all((attacked[0].parent / link.partition("#")[0]).is_file() for link in links)
    assert tab.run("document.querySelectorAll('video').length") == 1
    tab.run("document.querySelector('video').load()")
    for _ in range(50):
        if tab.run("document.querySelector('video').readyState") > 0:
            break
        time.sleep(0.1)
    assert tab.run("document.querySelector('video').duration") == pytest.approx(2.2, abs=0.3)
    assert tab.complaints() == []


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_the_page_is_whole_without_script(tab: Browser, attacked: Any, width: int) -> None:
    resize(tab, width)
    devtools(tab, "Emulation.setScriptExecutionDisabled", value=True)
    tab.visit(attacked[0])
    visible = (
        "[...document.querySelectorAll('#find, #pair, .tools, thead button')].filter(e => e.checkVisibility()).length"
    )
    assert tab.run(visible) == 0
    assert tab.run(SHOWN) == [True, True, True]
    assert tab.run("document.querySelectorAll('#differences tbody tr, tr[data-at]').length") == 6
    assert tab.run("document.documentElement.scrollWidth") <= width


def test_a_video_without_kinematics_says_so_and_shows_no_zeros(tab: Browser) -> None:
    title = tab.run("document.querySelectorAll('details.video')[2].querySelector('summary').textContent")
    assert "no kinematics, nothing measured" in title and " 0 " not in title
    inside = tab.run("document.getElementById('video-2').textContent")
    assert "No kinematics of this video" in inside and "0 repetitions" not in inside and "0 faults" not in inside
    assert tab.run("[...document.querySelectorAll('tr[data-at=video-2-0] td')].slice(2, 5).map(e => e.textContent)") == [
        "–", "–", "–",
    ]  # fmt: skip
