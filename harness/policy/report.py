"""The verdict for people and programs: a table, SARIF, JUnit, JSON and the session's figures."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from rich.markup import escape
from rich.table import Table

from harness.console import out
from harness.paths import BUILD, ROOT
from harness.policy import groups
from harness.policy.finding import Finding, Severity
from harness.policy.groups import BrokenRule, FindingGroup
from harness.policy.rule import RULES
from harness.policy.verdict import GateVerdict, Suppression
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
            "to_fix": verdict.to_fix,
            "findings": len(verdict.findings),
            "by_severity": by_severity(verdict),
            "suppressed": len(verdict.accepted),
            "seconds": round(seconds, 1),
        },
    )


def by_severity(verdict: GateVerdict) -> dict[str, int]:
    """The number of fixes of each severity."""
    counts = Counter(rule.severity for group in verdict.groups for rule in group.rules)
    return {severity.value: counts[severity] for severity in Severity}


SHOWN = 3
"""The messages, places and instances that are printed of one rule on one block; the reports have all."""

ROOTS = 3
"""The roots whose instances are printed; the others are counted."""


def all_described(found: Sequence[FindingGroup]) -> Iterator[str]:
    """Groups, one after the other; what fixes a rule is printed where the rule is first broken."""
    explained: set[str] = set()
    for each in found:
        yield from described(each, explained)


def described(group: FindingGroup, explained: set[str] | None = None) -> Iterator[str]:
    """A group in a few lines: the place, what is wrong and its fix, and where it shows.

    Args:
        group: The group.
        explained: The rules whose fix has been printed already; those of this group are added.
    """
    explained = set() if explained is None else explained
    severity = f"[{_COLOURS[group.severity]}]{group.severity}[/]"
    yield f"{severity} [bold]{escape(group.place)}[/] {escape(group.subject)}".rstrip()
    for rule in group.rules:
        also = f" (with {', '.join(rule.includes)})" if rule.includes else ""
        yield f"    {rule.id}{also}: {escape(_messages(rule))}"
        if rule.id not in explained:
            yield f"        To fix this: {escape(rule.remedy)} [dim]{escape(rule.guideline)}[/]"
        explained.add(rule.id)
    if group.others:
        yield f"    Also at {escape(_listed(group.others))}."
    if group.written:
        yield f"    Written at {escape(_listed(group.written))}."
    if group.instances:
        yield f"    In {escape('; '.join(_roots(group)))}."
    if group.held_back:
        held = ", ".join(f"{number} of {rule_id}" for rule_id, number in sorted(group.held_back.items()))
        yield f"    [dim]Judged again after that: {held}.[/]"


def _messages(rule: BrokenRule) -> str:
    return _first(rule.messages, " ", "And {} more of the kind.")


def _listed(names: Sequence[str]) -> str:
    return _first(names, ", ", "and {} more")


def _first(texts: Sequence[str], separator: str, rest: str) -> str:
    """The first `SHOWN` of some texts; one more than that is shown too, because counting it would take as much room."""
    if len(texts) <= SHOWN + 1:
        return separator.join(texts)
    return separator.join([*texts[:SHOWN], rest.format(len(texts) - SHOWN)])


def _roots(group: FindingGroup) -> Iterator[str]:
    """The roots, each with an instance; a root's own name is no instance of it, and equal roots are named together."""
    by_instances: dict[tuple[str, ...], list[str]] = {}
    for root, addresses in group.instances.items():
        by_instances.setdefault(tuple(address for address in addresses if address != root), []).append(root)
    names = [(", ".join(roots), addresses) for addresses, roots in by_instances.items()]
    for root, addresses in names[:ROOTS]:
        more = f" and {len(addresses) - 1} more" if len(addresses) > 1 else ""
        yield f"{root}: {addresses[0]}{more}" if addresses else root
    if len(names) > ROOTS:
        yield ", ".join(f"{root} ({len(addresses)})" for root, addresses in names[ROOTS:])


def show(verdict: GateVerdict, *, seconds: float) -> None:
    """Print what has to be fixed, worst first, then the numbers by severity."""
    for line in all_described(verdict.groups):
        out.print(line)
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
        "to_fix": [
            {**asdict(each), "findings": len(each.findings), "severity": each.severity} for each in verdict.groups
        ],
        "findings": [asdict(finding) for finding in verdict.findings],
        "accepted": [{"finding": asdict(finding), "row": asdict(row)} for finding, row in verdict.accepted],
    }


def sarif(verdict: GateVerdict) -> dict[str, Any]:
    """SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/): one result for each rule that a block breaks.

    Accepted findings are suppressed results.
    """
    by_row: dict[Suppression, list[Finding]] = {}
    for finding, row in verdict.accepted:
        by_row.setdefault(row, []).append(finding)
    results = [result for each in verdict.groups for result in _results(each)]
    for row, findings in by_row.items():
        justification = f"{row.reason} ({row.owner}, until {row.expires})"
        suppressions = [{"kind": "external", "justification": justification}]
        for each in groups.group(findings):
            results += [{**result, "suppressions": suppressions} for result in _results(each)]
    by_rule = {finding.rule_id: finding for finding in (*verdict.findings, *(found for found, _ in verdict.accepted))}
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


def _results(group: FindingGroup) -> Iterator[dict[str, Any]]:
    """A result for each rule of a group, with the file and line of the block and the instances beneath."""
    for rule in group.rules:
        findings = [finding for finding in group.findings if finding.rule_id in {rule.id, *rule.includes}]
        instances = dict.fromkeys(f"{finding.root}:{finding.address}" for finding in findings)
        place: dict[str, Any] = {
            "logicalLocations": [{"fullyQualifiedName": instance, "kind": "resource"} for instance in instances]
        }
        if findings[0].file:
            place["physicalLocation"] = {
                "artifactLocation": {"uri": findings[0].file},
                "region": {"startLine": max(1, findings[0].line or 1)},
            }
        yield {
            "ruleId": rule.id,
            "level": _LEVELS[rule.severity],
            "message": {"text": f"{group.subject or group.place}: {' '.join(rule.messages)} {rule.remedy}"},
            "locations": [place],
        }


def junit(verdict: GateVerdict, seconds: float) -> ET.Element:
    """JUnit's XML: a case for each of our rules, and for each other check that found something."""
    by_rule: dict[str, list[str]] = {rule_id: [] for rule_id in RULES}
    for group in verdict.groups:
        for rule in group.rules:
            text = f"{group.place} {group.subject}: {' '.join(rule.messages)} {rule.remedy}"
            by_rule.setdefault(rule.id, []).append(text)
    failures = sum(1 for texts in by_rule.values() if texts)
    suite = ET.Element(
        "testsuite", name="policy", tests=str(len(by_rule)), failures=str(failures), errors="0", time=f"{seconds:.1f}"
    )
    for rule_id, texts in sorted(by_rule.items()):
        name = f"{rule_id} {RULES[rule_id].title}" if rule_id in RULES else rule_id
        case = ET.SubElement(suite, "testcase", classname="policy", name=name)
        if texts:
            failure = ET.SubElement(case, "failure", message=f"{len(texts)} to fix")
            failure.text = "\n".join(texts)
    return suite
