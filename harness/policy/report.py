"""The verdict for people and for other programs: a table, SARIF, JUnit, JSON and the session's figures."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from rich.markup import escape
from rich.table import Table

from harness.console import out
from harness.paths import BUILD, ROOT
from harness.policy.finding import Finding, Severity
from harness.policy.rule import RULES
from harness.policy.verdict import GateVerdict
from harness.results import record

FOLDER = BUILD / "reports" / "policy"
"""Where the reports go."""

_COLOURS = {Severity.CRITICAL: "bold red", Severity.HIGH: "red", Severity.MEDIUM: "yellow", Severity.LOW: "cyan"}
_LEVELS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}


def write(verdict: GateVerdict, *, seconds: float, folder: Path = FOLDER) -> None:
    """Write all of them.

    Args:
        verdict: What the gate says.
        seconds: How long it took.
        folder: Where SARIF, JUnit and JSON go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policy.sarif").write_text(json.dumps(sarif(verdict), indent=2) + "\n", encoding="utf-8")
    (folder / "policy.json").write_text(json.dumps(body(verdict), indent=2, default=str) + "\n", encoding="utf-8")
    ET.ElementTree(junit(verdict, seconds)).write(folder / "policy.xml", encoding="utf-8", xml_declaration=True)
    record(
        "policy",
        {
            **verdict.counts,
            "findings": len(verdict.findings),
            "by_severity": by_severity(verdict),
            "suppressed": len(verdict.accepted),
            "seconds": round(seconds, 1),
        },
    )


def by_severity(verdict: GateVerdict) -> dict[str, int]:
    """How many findings there are of each severity."""
    found = Counter(one.severity for one in verdict.findings)
    return {severity.value: found[severity] for severity in Severity}


def show(verdict: GateVerdict, *, seconds: float) -> None:
    """Print the findings, worst first, then how many there are by severity."""
    for one in verdict.findings:
        place = f" [dim]({escape(one.file)}{f':{one.line}' if one.line else ''})[/]" if one.file else ""
        root = f"{one.root}: " if one.root else ""
        out.print(f"[{_COLOURS[one.severity]}]{one.severity}[/] {one.rule_id} {escape(root + one.address)}{place}")
        out.print(f"    {escape(one.message)}")
        out.print(f"    Fix: {escape(one.remedy)} [dim]{escape(one.guideline)}[/]")
    table = Table("Severity", "To fix", "Accepted by the ledger")
    accepted = Counter(one.severity for one, _ in verdict.accepted)
    for severity, count in by_severity(verdict).items():
        table.add_row(severity, str(count), str(accepted[Severity(severity)]))
    out.print(table)
    counts = ", ".join(f"{value} {name.replace('_', ' ')}" for name, value in verdict.counts.items())
    out.print(f"{counts}; {seconds:.0f} s. Reports: {_told(FOLDER)}/")


def _told(folder: Path) -> str:
    """A folder as somebody in the checkout would name it; in full where it lies outside."""
    return str(folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder)


def body(verdict: GateVerdict) -> dict[str, Any]:
    """Everything, as JSON."""
    return {
        "green": verdict.green,
        "counts": dict(verdict.counts),
        "by_severity": by_severity(verdict),
        "findings": [asdict(one) for one in verdict.findings],
        "accepted": [{"finding": asdict(one), "row": asdict(row)} for one, row in verdict.accepted],
    }


def sarif(verdict: GateVerdict) -> dict[str, Any]:
    """SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/): accepted findings are suppressed results."""
    every = [*((one, None) for one in verdict.findings), *verdict.accepted]
    rules = {one.rule_id: one for one, _ in every}
    results = []
    for one, row in every:
        result = _result(one)
        if row is not None:
            told = f"{row.reason} ({row.owner}, until {row.expires})"
            result["suppressions"] = [{"kind": "external", "justification": told}]
        results.append(result)
    driver = {
        "name": "policy-gate",
        "informationUri": "https://www.checkov.io",
        "rules": [_described(one) for _, one in sorted(rules.items())],
    }
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }


def _described(one: Finding) -> dict[str, Any]:
    rule = RULES.get(one.rule_id)
    return {
        "id": one.rule_id,
        "shortDescription": {"text": rule.title if rule else one.rule_id},
        "fullDescription": {"text": rule.rationale if rule else one.message},
        "help": {"text": one.remedy},
        "helpUri": one.guideline,
        "defaultConfiguration": {"level": _LEVELS[one.severity]},
    }


def _result(one: Finding) -> dict[str, Any]:
    place: dict[str, Any] = {
        "logicalLocations": [{"fullyQualifiedName": f"{one.root}:{one.address}", "kind": "resource"}]
    }
    if one.file:
        place["physicalLocation"] = {
            "artifactLocation": {"uri": one.file},
            "region": {"startLine": max(1, one.line or 1)},
        }
    return {
        "ruleId": one.rule_id,
        "level": _LEVELS[one.severity],
        "message": {"text": f"{one.address}: {one.message} {one.remedy}"},
        "locations": [place],
    }


def junit(verdict: GateVerdict, seconds: float) -> ET.Element:
    """JUnit's XML: a case per rule that we have, and per other check that found something."""
    found: dict[str, list[Finding]] = {identity: [] for identity in RULES}
    for one in verdict.findings:
        found.setdefault(one.rule_id, []).append(one)
    failures = sum(1 for some in found.values() if some)
    suite = ET.Element(
        "testsuite", name="policy", tests=str(len(found)), failures=str(failures), errors="0", time=f"{seconds:.1f}"
    )
    for identity, some in sorted(found.items()):
        rule = RULES.get(identity)
        name = f"{identity} {rule.title}" if rule else identity
        case = ET.SubElement(suite, "testcase", classname="policy", name=name)
        if some:
            told = "\n".join(str(one) for one in some)
            ET.SubElement(case, "failure", message=f"{len(some)} findings").text = told
    return suite
