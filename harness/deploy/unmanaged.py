"""What stands in an account that none of its states has: made by hand, or left by a run that was cut off."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import boto3

from harness.deploy.drift import Difference, Kind
from harness.stack.inventory import inventory

Values = Mapping[str, Any]

_NAME_OF: Mapping[str, tuple[str, Callable[[Values], object]]] = {
    "aws_api_gateway_rest_api": ("apigateway rest API", lambda v: v["name"]),
    "aws_api_gateway_api_key": ("apigateway API key", lambda v: v["name"]),
    "aws_api_gateway_usage_plan": ("apigateway usage plan", lambda v: v["name"]),
    "aws_appautoscaling_target": (
        "application-autoscaling scalable target",
        lambda v: f"{v['resource_id']}/{v['scalable_dimension']}/",
    ),
    "aws_appautoscaling_policy": (
        "application-autoscaling scaling policy",
        lambda v: f"{v['resource_id']}/{v['scalable_dimension']}/{v['name']}",
    ),
    "aws_budgets_budget": ("budgets budget", lambda v: v["name"]),
    "aws_cloudwatch_dashboard": ("cloudwatch dashboard", lambda v: v["dashboard_name"]),
    "aws_cloudwatch_event_archive": ("events archive", lambda v: v["name"]),
    "aws_cloudwatch_event_bus": ("events bus", lambda v: v["name"]),
    "aws_cloudwatch_event_rule": ("events rule", lambda v: f"{v['event_bus_name']}/{v['name']}"),
    "aws_cloudwatch_log_group": ("logs log group", lambda v: v["name"]),
    "aws_cloudwatch_metric_alarm": ("cloudwatch alarm", lambda v: v["alarm_name"]),
    "aws_dynamodb_table": ("dynamodb table", lambda v: v["name"]),
    "aws_iam_policy": ("iam policy", lambda v: v["name"]),
    "aws_iam_role": ("iam role", lambda v: v["name"]),
    "aws_iam_role_policy": ("iam role policy", lambda v: f"{v['role']}/{v['name']}"),
    "aws_iam_role_policy_attachment": ("iam attached policy", lambda v: f"{v['role']}/{v['policy_arn']}"),
    "aws_kms_alias": ("kms alias", lambda v: v["name"]),
    "aws_kms_key": ("kms key", lambda v: v["key_id"]),
    "aws_kms_replica_key": ("kms key", lambda v: v["key_id"]),
    "aws_lambda_event_source_mapping": ("lambda event source mapping", lambda v: v["uuid"]),
    "aws_lambda_function": ("lambda function", lambda v: v["function_name"]),
    "aws_s3_bucket": ("s3 bucket", lambda v: v["bucket"]),
    "aws_secretsmanager_secret": ("secretsmanager secret", lambda v: v["name"]),
    "aws_sns_topic": ("sns topic", lambda v: v["arn"]),
    "aws_sns_topic_subscription": ("sns subscription", lambda v: v["arn"]),
    "aws_sqs_queue": ("sqs queue", lambda v: v["name"]),
}
"""How the inventory names a resource of each type."""

_BY_AWS = (
    "iam role AWSServiceRoleFor",  # service-linked roles
    "cloudwatch alarm TargetTracking-",  # of Application Auto Scaling's policies
    "events rule default/AutoScalingManagedRule",
    "iam attached policy AWSServiceRoleFor",
)
"""The beginnings of what AWS's services create by themselves, in any account."""


def states(bucket: str, session: boto3.Session, endpoint_url: str | None) -> Iterator[Mapping[str, Any]]:
    """The states of every environment of an account (version 4 of Terraform's format).

    Args:
        bucket: The account's state bucket.
        session: With the account's credentials.
        endpoint_url: A local engine's; None for AWS.
    """
    s3 = session.client("s3", endpoint_url=endpoint_url)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", []):
            if entry["Key"].endswith(".tfstate"):
                yield json.loads(s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read())


def managed(documents: Iterable[Mapping[str, Any]]) -> set[str]:
    """The resources of states, as the inventory names them.

    Args:
        documents: What `states` yields.
    """
    names: set[str] = set()
    for document in documents:
        for resource in document.get("resources", []):
            if resource["mode"] == "managed" and resource["type"] in _NAME_OF:
                label, name = _NAME_OF[resource["type"]]
                names |= {f"{label} {name(instance['attributes'])}" for instance in resource["instances"]}
    return names


def unmanaged(
    documents: Iterable[Mapping[str, Any]],
    credentials: Mapping[str, str],
    *,
    state_bucket: str,
    made_by_platform: Iterable[str] = (),
) -> list[Difference]:
    """What an account has and none of its states.

    Args:
        documents: The account's states.
        credentials: The variables of `Endpoint.environment` for a local engine; the region alone for AWS.
        state_bucket: The bucket of the states, which may be in none.
        made_by_platform: The beginnings of what the platform creates while it runs, as the inventory names it.
    """
    known = managed(documents)
    expected = (*_BY_AWS, *made_by_platform, f"s3 bucket {state_bucket}")
    archives = {name.removeprefix("events archive ") for name in known if name.startswith("events archive ")}
    of_archives = tuple(f"/Events-Archive-{archive}" for archive in archives)
    strangers = sorted(
        name
        for name in inventory(credentials) - known
        if not name.startswith(expected) and not name.endswith(of_archives)  # EventBridge makes a rule for an archive
    )
    remedy = "Find out who made it; then delete it, or write it as Terraform and import it (terraform import)."
    return [Difference(Kind.UNMANAGED, name, (), remedy) for name in strangers]
