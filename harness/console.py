"""Output for people: progress while something runs, plain lines where there is no terminal, one clear error."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.segment import Segment
from rich.text import Text

from harness.errors import HarnessError

_PLAIN_WIDTH = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160  # a pipe has no width

_OBEYED = [*range(0x20), 0x7F, *range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
"""Control characters (ECMA-48: C0, DEL, C1) and those that change the direction of the text around them."""

_SHOWN = {code: chr(0x2400 + code) if code < 0x20 else "\N{REPLACEMENT CHARACTER}" for code in _OBEYED} | {
    0x7F: "\N{SYMBOL FOR DELETE}",
    ord("\n"): "\n",
    ord("\t"): "\t",
}


def visible(text: str) -> str:
    """Text whose control characters a terminal shows and does not obey: ESC becomes ``␛``.

    Values of CSV files and of logs come from anybody. An escape sequence in one could move the cursor, hide lines, or
    set the clipboard.
    """
    return text.translate(_SHOWN)


class SafeConsole(Console):
    """A console that obeys no control character of what it prints, and prints what the terminal's encoding lacks as ?.

    The colours are rich's own: it adds them to text that has been made safe.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, soft_wrap=True, emoji=False, **options)
        reconfigure = getattr(self.file, "reconfigure", None)
        if reconfigure:  # not of a test's stream
            reconfigure(errors="replace")

    def render_str(self, text: str, **options: Any) -> Text:
        """Make text safe before its width is measured."""
        return super().render_str(visible(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """Make safe what was no plain text, such as the cells of a progress display."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))


out = SafeConsole(width=_PLAIN_WIDTH)
"""Standard output: the result of a command and its progress."""

err = SafeConsole(stderr=True)
"""Standard error: errors and notes."""


def print_json(document: object, indent: int | None = None) -> None:
    """Print JSON for programs: neither wrapped nor coloured, and ASCII only, so that no terminal obeys it.

    Args:
        document: JSON-ready values; others become text.
        indent: The indentation; None for one line.
    """
    sys.stdout.write(json.dumps(document, indent=indent, default=str) + "\n")
    sys.stdout.flush()


PLAIN_EVERY_S = 15.0
"""Seconds between two progress lines where there is no terminal."""


class ProgressStep:
    """One piece of work in progress: a spinner or bar on a terminal, a line every `PLAIN_EVERY_S` elsewhere."""

    def __init__(self, title: str) -> None:
        self.title = escape(title)
        self._started = time.monotonic()
        self._last_line = self._started
        self._note = ""
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=out,
            transient=True,
        )
        self._task = self._progress.add_task(self.title, total=None, note="")

    def __enter__(self) -> Self:
        """Start to show the work."""
        if out.is_terminal:
            self._progress.start()
        else:
            out.print(f"… {self.title}")
        return self

    def advance_to(self, done: int, total: int | None = None, note: str = "") -> None:
        """Show that ``done`` of ``total`` pieces are finished, with a note on the piece in progress."""
        note = escape(note)
        self._progress.update(self._task, completed=done, total=total, note=note)
        now = time.monotonic()
        if not out.is_terminal and now - self._last_line >= PLAIN_EVERY_S:
            self._last_line = now
            out.print(f"  {self.title}: {done}{f'/{total}' if total else ''} {note} ({now - self._started:.0f} s)")

    def conclude(self, note: str) -> None:
        """Set the result in a few words; it is printed if the step ends without an error."""
        self._note = escape(note)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the progress display and print one line with the result."""
        if out.is_terminal:
            self._progress.stop()
        seconds = time.monotonic() - self._started
        if error is None:
            out.print(f"[green]✓[/] {self.title}{f': {self._note}' if self._note else ''} [dim]({seconds:.1f} s)[/]")
        else:
            out.print(f"[red]✗[/] {self.title} [dim]({seconds:.1f} s)[/]")


@contextmanager
def expected_errors() -> Iterator[None]:
    """Turn a `HarnessError` into two lines on standard error and exit code 1; Ctrl-C into one and exit code 130.

    A closed pipe ends the command with 141, as SIGPIPE does in a shell.
    """
    try:
        yield
    except HarnessError as error:
        err.print(f"[bold red]Error:[/] {escape(error.what)}")
        err.print(escape(error.remedy))
        sys.exit(1)
    except BrokenPipeError:  # who reads has seen enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes at its end
        sys.exit(141)
    except KeyboardInterrupt as interrupt:
        err.print(escape(str(interrupt)) or "Interrupted.")
        sys.exit(130)
