"""What exists in an account: every resource that this repository's Terraform can make, by service and name.

An apply test compares the inventory before an apply with the one after the destroy: what is left over is a fault.
AWS's own furniture (the default event bus, AWS-managed keys) is left out.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import boto3
from botocore.config import Config

Client = Any
"""A boto3 client: each lister below asks one service, whose type the stubs would only obscure in a table."""

_SCALABLE = ("dynamodb", "lambda")


def _pages(client: Client, operation: str, key: str, **arguments: object) -> Iterator[Any]:
    for page in client.get_paginator(operation).paginate(**arguments):
        yield from page.get(key, [])


def _buses(client: Client) -> Iterator[str]:
    return (bus["Name"] for bus in client.list_event_buses()["EventBuses"] if bus["Name"] != "default")


def _rules(client: Client) -> Iterator[str]:
    for bus in client.list_event_buses()["EventBuses"]:
        for rule in client.list_rules(EventBusName=bus["Name"])["Rules"]:
            yield f"{bus['Name']}/{rule['Name']}"


def _scaling(client: Client, operation: str, key: str, name: str) -> Iterator[str]:
    for namespace in _SCALABLE:
        for found in _pages(client, operation, key, ServiceNamespace=namespace):
            yield f"{found['ResourceId']}/{found['ScalableDimension']}/{found.get(name, '')}"


def _keys(client: Client) -> Iterator[str]:
    of_services = {  # some engines give them out as a customer's
        found.get("TargetKeyId")
        for found in _pages(client, "list_aliases", "Aliases")
        if found["AliasName"].startswith("alias/aws/")
    }
    for key in _pages(client, "list_keys", "Keys"):
        if key["KeyId"] in of_services:
            continue
        about = client.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        if about.get("KeyManager") != "AWS" and about["KeyState"] != "PendingDeletion":
            yield key["KeyId"]


def _aliases(client: Client) -> Iterator[str]:
    for found in _pages(client, "list_aliases", "Aliases"):
        if not found["AliasName"].startswith("alias/aws/"):
            yield found["AliasName"]


def _named(operation: str, key: str, name: str, **arguments: object) -> Callable[[Client], Iterator[str]]:
    """A lister for a service whose answer is a paginated list of things with a name."""
    return lambda client: (str(found[name]) for found in _pages(client, operation, key, **arguments))


_LISTERS: Mapping[tuple[str, str], Callable[[Client], Iterator[str]]] = {
    ("apigateway", "rest API"): _named("get_rest_apis", "items", "name"),
    ("apigateway", "API key"): _named("get_api_keys", "items", "name"),
    ("apigateway", "usage plan"): _named("get_usage_plans", "items", "name"),
    ("application-autoscaling", "scalable target"): lambda c: _scaling(
        c, "describe_scalable_targets", "ScalableTargets", ""
    ),
    ("application-autoscaling", "scaling policy"): lambda c: _scaling(
        c, "describe_scaling_policies", "ScalingPolicies", "PolicyName"
    ),
    ("cloudwatch", "alarm"): _named("describe_alarms", "MetricAlarms", "AlarmName"),
    ("cloudwatch", "dashboard"): _named("list_dashboards", "DashboardEntries", "DashboardName"),
    ("dynamodb", "table"): lambda c: iter(c.list_tables()["TableNames"]),
    ("events", "bus"): _buses,
    ("events", "rule"): _rules,
    ("events", "archive"): lambda c: (found["ArchiveName"] for found in c.list_archives()["Archives"]),
    ("iam", "role"): _named("list_roles", "Roles", "RoleName"),
    ("iam", "policy"): _named("list_policies", "Policies", "PolicyName", Scope="Local"),
    ("kms", "alias"): _aliases,
    ("kms", "key"): _keys,
    ("lambda", "function"): _named("list_functions", "Functions", "FunctionName"),
    ("lambda", "event source mapping"): _named("list_event_source_mappings", "EventSourceMappings", "UUID"),
    ("logs", "log group"): _named("describe_log_groups", "logGroups", "logGroupName"),
    ("s3", "bucket"): lambda c: (found["Name"] for found in c.list_buckets()["Buckets"]),
    ("secretsmanager", "secret"): _named("list_secrets", "SecretList", "Name"),
    ("sns", "topic"): _named("list_topics", "Topics", "TopicArn"),
    ("sns", "subscription"): _named("list_subscriptions", "Subscriptions", "SubscriptionArn"),
    ("sqs", "queue"): lambda c: (url.rsplit("/", 1)[-1] for url in c.list_queues().get("QueueUrls", [])),
}


def inventory(credentials: Mapping[str, str]) -> set[str]:
    """List what exists, each as ``service kind name``.

    Args:
        credentials: The variables of `Engine.environment`: endpoint, keys and region.

    Returns:
        The set of everything found; empty for an untouched account.
    """
    session = boto3.Session(
        aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
        region_name=credentials["AWS_REGION"],
    )
    clients: dict[str, Client] = {}

    def client(service: str) -> Client:
        if service not in clients:
            clients[service] = session.client(
                service,  # type: ignore[call-overload]
                endpoint_url=credentials.get("AWS_ENDPOINT_URL"),
                config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 2}),
            )
        return clients[service]

    found = {
        f"{service} {kind} {name}" for (service, kind), lister in _LISTERS.items() for name in lister(client(service))
    }
    # Budgets alone want to be told which account they are asked about.
    account = client("sts").get_caller_identity()["Account"]
    budgets = _pages(client("budgets"), "describe_budgets", "Budgets", AccountId=account)
    return found | {f"budgets budget {budget['BudgetName']}" for budget in budgets}
