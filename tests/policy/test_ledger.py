"""The ledger accepts exactly what it names, until the day that it names."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.policy import ledger
from harness.policy.finding import Finding, Severity
from harness.policy.verdict import Suppression

TODAY = date(2026, 11, 22)
RULE_IDS = frozenset({"CKV_AWS_117", "CKV_AWS_28"})
ROW = Suppression(
    "CKV_AWS_117",
    "modules/lambda/aws_lambda_function.this",
    "why",
    "platform engineering",
    TODAY + timedelta(30),
    line=1,
)
FINDING = Finding(
    "CKV_AWS_117",
    Severity.MEDIUM,
    'module.function["a"].aws_lambda_function.this',
    None,
    None,
    "It is in no VPC.",
    "Fix it.",
    "https://example.com",
    root="live/dev",
    mode="plan",
    definition="modules/lambda/aws_lambda_function.this",
)


def remaining(*rows: Suppression, findings: tuple[Finding, ...] = (FINDING,)) -> list[str]:
    """The rules of the findings that remain."""
    return [finding.rule_id for finding in ledger.apply(findings, rows, today=TODAY, rule_ids=RULE_IDS)[0]]


def test_a_row_accepts_what_it_names() -> None:
    findings, accepted = ledger.apply([FINDING], [ROW], today=TODAY, rule_ids=RULE_IDS)

    assert findings == []
    assert accepted == [(FINDING, ROW)]


@pytest.mark.parametrize(
    "other",
    [
        replace(FINDING, rule_id="CKV_AWS_28"),
        replace(FINDING, definition="modules/secret/aws_lambda_function.this"),
    ],
)
def test_a_row_accepts_nothing_else(other: Finding) -> None:
    assert remaining(ROW, findings=(FINDING, other)) == [other.rule_id]


def test_a_row_for_one_root_holds_there_only() -> None:
    elsewhere = replace(FINDING, root="live/prod")

    assert remaining(replace(ROW, roots=("live/dev",)), findings=(FINDING, elsewhere)) == ["CKV_AWS_117"]


def test_a_row_that_nothing_needs_is_a_finding() -> None:
    assert remaining(ROW, findings=()) == ["CKV_INV_007"]


def test_a_root_that_needs_no_row_is_a_finding() -> None:
    assert remaining(replace(ROW, roots=("live/dev", "live/prod"))) == ["CKV_INV_007"]


def test_a_row_holds_to_its_last_day_and_no_longer() -> None:
    assert remaining(replace(ROW, expires=TODAY)) == []
    assert remaining(replace(ROW, expires=TODAY - timedelta(1))) == ["CKV_INV_006"]


def test_a_row_cannot_hold_indefinitely() -> None:
    assert remaining(replace(ROW, expires=TODAY + timedelta(ledger.LONGEST_DAYS + 1))) == ["CKV_INV_006"]


def test_a_row_names_a_rule_that_exists() -> None:
    assert remaining(ROW, replace(ROW, id="CKV_AWS_1170", line=2)) == ["CKV_INV_005"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "is not a list of rows"),
        ("- [", "is not YAML"),
        ("- id: CKV_AWS_117", "a row has the fields"),
        ("- {id: a, address: b, reason: c, owner: d, expires: soon}", "expires is 'soon'"),
        ("- {id: a, address: b, reason: '', owner: d, expires: 2027-01-01}", "reason is empty"),
        ("- {id: a, address: b, reason: c, owner: d, expires: 2027-01-01, root: x}", "a row has the fields"),
        ("- {id: a, address: b, reason: c, owner: d, expires: 2027-01-01, roots: x}", "roots must be a list"),
        ("- {id: a, address: b, reason: c, owner: d, expires: 2027-01-01, roots: ['']}", "roots must be a list"),
        ("- {id: a, address: b, reason: c, owner: d, expires: 2027-01-01, mode: apply}", "mode is 'apply': write"),
        ("- {id: a, address: b, reason: c, owner: d, expires: 2027-01-01, mode: [hcl]}", "mode is \\['hcl'\\]: write"),
        ("- {id: a, address: b, reason: c, owner: ' ', expires: 2027-01-01}", "owner is empty"),
        ("- {id: 1, address: b, reason: c, owner: d, expires: 2027-01-01}", "id is 1: write a text"),
        ("- {id: a, address: b, reason: c, owner: d, expires: 2027-01-01 10:00:00}", "expires is datetime"),
        ("- {1: a}", "a row has the fields"),
        ("[]\n---\n[]", "is not YAML"),
        ("- x", "yaml:1: a row has the fields"),
        ("- &r {id: a, address: b, reason: c, owner: d, expires: 2027-01-01}\n- *r", "is there twice"),
    ],
)
def test_a_ledger_that_nobody_can_read_is_an_error(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "suppressions.yaml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(HarnessError, match=message):
        ledger.load(path)


def test_a_missing_ledger_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="is missing"):
        ledger.load(tmp_path / "none.yaml")


def test_ours_can_be_read() -> None:
    assert all(row.reason.endswith(".") for row in ledger.load())
