"""The ledger of suppressions: which finding is accepted where, why, by whom, and until when.

A row names a rule and a resource block (``modules/lambda/aws_lambda_function.this``). It accepts the rule's findings on
all instances of the block, everywhere or in the roots and the mode that it names. Nothing else suppresses: a comment in
the source is a finding itself. A row that is no longer needed, or that has ended, is a finding too.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from harness.errors import HarnessError
from harness.paths import ROOT
from harness.policy.finding import Finding, Severity
from harness.policy.verdict import Suppression

LEDGER = ROOT / "policy" / "suppressions.yaml"
LONGEST_DAYS = 400
"""The longest suppression: it is reviewed after a year at the latest, with a month for the review."""

_FIELDS = ("address", "expires", "id", "owner", "reason")

_Text = Annotated[str, Field(min_length=1)]


class _Row(BaseModel):
    """A row as it is written."""

    model_config = ConfigDict(extra="forbid", strict=True, str_strip_whitespace=True)

    id: _Text
    address: _Text
    reason: _Text
    owner: _Text
    expires: date
    mode: Literal["", "hcl", "plan"] = ""
    roots: list[_Text] = []


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
    try:
        row = _Row.model_validate(body)
    except ValidationError as error:
        raise _row_error(path, line, _problem(error.errors(include_url=False)[0])) from None
    return Suppression(**{**row.model_dump(), "roots": tuple(row.roots)}, line=line)


def _problem(error: ErrorDetails) -> str:
    """What is wrong with a row, and what to write instead."""
    if error["type"] in {"missing", "extra_forbidden", "model_type", "invalid_key"}:
        return f"a row has the fields {', '.join(_FIELDS)}, and mode or roots if it does not hold everywhere"
    name, value = str(error["loc"][0]), error["input"]
    match name:
        case "expires":
            return f"expires is {value!r}: write a day, such as 2027-06-30"
        case "mode":
            return f"mode is {value!r}: write hcl or plan"
        case "roots":
            return "roots must be a list, such as [live/dev]"
    return f"{name} is empty" if not str(value or "").strip() else f"{name} is {value!r}: write a text"


def _row_error(path: Path, line: int, what: str) -> HarnessError:
    return HarnessError(f"{path.name}:{line}: {what}.", remedy="Fix the row; policy/README.md shows an example.")


def apply(
    findings: Sequence[Finding],
    rows: Sequence[Suppression],
    *,
    today: date,
    rule_ids: frozenset[str],
    unjudged: frozenset[tuple[str, str]] = frozenset(),
) -> tuple[list[Finding], list[tuple[Finding, Suppression]]]:
    """Separate the findings that a row accepts from those that remain; errors of the ledger are among the latter.

    Args:
        findings: The findings of all scans.
        rows: The ledger.
        today: The day of the run.
        rule_ids: The ids of all rules and checks; a row with another id is a finding.
        unjudged: The roots and modes that could not be judged, such as ``("live/dev", "plan")``. Nobody knows whether
            a row is needed there, so no row is called unneeded for want of them.
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
        remaining += _row_findings(row, used, today, rule_ids, unjudged)
    return remaining, accepted


def _row_findings(
    row: Suppression,
    used: set[tuple[int, str]],
    today: date,
    rule_ids: frozenset[str],
    unjudged: frozenset[tuple[str, str]],
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
        if (row.line, root) not in used and not _may_be_needed(row, root, unjudged):
            where = f" in {root}" if root else ""
            yield finding(7, f"The suppression of {row.id}{where} is not needed.", _UNNEEDED)


_UNNEEDED = "If the change that made it unneeded is right, delete it; otherwise take the change back."


def _may_be_needed(row: Suppression, root: str, unjudged: frozenset[tuple[str, str]]) -> bool:
    """Whether a row could accept something in a root (any, if it is empty) that was not judged."""
    return any(root in {"", name} and row.mode in {"", mode} for name, mode in unjudged)
