"""The verdict for people and programs: a table, SARIF, JUnit, JSON and the session's figures."""

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
"""The folder of the reports."""

_COLOURS = {Severity.CRITICAL: "bold red", Severity.HIGH: "red", Severity.MEDIUM: "yellow", Severity.LOW: "cyan"}
_LEVELS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}


def write(verdict: GateVerdict, *, seconds: float, folder: Path = FOLDER) -> None:
    """Write the SARIF, JUnit and JSON reports, and the session's figures.

    Args:
        verdict: The gate's verdict.
        seconds: How long the scan took.
        folder: The folder of the reports.
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
    """The number of findings of each severity."""
    counts = Counter(finding.severity for finding in verdict.findings)
    return {severity.value: counts[severity] for severity in Severity}


def show(verdict: GateVerdict, *, seconds: float) -> None:
    """Print the findings, worst first, then their numbers by severity."""
    for finding in verdict.findings:
        line = f":{finding.line}" if finding.line else ""
        place = f" [dim]({escape(finding.file)}{line})[/]" if finding.file else ""
        root = f"{finding.root}: " if finding.root else ""
        severity = f"[{_COLOURS[finding.severity]}]{finding.severity}[/]"
        out.print(f"{severity} {finding.rule_id} {escape(root + finding.address)}{place}")
        out.print(f"    {escape(finding.message)}")
        out.print(f"    To fix this: {escape(finding.remedy)} [dim]{escape(finding.guideline)}[/]")
    table = Table("Severity", "To fix", "Accepted by the ledger")
    accepted = Counter(finding.severity for finding, _ in verdict.accepted)
    for name, count in by_severity(verdict).items():
        table.add_row(name, str(count), str(accepted[Severity(name)]))
    out.print(table)
    counts = ", ".join(f"{value} {name.replace('_', ' ')}" for name, value in verdict.counts.items())
    out.print(f"{counts}; {seconds:.0f} s. Reports: {_readable(FOLDER)}/")


def _readable(folder: Path) -> str:
    """A folder relative to the checkout; in full if it is outside."""
    return str(folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder)


def body(verdict: GateVerdict) -> dict[str, Any]:
    """Everything, as JSON."""
    return {
        "green": verdict.green,
        "counts": dict(verdict.counts),
        "by_severity": by_severity(verdict),
        "findings": [asdict(finding) for finding in verdict.findings],
        "accepted": [{"finding": asdict(finding), "row": asdict(row)} for finding, row in verdict.accepted],
    }


def sarif(verdict: GateVerdict) -> dict[str, Any]:
    """SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/): accepted findings are suppressed results."""
    findings = [*((finding, None) for finding in verdict.findings), *verdict.accepted]
    by_rule = {finding.rule_id: finding for finding, _ in findings}
    results = []
    for finding, row in findings:
        result = _result(finding)
        if row is not None:
            justification = f"{row.reason} ({row.owner}, until {row.expires})"
            result["suppressions"] = [{"kind": "external", "justification": justification}]
        results.append(result)
    driver = {
        "name": "policy-gate",
        "informationUri": "https://www.checkov.io",
        "rules": [_rule(finding) for _, finding in sorted(by_rule.items())],
    }
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }


def _rule(finding: Finding) -> dict[str, Any]:
    rule = RULES.get(finding.rule_id)
    return {
        "id": finding.rule_id,
        "shortDescription": {"text": rule.title if rule else finding.rule_id},
        "fullDescription": {"text": rule.rationale if rule else finding.message},
        "help": {"text": finding.remedy},
        "helpUri": finding.guideline,
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
    }


def _result(finding: Finding) -> dict[str, Any]:
    place: dict[str, Any] = {
        "logicalLocations": [{"fullyQualifiedName": f"{finding.root}:{finding.address}", "kind": "resource"}]
    }
    if finding.file:
        place["physicalLocation"] = {
            "artifactLocation": {"uri": finding.file},
            "region": {"startLine": max(1, finding.line or 1)},
        }
    return {
        "ruleId": finding.rule_id,
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.address}: {finding.message} {finding.remedy}"},
        "locations": [place],
    }


def junit(verdict: GateVerdict, seconds: float) -> ET.Element:
    """JUnit's XML: a case for each of our rules, and for each other check that found something."""
    by_rule: dict[str, list[Finding]] = {rule_id: [] for rule_id in RULES}
    for finding in verdict.findings:
        by_rule.setdefault(finding.rule_id, []).append(finding)
    failures = sum(1 for findings in by_rule.values() if findings)
    suite = ET.Element(
        "testsuite", name="policy", tests=str(len(by_rule)), failures=str(failures), errors="0", time=f"{seconds:.1f}"
    )
    for rule_id, findings in sorted(by_rule.items()):
        rule = RULES.get(rule_id)
        name = f"{rule_id} {rule.title}" if rule else rule_id
        case = ET.SubElement(suite, "testcase", classname="policy", name=name)
        if findings:
            failure = ET.SubElement(case, "failure", message=f"{len(findings)} findings")
            failure.text = "\n".join(map(str, findings))
    return suite
