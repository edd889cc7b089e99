"""Triggers and deliveries ⇔ the policies of their targets: each has its permission, and no permission is left over."""

import copy
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.access.admission import left_over, missing, open_to_others
from harness.access.triggers import Estate
from harness.paths import ROOT
from harness.plan.graph import PlanGraph
from harness.plan.resource import UNKNOWN
from harness.policy.offline_aws import ACCOUNT_ID
from harness.stack.deployment import REGION
from tests.contract.conftest import ENVIRONMENTS, Environment
from tests.contract.test_iam import none_of

Edit = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def plans(environments: dict[str, Environment]) -> dict[str, PlanGraph]:
    return {name: environment.plan for name, environment in environments.items()}


@pytest.fixture(params=ENVIRONMENTS)
def estate(request: pytest.FixtureRequest, plans: dict[str, PlanGraph]) -> Estate:
    return Estate(plans[request.param], ACCOUNT_ID, REGION)


def distinct(findings: Any) -> str:
    return "\n".join(sorted(set(map(str, findings))))


def test_every_kind_of_trigger_is_found(estate: Estate) -> None:
    """A delivery that is not found is not checked."""
    services = {"apigateway", "budgets", "cloudwatch", "events", "logging", "s3", "secretsmanager"}

    principals = [delivery.request.principal or ("", "") for delivery in estate.deliveries()]
    callers = {name.partition(".")[0] for _, name in principals}

    assert callers >= services
    assert ("sns" in callers) == bool(estate.plan.of("aws_sns_topic_subscription") and estate.plan.environment == "dev")
    assert len({delivery.target for delivery in estate.deliveries()}) >= 13


def test_every_trigger_is_permitted(estate: Estate) -> None:
    none_of(sorted({*missing(estate)}))


def test_no_permission_admits_a_stranger(estate: Estate) -> None:
    none_of(sorted({*open_to_others(estate)}))


def test_no_permission_is_left_over(estate: Estate) -> None:
    none_of(sorted({*left_over(estate)}, key=str))


# --- each check is shown to fail ------------------------------------------------------------------------------------


def edited(plan: PlanGraph, kind: str, name: str, edit: Edit | None) -> Estate:
    """The plan with one resource changed, or removed."""
    document = copy.deepcopy(dict(plan.document))
    changes = document["resource_changes"]
    (entry,) = [each for each in changes if each["type"] == kind and name in each["address"]]
    if edit is None:
        changes.remove(entry)
    else:
        edit(entry["change"])
    return Estate(PlanGraph(document, plan.environment, plan.source), ACCOUNT_ID, REGION)


def setting(name: str, value: Any) -> Edit:
    def edit(change: dict[str, Any]) -> None:
        change["after"][name] = value
        change["after_unknown"].pop(name, None)

    return edit


def policy(edit_statement: Callable[[dict[str, Any]], Any]) -> Edit:
    """An edit of each statement of a policy."""

    def edit(change: dict[str, Any]) -> None:
        body = json.loads(change["after"]["policy"])
        for statement in body["Statement"]:
            edit_statement(statement)
        change["after"]["policy"] = json.dumps(body)

    return edit


def without_condition(statement: dict[str, Any]) -> None:
    if statement["Effect"] == "Allow":
        statement["Condition"] = {}


def test_each_permission_that_is_missing_is_found(plans: dict[str, PlanGraph]) -> None:
    plan = plans["dev"]
    permissions = [permission.address for permission in plan.of("aws_lambda_permission")]

    unnoticed = [
        address
        for address in permissions
        if "nothing allows" not in distinct(missing(edited(plan, "aws_lambda_permission", address, None)))
    ]

    assert permissions
    assert not unnoticed, "harness/access/triggers.py: Estate does not read what needs these permissions"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("principal", "ses.amazonaws.com"),
        ("qualifier", None),
        ("qualifier", "beta"),
        ("source_account", "999999999999"),
        ("source_arn", "arn:aws:s3:::another-bucket"),
        ("action", "lambda:GetFunction"),
    ],
)
@pytest.mark.parametrize("permission", ["Uploads", "UploadContinued"])
def test_a_permission_for_something_else_is_found(
    plans: dict[str, PlanGraph], permission: str, name: str, value: str | None
) -> None:
    changed = edited(plans["dev"], "aws_lambda_permission", f'this["{permission}"]', setting(name, value))

    assert "nothing allows" in distinct(missing(changed))
    assert "left over" in distinct(left_over(changed))


def test_a_permission_for_every_bucket_of_that_name_is_found(plans: dict[str, PlanGraph]) -> None:
    """A bucket's ARN names no account: whoever later owns the name could call."""
    changed = edited(plans["dev"], "aws_lambda_permission", '"Uploads"', setting("source_account", None))

    assert "another account's resource" in distinct(open_to_others(changed))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("aws_sqs_queue", "module.invoice_platform.aws_sqs_queue.downstream"),
        ("aws_sqs_queue", 'dead_letter["invoice-created-dev/generate-pdf"]'),
        ("aws_s3_bucket_policy", "access_logs"),
        ("aws_kms_key", "module.key"),
    ],
)
def test_a_policy_without_its_conditions_is_found(plans: dict[str, PlanGraph], kind: str, name: str) -> None:
    changed = edited(plans["dev"], kind, name, policy(without_condition))

    assert "also admits" in distinct(open_to_others(changed))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("aws_sns_topic_policy", "downstream"),
        ("aws_sqs_queue", "module.invoice_platform.aws_sqs_queue.downstream"),
        ("aws_sqs_queue", 'dead_letter["upload-continued-dev/create-invoice"]'),
        ("aws_s3_bucket_policy", "access_logs"),
        ("aws_kms_key", "module.key"),
        ("aws_sns_topic", "alarms"),
    ],
)
def test_a_policy_that_does_not_grant_is_found(plans: dict[str, PlanGraph], kind: str, name: str) -> None:
    changed = edited(plans["dev"], kind, name, policy(lambda statement: statement.update(Effect="Deny")))

    assert "nothing allows" in distinct(missing(changed))


@pytest.mark.parametrize(
    ("kind", "name", "permission"),
    [
        ("aws_api_gateway_integration", '"get-invoice"', "GetInvoice"),
        ("aws_s3_bucket_notification", "uploads", "Uploads"),
        ("aws_cloudwatch_event_target", "invoice-created-dev", "InvoiceCreated"),
        ("aws_secretsmanager_secret_rotation", "api_key_secret", "rotation"),
        ("aws_sns_topic_subscription", "downstream", "sqs:SendMessage"),
        ("aws_s3_bucket_logging", "uploads", "s3:PutObject"),
        ("aws_budgets_budget", "budget", "kms:Decrypt"),
    ],
)
def test_a_permission_without_its_trigger_is_found(
    plans: dict[str, PlanGraph], kind: str, name: str, permission: str
) -> None:
    lines = distinct(left_over(edited(plans["dev"], kind, name, None)))

    assert any(permission in line for line in lines.splitlines())


# --- sources that are too wide, or of another resource ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("permission", "source", "stranger"),
    [
        ("Uploads", "arn:aws:s3:::invoice-uploads-dev-000000000000*", "arn:aws:s3:::invoice-uploads-dev-000000000000x"),
        ("Uploads", "arn:aws:s3:::*", "arn:aws:s3:::invoice-archives-dev-000000000000"),
        ("InvoicePaid", "arn:aws:events:us-east-1:000000000000:rule/*", "/invoice-created-dev"),
        ("InvoicePaid", "arn:aws:events:us-east-1:000000000000:rule/*/invoice-paid-dev", "-devx/invoice-paid-dev"),
        ("InvoicePaid", "arn:aws:events:us-east-1:000000000000:rule/invoice-events-dev/invoice-paid-*", "-paid-devx"),
    ],
)
def test_a_permission_that_admits_another_resource_is_found(
    plans: dict[str, PlanGraph], permission: str, source: str, stranger: str
) -> None:
    changed = edited(plans["dev"], "aws_lambda_permission", f'this["{permission}"]', setting("source_arn", source))
    lines = distinct(open_to_others(changed))

    assert f'this["{permission}"] also admits' in lines
    assert f"{stranger}, where only this is meant" in lines


@pytest.mark.parametrize(
    ("kind", "name", "wide"),
    [
        ("aws_sqs_queue", 'dead_letter["invoice-created-dev/generate-pdf"]', "arn:aws:events:*:*:rule/*"),
        ("aws_sqs_queue", "module.invoice_platform.aws_sqs_queue.downstream", "arn:aws:sns:*:000000000000:*"),
    ],
)
def test_a_policy_that_admits_another_resource_is_found(
    plans: dict[str, PlanGraph], kind: str, name: str, wide: str
) -> None:
    def widen(statement: dict[str, Any]) -> None:
        if statement["Effect"] == "Allow":
            statement["Condition"] = {"ArnLike": {"aws:SourceArn": wide}}

    changed = edited(plans["dev"], kind, name, policy(widen))

    assert "one whose name only begins alike" in distinct(open_to_others(changed))


# --- conditions on keys that AWS does not send -----------------------------------------------------------------------


def for_events(condition: Mapping[str, Any]) -> Callable[[dict[str, Any]], None]:
    """An edit that bounds what EventBridge may do."""

    def bound(statement: dict[str, Any]) -> None:
        if statement["Effect"] == "Allow" and statement["Principal"].get("Service") == "events.amazonaws.com":
            statement["Condition"] = condition

    return bound


RULE = "arn:aws:events:us-east-1:000000000000:rule/invoice-events-dev/invoice-processed-dev"


@pytest.mark.parametrize(
    ("kind", "name", "condition", "action"),
    [
        ("aws_sns_topic_policy", "downstream", {"ArnEquals": {"aws:SourceArn": RULE}}, "sns:Publish"),
        ("aws_sns_topic_policy", "downstream", {"StringEquals": {"aws:SourceAccount": ACCOUNT_ID}}, "sns:Publish"),
        ("aws_kms_key", "module.key", {"StringEquals": {"aws:SourceAccount": ACCOUNT_ID}}, "kms:GenerateDataKey"),
        ("aws_kms_key", "module.key", {"ArnEquals": {"aws:SourceArn": RULE}}, "kms:Decrypt"),
    ],
)
def test_a_condition_that_eventbridge_never_meets_is_found(
    plans: dict[str, PlanGraph], kind: str, name: str, condition: dict[str, Any], action: str
) -> None:
    """On AWS such a policy rejects every event; see localstack/service_contexts.toml."""
    changed = edited(plans["dev"], kind, name, policy(for_events(condition)))

    lines = [line for line in map(str, missing(changed)) if "events.amazonaws.com" in line]

    assert any(action in line for line in lines)


def test_a_key_that_eventbridge_may_use_for_any_topic_is_found(plans: dict[str, PlanGraph]) -> None:
    key = "kms:EncryptionContext:aws:sns:topicArn"
    wide = {"StringLike": {key: "arn:aws:sns:us-east-1:000000000000:*"}}

    changed = edited(plans["dev"], "aws_kms_key", "module.key", policy(for_events(wide)))

    assert "also admits" in distinct(open_to_others(changed))


def from_source(plan: PlanGraph, tmp_path: Path, module: str, old: str, new: str) -> Estate:
    """The same plan, with a module's source changed: values that the plan does not know are only in the source."""
    copied = shutil.copytree(ROOT / "modules", tmp_path / "modules")
    (file,) = [path for path in (copied / module).glob("*.tf") if old in path.read_text(encoding="utf-8")]
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")
    return Estate(plan, ACCOUNT_ID, REGION, tmp_path)


API = "${module.api.execution_arn}"


@pytest.mark.parametrize(
    ("old", "new", "stranger"),
    [
        ("/*/GET/invoices/*", "/*", "/v1/PATCH/invoices/x"),
        ("/*/GET/invoices/*", "/*/*/invoices/*", "/v1/DELETE/invoices/x"),
        ("/*/GET/invoices/*", "/*/GET/*", "/v1/GET/invoices"),
        ('/*/GET/invoices"', '/*/GET/invoices*"', "/v1/GET/invoices/x"),
        ('/*/POST/invoices"', '/*/POST/invoices*"', "/v1/POST/invoicesx"),
        ("/*/PATCH/invoices/*", "*/*/PATCH/invoices/*", "x/v1/PATCH/invoices/x"),
    ],
)
def test_a_permission_that_admits_another_route_is_found(
    plans: dict[str, PlanGraph], tmp_path: Path, old: str, new: str, stranger: str
) -> None:
    changed = from_source(plans["dev"], tmp_path, "invoice-platform", API + old, API + new)

    assert not [*missing(changed)]
    assert f"{stranger}, where only this is meant" in distinct(open_to_others(changed))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (f"{API}/*/PATCH/invoices/*", f"{API}/*/PATCH/invoice/*"),
        (f"{API}/*/PATCH/invoices/*", f"{API}/*/PUT/invoices/*"),
        (f"{API}/*/PATCH/invoices/*", f"{API}/v2/PATCH/invoices/*"),
        (f"{API}/*/PATCH/invoices/*", "${module.api.api_id}/*/PATCH/invoices/*"),
        (f'"{API}/*/PATCH/invoices/*"', "module.api.execution_arn"),
        (f'"{API}/*/PATCH/invoices/*"', f'upper("{API}/*/PATCH/invoices/*")'),
    ],
)
def test_a_permission_for_another_route_is_found(
    plans: dict[str, PlanGraph], tmp_path: Path, old: str, new: str
) -> None:
    changed = from_source(plans["dev"], tmp_path, "invoice-platform", old, new)
    lines = distinct(missing(changed))

    assert 'integration.this["update-invoice-status"]; of that service' in lines
    assert 'this["PatchInvoice"] admits aws:SourceArn' in lines
    assert 'this["PatchInvoice"] is left over' in distinct(left_over(changed))


def test_a_permission_for_every_secret_that_begins_alike_is_found(plans: dict[str, PlanGraph], tmp_path: Path) -> None:
    source = "source_arn     = aws_secretsmanager_secret.this.arn"
    wide = 'source_arn     = "${aws_secretsmanager_secret.this.arn}*"'
    changed = from_source(plans["dev"], tmp_path, "secret", source, wide)

    assert "one whose name only begins alike" in distinct(open_to_others(changed))


def test_every_source_is_known(estate: Estate) -> None:
    """An unknown source is compared with nothing."""
    assert UNKNOWN not in [delivery.source for delivery in estate.deliveries()]
