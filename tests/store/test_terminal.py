"""What may be shown on a terminal, and what becomes of it on the way."""

from __future__ import annotations

import io
import sys

import pytest

from qevd_bio.store.terminal import console, printable, say


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("knee 95° – “down”, 膝, ✓", "knee 95° – “down”, 膝, ✓"),
        ("\x1b[2Jcleared", "�[2Jcleared"),
        ("\x1b]0;title\x07", "�]0;title�"),
        ("\x9b31m", "�31m"),
        ("abc\u202etxt.exe", "abc�txt.exe"),
        ("\u2066iso\u2069", "�iso�"),
        ("\u200fmark\u061c", "�mark�"),
        ("back\bspace\rreturn", "back�space�return"),
        ("two\r\nlines\tand a tab", "two\nlines\tand a tab"),
        ("wide\u00a0blank\u2003here", "wide blank here"),
        ("line\u2028separator", "line�separator"),
        ("lone \udcff surrogate", "lone � surrogate"),
        ("zero\u200dwidth joiner", "zero\u200dwidth joiner"),
    ],
)
def test_nothing_steers_the_terminal(given: str, shown: str) -> None:
    assert printable(given) == shown
    assert printable(printable(given)) == shown


def test_say_writes_clean_text(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\x1b[31mb")
    say("c\u202ed", err=True)
    out, err = capsys.readouterr()
    assert (out, err) == ("a�[31mb\n", "c�d\n")


def test_a_console_keeps_its_own_colours_and_no_others() -> None:
    from rich.table import Table
    from rich.text import Text

    screen = console()
    screen.file, screen._force_terminal, screen._color_system = io.StringIO(), True, None
    table = Table("na\x1b[2Jme", title="ti\u202etle")
    table.add_row("a\x07b")
    table.add_row(Text("c\x9bd"))
    screen.print(table)
    screen.print("plain \x1b]8;;http://x\x1b\\link", markup=False)
    text = screen.file.getvalue()
    for bad in ("\x1b[2J", "\u202e", "\x07", "\x9b", "\x1b]8"):
        assert bad not in text
    assert "ab" in text and "c�d" in text


def test_a_closed_standard_error_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Closed())
    say("nobody hears this", err=True)
    monkeypatch.setattr(sys, "stderr", None)
    say("nor this", err=True)
    monkeypatch.setattr(sys, "stdout", Closed())
    with pytest.raises(BrokenPipeError):
        say("the main result is not lost in silence")
