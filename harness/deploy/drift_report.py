"""The differences of an environment for people and programs: a table, JSON and SARIF."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.markup import escape

from harness.console import out
from harness.deploy.drift import Difference, Kind
from harness.files import write_whole
from harness.paths import BUILD
from harness.results import record

FOLDER = BUILD / "reports" / "drift"
"""The folder of the SARIF reports."""

_LEVELS = {Kind.PENDING: "note", Kind.UNMANAGED: "warning"}


def show(rows: Sequence[Difference]) -> None:
    """Print what differs, grouped by how, with what to do."""
    for kind in Kind:
        of_kind = [row for row in rows if row.kind is kind]
        if of_kind:
            out.print(f"[bold]{kind.value}[/] ({len(of_kind)})")
        for row in of_kind:
            place = f" [dim]{row.file}:{row.line}[/]" if row.file else ""
            out.print(f"  [yellow]{escape(row.subject)}[/]{place}")
            for detail in row.details:
                out.print(f"      {escape(detail)}")
            out.print(f"      To do: {escape(row.remedy)}")


def write(environment: str, rows: Sequence[Difference], *, seconds: float, folder: Path = FOLDER) -> Path:
    """Write the figures (``build/results/drift-<environment>.json``) and the SARIF report.

    Args:
        environment: The live folder's name.
        rows: What differs.
        seconds: How long the comparison took.
        folder: The folder of the SARIF report.

    Returns:
        The file of the SARIF report.
    """
    counts = {kind.name.lower(): sum(row.kind is kind for row in rows) for kind in Kind}
    record(
        f"drift-{environment}", {**counts, "differences": [asdict(row) for row in rows], "seconds": round(seconds, 1)}
    )
    file = folder / f"{environment}.sarif"
    write_whole(file, json.dumps(sarif(rows), indent=2) + "\n")
    return file


def sarif(rows: Sequence[Difference]) -> dict[str, Any]:
    """SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/): a result for each difference."""
    rules = [{"id": kind.name.lower(), "shortDescription": {"text": kind.value}} for kind in Kind]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "drift", "rules": rules}},
                "results": [_result(row) for row in rows],
            }
        ],
    }


def _result(row: Difference) -> dict[str, Any]:
    place: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": row.subject, "kind": "resource"}]}
    if row.file:
        place["physicalLocation"] = {"artifactLocation": {"uri": row.file}, "region": {"startLine": row.line}}
    return {
        "ruleId": row.kind.name.lower(),
        "level": _LEVELS.get(row.kind, "error"),
        "message": {"text": " ".join([f"{row.subject}: {row.kind.value}.", *row.details, row.remedy])},
        "locations": [place],
    }
