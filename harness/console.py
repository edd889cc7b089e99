"""What people see: progress while something runs, plain lines where there is no terminal, one clear error at last."""

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

_PLAIN_WIDTH = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160  # a pipe has no edge to keep to

out = Console(highlight=False, soft_wrap=True, width=_PLAIN_WIDTH)
"""Standard output: what a command was asked to show."""

err = Console(stderr=True, highlight=False, soft_wrap=True)
"""Standard error: faults and notes."""

PLAIN_EVERY_S = 15.0
"""Seconds between two progress lines where there is no terminal."""


class Step:
    """One piece of work under way: a spinner or bar on a terminal, a line now and then elsewhere."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._started = time.monotonic()
        self._said = self._started
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
        """Begin to show the work."""
        if out.is_terminal:
            self._progress.start()
        else:
            out.print(f"… {self.title}")
        return self

    def advance_to(self, done: int, total: int | None = None, note: str = "") -> None:
        """Show that ``done`` of ``total`` pieces are finished, with a word on what is going on."""
        self._progress.update(self._task, completed=done, total=total, note=note)
        now = time.monotonic()
        if not out.is_terminal and now - self._said >= PLAIN_EVERY_S:
            self._said = now
            out.print(f"  {self.title}: {done}{f'/{total}' if total else ''} {note} ({now - self._started:.0f} s)")

    def conclude(self, note: str) -> None:
        """Say in a few words what came of it; shown once the step ends well."""
        self._note = note

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop showing it, and leave one line that says how it went."""
        if out.is_terminal:
            self._progress.stop()
        seconds = time.monotonic() - self._started
        if fault is None:
            out.print(f"[green]✓[/] {self.title}{f': {self._note}' if self._note else ''} [dim]({seconds:.1f} s)[/]")
        else:
            out.print(f"[red]✗[/] {self.title} [dim]({seconds:.1f} s)[/]")


@contextmanager
def expected_errors() -> Iterator[None]:
    """Turn a `HarnessError` into two lines on standard error and exit code 1; Ctrl-C into exit code 130."""
    try:
        yield
    except HarnessError as fault:
        err.print(f"[bold red]Error:[/] {_plain(fault.what)}")
        err.print(_plain(fault.remedy))
        sys.exit(1)
    except KeyboardInterrupt:
        err.print("Interrupted.")
        sys.exit(130)


def _plain(text: str) -> str:
    """Text from elsewhere, safe from rich's markup."""
    return text.replace("[", "\\[")
