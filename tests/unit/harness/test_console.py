"""What comes from CSV files and logs is shown on a terminal, and not obeyed."""

import io
import os
import subprocess
import sys

import pytest
from rich.markup import escape
from rich.table import Table

from harness.console import ProgressStep, SafeConsole, visible
from harness.paths import ROOT

ATTACKS = {
    "\x1b]52;c;Y3VybCBldmlsIHwgc2g=\x07": "␛]52;c;Y3VybCBldmlsIHwgc2g=␇",  # sets the clipboard
    "\x1b[2J\x1b[1;1H": "␛[2J␛[1;1H",  # clears the screen
    "paid\rheld": "paid␍held",
    "\x9b31m": "\N{REPLACEMENT CHARACTER}31m",  # CSI in one character
    "a\x7f": "a␡",
    "\u202e0001": "\N{REPLACEMENT CHARACTER}0001",  # shows 1000
}


@pytest.fixture
def terminal() -> SafeConsole:
    return SafeConsole(file=io.StringIO(), width=200, color_system=None, force_terminal=True)


def written(console: SafeConsole) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("attack", ATTACKS)
def test_control_characters_are_shown_in_lines_tables_and_rules(terminal: SafeConsole, attack: str) -> None:
    table = Table("Value", title=escape(attack))
    table.add_row(escape(attack))

    terminal.print(escape(attack))
    terminal.print(attack, markup=False)
    terminal.print(table)

    assert attack not in written(terminal)
    assert written(terminal).count(ATTACKS[attack]) == 4


def test_line_breaks_tabs_and_letters_of_all_kinds_stay() -> None:
    text = "two\nlines\tנועה Zażółć 株式会社 🙂 \u200f(right to left)"

    assert visible(text) == text


def test_colours_of_the_harness_reach_the_terminal() -> None:
    terminal = SafeConsole(file=io.StringIO(), width=200, color_system="standard", force_terminal=True)

    terminal.print("[red]x[/]")

    assert written(terminal) == "\x1b[31mx\x1b[0m\n"


def test_a_name_like_an_emoji_or_like_markup_is_printed_as_it_is(
    terminal: SafeConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.console.out", terminal)
    monkeypatch.setattr(terminal, "_force_terminal", False)

    with ProgressStep("Upload a:bomb:[/].csv") as step:
        step.conclude("[red]1[/] row")

    assert "… Upload a:bomb:[/].csv\n" in written(terminal)
    assert "✓ Upload a:bomb:[/].csv: [red]1[/] row (" in written(terminal)


def test_letters_that_the_terminals_encoding_lacks_do_not_end_the_command() -> None:
    script = "from harness.console import out; out.print('✓ Zażółć')"
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}

    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, check=False)

    assert (done.returncode, done.stdout) == (0, "? Za?ó??\n".encode("latin-1")), done.stderr
