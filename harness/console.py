"""Output for people: progress while something runs, plain lines where there is no terminal, one clear error."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from harness.errors import HarnessError

_PLAIN_WIDTH = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160  # a pipe has no width

out = Console(highlight=False, soft_wrap=True, width=_PLAIN_WIDTH)
"""Standard output: the result of a command and its progress."""

err = Console(stderr=True, highlight=False, soft_wrap=True)
"""Standard error: errors and notes."""

PLAIN_EVERY_S = 15.0
"""Seconds between two progress lines where there is no terminal."""


class ProgressStep:
    """One piece of work in progress: a spinner or bar on a terminal, a line every `PLAIN_EVERY_S` elsewhere."""

    def __init__(self, title: str) -> None:
        self.title = title
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
        self._task = self._progress.add_task(title, total=None, note="")

    def __enter__(self) -> Self:
        """Start to show the work."""
        if out.is_terminal:
            self._progress.start()
        else:
            out.print(f"… {self.title}")
        return self

    def advance_to(self, done: int, total: int | None = None, note: str = "") -> None:
        """Show that ``done`` of ``total`` pieces are finished, with a note on the piece in progress."""
        self._progress.update(self._task, completed=done, total=total, note=note)
        now = time.monotonic()
        if not out.is_terminal and now - self._last_line >= PLAIN_EVERY_S:
            self._last_line = now
            out.print(f"  {self.title}: {done}{f'/{total}' if total else ''} {note} ({now - self._started:.0f} s)")

    def conclude(self, note: str) -> None:
        """Set the result in a few words; it is printed if the step ends without an error."""
        self._note = note

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
    """Turn a `HarnessError` into two lines on standard error and exit code 1; Ctrl-C into one and exit code 130."""
    try:
        yield
    except HarnessError as error:
        err.print(f"[bold red]Error:[/] {_plain(error.what)}")
        err.print(_plain(error.remedy))
        sys.exit(1)
    except KeyboardInterrupt as interrupt:
        err.print(_plain(str(interrupt)) or "Interrupted.")
        sys.exit(130)


def _plain(text: str) -> str:
    """Text without markup of its own, escaped for rich."""
    return text.replace("[", "\\[")
