"""What the access rule says of a plan that it cannot evaluate: which resource is to blame, and what to write."""

import json
from typing import Any

import pytest

from harness.plan.graph import PlanGraph
from harness.policy.judge import RULES
from harness.policy.rule import violations

FUNCTION = "arn:aws:lambda:us-east-1:111111111111:function:f-dev"
FORBIDDEN = {"Effect": "Allow", "Principal": {"CanonicalUser": "x"}, "Action": "sqs:SendMessage", "Resource": "*"}
TARGET = {
    "arn": f"{FUNCTION}:live",
    "rule": "r",
    "dead_letter_config": [{"arn": "arn:aws:sqs:us-east-1:111111111111:q"}],
}


def plan(*resources: tuple[str, dict[str, Any]]) -> PlanGraph:
    """A plan of a function and of some resources of their types' names."""
    everything = [("aws_lambda_function", {"function_name": "f-dev", "kms_key_arn": FUNCTION}), *resources]
    entries = [
        {
            "address": f"{kind}.{kind.removeprefix('aws_')}",
            "type": kind,
            "name": kind.removeprefix("aws_"),
            "mode": "managed",
            "change": {"actions": ["create"], "before": None, "after": values, "after_unknown": {}},
        }
        for kind, values in everything
    ]
    document = {
        "format_version": "1.2",
        "configuration": {"root_module": {}},
        "resource_changes": entries,
        "variables": {"account_id": {"value": "111111111111"}},
    }
    return PlanGraph(document, "dev")


@pytest.mark.parametrize(
    ("resources", "address", "message"),
    [
        (
            [("aws_s3_bucket_logging", {"bucket": "elsewhere", "target_bucket": "logs"})],
            "aws_s3_bucket_logging.s3_bucket_logging",
            '"elsewhere", which is no bucket of this plan: write bucket = aws_s3_bucket.<name>.id',
        ),
        (
            [("aws_api_gateway_stage", {"stage_name": "v1"}), ("aws_api_gateway_integration", {"uri": FUNCTION})],
            "aws_api_gateway_integration.api_gateway_integration",
            "by which API Gateway calls no function: write uri = aws_lambda_alias.<name>.invoke_arn.",
        ),
        (
            [("aws_secretsmanager_secret_rotation", {"secret_id": "key", "rotation_lambda_arn": FUNCTION})],
            "aws_secretsmanager_secret_rotation.secretsmanager_secret_rotation",
            '"key", which is no ARN: write secret_id = aws_secretsmanager_secret.<name>.id.',
        ),
        (
            [
                ("aws_cloudwatch_event_target", {"arn": "arn:aws:sns:us-east-1:111111111111:t", "rule": "r"}),
                ("aws_sns_topic", {"name": "t", "kms_master_key_id": "alias/aws/sns"}),
            ],
            "aws_sns_topic.sns_topic",
            '"alias/aws/sns", which is no key of this plan, and AWS\'s own key admits no service that publishes',
        ),
        (
            [
                ("aws_cloudwatch_event_target", TARGET),
                ("aws_sqs_queue", {"name": "q", "policy": json.dumps({"Statement": [FORBIDDEN]})}),
            ],
            "aws_sqs_queue.sqs_queue",
            "statement without a Sid has a principal of the kind CanonicalUser.",
        ),
    ],
)
def test_a_finding_names_the_resource_and_the_fix(
    resources: list[tuple[str, dict[str, Any]]], address: str, message: str
) -> None:
    findings = [*violations(RULES["CKV_INV_515"], plan(*resources))]

    assert any(finding.address == address and message in finding.message for finding in findings), findings
    assert not [finding for finding in findings if "unpack" in finding.message or "index out of" in finding.message]


def test_a_log_of_a_bucket_of_the_plan_is_read_by_its_name() -> None:
    logging = ("aws_s3_bucket_logging", {"bucket": "uploads", "target_bucket": "uploads", "target_prefix": "l/"})

    findings = [*violations(RULES["CKV_INV_515"], plan(logging, ("aws_s3_bucket", {"bucket": "uploads"})))]

    assert [finding.address for finding in findings] == ["aws_s3_bucket_logging.s3_bucket_logging"]
    assert "Nothing allows that logging.s3.amazonaws.com may do s3:PutObject" in findings[0].message
