"""A deploy applies nothing that is rejected, not confirmed, or intended for another account."""

import io
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import boto3
import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from harness.console import out
from harness.deploy import change_summary, gate, pipeline, plan_comment
from harness.deploy.account import Account
from harness.deploy.request import DeployReport, DeployRequest, ask
from harness.deploy.steps import Steps, carry_out, count
from harness.errors import HarnessError
from harness.plan.resource import Resource
from harness.policy.gate import judge_plan
from harness.policy.judge import DESTROY_RULES
from harness.policy.rules.alarms import metrics
from harness.terraform.plan import TerraformPlan

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


def plan_of(*changes: Mapping[str, Any]) -> TerraformPlan:
    return TerraformPlan.from_json(
        {
            "format_version": "1.2",
            "complete": True,
            "planned_values": {"root_module": {}},
            "configuration": {"root_module": {}},
            "resource_changes": list(changes),
        }
    )


class Terraform:
    """A Terraform that always returns the same plan, and records the plan files that it applies."""

    def __init__(self, plan: TerraformPlan) -> None:
        self._plan = plan
        self.applied: list[bytes] = []
        self.plans = 0

    def plan(self, _options: object, *, out: Path) -> TerraformPlan:
        self.plans += 1
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(f"plan {self.plans}".encode())
        return self._plan

    def apply(self, kept: Path, _options: object, **_rest: object) -> None:
        self.applied.append(kept.read_bytes())


@pytest.fixture
def destroy_rules_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the rules on destroying: the plans here are too small for the others."""

    def destroy_findings(*arguments: Any, **options: Any) -> list[Any]:
        return [finding for finding in judge_plan(*arguments, **options) if finding.rule_id in DESTROY_RULES]

    monkeypatch.setattr(gate, "judge_plan", destroy_findings)


class Functions:
    """Lambda in an account with this limit, of which functions outside the plan reserve some."""

    def __init__(self, limit: int, reserved: int = 0) -> None:
        self._limits = {"ConcurrentExecutions": limit, "UnreservedConcurrentExecutions": limit - reserved}

    def get_account_settings(self) -> dict[str, Any]:
        return {"AccountLimit": self._limits}


def carried_out(
    plan: TerraformPlan,
    folder: Path,
    *,
    allow: frozenset[str] = frozenset(),
    confirmed: bool = True,
    functions: Functions | None = None,
    **options: Any,
) -> tuple[Terraform, DeployReport, str]:
    """The Terraform with what it applied, the report, and the error message if there was an error."""
    terraform, report = Terraform(plan), DeployReport("dev", "embedded")
    request = DeployRequest("dev", allow, lambda: confirmed, full_gate=False, **options)
    message = ""
    try:
        carry_out(Steps(terraform, request, report, folder / "plan.tfplan"), functions=functions)  # type: ignore[arg-type]
    except HarnessError as error:
        message = str(error)
    return terraform, report, message


@pytest.mark.usefixtures("destroy_rules_only")
@pytest.mark.parametrize("actions", [("delete",), ("delete", "create"), ("create", "delete"), ("forget",)])
def test_a_plan_that_destroys_a_table_is_rejected_and_not_applied(tmp_path: Path, actions: tuple[str, ...]) -> None:
    plan = plan_of(change(TABLE, *actions, before={}, after={} if "create" in actions else None))

    terraform, report, message = carried_out(plan, tmp_path)

    assert terraform.applied == []
    assert report.outcome == "rejected by the gate"
    assert TABLE in message
    assert "--allow-destroy" in message


@pytest.mark.usefixtures("destroy_rules_only")
def test_only_the_named_address_may_be_destroyed(tmp_path: Path) -> None:
    plan = plan_of(change(TABLE, "delete", before={}), change(TOPIC, "delete", before={}))

    table_only, report, message = carried_out(plan, tmp_path, allow=frozenset({TABLE}))
    both, _, _ = carried_out(plan, tmp_path, allow=frozenset({TABLE, TOPIC}))

    assert (table_only.applied, report.outcome) == ([], "rejected by the gate")
    assert TOPIC in message
    assert TABLE not in message
    assert both.applied == [b"plan 1"]


@pytest.mark.usefixtures("destroy_rules_only")
def test_an_unneeded_permission_to_destroy_is_rejected(tmp_path: Path) -> None:
    plan = plan_of(change(TABLE, "update", before={}, after={}))

    terraform, report, message = carried_out(plan, tmp_path, allow=frozenset({TABLE}))

    assert terraform.applied == []
    assert report.outcome == "rejected: unneeded --allow-destroy"
    assert TABLE in message


@pytest.mark.usefixtures("destroy_rules_only")
def test_the_judged_plan_is_the_one_that_is_applied(tmp_path: Path) -> None:
    plan = plan_of(change(TABLE, "create", after={}))

    terraform, report, _ = carried_out(plan, tmp_path)

    assert (terraform.plans, terraform.applied) == (1, [b"plan 1"])
    assert (report.outcome, report.changes) == ("applied", {"create": 1})


@pytest.mark.usefixtures("destroy_rules_only")
def test_a_plan_alone_is_judged_and_not_applied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_comment, "BUILD", tmp_path)
    topic = plan_of(change(TOPIC, "update", before={"name": "old `x`\n"}, after={"name": "new"}))

    terraform, report, message = carried_out(topic, tmp_path, plan_only=True)

    assert (terraform.applied, report.outcome, message) == ([], "planned", "")
    comment = (tmp_path / "results" / "plan-dev.md").read_text(encoding="utf-8")
    assert comment.startswith("### Plan of dev: 1 to update\n\nThe gate passes it.")
    assert comment.count("```") == 2  # a value of the plan cannot end the block
    assert f"Changes `{report.changes_sha256}`" in comment


@pytest.mark.usefixtures("destroy_rules_only")
def test_only_the_approved_changes_are_applied(tmp_path: Path) -> None:
    approved = plan_of(change(TOPIC, "update", before={"name": "old"}, after={"name": "new"}))
    another = plan_of(change(TOPIC, "update", before={"name": "old"}, after={"name": "newer"}))
    _, planned, _ = carried_out(approved, tmp_path, plan_only=True)

    same, _, _ = carried_out(approved, tmp_path, approved=planned.changes_sha256)
    other, report, message = carried_out(another, tmp_path, approved=planned.changes_sha256)

    assert same.applied == [b"plan 1"]
    assert (other.applied, report.outcome) == ([], "rejected: not the approved changes")
    assert planned.changes_sha256[:12] in message


@pytest.mark.usefixtures("destroy_rules_only")
def test_without_confirmation_nothing_is_applied(tmp_path: Path) -> None:
    plan = plan_of(change(TABLE, "create", after={}))

    terraform, report, message = carried_out(plan, tmp_path, confirmed=False)

    assert terraform.applied == []
    assert report.outcome == "not confirmed"
    assert "Nothing was applied" in message


def function(name: str, *actions: str, before: int | None = None, after: int | None = None) -> dict[str, Any]:
    """The change of a function's reserved concurrency."""
    values = [None if number is None else {"reserved_concurrent_executions": number} for number in (before, after)]
    return change(f"aws_lambda_function.{name}", *actions, before=values[0], after=values[1])


NEW = (function("a", "create", after=5), function("b", "create", after=-1), function("c", "create", after=26))


@pytest.mark.usefixtures("destroy_rules_only")
@pytest.mark.parametrize(
    ("limit", "reserved", "changes", "needed"),
    [
        pytest.param(10, 0, NEW, 131, id="a new account"),
        pytest.param(130, 0, NEW, 131, id="one too few"),
        pytest.param(1000, 870, NEW, 1001, id="others reserve the rest"),
        pytest.param(200, 40, (function("a", "update", before=40, after=101),), 201, id="an update adds to it"),
    ],
)
def test_more_concurrency_than_the_account_allows_is_an_error_before_the_apply(
    tmp_path: Path, limit: int, reserved: int, changes: tuple[dict[str, Any], ...], needed: int
) -> None:
    terraform, report, message = carried_out(plan_of(*changes), tmp_path, functions=Functions(limit, reserved))

    assert terraform.applied == []
    assert report.outcome == "failed"
    assert f"'dev' needs {needed} concurrent executions, and the account allows {limit}." in message
    assert "--quota-code L-B99A9384 --desired-value" in message


@pytest.mark.usefixtures("destroy_rules_only")
@pytest.mark.parametrize(
    ("limit", "reserved", "changes"),
    [
        pytest.param(131, 0, NEW, id="exactly enough"),
        pytest.param(1000, 869, NEW, id="beside others"),
        pytest.param(200, 100, (function("a", "update", before=100, after=50),), id="less than before"),
        pytest.param(200, 100, (function("a", "delete", "create", before=100, after=100),), id="as before"),
        pytest.param(10, 0, (change(TABLE, "create", after={}),), id="no function"),
    ],
)
def test_a_plan_within_the_accounts_concurrency_is_applied(
    tmp_path: Path, limit: int, reserved: int, changes: tuple[dict[str, Any], ...]
) -> None:
    terraform, _, message = carried_out(plan_of(*changes), tmp_path, functions=Functions(limit, reserved))

    assert (terraform.applied, message) == ([b"plan 1"], "")


def test_asking_needs_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))

    with pytest.raises(HarnessError, match="--yes"):
        ask()


def test_the_report_is_written_however_a_deploy_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HARNESS_ENGINE", "aws")
    monkeypatch.setenv("TF_VAR_account_id", "")
    monkeypatch.setattr("harness.results.BUILD", tmp_path)
    monkeypatch.setattr("harness.stack.ownership.BUILD", tmp_path)

    with pytest.raises(HarnessError, match="TF_VAR_account_id"):
        pipeline.deploy(DeployRequest("dev"))

    report = json.loads((tmp_path / "results" / "deploy.json").read_text(encoding="utf-8"))
    assert (report["outcome"], report["engine"], report["environment"]) == ("failed", "aws", "dev")


def test_a_deploy_reports_inputs_that_have_no_effect(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HARNESS_ENGINE", "aws")
    monkeypatch.setenv("TF_VAR_account_id", "")
    monkeypatch.setenv("TF_VAR_deletion_protection", "false")
    monkeypatch.setattr("harness.results.BUILD", tmp_path)
    monkeypatch.setattr("harness.stack.ownership.BUILD", tmp_path)

    with out.capture() as captured, pytest.raises(HarnessError):
        pipeline.deploy(DeployRequest("dev"))

    assert "TF_VAR_deletion_protection has no effect here" in captured.get()


class FakeAws:
    """STS, S3 and IAM of an account."""

    def __init__(
        self, account: str, sts_error: Exception | None, s3_error: Exception | None, iam_error: Exception | None
    ) -> None:
        self._account, self._sts_error, self._s3_error, self._iam_error = account, sts_error, s3_error, iam_error

    def get_policy(self, **request: str) -> None:
        assert request == {"PolicyArn": f"arn:aws:iam::{self._account}:policy/invoice-pipeline-boundary"}
        if self._iam_error:
            raise self._iam_error

    def get_caller_identity(self) -> dict[str, str]:
        if self._sts_error:
            raise self._sts_error
        return {"Account": self._account}

    def head_bucket(self, **request: str) -> None:
        assert request == {"Bucket": f"invoice-terraform-state-{self._account}", "ExpectedBucketOwner": self._account}
        if self._s3_error:
            raise self._s3_error


def use_my_account(
    monkeypatch: pytest.MonkeyPatch,
    sts_error: Exception | None = None,
    s3_error: Exception | None = None,
    iam_error: Exception | None = None,
) -> None:
    monkeypatch.setattr(boto3, "client", lambda *_, **__: FakeAws(MINE, sts_error, s3_error, iam_error))


def test_the_expected_account_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    use_my_account(monkeypatch)

    account = Account.of_caller("prod", {"TF_VAR_account_id": MINE})

    assert account.state_bucket == f"invoice-terraform-state-{MINE}"


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "must be the id of the account for 'prod'"),
        ({"TF_VAR_account_id": "123"}, "TF_VAR_account_id is '123'"),
        ({"TF_VAR_account_id": "222222222222"}, f"belong to account {MINE}, and 'prod' to account 222222222222"),
        ({"TF_VAR_account_id": MINE, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "does not lead to AWS"),
        ({"TF_VAR_account_id": MINE, "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}, "does not lead to AWS"),
    ],
)
def test_any_other_account_is_an_error(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], message: str
) -> None:
    use_my_account(monkeypatch)

    with pytest.raises(HarnessError) as error:
        Account.of_caller("prod", variables)

    assert message in str(error.value)


def test_missing_credentials_and_a_missing_state_bucket_are_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"TF_VAR_account_id": MINE}

    use_my_account(monkeypatch, sts_error=NoCredentialsError())
    with pytest.raises(HarnessError, match="credentials cannot be used"):
        Account.of_caller("prod", variables)

    no_bucket = ClientError({"Error": {"Code": "404", "Message": "Not Found"}}, "HeadBucket")
    use_my_account(monkeypatch, s3_error=no_bucket)
    with pytest.raises(HarnessError, match=r"(?s)invoice-terraform-state.*state\.md"):
        Account.of_caller("prod", variables)


def test_terraform_gets_the_account_and_the_callers_credentials(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "release")
    monkeypatch.setenv("TF_CLI_ARGS_apply", "-destroy")
    use_my_account(monkeypatch)

    environment = Account(MINE).terraform("prod", tmp_path, tmp_path).environment()

    assert environment["TF_VAR_account_id"] == MINE
    assert environment["TF_VAR_permissions_boundary"] == f"arn:aws:iam::{MINE}:policy/invoice-pipeline-boundary"
    assert environment["AWS_PROFILE"] == "release"
    assert "TF_CLI_ARGS_apply" not in environment


def test_roles_have_no_boundary_where_bootstrap_has_created_none(monkeypatch: pytest.MonkeyPatch) -> None:
    none = ClientError({"Error": {"Code": "NoSuchEntity", "Message": "not found"}}, "GetPolicy")
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetPolicy")

    use_my_account(monkeypatch, iam_error=none)
    assert Account(MINE).permissions_boundary() == ""

    use_my_account(monkeypatch, iam_error=denied)
    with pytest.raises(HarnessError, match="cannot be looked up"):
        Account(MINE).permissions_boundary()


def test_an_alarm_on_an_expression_has_empty_metric_fields_in_a_second_plan() -> None:
    """AWS returns empty values for its metric; the first plan has null there."""
    errors = {"metric_name": "Errors", "dimensions": {"FunctionName": "f"}}
    alarm = Resource(
        "aws_cloudwatch_metric_alarm.a",
        "aws_cloudwatch_metric_alarm",
        {"metric_name": "", "dimensions": {}, "metric_query": [{"expression": "e"}, {"metric": [errors]}]},
    )

    assert [(metric.name, metric.dimensions) for metric in metrics(alarm)] == [("Errors", {"FunctionName": "f"})]


def test_the_summary_shows_changes_and_hides_secrets() -> None:
    plan = plan_of(
        change(TABLE, "update", before={"hash": "a", "password": "old"}, after={"hash": "b", "password": "new"},
               before_sensitive={"password": True}, after_sensitive={"password": True}),
        change(TOPIC, "delete", "create", before={"name": "x"}, after={"name": "y"}),
        change("aws_sqs_queue.q", "create", after={}),
    )  # fmt: skip

    with out.capture() as captured:
        change_summary.show_changes(plan)
    summary = captured.get()

    assert 'hash: "a" -> "b"' in summary
    assert "password: (secret)" in summary
    assert "new" not in summary.replace("aws_sns_topic.news", "")
    assert f"replace  {TOPIC}" in summary
    assert count(plan) == {"create": 1, "replace": 1, "update": 1}


class RunningEngine:
    """An engine that runs; whether it was released or stopped is recorded."""

    name, instance, is_running = "embedded", "dev", True

    def __init__(self) -> None:
        self.ended: list[str] = []

    def release(self) -> None:
        self.ended.append("released")

    def stop(self) -> None:
        self.ended.append("stopped")


@pytest.mark.parametrize("outcome", ["failed while applying", "rejected by the gate"])
def test_a_failed_deploy_keeps_the_running_stack_and_its_description(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, outcome: str
) -> None:
    engine, report = RunningEngine(), DeployReport("dev", "embedded")
    description = tmp_path / "stack-dev.json"
    description.write_text("{}", encoding="utf-8")

    def fail(*_: object) -> None:
        report.outcome = outcome
        raise HarnessError("Terraform failed", remedy="Look at it.")

    for target in ("harness.stack.deployment.BUILD", "harness.deploy.pipeline.BUILD"):
        monkeypatch.setattr(target, tmp_path)
    monkeypatch.setattr(pipeline, "engine_for", lambda **_: engine)
    monkeypatch.setattr("harness.stack.lifecycle.running_stack", lambda *_: object())
    monkeypatch.setattr(pipeline, "build_for", lambda *_: [])
    monkeypatch.setattr(pipeline, "Deployment", lambda *_: MagicMock())
    monkeypatch.setattr(pipeline, "_release", fail)

    with pytest.raises(HarnessError, match="Terraform failed"):
        pipeline._to_engine(DeployRequest("dev"), report, None)

    assert engine.ended == ["released"]
    assert description.exists()


@pytest.mark.usefixtures("destroy_rules_only")
def test_an_empty_approval_approves_nothing(tmp_path: Path) -> None:
    """As a job gets it if an output of the job before it is lost."""
    plan = plan_of(change(TOPIC, "update", before={"name": "old"}, after={"name": "new"}))

    other, report, message = carried_out(plan, tmp_path, approved="")

    assert "nothing was approved" in message
    assert (other.applied, report.outcome) == ([], "rejected: not the approved changes")


@pytest.mark.parametrize(("workspace", "judged"), [("default", "topic-dev-pr-00007"), ("pr-00007", "topic-dev")])
def test_a_preview_is_judged_as_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workspace: str, judged: str
) -> None:
    names: list[str] = []

    def findings_on(plan: TerraformPlan, *_: object, **__: object) -> list[Any]:
        names.extend(str(each.values["name"]) for each in plan.resources)
        return []

    monkeypatch.setattr("harness.deploy.steps.findings_on", findings_on)
    planned = plan_of(change(TOPIC, "create", before=None, after={"name": "topic-dev-pr-00007"}))

    carried_out(planned, tmp_path, workspace=workspace)

    assert names == [judged]
