"""What an environment costs: its resources and its invoices' use times AWS's prices, and what a deploy says of it."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from harness.deploy import cost
from harness.deploy.cost import MonthlyCost, Prices, standing, used
from harness.deploy.usage import FunctionUse, Usage
from harness.errors import HarnessError
from harness.terraform.plan import TerraformPlan
from tests.unit.harness.deploy.test_pipeline import change, plan_of
from tests.unit.harness.deploy.test_release import Functions, Terraform, stages

NOTHING = dict.fromkeys(("api_requests", "events", "s3_requests", "log_bytes", "stored_bytes"), Decimal(0))
TABLE = {
    "billing_mode": "PROVISIONED",
    "read_capacity": 5,
    "write_capacity": 5,
    "global_secondary_index": [{"read_capacity": 5, "write_capacity": 10}],
}
QUERY = {"metric": [{"metric_name": "Errors"}]}


def dollars(kind: str, **values: Any) -> Decimal:
    return sum((line.dollars for line in standing([(kind, values)], Prices.load())), Decimal(0))


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("aws_dynamodb_table", TABLE, "8.0665"),  # 10 × 0.00013 + 15 × 0.00065, × 730
        ("aws_dynamodb_table", {**TABLE, "billing_mode": "PAY_PER_REQUEST"}, "0"),
        ("aws_cloudwatch_metric_alarm", {"metric_name": "Errors"}, "0.10"),
        ("aws_cloudwatch_metric_alarm", {"metric_query": [QUERY, QUERY, {"expression": "m1 / m2"}]}, "0.20"),
        ("aws_kms_key", {}, "1.00"),
        ("aws_secretsmanager_secret", {"replica": [{"region": "eu-west-1"}]}, "0.80"),
        ("aws_s3_bucket_metric", {}, "4.80"),
        ("aws_cloudwatch_dashboard", {}, "3.00"),
        ("aws_iam_role", {}, "0"),
    ],
)
def test_what_stands_costs_something_without_an_invoice(kind: str, values: dict[str, Any], expected: str) -> None:
    assert dollars(kind, **values) == Decimal(expected)


@pytest.mark.parametrize(("architecture", "per_gb_second"), [("arm64", "0.0000133334"), ("x86_64", "0.0000166667")])
def test_a_function_costs_its_calls_and_its_memory_while_it_runs(architecture: str, per_gb_second: str) -> None:
    usage = Usage({"get-invoice": FunctionUse(Decimal(2000), Decimal(100))}, NOTHING)
    function = {"function_name": "get-invoice-dev", "memory_size": 512, "architectures": [architecture]}

    lines = used([("aws_lambda_function", function)], usage, 10_000, Prices.load())

    dollars = sum(line.dollars for line in lines)
    assert dollars == 20_000 * (Decimal("0.0000002") + Decimal("0.05") * Decimal(per_gb_second))


def test_requests_events_and_bytes_cost_something_too() -> None:
    amounts = {
        "api_requests": Decimal(4000),
        "events": Decimal(4000),
        "s3_requests": Decimal(1000),
        "log_bytes": Decimal(2**30),
        "stored_bytes": Decimal(2**30),
    }

    lines = {line.name: line.dollars for line in used([], Usage({}, amounts), 2_000, Prices.load())}

    assert lines == {
        "api_request": Decimal("0.028"),
        "event": Decimal("0.008"),
        "s3_request": Decimal("0.010"),
        "log_gb": Decimal("1.00"),
        "stored_gb": Decimal("0.046"),
    }


def test_every_price_has_a_page_and_every_function_was_measured() -> None:
    text = cost.FILE.read_text(encoding="utf-8")

    assert text.count("dollars =") == text.count('source = "https://aws.amazon.com/')
    assert {"create-invoice", "process-invoice", "generate-pdf", "get-invoice"} <= set(Usage.load().functions)


def test_nothing_costs_nothing() -> None:
    assert MonthlyCost.of([], Usage.load(), Prices.load()).in_use == 0


def more_capacity(before: int, after: int) -> TerraformPlan:
    """A plan that changes the write capacity of a table."""
    tables = ({"billing_mode": "PROVISIONED", "write_capacity": units} for units in (before, after))
    return plan_of(change("aws_dynamodb_table.t", "update", **dict(zip(("before", "after"), tables, strict=True))))


def carried_out(monkeypatch: pytest.MonkeyPatch, folder: Path, plan: TerraformPlan, reason: str) -> Any:
    """A deploy of a plan: its stages after it, or the error with which it ended."""
    monkeypatch.setattr("harness.deploy.steps.findings_on", lambda *_, **__: [])
    monkeypatch.setattr("harness.deploy.steps.concurrency.check", lambda *_: None)
    release = stages(folder, Terraform(plan), Functions())
    object.__setattr__(release.steps.request, "cost_reason", reason)
    try:
        release.carry_out(release.steps)
    except HarnessError as error:
        return error
    return release


@pytest.mark.parametrize(
    ("before", "after", "reason", "applied"),
    [
        pytest.param(100, 105, "", True, id="a little more"),
        pytest.param(100, 50, "", True, id="less"),
        pytest.param(100, 200, "", False, id="twice as much"),
        pytest.param(100, 200, "the end of the year", True, id="with a reason"),
    ],
)
def test_a_deploy_that_costs_a_tenth_more_needs_a_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, before: int, after: int, reason: str, *, applied: bool
) -> None:
    result = carried_out(monkeypatch, tmp_path, more_capacity(before, after), reason)

    if applied:
        assert result.steps.report.outcome == "applied"
        assert result.steps.report.cost["reason"] == reason
        assert Decimal(result.steps.report.cost["after"]["idle"]) == round(after * Decimal("0.4745"), 2)
    else:
        assert "--cost-reason" in str(result)


def test_a_deploy_shows_what_the_environment_will_cost(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    carried_out(monkeypatch, tmp_path, more_capacity(100, 80), "")

    shown = " ".join(capsys.readouterr().out.split())
    assert "dev will cost $37.96 a month idle" in shown
    assert "-9.49 compared with now" in shown
