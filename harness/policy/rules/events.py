"""Events: every delivery is retried, ends somewhere, and goes through the alias that deployments move."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.plan.arn import function_in, is_of, like
from harness.plan.resource import UNKNOWN, Resource, number, shown
from harness.policy.rule import also_on_plan, attribute, relation

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

TARGET = ("aws_cloudwatch_event_target",)


@attribute("CKV_INV_301", TARGET)
def target_dead_letters(target: Resource) -> Iterator[str]:
    """A queue that is known after the apply only counts as one."""
    arn = target.get("dead_letter_config.arn")
    if arn is not UNKNOWN and not arn:
        yield "It has no dead-letter queue."


@also_on_plan("CKV_INV_301")
def target_dead_letters_exist(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """In whole environments, where the plan has every queue: EventBridge drops events for a missing one."""
    if plan.environment in {"", "bootstrap"}:
        return
    for target in plan.of(*TARGET):
        arn = target.get("dead_letter_config.arn")
        if isinstance(arn, str) and arn and not is_of(arn, plan.of("aws_sqs_queue")):
            yield target.address, f"Its dead-letter queue is {shown(arn)}, which is not in this plan."


@attribute("CKV_INV_302", TARGET)
def target_retries(target: Resource) -> Iterator[str]:
    """Both settings, so that neither is left to AWS's default."""
    for name, low in (("maximum_event_age_in_seconds", 60), ("maximum_retry_attempts", 1)):
        value = target.get(f"retry_policy.{name}")
        if value is not UNKNOWN and (number(value) or 0) < low:
            yield f"retry_policy.{name} is {shown(value)}."


@attribute("CKV_INV_306", ("aws_sns_topic", "aws_sqs_queue"))
def encrypted_messages(resource: Resource) -> Iterator[str]:
    """A key that is known after the apply only counts as one."""
    key, managed = resource.get("kms_master_key_id"), resource.get("sqs_managed_sse_enabled")
    if key is UNKNOWN or key or managed is UNKNOWN or managed:
        return
    yield "It is not encrypted."


CALLERS = {
    "aws_api_gateway_integration": "uri",
    "aws_cloudwatch_event_target": "arn",
    "aws_lambda_event_source_mapping": "function_name",
    "aws_s3_bucket_notification": "lambda_function.lambda_function_arn",
    "aws_secretsmanager_secret_rotation": "rotation_lambda_arn",
    "aws_sns_topic_subscription": "endpoint",
}
"""Types that call functions, and the attribute that names the function."""


@relation("CKV_INV_303", (*CALLERS, "aws_lambda_alias"))
def through_alias(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By the ARN where it is known, otherwise by the references. An alias must point at a published version."""
    for alias in plan.of("aws_lambda_alias"):
        if alias.get("function_version") == "$LATEST":
            yield alias.address, "It points at $LATEST, which every deployment changes at once."
    for caller in plan.of(*CALLERS):
        path = CALLERS[caller.type]
        for value in caller.all(path):
            for message in _without_alias(plan, caller, path, value):
                yield caller.address, message


def _without_alias(plan: "PlanGraph", caller: Resource, path: str, value: object) -> Iterator[str]:
    if value is not UNKNOWN:
        arn = function_in(value)
        if arn and not arn.is_alias:
            name = f"{arn.name}:{arn.qualifier}" if arn.qualifier else arn.name
            yield f"{path} names {name}, which is not an alias."
        elif caller.type in {"aws_lambda_event_source_mapping", "aws_secretsmanager_secret_rotation"} and not arn:
            yield f"{path} is {shown(value)}, which is not an alias."
        return
    if not plan.links(caller, path, "aws_lambda_alias") and (
        plan.links(caller, path, "aws_lambda_function") or caller.type == "aws_lambda_event_source_mapping"
    ):
        yield f"{path} comes from the function itself, not from an alias."


@attribute("CKV_INV_304", ("aws_lambda_permission",))
def permission(resource: Resource) -> Iterator[str]:
    """Everything that one permission leaves open."""
    qualifier = resource.get("qualifier")
    if qualifier is not UNKNOWN and (not qualifier or str(qualifier) == "$LATEST" or str(qualifier).isdigit()):
        yield f"qualifier is {shown(qualifier)}: it is not for the alias."
    principal = resource.get("principal")
    if principal is not UNKNOWN and not str(principal).endswith(".amazonaws.com"):
        yield f"principal is {shown(principal)}: it is for more than one service."
    source = resource.get("source_arn")
    if source is not UNKNOWN and (not source or _is_open(str(source))):
        yield f"source_arn is {shown(source)}: it is for any caller."
    if principal == "s3.amazonaws.com" and resource.get("source_account") is None:
        yield "source_account is not set: whoever creates a bucket with the name of a deleted one could call it."
    action = resource.get("action")
    if action is not UNKNOWN and action != "lambda:InvokeFunction":
        yield f"action is {shown(action)}."


def _is_open(source: str) -> bool:
    """Whether an ARN names no resource in particular."""
    resource = source.split(":", 5)[-1]
    return not source.startswith("arn:") or not resource.strip("*/")


@relation("CKV_INV_305", ("aws_cloudwatch_event_target", "aws_s3_bucket_notification", "aws_api_gateway_integration"))
def allowed_to_call(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """In whole environments, where the plan has every function, alias and permission."""
    aliases = {
        (str(alias.get("function_name")).split(":")[-1], str(alias.get("name")))
        for alias in plan.of("aws_lambda_alias")
    }
    permissions: dict[tuple[str, str, str], list[Resource]] = {}
    for resource in plan.of("aws_lambda_permission"):
        function = str(resource.get("function_name")).split(":")[-1]
        key = (function, str(resource.get("qualifier")), str(resource.get("principal")))
        permissions.setdefault(key, []).append(resource)
    for kind, principal in _PRINCIPALS.items():
        for caller in plan.of(kind):
            for value in caller.all(CALLERS[kind]):
                arn = function_in(value)
                if not arn or not arn.is_alias:
                    continue  # CKV_INV_303 judges that
                if (arn.name, arn.qualifier) not in aliases:
                    yield caller.address, f"It calls {arn.name}:{arn.qualifier}, which is not in this plan."
                    continue
                candidates = permissions.get((arn.name, str(arn.qualifier), principal), [])
                if not candidates:
                    yield caller.address, f"Nothing allows {principal} to call {arn.name}:{arn.qualifier}."
                elif not any(_is_for(plan, candidate, caller) for candidate in candidates):
                    names = ", ".join(
                        sorted(
                            f"{candidate.address} ({shown(candidate.get('source_arn'))})" for candidate in candidates
                        )
                    )
                    yield (
                        caller.address,
                        f"It may not call {arn.name}:{arn.qualifier}: source_arn names another caller in {names}.",
                    )


def _is_for(plan: "PlanGraph", permission: Resource, caller: Resource) -> bool:
    """Whether a permission's source may be the caller: by its ARN where that is known, otherwise by the references."""
    source, (path, kind, attribute_) = permission.get("source_arn"), _SOURCES[caller.type]
    origins = plan.links(caller, path, kind)
    if source is UNKNOWN:
        sources = plan.links(permission, "source_arn", kind)
        return not sources or not origins or any(resource in origins for resource in sources)
    value = caller.get(path)
    names = [value] if isinstance(value, str) else [origin.get(attribute_) for origin in origins]
    if not isinstance(source, str) or not names or any(not isinstance(name, str) for name in names):
        return True  # the plan does not show it, or CKV_INV_304 judges it
    return any(_covers(source.split(":", 5)[-1], caller, name) for name in names)


def _covers(pattern: str, caller: Resource, name: str) -> bool:
    """Whether the last part of a source's ARN covers the caller: its bucket, its rule on its bus, or its API method."""
    if caller.type == "aws_s3_bucket_notification":
        return like(pattern, name)
    if caller.type == "aws_cloudwatch_event_target":
        bus = caller.get("event_bus_name")
        if bus is UNKNOWN:
            return like(pattern.rpartition("/")[2], name)
        path = f"rule/{name}" if bus in {None, "default"} else f"rule/{str(bus).rpartition('/')[2]}/{name}"
        return like(pattern, path)
    api, _, method, *_ = [*pattern.split("/"), "*", "*"]
    verb = caller.get("http_method")
    return like(api, name) and (verb is UNKNOWN or like(method, str(verb)))


_SOURCES = {
    "aws_api_gateway_integration": ("rest_api_id", "aws_api_gateway_rest_api", "id"),
    "aws_cloudwatch_event_target": ("rule", "aws_cloudwatch_event_rule", "name"),
    "aws_s3_bucket_notification": ("bucket", "aws_s3_bucket", "bucket"),
}
"""By type of caller: where it names the resource that a permission's source_arn must name, and by which attribute."""


_PRINCIPALS = {
    "aws_api_gateway_integration": "apigateway.amazonaws.com",
    "aws_cloudwatch_event_target": "events.amazonaws.com",
    "aws_s3_bucket_notification": "s3.amazonaws.com",
}
