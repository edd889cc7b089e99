"""What the commands ``logs`` and ``trace`` print."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from rich.markup import escape

from harness.console import out, print_json
from harness.errors import HarnessError
from harness.stack import logs
from harness.stack.deployment import Stack
from harness.stack.logs import LogLine
from harness.stack.trace import Step, Story, tell

_OF_THE_STORY = frozenset({logs.CORRELATION, logs.SUBJECT})
"""Fields that a story's head names, so its steps need not."""


def show_lines(  # noqa: PLR0913 -- the command's options
    environment: str,
    functions: Sequence[str],
    *,
    since: datetime,
    subject: str | None,
    follow: bool,
    errors: bool,
    as_json: bool,
) -> None:
    """Print log lines of a running stack.

    Args:
        environment: The stack's live folder.
        functions: Short names of functions; none for all.
        since: The earliest time, with its time zone.
        subject: Only the lines about this subject, and what led to them; None for all lines.
        follow: Whether to go on with new lines, until Ctrl-C.
        errors: Only warnings and errors.
        as_json: Whether each line is a JSON object.

    Raises:
        HarnessError: No stack runs, or it has no function of a requested name.
    """
    stack = Stack.load(environment)
    unknown = sorted(set(functions) - set(stack.functions))
    if unknown:
        raise HarnessError(
            f"The environment {environment!r} has no function {unknown[0]!r}.",
            remedy=f"Use one of: {', '.join(sorted(stack.functions))}.",
        )
    names = list(functions) or sorted(stack.functions)
    read = logs.follow if follow else logs.lines
    found: Iterable[LogLine] = read(stack, names, since, subject)
    for line in found:
        if errors and not line.is_warning:
            continue
        if as_json:
            print_json(line.document())
        else:
            _print_line(line)


def _print_line(line: LogLine) -> None:
    colour = "red" if line.is_warning else "cyan"
    fields = f" [dim]{escape(logs.fields_text(line.fields))}[/]" if line.fields else ""
    out.print(
        f"[dim]{line.at:%H:%M:%S.%f}[/] [{colour}]{line.function:<22}[/] {line.level:<8} {escape(line.message)}{fields}"
    )


def show_story(environment: str, name: str, *, as_json: bool) -> None:
    """Print the story of an invoice or of an upload.

    Args:
        environment: The running stack's live folder.
        name: The invoice's id or number, or the upload's key.
        as_json: Whether to print JSON.

    Raises:
        HarnessError: No stack runs, or it has nothing of that name.
    """
    story = tell(Stack.load(environment), name)
    if as_json:
        print_json(story.document(), indent=2)
        return
    out.print(f"[bold]{escape(story.title)}[/]")
    out.print(f"[dim]Correlation ids: {escape(', '.join(story.correlations)) or 'none'}[/]")
    for text in _rows(story):
        out.print(text)
    if not story.waiting:
        out.print("[green]It waits for nothing.[/]")
    for reason in story.waiting:
        out.print(f"[yellow]It waits for:[/] {escape(reason)}")


def _rows(story: Story) -> list[str]:
    before = [None, *(step.at for step in story.steps)]
    return [_row(step, last) for step, last in zip(story.steps, before, strict=False)]


def _row(step: Step, last: datetime | None) -> str:
    after = "" if last is None else f"+{(step.at - last) / timedelta(seconds=1):.3f} s"
    colour = "red" if step.is_warning else "cyan"
    took = f" [magenta]({step.invocation_ms:.0f} ms)[/]" if step.invocation_ms is not None else ""
    fields = logs.fields_text({name: value for name, value in step.fields.items() if name not in _OF_THE_STORY})
    shown = f" [dim]{escape(fields)}[/]" if fields else ""
    place = f"[{colour}]{step.place:<22}[/]"
    return f"[dim]{step.at:%H:%M:%S.%f}[/] {after:>12} {place} {escape(step.what)}{took}{shown}"
