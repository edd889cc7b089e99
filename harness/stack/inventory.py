"""The resources in an account: every kind that this repository's Terraform can create, by service and name.

An apply test compares the inventory before an apply with the one after the destroy: a resource that is left over is an
error. What AWS itself puts into every account (the default event bus, AWS-managed keys) is left out.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

Client = Any
"""A boto3 client. Each function below calls one service; the stubs' own types would make the table hard to read."""

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
        for entry in _pages(client, operation, key, ServiceNamespace=namespace):
            yield f"{entry['ResourceId']}/{entry['ScalableDimension']}/{entry.get(name, '')}"


def _role_policies(client: Client) -> Iterator[str]:
    for role in _pages(client, "list_roles", "Roles"):
        for name in _pages(client, "list_role_policies", "PolicyNames", RoleName=role["RoleName"]):
            yield f"{role['RoleName']}/{name}"


def _attached_policies(client: Client) -> Iterator[str]:
    for role in _pages(client, "list_roles", "Roles"):
        for policy in _pages(client, "list_attached_role_policies", "AttachedPolicies", RoleName=role["RoleName"]):
            yield f"{role['RoleName']}/{policy['PolicyArn']}"


def _keys(client: Client) -> Iterator[str]:
    service_keys = {  # some engines list them as a customer's
        alias.get("TargetKeyId")
        for alias in _pages(client, "list_aliases", "Aliases")
        if alias["AliasName"].startswith("alias/aws/")
    }
    for key in _pages(client, "list_keys", "Keys"):
        if key["KeyId"] in service_keys:
            continue
        metadata = client.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        if metadata.get("KeyManager") != "AWS" and metadata["KeyState"] != "PendingDeletion":
            yield key["KeyId"]


def _aliases(client: Client) -> Iterator[str]:
    for alias in _pages(client, "list_aliases", "Aliases"):
        if not alias["AliasName"].startswith("alias/aws/"):
            yield alias["AliasName"]


def _named(operation: str, key: str, name: str, **arguments: object) -> Callable[[Client], Iterator[str]]:
    """A function that lists names, for an operation whose response is a paginated list of things with a name."""
    return lambda client: (str(entry[name]) for entry in _pages(client, operation, key, **arguments))


_NAMES: Mapping[tuple[str, str], Callable[[Client], Iterator[str]]] = {
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
    ("events", "archive"): lambda c: (archive["ArchiveName"] for archive in c.list_archives()["Archives"]),
    ("iam", "role"): _named("list_roles", "Roles", "RoleName"),
    ("iam", "role policy"): _role_policies,
    ("iam", "attached policy"): _attached_policies,
    ("iam", "policy"): _named("list_policies", "Policies", "PolicyName", Scope="Local"),
    ("kms", "alias"): _aliases,
    ("kms", "key"): _keys,
    ("lambda", "function"): _named("list_functions", "Functions", "FunctionName"),
    ("lambda", "event source mapping"): _named("list_event_source_mappings", "EventSourceMappings", "UUID"),
    ("logs", "log group"): _named("describe_log_groups", "logGroups", "logGroupName"),
    ("s3", "bucket"): lambda c: (bucket["Name"] for bucket in c.list_buckets()["Buckets"]),
    ("secretsmanager", "secret"): _named("list_secrets", "SecretList", "Name"),
    ("sns", "topic"): _named("list_topics", "Topics", "TopicArn"),
    ("sns", "subscription"): _named("list_subscriptions", "Subscriptions", "SubscriptionArn"),
    ("sqs", "queue"): lambda c: (url.rsplit("/", 1)[-1] for url in c.list_queues().get("QueueUrls", [])),
}


def inventory(credentials: Mapping[str, str]) -> set[str]:
    """List the resources in an account, each as ``service kind name``.

    Args:
        credentials: The variables of `Endpoint.environment`: endpoint, keys and region. The region alone for AWS, with
            the caller's own credentials.

    Returns:
        The set of all resources; empty for an untouched account.
    """
    client = _clients(credentials)
    resources = {
        f"{service} {kind} {name}" for (service, kind), names in _NAMES.items() for name in names(client(service))
    }
    # Budgets is the only service that needs the account id in the request.
    account = client("sts").get_caller_identity()["Account"]
    budgets = _pages(client("budgets"), "describe_budgets", "Budgets", AccountId=account)
    return resources | {f"budgets budget {budget['BudgetName']}" for budget in budgets}


def holdings(credentials: Mapping[str, str]) -> dict[str, int]:
    """Count the resources in an account that may lack some services, such as a LocalStack with a few of them.

    Args:
        credentials: As for `inventory`.

    Returns:
        The numbers by ``service kind``, such as ``s3 bucket``; empty for an untouched account.
    """
    client = _clients(credentials)
    counts: dict[str, int] = {}
    for (service, kind), names in _NAMES.items():
        with contextlib.suppress(ClientError, BotoCoreError, ResponseParserError):  # it lacks the service
            if number := sum(1 for _ in names(client(service))):
                counts[f"{service} {kind}"] = number
    return counts


def _clients(credentials: Mapping[str, str]) -> Callable[[str], Client]:
    """A function that returns the client of a service, one for each service."""
    session = boto3.Session(
        aws_access_key_id=credentials.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=credentials.get("AWS_SECRET_ACCESS_KEY"),
        region_name=credentials["AWS_REGION"],
    )
    clients: dict[str, Client] = {}
    url = credentials.get("AWS_ENDPOINT_URL")

    def client(service: str) -> Client:
        if service not in clients:
            clients[service] = session.client(
                service,  # type: ignore[call-overload]
                endpoint_url=url,
                config=Config(s3={"addressing_style": "path"} if url else {}, retries={"max_attempts": 2}),
            )
        return clients[service]

    return client
