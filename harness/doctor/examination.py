"""The whole examination, and how it is shown."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence

from rich.markup import escape

from harness.console import out, print_json
from harness.doctor import machine, settings, tools
from harness.doctor.findings import Finding, Grade

_SIGNS = {
    Grade.GOOD: "[green]✓[/]",
    Grade.NOTE: "[cyan]·[/]",
    Grade.WARNING: "[yellow]![/]",
    Grade.ERROR: "[red]✗[/]",
}


def examine(environment: Mapping[str, str] | None = None) -> Iterator[Finding]:
    """Examine everything; each finding comes as soon as it is known.

    Args:
        environment: The variables of the caller's shell, before the harness has changed them.
    """
    environment = dict(os.environ) if environment is None else environment
    steps: Sequence[Callable[[], Finding | Iterator[Finding]]] = (
        machine.python,
        lambda: settings.variables(environment),
        tools.terraform,
        tools.provider,
        machine.port,
        machine.disk,
        machine.build_size,
        machine.leftovers,
        tools.localstack,
        machine.clock,
        lambda: settings.endpoints(environment),
        lambda: settings.proxies(environment),
    )
    for step in steps:
        found = step()
        yield from [found] if isinstance(found, Finding) else found


def show(findings: Iterator[Finding], *, as_json: bool) -> int:
    """Print findings, and return the exit code: 1 if one of them is an error, else 0.

    Args:
        findings: As `examine` yields them.
        as_json: Whether to print a JSON list.
    """
    shown = []
    for finding in findings:
        shown.append(finding)
        if not as_json:
            out.print(f"{_SIGNS[finding.grade]} {finding.subject}: {escape(finding.text)}")
            if finding.fix:
                out.print(f"    {escape(finding.fix)}")
    errors = sum(finding.grade is Grade.ERROR for finding in shown)
    warnings = sum(finding.grade is Grade.WARNING for finding in shown)
    if as_json:
        print_json([finding.document() for finding in shown], indent=2)
    else:
        summary = f"{errors} errors, {warnings} warnings" if errors or warnings else "All is well"
        out.print(f"[{'red' if errors else 'yellow' if warnings else 'green'}]{summary}.[/]")
    return 1 if errors else 0
