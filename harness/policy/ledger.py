"""The ledger of suppressions: which finding is accepted where, why, by whom, and until when.

A row names a rule and the resource block that it is accepted on (``modules/lambda/aws_lambda_function.this``: all
instances of the block, everywhere, or in the roots and the mode that the row names). Nothing else suppresses: a
comment in the source is a finding itself. A row that nothing needs any more, or whose date has passed, is one too.
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
"""A suppression is looked at again after a year at the latest, with a month to do so."""

_FIELDS = {"id", "address", "reason", "owner", "expires"}
_OPTIONAL = {"mode", "roots"}
_MODES = {"", "hcl", "plan"}


def load(path: Path = LEDGER) -> list[Suppression]:
    """Read the ledger.

    Raises:
        HarnessError: It is missing or no ledger, or a row lacks something, says something unknown, or stands twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise HarnessError(f"{path} is missing.", remedy="Restore it; an empty ledger is `[]`.") from None
    try:
        body = yaml.safe_load(text)
        nodes = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as problem:
        raise HarnessError(f"{path} is no YAML: {problem}", remedy="Fix it.") from None
    if not isinstance(body, list) or not isinstance(nodes, yaml.SequenceNode):
        raise HarnessError(f"{path} is no list of rows.", remedy="An empty ledger is `[]`.")
    rows = [_row(one, node.start_mark.line + 1, path) for one, node in zip(body, nodes.value, strict=True)]
    seen: set[tuple[str, str, str, str]] = set()
    for row in rows:
        for root in row.roots or ("",):
            key = (row.id, row.address, row.mode, root)
            if key in seen:
                raise _bad(path, row.line, f"{row.id} on {row.address} stands twice")
            seen.add(key)
    return rows


def _row(body: Any, line: int, path: Path) -> Suppression:
    if not isinstance(body, Mapping) or not body.keys() >= _FIELDS or body.keys() - _FIELDS - _OPTIONAL:
        raise _bad(
            path,
            line,
            f"a row has exactly {', '.join(sorted(_FIELDS))}, and mode or roots where it does not hold everywhere",
        )
    if not isinstance(body["expires"], date):
        raise _bad(path, line, f"expires is {body['expires']!r}: give a day, such as 2027-06-30")
    for name in ("id", "address", "reason", "owner"):
        if not isinstance(body[name], str) or not body[name].strip():
            raise _bad(path, line, f"{name} is empty")
    roots = body.get("roots", [])
    if not isinstance(roots, list) or not all(isinstance(root, str) and root for root in roots):
        raise _bad(path, line, "roots is a list such as [live/dev]")
    if body.get("mode", "") not in _MODES:
        raise _bad(path, line, f"mode is {body['mode']!r}: hcl or plan")
    texts = {name: str(body[name]).strip() for name in ("id", "address", "reason", "owner")}
    return Suppression(**texts, expires=body["expires"], roots=tuple(roots), mode=body.get("mode", ""), line=line)


def _bad(path: Path, line: int, what: str) -> HarnessError:
    return HarnessError(f"{path.name}:{line}: {what}.", remedy="Fix the row; policy/README.md shows one.")


def applied(
    findings: Sequence[Finding], rows: Sequence[Suppression], *, today: date, known: frozenset[str]
) -> tuple[list[Finding], list[tuple[Finding, Suppression]]]:
    """Deal findings out: those that stay, with what is wrong with the ledger, and those that a row accepts.

    Args:
        findings: Of all scans.
        rows: The ledger.
        today: The day of the run.
        known: Every rule's id; a row on another one is a finding.
    """
    open_, accepted = [], []
    used: set[tuple[int, str]] = set()
    for finding in findings:
        row = next((one for one in rows if one.covers(finding)), None)
        if row is None:
            open_.append(finding)
            continue
        used.add((row.line, finding.root if row.roots else ""))
        accepted.append((finding, row))
    for row in rows:
        open_ += _wrong(row, used, today, known)
    return open_, accepted


def _wrong(row: Suppression, used: set[tuple[int, str]], today: date, known: frozenset[str]) -> Iterator[Finding]:
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

    if row.id not in known:
        yield finding(5, f"The ledger suppresses {row.id}, which is no rule.", "Correct the id, or drop the row.")
        return  # that nothing needs it goes without saying
    if row.expires < today:
        yield finding(6, f"The suppression of {row.id} ended on {row.expires}.", "Fix the resource, or decide anew.")
    elif (row.expires - today).days > LONGEST_DAYS:
        yield finding(
            6, f"The suppression of {row.id} would end on {row.expires} only.", f"Give it {LONGEST_DAYS} days at most."
        )
    for root in row.roots or ("",):
        if (row.line, root) not in used:
            where = f" in {root}" if root else ""
            yield finding(7, f"The suppression of {row.id}{where} is needed by nothing.", "Drop it.")
