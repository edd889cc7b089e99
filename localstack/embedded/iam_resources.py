"""IAM: the action and the resource of a request, as AWS's Service Authorization Reference names them."""

import contextlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam as iam_service
from ministack.services import kms

from emulation.patch import patches, source_lacks

Parameters = Mapping[str, Any]
"""A request's parameters, whether they came as JSON or as a form."""


def parameters(body: bytes, query: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a request: of its JSON body, or of its form, each with its first value."""
    with contextlib.suppress(ValueError):
        content = json.loads(body)
        if isinstance(content, dict):
            return content
    return {name: value[0] if isinstance(value, list) and value else value for name, value in query.items()}


def arn(service: str, resource: str, *, region: str | None = None) -> str:
    """An ARN of this account and region."""
    return f"arn:aws:{service}:{get_region() if region is None else region}:{get_account_id()}:{resource}"


def _named(member: str) -> Callable[[Parameters, str], str]:
    """A parameter that is the ARN itself."""
    return lambda given, found: str(given.get(member) or found)


def _target(given: Parameters, _found: str) -> str:
    """A scalable target, whose id AWS chooses."""
    return arn("application-autoscaling", f"scalable-target/{given.get('ScalableDimension', '')}".replace(":", "-"))


def _budget(given: Parameters, _found: str) -> str:
    described = given.get("Budget") or given.get("NewBudget") or {}
    name = given.get("BudgetName") or described.get("BudgetName", "*")
    return arn("budgets", f"budget/{name}", region="")


def _dashboard(given: Parameters, _found: str) -> str:
    name = (
        given.get("DashboardName") or given.get("DashboardNames.member.1") or (given.get("DashboardNames") or [""])[0]
    )
    return arn("cloudwatch", f"dashboard/{name}", region="")


def _alarm(given: Parameters, _found: str) -> str:
    name = given.get("AlarmNames.member.1") or (given.get("AlarmNames") or [""])[0]
    return arn("cloudwatch", f"alarm:{name}")


def _rule(given: Parameters, _found: str) -> str:
    bus = str(given.get("EventBusName") or "default").rsplit("/", 1)[-1]
    return arn("events", f"rule/{given.get('Rule', '')}" if bus == "default" else f"rule/{bus}/{given.get('Rule', '')}")


def _bus(given: Parameters, _found: str) -> str:
    return arn("events", f"event-bus/{str(given.get('Name') or 'default').rsplit('/', 1)[-1]}")


def _identity_provider(given: Parameters, _found: str) -> str:
    return arn("iam", f"oidc-provider/{str(given.get('Url', '')).partition('://')[2]}", region="")


def _alias(given: Parameters, _found: str) -> str:
    return arn("kms", str(given.get("AliasName", "")))


def _key(given: Parameters, found: str) -> str:
    """The key itself, also if the request names an alias of it; AWS makes its own keys when they are first used."""
    key = kms._resolve_key(given.get("KeyId", ""))
    if key is not None:
        return str(key["Arn"])
    return arn("kms", "key/of-aws") if ":alias/aws/" in found else found


def _log_group(given: Parameters, found: str) -> str:
    name = given.get("logGroupName")
    return arn("logs", f"log-group:{name}:*") if name else found


_TAGGED = ("ListTagsForResource", "TagResource", "UntagResource")
_RESOURCES: Mapping[str, Callable[[Parameters, str], str]] = {
    **{
        f"{service}:{operation}": _named("ResourceARN")
        for service in ("application-autoscaling", "budgets", "cloudwatch", "events")
        for operation in _TAGGED
    },
    **{f"sns:{operation}": _named("ResourceArn") for operation in _TAGGED},
    **{f"dynamodb:{operation}": _named("ResourceArn") for operation in ("ListTagsOfResource", *_TAGGED[1:])},
    "application-autoscaling:DeleteScalingPolicy": _target,
    "application-autoscaling:DeregisterScalableTarget": _target,
    "application-autoscaling:PutScalingPolicy": _target,
    "application-autoscaling:RegisterScalableTarget": _target,
    "budgets:ModifyBudget": _budget,
    "budgets:ViewBudget": _budget,
    "cloudwatch:DeleteAlarms": _alarm,
    "cloudwatch:DescribeAlarms": lambda _given, _found: arn("cloudwatch", "alarm:*"),
    "cloudwatch:DeleteDashboards": _dashboard,
    "cloudwatch:GetDashboard": _dashboard,
    "cloudwatch:PutDashboard": _dashboard,
    **{
        f"events:{operation}Archive": lambda given, _found: arn("events", f"archive/{given.get('ArchiveName', '')}")
        for operation in ("Create", "Delete", "Describe", "Update")
    },
    **{f"events:{operation}EventBus": _bus for operation in ("Create", "Delete", "Describe", "Update")},
    "events:ListRules": lambda _given, _found: "*",
    "events:ListTargetsByRule": _rule,
    "events:PutTargets": _rule,
    "events:RemoveTargets": _rule,
    "iam:CreateOpenIDConnectProvider": _identity_provider,
    **{
        f"iam:{operation}OpenIDConnectProvider": _named("OpenIDConnectProviderArn")
        for operation in ("Delete", "Get", "Tag", "Untag")
    },
    "iam:CreatePolicy": lambda given, _found: arn("iam", f"policy/{given.get('PolicyName', '')}", region=""),
    "kms:CreateAlias": _alias,
    "kms:DeleteAlias": _alias,
    "kms:DescribeKey": _key,
    "kms:UpdateAlias": _alias,
    "lambda:CreateFunction": lambda given, _found: arn("lambda", f"function:{given.get('FunctionName', '')}"),
    "secretsmanager:CreateSecret": lambda given, _found: arn(
        "secretsmanager", f"secret:{given.get('Name', '')}-xxxxxx"
    ),
    **{
        f"logs:{operation}": _log_group
        for operation in (
            "CreateLogGroup",
            "DeleteLogGroup",
            "DeleteRetentionPolicy",
            "FilterLogEvents",
            "PutRetentionPolicy",
        )
    },
}
"""The resources that MiniStack does not find, or takes for others, by their actions."""

_LAMBDA_NAMES = {"Invoke": "InvokeFunction", "InvokeAsync": "InvokeFunction"}
_BUDGET_READS = ("Describe", "View")


@patches(iam_actions, "_lambda_action", needed=source_lacks("UpdateAlias"))
def lambda_operations(original: Any) -> Any:
    """A request to Lambda needs the action of its operation.

    AWS: each operation has its own action, such as UpdateAlias and PutFunctionEventInvokeConfig.
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
    MiniStack: takes some operations for others of the same path, such as UpdateAlias for ListAliases.
    """
    iam_actions._BOTOCORE_SERVICE_MAP.setdefault("lambda", ["lambda"])

    def action(method: str, path: str) -> Any:
        operation = iam_actions._match_rest_action("lambda", method, path)
        return _LAMBDA_NAMES.get(operation, operation) if operation else original(method, path)

    return action


@patches(iam_actions, "extract_iam_action", needed=source_lacks("ViewBudget"))
def budget_actions(original: Any) -> Any:
    """Requests to AWS Budgets need ViewBudget or ModifyBudget.

    AWS: these two cover the operations on budgets, notifications and subscribers.
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbudgetservice.html
    MiniStack: expects an action with the name of each operation.
    """

    def action(service: str, *request: Any) -> Any:
        found = original(service, *request)
        if service != "budgets" or not found or found.endswith("Resource"):
            return found
        read = found.partition(":")[2].startswith(_BUDGET_READS)
        return "budgets:ViewBudget" if read else "budgets:ModifyBudget"

    return action


@patches(iam_actions, "extract_resource_arn", needed=source_lacks("scalable-target"))
def authorized_resources(original: Any) -> Any:
    """A grant may name the scalable target, budget, dashboard, archive, bus, rule, alias or log group of a request.

    AWS: the Service Authorization Reference has the resource types of every action. Log groups end in ``:*``.
    https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
    MiniStack: takes ``*`` for the resource of these requests, or another resource of the same service.
    """

    def resource(
        service: str, method: str, path: str, headers: Any, body: bytes, query: Any, region: str, account: str
    ) -> str:
        found: str = original(service, method, path, headers, body, query, region, account)
        action = iam_actions.extract_iam_action(service, method, path, headers, body, query) or ""
        corrected = _RESOURCES.get(action)
        return corrected(parameters(body, query), found) if corrected else found

    return resource


_OF_ROLES = frozenset(
    {
        *("AttachRolePolicy", "CreateRole", "DeleteRolePermissionsBoundary", "DeleteRolePolicy"),
        *("DetachRolePolicy", "PutRolePermissionsBoundary", "PutRolePolicy"),
    }
)
"""Actions with the key ``iam:PermissionsBoundary``."""


@patches(iam_actions, "request_tag_context", needed=source_lacks("PermissionsBoundary"))
def request_keys(original: Any) -> Any:
    """A grant may depend on a role's boundary, on the attached policy, and on the function of an event source.

    AWS: IAM has the keys iam:PermissionsBoundary and iam:PolicyARN, Lambda has lambda:FunctionArn.
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
    MiniStack: evaluates these requests without them.
    """

    def context(service: str, action: str, body: bytes, query: Any) -> dict[str, Any]:
        keys: dict[str, Any] = original(service, action, body, query)
        given, name = parameters(body, query), action.partition(":")[2]
        if service == "iam" and name in _OF_ROLES:
            keys["iam:PermissionsBoundary"] = given.get("PermissionsBoundary") or _boundary(given.get("RoleName", ""))
            keys["iam:PolicyARN"] = given.get("PolicyArn")
        if action == "lambda:CreateEventSourceMapping":
            function = str(given.get("FunctionName", ""))
            keys["lambda:FunctionArn"] = function if ":" in function else arn("lambda", f"function:{function}")
        return {key: value for key, value in keys.items() if value is not None}

    return context


def _boundary(role: str) -> Any:
    return (iam_service._roles.get(role) or {}).get("PermissionsBoundary")
