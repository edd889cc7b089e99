"""The ledger of suppressions: which finding is accepted where, why, by whom, and until when.

A row names a rule and a resource block (``modules/lambda/aws_lambda_function.this``). It accepts the rule's findings on
all instances of the block, everywhere or in the roots and the mode that it names. Nothing else suppresses: a comment in
the source is a finding itself. A row that is no longer needed, or that has ended, is a finding too.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from harness.errors import HarnessError
from harness.paths import ROOT
from harness.policy.finding import Finding, Severity
from harness.policy.verdict import Suppression

LEDGER = ROOT / "policy" / "suppressions.yaml"
LONGEST_DAYS = 400
"""The longest suppression: it is reviewed after a year at the latest, with a month for the review."""

_FIELDS = {"id", "address", "reason", "owner", "expires"}
_OPTIONAL = {"mode", "roots"}
_MODES = {"", "hcl", "plan"}


def load(path: Path = LEDGER) -> list[Suppression]:
    """Read the ledger.

    Raises:
        HarnessError: It is missing or is not a ledger, or a row has a missing or unknown field, or is there twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise HarnessError(f"{path} is missing.", remedy="Restore it; an empty ledger is `[]`.") from None
    try:
        body = yaml.safe_load(text)
        nodes = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise HarnessError(f"{path} is not YAML: {error}", remedy="Fix it.") from None
    if not isinstance(body, list) or not isinstance(nodes, yaml.SequenceNode):
        raise HarnessError(f"{path} is not a list of rows.", remedy="An empty ledger is `[]`.")
    rows = [_row(row, node.start_mark.line + 1, path) for row, node in zip(body, nodes.value, strict=True)]
    seen: set[tuple[str, str, str, str]] = set()
    for row in rows:
        for root in row.roots or ("",):
            key = (row.id, row.address, row.mode, root)
            if key in seen:
                raise _row_error(path, row.line, f"{row.id} on {row.address} is there twice")
            seen.add(key)
    return rows


def _row(body: Any, line: int, path: Path) -> Suppression:
    if not isinstance(body, Mapping) or not body.keys() >= _FIELDS or body.keys() - _FIELDS - _OPTIONAL:
        raise _row_error(
            path,
            line,
            f"a row has the fields {', '.join(sorted(_FIELDS))}, and mode or roots if it does not hold everywhere",
        )
    if not isinstance(body["expires"], date):
        raise _row_error(path, line, f"expires is {body['expires']!r}: write a day, such as 2027-06-30")
    for name in ("id", "address", "reason", "owner"):
        if not isinstance(body[name], str) or not body[name].strip():
            raise _row_error(path, line, f"{name} is empty")
    roots = body.get("roots", [])
    if not isinstance(roots, list) or not all(isinstance(root, str) and root for root in roots):
        raise _row_error(path, line, "roots must be a list, such as [live/dev]")
    if body.get("mode", "") not in _MODES:
        raise _row_error(path, line, f"mode is {body['mode']!r}: write hcl or plan")
    texts = {name: str(body[name]).strip() for name in ("id", "address", "reason", "owner")}
    return Suppression(**texts, expires=body["expires"], roots=tuple(roots), mode=body.get("mode", ""), line=line)


def _row_error(path: Path, line: int, what: str) -> HarnessError:
    return HarnessError(f"{path.name}:{line}: {what}.", remedy="Fix the row; policy/README.md shows an example.")


def apply(
    findings: Sequence[Finding], rows: Sequence[Suppression], *, today: date, rule_ids: frozenset[str]
) -> tuple[list[Finding], list[tuple[Finding, Suppression]]]:
    """Separate the findings that a row accepts from those that remain; errors of the ledger are among the latter.

    Args:
        findings: The findings of all scans.
        rows: The ledger.
        today: The day of the run.
        rule_ids: The ids of all rules and checks; a row with another id is a finding.
    """
    remaining, accepted = [], []
    used: set[tuple[int, str]] = set()
    for finding in findings:
        row = next((row for row in rows if row.covers(finding)), None)
        if row is None:
            remaining.append(finding)
            continue
        used.add((row.line, finding.root if row.roots else ""))
        accepted.append((finding, row))
    for row in rows:
        remaining += _row_findings(row, used, today, rule_ids)
    return remaining, accepted


def _row_findings(
    row: Suppression, used: set[tuple[int, str]], today: date, rule_ids: frozenset[str]
) -> Iterator[Finding]:
    def finding(number: int, message: str, remedy: str) -> Finding:
        return Finding(
            f"CKV_INV_{number:03}",
            Severity.HIGH,
            row.address,
            "policy/suppressions.yaml",
            row.line,
            message,
            remedy,
            "https://docs.aws.amazon.com/wellarchitected/latest/security-pillar/sec_securely_operate_control_objectives.html",
        )

    if row.id not in rule_ids:
        yield finding(5, f"The ledger suppresses {row.id}, which is not a rule.", "Correct the id, or delete the row.")
        return  # of course nothing needs it
    if row.expires < today:
        yield finding(6, f"The suppression of {row.id} ended on {row.expires}.", "Fix the resource, or decide again.")
    elif (row.expires - today).days > LONGEST_DAYS:
        yield finding(
            6,
            f"The suppression of {row.id} does not end before {row.expires}.",
            f"Give it at most {LONGEST_DAYS} days.",
        )
    for root in row.roots or ("",):
        if (row.line, root) not in used:
            where = f" in {root}" if root else ""
            yield finding(7, f"The suppression of {row.id}{where} is not needed.", "Delete it.")
