"""The generated parts of docs/aws.md: what this project believes of AWS, from the tables that the code itself reads."""

import ast
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from harness.engine.differences import table as differences
from harness.errors import HarnessError
from harness.paths import ROOT

PAGE = ROOT / "docs" / "aws.md"
CONTEXTS = ROOT / "localstack" / "service_contexts.toml"
SWITCHES = ROOT / "localstack" / "embedded" / "strictness.py"
REQUESTS = ROOT / "policy" / "aws_requests.toml"


def refresh(page: Path = PAGE, *, write: bool = True) -> list[Path]:
    """Bring the page up to date.

    Args:
        page: The page, with a pair of markers for each generated part.
        write: Whether to write; otherwise it is only compared.

    Returns:
        The page, if it was out of date.

    Raises:
        HarnessError: The page lacks the markers of a part.
    """
    current = updated = page.read_text(encoding="utf-8")
    for name, part in PARTS.items():
        updated = _with_part(updated, name, part())
    if updated != current and write:
        page.write_text(updated, encoding="utf-8")
    return [page] if updated != current else []


def _with_part(text: str, name: str, part: str) -> str:
    begin, end = f"<!-- BEGIN {name} -->", f"<!-- END {name} -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise HarnessError(f"{PAGE.name} has no markers for {name}.", remedy=f"Add the lines {begin} and {end} to it.")
    return f"{before}{begin}\n\n{part}\n\n{end}{after}"


def _table(head: str, rows: Sequence[tuple[str, ...]]) -> str:
    columns = head.count("|") - 1
    return "\n".join([head, "|---" * columns + "|", *(f"| {' | '.join(row)} |" for row in rows)])


def service_contexts() -> str:
    """The context keys of services' requests."""
    rows = []
    for row in tomllib.loads(CONTEXTS.read_text(encoding="utf-8"))["request"]:
        action = f"`{row['action']}`" + (f", for {row['via']}" if row.get("via") else "")
        keys = ", ".join(f"`{key}`" for key in row["keys"]) or "none"
        rows.append((f"`{row['principal']}`", action, keys, f"[page]({row['page']})"))
    return _table("| service | its request | keys that AWS sends | source |", rows)


def strict_switches() -> str:
    """The switches of the embedded engine."""
    module = ast.parse(SWITCHES.read_text(encoding="utf-8"))
    assigned = {ast.unparse(node.targets[0]): node.value for node in module.body if isinstance(node, ast.Assign)}
    switches: Mapping[str, str] = ast.literal_eval(assigned["SWITCHES"])
    return _table("| switch | with it, as on AWS |", [(f"`{name}`", text) for name, text in switches.items()])


def known_differences() -> str:
    """What the default engine does otherwise than AWS."""
    rows = [
        (f"`{row.feature}`", row.behaviour, f"[{row.aws}]({row.source})")
        for row in differences().differences
        if row.engine == "embedded"
    ]
    return _table("| feature | the embedded engine | AWS |", rows)


def modelled_requests() -> str:
    """How much of the plans the models of AWS's API can judge."""
    table = tomllib.loads(REQUESTS.read_text(encoding="utf-8"))
    kinds = {kind: row for kind, row in table.items() if "request" in row}
    rows = [
        (f"`{kind}`", f"`{row['request']}`", ", ".join(f"`{name}`" for name in row.get("unchecked", {})) or "none")
        for kind, row in sorted(kinds.items())
    ]
    return _table("| resource type | request | arguments that no model limits |", rows)


PARTS: Mapping[str, Callable[[], str]] = {
    "service contexts": service_contexts,
    "strict switches": strict_switches,
    "known differences": known_differences,
    "modelled requests": modelled_requests,
}
"""Each generated part, by the name in its markers."""
