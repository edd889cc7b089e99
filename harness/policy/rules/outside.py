"""Nothing leads outside: no other account, no address that is not listed, no open door, no credentials of people."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.plan.resource import UNKNOWN, Resource, listed, shown
from harness.policy.rule import also_on_plan, attribute, relation
from harness.policy.rules.iam import own_accounts
from harness.settings import PLATFORM

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph


@attribute("CKV_INV_212", ("aws_lambda_function", "aws_lambda_function_url"))
def no_function_url(resource: Resource) -> Iterator[str]:
    """Every URL: with AWS_IAM too it passes by the API's keys, quotas and validation."""
    if resource.type == "aws_lambda_function_url":
        kind = resource.get("authorization_type")
        yield f"It opens the function to the internet (authorization_type is {shown(kind)})."


@attribute("CKV_INV_308", ("aws_cloudwatch_event_permission",))
def bus_for_everybody(permission: Resource) -> Iterator[str]:
    """A condition on the organization does not replace a name for *."""
    principal = permission.get("principal")
    if isinstance(principal, str) and "*" in principal:
        yield f"principal is {shown(principal)}: every account may publish to the bus."


@also_on_plan("CKV_INV_308")
def bus_for_others(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Where the plan shows its account; the policies of buses are CKV_INV_506's and CKV_INV_509's."""
    for permission in plan.of("aws_cloudwatch_event_permission"):
        principal = permission.get("principal")
        if isinstance(principal, str) and "*" not in principal and principal not in own_accounts(plan, permission):
            yield permission.address, f"principal is {shown(principal)}: another account may publish to the bus."


_ARN = re.compile(r"arn:[\w-]+:[\w-]+:[\w-]*:(\d{12}):")
_ACCOUNT_NAME = re.compile(r"(^|_)(account|account_id|bucket_owner|owner_account|source_account)$")
_ACCOUNT_ID = re.compile(r"\d{12}")
_POLICY_ARGUMENTS = frozenset({"assume_role_policy", "tags", "tags_all"})
"""The rules on trust policies judge the first."""


@relation("CKV_INV_510", ("*",))
def within_account(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Every ARN and every argument that is named like an account, wherever the plan shows its own account."""
    for resource in plan.resources:
        own = own_accounts(plan, resource) if not resource.data else set()
        if not own:
            continue
        for path, account in dict.fromkeys(_accounts_in(resource.values, "")):
            if account not in own:
                yield resource.address, f"{path} names the account {account}."


def _accounts_in(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name not in _POLICY_ARGUMENTS:
                yield from _accounts_in(inner, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for inner in value:
            yield from _accounts_in(inner, path)
    elif isinstance(value, str):
        yield from ((path, account) for account in _ARN.findall(value))
        if _ACCOUNT_NAME.search(path.rpartition(".")[2]) and _ACCOUNT_ID.fullmatch(value):
            yield path, value


@attribute("CKV_INV_511", ("aws_iam_role", "aws_iam_access_key", "aws_iam_user", "aws_iam_user_login_profile"))
def no_users(resource: Resource) -> Iterator[str]:
    """People and CI assume roles."""
    if resource.type != "aws_iam_role":
        yield f"{resource.type} has credentials that do not end."


@relation("CKV_INV_311", ("aws_sns_topic_subscription", "aws_budgets_budget"))
def listed_addresses(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Queues and functions of this plan, and mail to the domains of `PLATFORM.subscriber_domains`."""
    for subscription in plan.of("aws_sns_topic_subscription"):
        protocol, endpoint = subscription.get("protocol"), subscription.get("endpoint")
        message = _unlisted(plan, str(protocol), endpoint) if protocol is not UNKNOWN else None
        if message:
            yield subscription.address, message
    for budget in plan.of("aws_budgets_budget"):
        for addresses in budget.all("notification.subscriber_email_addresses"):
            for address in listed(addresses):
                if isinstance(address, str) and not _is_listed(address):
                    yield budget.address, f"It is reported to {address}, whose domain is not listed."


_IN_PLAN = {"lambda": "aws_lambda_function", "sqs": "aws_sqs_queue"}


def _unlisted(plan: "PlanGraph", protocol: str, endpoint: Any) -> str | None:
    if protocol in {"email", "email-json"}:
        listed_or_unknown = endpoint is UNKNOWN or _is_listed(str(endpoint))
        return None if listed_or_unknown else f"{shown(endpoint)} is not in a domain that is listed."
    kind = _IN_PLAN.get(protocol)
    if not kind:
        return f"Its protocol is {shown(protocol)}: messages leave for {shown(endpoint)}."
    if endpoint is UNKNOWN or not plan.environment:
        return None
    names = {resource.get("name" if protocol == "sqs" else "function_name") for resource in plan.of(kind)}
    parts = str(endpoint).split(":")
    return None if names & set(parts) else f"{shown(endpoint)} is not in this plan."


def _is_listed(address: str) -> bool:
    return address.rpartition("@")[2].lower() in PLATFORM.subscriber_domains


DESTINATIONS = {
    "aws_lambda_function": ("s3_bucket", "aws_s3_bucket", "bucket"),
    "aws_s3_bucket_logging": ("target_bucket", "aws_s3_bucket", "bucket"),
    "aws_s3_bucket_replication_configuration": ("rule.destination.bucket", "aws_s3_bucket", "bucket"),
    "aws_s3_bucket_inventory": ("destination.bucket.bucket_arn", "aws_s3_bucket", "bucket"),
    "aws_s3_bucket_analytics_configuration": (
        "storage_class_analysis.data_export.destination.s3_bucket_destination.bucket_arn",
        "aws_s3_bucket",
        "bucket",
    ),
    "aws_cloudwatch_event_target": ("arn", "aws_lambda_function|aws_sns_topic|aws_sqs_queue", "function_name|name"),
    "aws_secretsmanager_secret_rotation": ("rotation_lambda_arn", "aws_lambda_function", "function_name"),
    "aws_kinesis_firehose_delivery_stream": ("extended_s3_configuration.bucket_arn", "aws_s3_bucket", "bucket"),
}
"""By type: the argument that names where data or code comes from or goes to, and what it must name in the plan."""


@relation("CKV_INV_512", tuple(DESTINATIONS))
def within_plan(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """In whole environments, where the plan has every bucket, queue, topic and function."""
    for kind, (path, types, attributes) in DESTINATIONS.items():
        names = {
            str(resource.get(attribute_))
            for resource in plan.of(*types.split("|"))
            for attribute_ in attributes.split("|")
        }
        for resource in plan.of(kind):
            for value in resource.all(path):
                if isinstance(value, str) and value and not names & set(re.split(r"[:/]", value)):
                    yield resource.address, f"{path} is {shown(value)}, which is not in this plan."
