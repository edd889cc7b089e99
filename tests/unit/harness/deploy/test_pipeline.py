"""A deploy applies nothing that was refused, not confirmed, or meant for another account."""

import io
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from harness.console import out
from harness.deploy import change_summary, gate, pipeline
from harness.deploy.account import Account
from harness.deploy.pipeline import DeployReport, DeployRequest, ask, carry_out
from harness.errors import HarnessError
from harness.plan.resource import Resource
from harness.policy.rules.alarms import metrics
from harness.terraform.plan import Plan

TABLE = "aws_dynamodb_table.invoices"
TOPIC = "aws_sns_topic.news"
MINE = "111111111111"


def change(address: str, *actions: str, before: Any = None, after: Any = None, **rest: Any) -> dict[str, Any]:
    kind, name = address.split(".")
    return {
        "address": address,
        "mode": "managed",
        "type": kind,
        "name": name,
        "change": {"actions": list(actions), "before": before, "after": after, "after_unknown": {}, **rest},
    }


def plan_of(*changes: Mapping[str, Any]) -> Plan:
    return Plan.from_json(
        {
            "format_version": "1.2",
            "complete": True,
            "planned_values": {"root_module": {}},
            "configuration": {"root_module": {}},
            "resource_changes": list(changes),
        }
    )


class Terraform:
    """Plans what it is told, and remembers what it was made to apply."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.applied: list[bytes] = []
        self.plans = 0

    def plan(self, _options: object, *, out: Path) -> Plan:
        self.plans += 1
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(f"plan {self.plans}".encode())
        return self._plan

    def apply(self, kept: Path, _options: object, **_rest: object) -> None:
        self.applied.append(kept.read_bytes())


@pytest.fixture
def destroy_rules_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the rules on destroying: the plans here are too small for the others."""
    real = gate.judge_plan

    def destroying(*arguments: Any, **named: Any) -> list[Any]:
        return [one for one in real(*arguments, **named) if one.rule_id in gate.DESTROY_RULES]

    monkeypatch.setattr(gate, "judge_plan", destroying)


def carried_out(
    plan: Plan, folder: Path, *, allow: frozenset[str] = frozenset(), answer: bool = True
) -> tuple[Terraform, DeployReport, str]:
    """What was applied, the report, and the error if there was one."""
    terraform, report = Terraform(plan), DeployReport("dev", "embedded")
    request = DeployRequest("dev", allow, lambda: answer, full_gate=False)
    said = ""
    try:
        carry_out(terraform, request, report, folder / "plan.tfplan")  # type: ignore[arg-type]
    except HarnessError as fault:
        said = str(fault)
    return terraform, report, said


@pytest.mark.usefixtures("destroy_rules_only")
@pytest.mark.parametrize("actions", [("delete",), ("delete", "create"), ("create", "delete"), ("forget",)])
def test_end_of_a_table_is_refused_and_nothing_is_applied(tmp_path: Path, actions: tuple[str, ...]) -> None:
    plan = plan_of(change(TABLE, *actions, before={}, after={} if "create" in actions else None))

    terraform, report, said = carried_out(plan, tmp_path)

    assert terraform.applied == []
    assert report.outcome == "rejected by the gate"
    assert TABLE in said
    assert "--allow-destroy" in said


@pytest.mark.usefixtures("destroy_rules_only")
def test_only_the_named_address_may_be_destroyed(tmp_path: Path) -> None:
    plan = plan_of(change(TABLE, "delete", before={}), change(TOPIC, "delete", before={}))

    one, report, said = carried_out(plan, tmp_path, allow=frozenset({TABLE}))
    both, _, _ = carried_out(plan, tmp_path, allow=frozenset({TABLE, TOPIC}))

    assert (one.applied, report.outcome) == ([], "rejected by the gate")
    assert TOPIC in said
    assert TABLE not in said
    assert both.applied == [b"plan 1"]


@pytest.mark.usefixtures("destroy_rules_only")
def test_permission_to_destroy_that_nothing_needs_is_refused(tmp_path: Path) -> None:
    terraform, report, said = carried_out(
        plan_of(change(TABLE, "update", before={}, after={})), tmp_path, allow=frozenset({TABLE})
    )

    assert terraform.applied == []
    assert report.outcome == "rejected: unneeded --allow-destroy"
    assert TABLE in said


@pytest.mark.usefixtures("destroy_rules_only")
def test_what_was_judged_is_what_is_applied(tmp_path: Path) -> None:
    terraform, report, _ = carried_out(plan_of(change(TABLE, "create", after={})), tmp_path)

    assert (terraform.plans, terraform.applied) == (1, [b"plan 1"])
    assert (report.outcome, report.changes) == ("applied", {"create": 1})
    assert (tmp_path / "plan.tfplan").stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("destroy_rules_only")
def test_no_applies_nothing(tmp_path: Path) -> None:
    terraform, report, said = carried_out(plan_of(change(TABLE, "create", after={})), tmp_path, answer=False)

    assert terraform.applied == []
    assert report.outcome == "not confirmed"
    assert "Nothing was applied" in said


def test_question_needs_somebody_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))

    with pytest.raises(HarnessError, match="--yes"):
        ask()


def test_report_is_left_however_a_deploy_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HARNESS_ENGINE", "aws")
    monkeypatch.setenv("TF_VAR_account_id", "")
    monkeypatch.setattr("harness.results.BUILD", tmp_path)
    monkeypatch.setattr("harness.stack.ownership.BUILD", tmp_path)

    with pytest.raises(HarnessError, match="TF_VAR_account_id"):
        pipeline.deploy(DeployRequest("dev"))

    written = json.loads((tmp_path / "results" / "deploy.json").read_text(encoding="utf-8"))
    assert (written["outcome"], written["engine"], written["environment"]) == ("failed", "aws", "dev")


class Client:
    """STS and S3 of an account."""

    def __init__(self, account: str, fault: Exception | None, bucket_fault: Exception | None) -> None:
        self._account, self._fault, self._bucket_fault = account, fault, bucket_fault

    def get_caller_identity(self) -> dict[str, str]:
        if self._fault:
            raise self._fault
        return {"Account": self._account}

    def head_bucket(self, **asked: str) -> None:
        assert asked == {"Bucket": f"invoice-terraform-state-{self._account}", "ExpectedBucketOwner": self._account}
        if self._bucket_fault:
            raise self._bucket_fault


def caller(
    monkeypatch: pytest.MonkeyPatch, fault: Exception | None = None, bucket_fault: Exception | None = None
) -> None:
    monkeypatch.setattr(boto3, "client", lambda *_, **__: Client(MINE, fault, bucket_fault))


def test_account_that_is_meant_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    caller(monkeypatch)

    account = Account.of_caller("prod", {"TF_VAR_account_id": MINE})

    assert account.state_bucket == f"invoice-terraform-state-{MINE}"


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "must be the id of the account for 'prod'"),
        ({"TF_VAR_account_id": "123"}, "TF_VAR_account_id is '123'"),
        ({"TF_VAR_account_id": "222222222222"}, f"belong to account {MINE}, and 'prod' to account 222222222222"),
        ({"TF_VAR_account_id": MINE, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "does not lead to AWS"),
        ({"TF_VAR_account_id": MINE, "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}, "does not lead to AWS"),
    ],
)
def test_any_other_account_is_refused(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str) -> None:
    caller(monkeypatch)

    with pytest.raises(HarnessError) as refusal:
        Account.of_caller("prod", variables)

    assert said in str(refusal.value)


def test_missing_credentials_and_state_bucket_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"TF_VAR_account_id": MINE}
    caller(monkeypatch, fault=NoCredentialsError())
    with pytest.raises(HarnessError, match="credentials cannot be used"):
        Account.of_caller("prod", variables)

    caller(monkeypatch, bucket_fault=ClientError({"Error": {"Code": "404", "Message": "Not Found"}}, "HeadBucket"))
    with pytest.raises(HarnessError, match=r"(?s)invoice-terraform-state.*state\.md"):
        Account.of_caller("prod", variables)


def test_terraform_gets_the_account_and_the_callers_credentials(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "release")
    monkeypatch.setenv("TF_CLI_ARGS_apply", "-destroy")

    environment = Account(MINE).terraform("prod", tmp_path, tmp_path).environment()

    assert environment["TF_VAR_account_id"] == MINE
    assert environment["AWS_PROFILE"] == "release"
    assert "TF_CLI_ARGS_apply" not in environment


def test_alarm_on_an_expression_reads_back_without_a_metric_of_its_own() -> None:
    """So a second plan has it; the first one has null there."""
    errors = {"metric_name": "Errors", "dimensions": {"FunctionName": "f"}}
    alarm = Resource(
        "aws_cloudwatch_metric_alarm.a",
        "aws_cloudwatch_metric_alarm",
        {"metric_name": "", "dimensions": {}, "metric_query": [{"expression": "e"}, {"metric": [errors]}]},
    )

    assert [(one.name, one.dimensions) for one in metrics(alarm)] == [("Errors", {"FunctionName": "f"})]


def test_summary_tells_what_changes_and_keeps_secrets() -> None:
    plan = plan_of(
        change(TABLE, "update", before={"hash": "a", "password": "old"}, after={"hash": "b", "password": "new"},
               before_sensitive={"password": True}, after_sensitive={"password": True}),
        change(TOPIC, "delete", "create", before={"name": "x"}, after={"name": "y"}),
        change("aws_sqs_queue.q", "create", after={}),
    )  # fmt: skip

    with out.capture() as captured:
        change_summary.show_changes(plan)
    said = captured.get()

    assert 'hash: "a" -> "b"' in said
    assert "password: (secret)" in said
    assert "new" not in said.replace("aws_sns_topic.news", "")
    assert f"replace  {TOPIC}" in said
    assert pipeline.count(plan) == {"create": 1, "replace": 1, "update": 1}
