"""Application Auto Scaling: the operations on scalable targets, policies and scheduled actions.

The service stores them for Terraform and boto3. It does not scale, not even with the switch `capacity`.

Reference: https://docs.aws.amazon.com/autoscaling/application/APIReference/
"""

import json
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

from ministack.core.responses import (
    AccountRegionScopedDict,
    error_response_json,
    get_account_id,
    get_region,
    json_response,
)

Json = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

_KINDS = ("targets", "policies", "actions")
_targets = AccountRegionScopedDict()  # _key(...) -> scalable target
_policies = AccountRegionScopedDict()  # _key(...) + name -> scaling policy
_actions = AccountRegionScopedDict()  # _key(...) + name -> scheduled action
_tags = AccountRegionScopedDict()  # scalable target's ARN -> {key: value}

_NAMESPACES = frozenset((
    "appstream", "cassandra", "comprehend", "custom-resource", "dynamodb", "ec2", "ecs", "elasticache",
    "elasticmapreduce", "kafka", "lambda", "neptune", "rds", "sagemaker", "workspaces",
))  # fmt: skip
_POLICY_TYPES = frozenset({"StepScaling", "TargetTrackingScaling", "PredictiveScaling"})
_MAX_TAGS = 50
_SEPARATOR = "\n"


class _RequestError(Exception):
    """An error response: AWS's error code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


async def handle_request(_method: str, _path: str, headers: dict[str, str], body: bytes, _query: Json) -> Response:
    """Serve one JSON 1.1 request; the header ``x-amz-target`` names the operation."""
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    try:
        content = _OPERATIONS.get(operation, _unknown_operation)(json.loads(body or b"{}"))
        response: Response = json_response(content, content_type="application/x-amz-json-1.1")
    except _RequestError as error:
        response = error_response_json(
            error.code, str(error), 400, message_key="Message", content_type="application/x-amz-json-1.1"
        )
    return response


def _unknown_operation(_request: Json) -> Json:
    raise _RequestError("UnknownOperationException", "This is not an operation of Application Auto Scaling.")


def get_state() -> Json:
    """The state that MiniStack persists."""
    return {"targets": _targets, "policies": _policies, "actions": _actions, "tags": _tags}


def load_persisted_state(data: Json) -> None:
    """Restore the result of :func:`get_state`."""
    for store, name in ((_targets, "targets"), (_policies, "policies"), (_actions, "actions"), (_tags, "tags")):
        store._data.update(data[name]._data)


def reset() -> None:
    """Forget everything, in every account and region."""
    for store in (_targets, _policies, _actions, _tags):
        store._data.clear()


# --- scalable targets ---------------------------------------------------------------------------------------------


def _register_scalable_target(request: Json) -> Json:
    key = _key(request)
    target = _targets.get(key)
    if target is None:
        for bound in ("MinCapacity", "MaxCapacity"):
            if bound not in request:
                raise _RequestError("ValidationException", f"{bound} is required to register a new scalable target.")
        identity = uuid.uuid4().hex
        target = {
            **_names(request),
            "RoleARN": request.get("RoleARN") or _service_role(request["ServiceNamespace"]),
            "CreationTime": time.time(),
            "SuspendedState": {},
            "ScalableTargetARN": f"arn:aws:application-autoscaling:{get_region()}:{get_account_id()}"
            f":scalable-target/{identity}",
        }
    merged = {**target, **{bound: request[bound] for bound in ("MinCapacity", "MaxCapacity") if bound in request}}
    if merged["MinCapacity"] > merged["MaxCapacity"]:
        raise _RequestError("ValidationException", "MaxCapacity must be greater than or equal to MinCapacity.")
    off = {"DynamicScalingInSuspended": False, "DynamicScalingOutSuspended": False, "ScheduledScalingSuspended": False}
    merged["SuspendedState"] = {**off, **target["SuspendedState"], **(request.get("SuspendedState") or {})}
    _targets[key] = merged
    arn = merged["ScalableTargetARN"]
    if request.get("Tags"):
        _check_tags({**_tags.get(arn, {}), **request["Tags"]})
        _tags[arn] = {**_tags.get(arn, {}), **request["Tags"]}
    return {"ScalableTargetARN": arn}


def _deregister_scalable_target(request: Json) -> Json:
    key = _key(request)
    target = _targets.get(key)
    if target is None:
        raise _not_found("scalable target", request)
    del _targets[key]
    _tags.pop(target["ScalableTargetARN"], None)
    # "Deregistering a scalable target deletes the scaling policies and the scheduled actions associated with it."
    for store in (_policies, _actions):
        for owned_key in [name for name in store if name.startswith(key + _SEPARATOR)]:
            del store[owned_key]
    return {}


def _describe_scalable_targets(request: Json) -> Json:
    return _page("ScalableTargets", _select(_targets, request, ResourceIds="ResourceId"), request)


# --- scaling policies ---------------------------------------------------------------------------------------------


def _put_scaling_policy(request: Json) -> Json:
    key = _owned_key(request, "PolicyName")
    existing = _policies.get(key)
    kind = request.get("PolicyType") or (existing or {}).get("PolicyType", "StepScaling")
    if kind not in _POLICY_TYPES:
        raise _RequestError("ValidationException", f"{kind} is not a policy type.")
    if _key(request) not in _targets:
        raise _RequestError(
            "ObjectNotFoundException",
            f"No scalable target registered for service namespace: {request['ServiceNamespace']}, "
            f"resource ID: {request['ResourceId']}, scalable dimension: {request['ScalableDimension']}",
        )
    settings = f"{kind}PolicyConfiguration"
    if not request.get(settings) and not (existing or {}).get(settings):
        raise _RequestError("ValidationException", f"{settings} is required for a policy of type {kind}.")
    policy = existing or {
        **_names(request),
        "PolicyName": request["PolicyName"],
        "CreationTime": time.time(),
        "PolicyARN": _scaling_arn("scalingPolicy", request, f"policyName/{request['PolicyName']}"),
        "Alarms": [],
    }
    _policies[key] = {**policy, "PolicyType": kind, settings: request.get(settings) or policy[settings]}
    return {"PolicyARN": policy["PolicyARN"], "Alarms": []}


def _delete_scaling_policy(request: Json) -> Json:
    return _delete_owned(_policies, "PolicyName", "scaling policy", request)


def _describe_scaling_policies(request: Json) -> Json:
    return _page("ScalingPolicies", _select(_policies, request, PolicyNames="PolicyName"), request)


# --- scheduled actions --------------------------------------------------------------------------------------------


def _put_scheduled_action(request: Json) -> Json:
    key = _owned_key(request, "ScheduledActionName")
    existing = _actions.get(key)
    if _key(request) not in _targets:
        raise _not_found("scalable target", request)
    if existing is None and not request.get("Schedule"):
        raise _RequestError("ValidationException", "Schedule is required.")
    action = existing or {
        **_names(request),
        "ScheduledActionName": request["ScheduledActionName"],
        "CreationTime": time.time(),
        "ScheduledActionARN": _scaling_arn(
            "scheduledAction", request, f"scheduledActionName/{request['ScheduledActionName']}"
        ),
    }
    settings = ("Schedule", "Timezone", "StartTime", "EndTime", "ScalableTargetAction")
    _actions[key] = {**action, **{name: request[name] for name in settings if name in request}}
    return {}


def _delete_scheduled_action(request: Json) -> Json:
    return _delete_owned(_actions, "ScheduledActionName", "scheduled action", request)


def _describe_scheduled_actions(request: Json) -> Json:
    actions = _select(_actions, request, ScheduledActionNames="ScheduledActionName")
    return _page("ScheduledActions", actions, request)


def _describe_scaling_activities(request: Json) -> Json:
    _check_namespace(request)
    return {"ScalingActivities": []}


# --- tags ---------------------------------------------------------------------------------------------------------


def _list_tags_for_resource(request: Json) -> Json:
    return {"Tags": dict(_tags.get(_known_arn(request), {}))}


def _tag_resource(request: Json) -> Json:
    arn = _known_arn(request)
    merged = {**_tags.get(arn, {}), **(request.get("Tags") or {})}
    _check_tags(merged, arn)
    _tags[arn] = merged
    return {}


def _untag_resource(request: Json) -> Json:
    arn = _known_arn(request)
    removed = set(request.get("TagKeys") or [])
    _tags[arn] = {key: value for key, value in _tags.get(arn, {}).items() if key not in removed}
    return {}


def _known_arn(request: Json) -> str:
    arn = str(request.get("ResourceARN"))
    if not any(target["ScalableTargetARN"] == arn for target in _targets.values()):
        raise _RequestError("ResourceNotFoundException", f"The resource {arn} was not found.")
    return arn


def _check_tags(tags: dict[str, str], arn: str = "") -> None:
    if len(tags) > _MAX_TAGS:
        raise _RequestError("TooManyTagsException", f"{arn} would have more than {_MAX_TAGS} tags.")


# --- shared functions ---------------------------------------------------------------------------------------------


def _check_namespace(request: Json) -> None:
    namespace = request.get("ServiceNamespace")
    if namespace not in _NAMESPACES:
        raise _RequestError(
            "ValidationException",
            f"1 validation error detected: Value '{namespace}' at 'serviceNamespace' failed to satisfy constraint: "
            "Member must satisfy enum value set",
        )


def _names(request: Json) -> Json:
    return {name: request[name] for name in ("ServiceNamespace", "ResourceId", "ScalableDimension")}


def _key(request: Json) -> str:
    _check_namespace(request)
    for name in ("ResourceId", "ScalableDimension"):
        if not request.get(name):
            raise _RequestError(
                "ValidationException",
                f"1 validation error detected: Value null at '{name[0].lower()}{name[1:]}' failed to satisfy "
                "constraint: Member must not be null",
            )
    return _SEPARATOR.join(_names(request).values())


def _owned_key(request: Json, name: str) -> str:
    if not re.fullmatch(r"[^\x00-\x1f/:]{1,256}|\S.{0,255}", str(request.get(name, ""))):
        raise _RequestError("ValidationException", f"{name} is required.")
    return _key(request) + _SEPARATOR + str(request[name])


def _delete_owned(store: Any, name: str, kind: str, request: Json) -> Json:
    key = _owned_key(request, name)
    if key not in store:
        raise _not_found(kind, request)
    del store[key]
    return {}


def _not_found(kind: str, request: Json) -> _RequestError:
    return _RequestError(
        "ObjectNotFoundException",
        f"No {kind} found for service namespace: {request['ServiceNamespace']}, resource ID: "
        f"{request['ResourceId']}, scalable dimension: {request['ScalableDimension']}",
    )


def _scaling_arn(kind: str, request: Json, rest: str) -> str:
    return (
        f"arn:aws:autoscaling:{get_region()}:{get_account_id()}:{kind}:{uuid.uuid4()}"
        f":resource/{request['ServiceNamespace']}/{request['ResourceId']}:{rest}"
    )


def _service_role(namespace: str) -> str:
    """The service-linked role that AWS creates for a namespace if the request names no role."""
    suffix = {"dynamodb": "DynamoDBTable", "ecs": "ECSService", "lambda": "LambdaConcurrency", "rds": "RDSCluster"}
    kind = suffix.get(namespace, "CustomResource")
    return (
        f"arn:aws:iam::{get_account_id()}:role/aws-service-role/{namespace}.application-autoscaling.amazonaws.com"
        f"/AWSServiceRoleForApplicationAutoScaling_{kind}"
    )


def _select(store: Any, request: Json, **plural: str) -> list[Json]:
    _check_namespace(request)
    names = ("ServiceNamespace", "ResourceId", "ScalableDimension")
    filters = {name: [request[name]] for name in names if name in request}
    filters |= {single: request[many] for many, single in plural.items() if request.get(many)}
    return [item for item in store.values() if all(item[name] in values for name, values in filters.items())]


def _page(member: str, items: list[Json], request: Json) -> Json:
    try:
        start = int(request.get("NextToken") or 0)
    except ValueError:
        raise _RequestError("InvalidNextTokenException", "The next token is not valid.") from None
    end = start + int(request.get("MaxResults") or 50)
    return {member: items[start:end], **({"NextToken": str(end)} if end < len(items) else {})}


_OPERATIONS: dict[str, Callable[[Json], Json]] = {
    "RegisterScalableTarget": _register_scalable_target,
    "DeregisterScalableTarget": _deregister_scalable_target,
    "DescribeScalableTargets": _describe_scalable_targets,
    "PutScalingPolicy": _put_scaling_policy,
    "DeleteScalingPolicy": _delete_scaling_policy,
    "DescribeScalingPolicies": _describe_scaling_policies,
    "PutScheduledAction": _put_scheduled_action,
    "DeleteScheduledAction": _delete_scheduled_action,
    "DescribeScheduledActions": _describe_scheduled_actions,
    "DescribeScalingActivities": _describe_scaling_activities,
    "ListTagsForResource": _list_tags_for_resource,
    "TagResource": _tag_resource,
    "UntagResource": _untag_resource,
}
