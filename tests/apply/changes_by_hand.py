"""Ten changes that somebody makes by hand in an account, past Terraform, and what `drift` has to say of each."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.deploy.drift import Kind

Client = Callable[[str], Any]

PLATFORM = "module.invoice_platform"


@dataclass(frozen=True)
class ChangeByHand:
    """One change.

    Attributes:
        make: Makes it, given clients of the account.
        kind: How it is to be reported.
        subject: The end of the subject under which it is to be reported.
        detail: What one of its details contains; empty if it has none.
        ignored: Whether no deploy takes it back.
    """

    make: Callable[[Client], object]
    kind: Kind
    subject: str
    detail: str = ""
    ignored: bool = False


def _arn(client: Client, function: str) -> str:
    return str(client("lambda").get_function(FunctionName=function)["Configuration"]["FunctionArn"])


def _role(client: Client, function: str) -> str:
    return str(client("lambda").get_function(FunctionName=function)["Configuration"]["Role"]).rpartition("/")[2]


def _alarm(client: Client) -> dict[str, Any]:
    (alarm,) = client("cloudwatch").describe_alarms(
        AlarmNames=["InvoiceProcessing-function-get-invoice-throttles-dev"]
    )["MetricAlarms"]
    settings = ("AlarmName", "MetricName", "Namespace", "Statistic", "Dimensions", "Period", "EvaluationPeriods")
    return {name: alarm[name] for name in settings} | {
        "Threshold": 1e6,
        "ComparisonOperator": alarm["ComparisonOperator"],
    }


def _remove_index(client: Client) -> None:
    client("dynamodb").update_table(
        TableName="invoices-dev", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "status-index"}}]
    )


def _remove_permission(client: Client) -> None:
    client("lambda").remove_permission(FunctionName="get-invoice-dev", Qualifier="live", StatementId="GetInvoice")


def _disable_key(client: Client) -> None:
    (alias,) = [
        alias for alias in client("kms").list_aliases()["Aliases"] if alias["AliasName"].startswith("alias/invoice")
    ]
    client("kms").disable_key_rotation(KeyId=alias["TargetKeyId"])


CHANGES = {
    "tag": ChangeByHand(
        lambda client: client("lambda").tag_resource(Resource=_arn(client, "get-invoice-dev"), Tags={"Owner": "me"}),
        Kind.CHANGED,
        'module.function["get-invoice"].aws_lambda_function.this',
        "Owner",
    ),
    "policy": ChangeByHand(
        lambda client: client("iam").put_role_policy(
            RoleName=_role(client, "query-invoices-dev"),
            PolicyName="debugging",
            PolicyDocument=json.dumps(
                {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
            ),
        ),
        Kind.UNMANAGED,
        "/debugging",
    ),
    "alarm": ChangeByHand(
        lambda client: client("cloudwatch").put_metric_alarm(**_alarm(client)),
        Kind.CHANGED,
        'aws_cloudwatch_metric_alarm.this["function/get-invoice/throttles"]',
        "threshold",
    ),
    "index": ChangeByHand(
        _remove_index, Kind.CHANGED, "aws_dynamodb_table.this", "global_secondary_index", ignored=True
    ),
    "key": ChangeByHand(_disable_key, Kind.CHANGED, "aws_kms_key.this", "enable_key_rotation"),
    "new function": ChangeByHand(
        lambda client: client("lambda").create_function(
            FunctionName="by-hand",
            Runtime="python3.13",
            Handler="x.y",
            Role=client("lambda").get_function(FunctionName="get-invoice-dev")["Configuration"]["Role"],
            Code={"ZipFile": b"PK\x05\x06" + bytes(18)},
        ),
        Kind.UNMANAGED,
        "lambda function by-hand",
    ),
    "new bucket": ChangeByHand(
        lambda client: client("s3").create_bucket(Bucket="by-hand"), Kind.UNMANAGED, "s3 bucket by-hand"
    ),
    "new rule": ChangeByHand(
        lambda client: client("events").put_rule(
            Name="by-hand", EventBusName="invoice-events-dev", EventPattern='{"source": ["x"]}'
        ),
        Kind.UNMANAGED,
        "events rule invoice-events-dev/by-hand",
    ),
    "removed permission": ChangeByHand(
        _remove_permission, Kind.DELETED, 'module.function["get-invoice"].aws_lambda_permission.this["GetInvoice"]'
    ),
    "changed setting": ChangeByHand(
        lambda client: client("lambda").update_function_configuration(FunctionName="create-invoice-dev", Timeout=3),
        Kind.CHANGED,
        'module.function["create-invoice"].aws_lambda_function.this',
        "timeout",
    ),
}
"""The changes, by what is changed."""
