"""IAM: the permissions that a request needs besides its own action, such as to pass a role."""

import contextvars
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_region
from ministack.services import kms
from ministack.services import secretsmanager as secrets

from embedded.iam_resources import Parameters, arn, parameters
from emulation.patch import patches

_log = logging.getLogger("embedded.iam_dependents")

Dependent = tuple[str, str, Mapping[str, Any]]
"""An action, its resource and its condition keys."""

_pending: contextvars.ContextVar[tuple[str, list[Dependent]] | None] = contextvars.ContextVar("pending", default=None)


def _pass(role: Any, service: str) -> Iterator[Dependent]:
    """To give a role to a service: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html."""
    if role:
        yield "iam:PassRole", str(role), {"iam:PassedToService": f"{service}.amazonaws.com"}


def _use_key(key: Any, service: str, *actions: str) -> Iterator[Dependent]:
    """To use a customer managed key through a service."""
    found = kms._resolve_key(key) if key else None
    if found is not None:
        for action in actions:
            yield f"kms:{action}", found["Arn"], {"kms:ViaService": f"{service}.{get_region()}.amazonaws.com"}


def _of_function(given: Parameters, _resource: str, _body: bytes) -> Iterator[Dependent]:
    """The role, the code and the key: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html."""
    yield from _pass(given.get("Role"), "lambda")
    code = given.get("Code") or given
    if code.get("S3Bucket"):
        yield "s3:GetObject", f"arn:aws:s3:::{code['S3Bucket']}/{code['S3Key']}", {}
    yield from _use_key(given.get("KMSKeyArn"), "lambda", "CreateGrant", "Decrypt", "DescribeKey", "Encrypt")


def _of_account(given: Parameters, resource: str, _body: bytes) -> Iterator[Dependent]:
    """The role for API Gateway's logs: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html."""
    for change in given.get("patchOperations", []) if resource.endswith("/account") else []:
        if change.get("path") == "/cloudwatchRoleArn":
            yield from _pass(change.get("value"), "apigateway")


def _of_gateway(given: Parameters, resource: str, _body: bytes) -> Iterator[Dependent]:
    """Tags: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigatewaymanagement.html."""
    if given.get("tags"):
        tags = f"/tags/{quote(f'{resource}/x', safe='')}"
        keys = {f"aws:RequestTag/{name}": value for name, value in given["tags"].items()}
        yield "apigateway:PUT", f"arn:aws:apigateway:{get_region()}::{tags}", keys


def _of_replication(_given: Parameters, _resource: str, body: bytes) -> Iterator[Dependent]:
    """The role: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketReplication.html."""
    role = re.search(rb"<Role>([^<]+)</Role>", body)
    yield from _pass(role and role[1].decode(), "s3")


def _of_key(given: Parameters, _resource: str, _body: bytes) -> Iterator[Dependent]:
    """A policy and tags, judged with the keys of the whole request: https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html."""
    tags = {f"aws:RequestTag/{tag['TagKey']}": tag["TagValue"] for tag in given.get("Tags", [])}
    if given.get("Policy"):
        yield "kms:PutKeyPolicy", "*", tags
    if given.get("Tags"):
        yield "kms:TagResource", "*", tags


def _of_alias(given: Parameters, _resource: str, _body: bytes) -> Iterator[Dependent]:
    """The key too: https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html."""
    key = kms._resolve_key(given.get("TargetKeyId") or given.get("AliasName", ""))
    if key is not None:
        action = "kms:CreateAlias" if given.get("TargetKeyId") else "kms:DeleteAlias"
        yield action, key["Arn"], {}


def _of_archive(given: Parameters, _resource: str, _body: bytes) -> Iterator[Dependent]:
    """The bus: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html."""
    yield "events:CreateArchive", str(given.get("EventSourceArn", "")), {}


def _of_secret(given: Parameters, resource: str, _body: bytes) -> Iterator[Dependent]:
    """Key and replicas: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html."""
    yield from _use_key(given.get("KmsKeyId"), "secretsmanager", "Decrypt", "GenerateDataKey")
    if given.get("AddReplicaRegions"):
        yield "secretsmanager:ReplicateSecretToRegions", resource, {}


def _of_rotation(given: Parameters, _resource: str, _body: bytes) -> Iterator[Dependent]:
    """The function: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-required-permissions-function.html."""
    if given.get("RotationLambdaARN"):
        yield "lambda:InvokeFunction", str(given["RotationLambdaARN"]), {}


def _of_value(*actions: str) -> Callable[[Parameters, str, bytes], Iterator[Dependent]]:
    """The secret's key: https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html."""

    def dependents(given: Parameters, _resource: str, _body: bytes) -> Iterator[Dependent]:
        _, secret = secrets._resolve(given.get("SecretId", ""))
        yield from _use_key((secret or {}).get("KmsKeyId"), "secretsmanager", *actions)

    return dependents


def _of_target(given: Parameters, _resource: str, _body: bytes) -> Iterator[Dependent]:
    """The service's role: https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_id-based-policy-examples.html."""
    service = f"{given.get('ServiceNamespace', 'dynamodb')}.application-autoscaling.amazonaws.com"
    role = f"role/aws-service-role/{service}/AWSServiceRoleForApplicationAutoScaling_DynamoDBTable"
    yield "iam:CreateServiceLinkedRole", arn("iam", role, region=""), {"iam:AWSServiceName": service}


_DEPENDENTS: Mapping[str, Callable[[Parameters, str, bytes], Iterator[Dependent]]] = {
    "apigateway:PATCH": _of_account,
    "apigateway:POST": _of_gateway,
    "application-autoscaling:RegisterScalableTarget": _of_target,
    "events:CreateArchive": _of_archive,
    "kms:CreateAlias": _of_alias,
    "kms:CreateKey": _of_key,
    "kms:DeleteAlias": _of_alias,
    "lambda:CreateFunction": _of_function,
    "lambda:UpdateFunctionCode": _of_function,
    "lambda:UpdateFunctionConfiguration": _of_function,
    "s3:PutReplicationConfiguration": _of_replication,
    "secretsmanager:CreateSecret": _of_secret,
    "secretsmanager:GetSecretValue": _of_value("Decrypt"),
    "secretsmanager:PutSecretValue": _of_value("Decrypt", "GenerateDataKey"),
    "secretsmanager:RotateSecret": _of_rotation,
}

_TAGGING = {
    "application-autoscaling:RegisterScalableTarget": "application-autoscaling:TagResource",
    "budgets:ModifyBudget": "budgets:TagResource",
    "cloudwatch:PutMetricAlarm": "cloudwatch:TagResource",
    "dynamodb:CreateTable": "dynamodb:TagResource",
    "events:CreateEventBus": "events:TagResource",
    "events:PutRule": "events:TagResource",
    "iam:CreateOpenIDConnectProvider": "iam:TagOpenIDConnectProvider",
    "iam:CreatePolicy": "iam:TagPolicy",
    "iam:CreateRole": "iam:TagRole",
    "lambda:CreateEventSourceMapping": "lambda:TagResource",
    "lambda:CreateFunction": "lambda:TagResource",
    "logs:CreateLogGroup": "logs:TagResource",
    "secretsmanager:CreateSecret": "secretsmanager:TagResource",
    "sns:CreateTopic": "sns:TagResource",
    "sqs:CreateQueue": "sqs:TagQueue",
}
"""Actions that set tags of what they create, and the action which that needs besides.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access_tags.html and each service's list of actions, such as
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html.
"""


def _dependents(action: str, resource: str, given: Parameters, body: bytes, tags: Mapping[str, Any]) -> list[Dependent]:
    found = list(_DEPENDENTS[action](given, resource, body)) if action in _DEPENDENTS else []
    if action in _TAGGING and (tags or given.get("ResourceTags")):
        tagged = resource.removesuffix(":*") if action.startswith("logs:") else resource
        if tagged == "*":
            tagged = arn("lambda", "event-source-mapping:x")
        found.append((_TAGGING[action], tagged, tags))
    return found


@patches(iam_actions, "extract_resource_arn", needed=None)
def dependent_permissions(original: Any) -> Any:
    """A request also needs the permissions that it implies: to pass a role, to set tags, to use a key.

    AWS: the Service Authorization Reference lists them as dependent actions, and each operation's own page does.
    https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
    MiniStack: evaluates only the action of the request itself.
    """

    def resource(
        service: str, method: str, path: str, headers: Any, body: bytes, query: Any, region: str, account: str
    ) -> str:
        found: str = original(service, method, path, headers, body, query, region, account)
        action = iam_actions.extract_iam_action(service, method, path, headers, body, query) or ""
        tags = iam_actions.request_tag_context(service, action, body, query)
        keys = {key: value for key, value in tags.items() if key.lower().startswith(("aws:requesttag/", "aws:tagkeys"))}
        _pending.set((action, _dependents(action, found, parameters(body, query), body, keys)))
        return found

    return resource


@patches(iam_evaluator, "enforce", needed=None)
def enforced_dependents(original: Any) -> Any:
    """A request without one of the permissions that it implies is rejected; see `dependent_permissions`."""

    def enforce(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        rejection = original(access_key_id, iam_action, service, region, resource_arn, service_context)
        pending = _pending.get()
        if rejection is not None or pending is None or pending[0] != iam_action:
            return rejection
        _pending.set(None)
        for action, resource, keys in pending[1]:
            rejection = iam_evaluator.enforce(access_key_id, action, action.partition(":")[0], region, resource, keys)
            if rejection is not None:
                _log.warning("%s also needs %s on %s", iam_action, action, resource)
                return rejection
        return None

    return enforce
