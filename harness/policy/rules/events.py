"""Events: every delivery has a second chance and an end, and goes through the alias that deployments move."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.plan.arn import function_in, is_of
from harness.plan.resource import UNKNOWN, Resource, number, shown
from harness.policy.finding import Severity
from harness.policy.rule import PLAN, Rule, attribute, completed, relation

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

TARGET = ("aws_cloudwatch_event_target",)
_EB = "https://docs.aws.amazon.com/eventbridge/latest/userguide"
_LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg"


@attribute(
    Rule(
        id="CKV_INV_301",
        title="Event targets have a dead-letter queue, which exists",
        severity=Severity.HIGH,
        types=TARGET,
        rationale="EventBridge drops an event after its retries: without a queue it is lost without a trace.",
        guideline=f"{_EB}/eb-rule-dlq.html",
        remedy="Add dead_letter_config { arn = <queue> } to the target, and let the queue's policy admit the rule.",
    )
)
def target_dead_letters(target: Resource) -> Iterator[str]:
    """A queue that only the apply names is one too."""
    arn = target.get("dead_letter_config.arn")
    if arn is not UNKNOWN and not arn:
        yield "It has no dead-letter queue."


@completed("CKV_INV_301")
def target_dead_letters_exist(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """In a whole environment, whose queues are all in the plan: EventBridge drops what a missing queue should take."""
    if plan.environment in {"", "bootstrap"}:
        return
    for target in plan.of(*TARGET):
        arn = target.get("dead_letter_config.arn")
        if isinstance(arn, str) and arn and not is_of(arn, plan.of("aws_sqs_queue")):
            yield target.address, f"Its dead-letter queue is {shown(arn)}, which is not in this plan."


@attribute(
    Rule(
        id="CKV_INV_302",
        title="Event targets say how often they are retried",
        severity=Severity.MEDIUM,
        types=TARGET,
        rationale="By default EventBridge retries for 24 hours, 185 times: an old event then acts on a world that "
        "has moved on; "
        "with none, one hiccup sends it to the queue.",
        guideline=f"{_EB}/eb-rule-retry-policy.html",
        remedy="Add retry_policy { maximum_event_age_in_seconds = 60 to 86400, maximum_retry_attempts = 1 to 185 }.",
    )
)
def target_retries(target: Resource) -> Iterator[str]:
    """Both settings, so that neither is AWS's default by chance."""
    for name, low in (("maximum_event_age_in_seconds", 60), ("maximum_retry_attempts", 1)):
        found = target.get(f"retry_policy.{name}")
        if found is not UNKNOWN and (number(found) or 0) < low:
            yield f"retry_policy.{name} is {shown(found)}."


@attribute(
    Rule(
        id="CKV_INV_306",
        title="Topics and queues are encrypted",
        severity=Severity.MEDIUM,
        types=("aws_sns_topic", "aws_sqs_queue"),
        rationale="Messages lie at rest until they are delivered: ids, names of customers, what failed.",
        guideline="https://docs.aws.amazon.com/sns/latest/dg/sns-server-side-encryption.html",
        remedy="Set kms_master_key_id to the environment's key (module kms-key), or sqs_managed_sse_enabled = true on "
        "a queue.",
        modes=frozenset({PLAN}),
        scope="live",
    )
)
def encrypted_messages(one: Resource) -> Iterator[str]:
    """A key that only the apply knows is one."""
    key, managed = one.get("kms_master_key_id"), one.get("sqs_managed_sse_enabled")
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
"""What calls functions, and where it names them."""


@relation(
    Rule(
        id="CKV_INV_303",
        title="Everything calls functions through their alias",
        severity=Severity.HIGH,
        types=(*CALLERS, "aws_lambda_alias"),
        rationale="A call past the alias runs unpublished code: canaries and rollbacks do not reach it.",
        guideline=f"{_LAMBDA}/configuration-aliases.html",
        remedy="Give it the alias's ARN (arn:…:function:<name>:<alias>, or aws_lambda_alias.<x>.arn; its invoke_arn "
        "for an "
        "API), never the function's.",
        modes=frozenset({PLAN}),
    )
)
def through_alias(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By the ARN where it is known, otherwise by what it refers to; and an alias is on a published version."""
    for alias in plan.of("aws_lambda_alias"):
        if alias.get("function_version") == "$LATEST":
            yield alias.address, "It points at $LATEST, which every deployment changes at once."
    for caller in plan.of(*CALLERS):
        path = CALLERS[caller.type]
        for value in caller.all(path):
            for message in _past_alias(plan, caller, path, value):
                yield caller.address, message


def _past_alias(plan: "PlanGraph", caller: Resource, path: str, value: object) -> Iterator[str]:
    if value is not UNKNOWN:
        arn = function_in(value)
        if arn and not arn.is_alias:
            yield f"{path} names {f'{arn.name}:{arn.qualifier}' if arn.qualifier else arn.name}, which is no alias."
        elif caller.type in {"aws_lambda_event_source_mapping", "aws_secretsmanager_secret_rotation"} and not arn:
            yield f"{path} is {shown(value)}, which is no alias."
        return
    if not plan.links(caller, path, "aws_lambda_alias") and (
        plan.links(caller, path, "aws_lambda_function") or caller.type == "aws_lambda_event_source_mapping"
    ):
        yield f"{path} comes from the function itself, not from an alias."


@attribute(
    Rule(
        id="CKV_INV_304",
        title="Permissions are for the alias, and for one caller",
        severity=Severity.HIGH,
        types=("aws_lambda_permission",),
        rationale="A permission on the function does not let anybody call the alias; one without a source lets any "
        "bucket, rule "
        "or API of any account call it.",
        guideline=f"{_LAMBDA}/access-control-resource-based.html",
        remedy="Set qualifier to the alias's name, principal to one service, source_arn to the caller's ARN, and, for "
        "S3, "
        "source_account.",
    )
)
def permission(one: Resource) -> Iterator[str]:
    """What one permission leaves open."""
    qualifier = one.get("qualifier")
    if qualifier is not UNKNOWN and (not qualifier or str(qualifier) == "$LATEST" or str(qualifier).isdigit()):
        yield f"qualifier is {shown(qualifier)}: it is not for the alias."
    principal = one.get("principal")
    if principal is not UNKNOWN and not str(principal).endswith(".amazonaws.com"):
        yield f"principal is {shown(principal)}: it is for more than one service."
    source = one.get("source_arn")
    if source is not UNKNOWN and (not source or _open(str(source))):
        yield f"source_arn is {shown(source)}: it is for any caller."
    if principal == "s3.amazonaws.com" and one.get("source_account") is None:
        yield "source_account is not set: whoever gets hold of a deleted bucket's name could call it."
    action = one.get("action")
    if action is not UNKNOWN and action != "lambda:InvokeFunction":
        yield f"action is {shown(action)}."


def _open(source: str) -> bool:
    """Whether an ARN leaves out whose resource it is."""
    resource = source.split(":", 5)[-1]
    return not source.startswith("arn:") or not resource.strip("*/")


@relation(
    Rule(
        id="CKV_INV_305",
        title="What calls a function is itself allowed to, and what it calls exists",
        severity=Severity.HIGH,
        types=("aws_cloudwatch_event_target", "aws_s3_bucket_notification", "aws_api_gateway_integration"),
        rationale="Without the permission EventBridge, S3 and API Gateway are refused at run time, which no apply "
        "shows.",
        guideline=f"{_LAMBDA}/access-control-resource-based.html",
        remedy="Add an aws_lambda_permission for the alias (function_name, qualifier, principal, source_arn), and name "
        "a function and "
        "alias that exist.",
        modes=frozenset({PLAN}),
        scope="live",
    )
)
def allowed_to_call(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """In a whole environment, where function, alias and permission are all in the plan."""
    aliases = {
        (str(one.get("function_name")).split(":")[-1], str(one.get("name"))) for one in plan.of("aws_lambda_alias")
    }
    allowed: dict[tuple[str, str, str], list[Resource]] = {}
    for one in plan.of("aws_lambda_permission"):
        who = (str(one.get("function_name")).split(":")[-1], str(one.get("qualifier")), str(one.get("principal")))
        allowed.setdefault(who, []).append(one)
    for kind, principal in _PRINCIPALS.items():
        for caller in plan.of(kind):
            for value in caller.all(CALLERS[kind]):
                arn = function_in(value)
                if not arn or not arn.is_alias:
                    continue  # CKV_INV_303's business
                if (arn.name, arn.qualifier) not in aliases:
                    yield caller.address, f"It calls {arn.name}:{arn.qualifier}, which is not in this plan."
                    continue
                permissions = allowed.get((arn.name, str(arn.qualifier), principal), [])
                if not permissions:
                    yield caller.address, f"Nothing allows {principal} to call {arn.name}:{arn.qualifier}."
                elif not any(_is_for(plan, one, caller) for one in permissions):
                    named = ", ".join(sorted(f"{one.address} ({shown(one.get('source_arn'))})" for one in permissions))
                    yield (
                        caller.address,
                        f"It may not call {arn.name}:{arn.qualifier}: source_arn names another caller in {named}.",
                    )


def _is_for(plan: "PlanGraph", permission: Resource, caller: Resource) -> bool:
    """Whether a permission's source may be the caller: by its known ARN, otherwise by what it refers to."""
    source, (path, kind, attribute_) = permission.get("source_arn"), _SOURCES[caller.type]
    meant = plan.links(caller, path, kind)
    if source is UNKNOWN:
        named = plan.links(permission, "source_arn", kind)
        return not named or not meant or any(one in meant for one in named)
    here = caller.get(path)
    names = [here] if isinstance(here, str) else [one.get(attribute_) for one in meant]
    if not isinstance(source, str) or not names or any(not isinstance(one, str) for one in names):
        return True  # nobody can tell, or CKV_INV_304's business
    return any(_covers(source.split(":", 5)[-1], caller, name) for name in names)


def _covers(pattern: str, caller: Resource, name: str) -> bool:
    """Whether the last part of a source's ARN covers the caller: a bucket, a rule of its bus, an API's method."""
    if caller.type == "aws_s3_bucket_notification":
        return _like(name, pattern)
    if caller.type == "aws_cloudwatch_event_target":
        bus = caller.get("event_bus_name")
        if bus is UNKNOWN:
            return _like(name, pattern.rpartition("/")[2])
        wanted = f"rule/{name}" if bus in {None, "default"} else f"rule/{str(bus).rpartition('/')[2]}/{name}"
        return _like(wanted, pattern)
    api, _, method, *_ = [*pattern.split("/"), "*", "*"]
    verb = caller.get("http_method")
    return _like(name, api) and (verb is UNKNOWN or _like(str(verb), method))


def _like(text: str, pattern: str) -> bool:
    """Whether a text fits a pattern of an ARN, with * and ?."""
    return bool(re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text))


_SOURCES = {
    "aws_api_gateway_integration": ("rest_api_id", "aws_api_gateway_rest_api", "id"),
    "aws_cloudwatch_event_target": ("rule", "aws_cloudwatch_event_rule", "name"),
    "aws_s3_bucket_notification": ("bucket", "aws_s3_bucket", "bucket"),
}
"""Where a caller names what a permission's source_arn must name, and by which attribute."""


_PRINCIPALS = {
    "aws_api_gateway_integration": "apigateway.amazonaws.com",
    "aws_cloudwatch_event_target": "events.amazonaws.com",
    "aws_s3_bucket_notification": "s3.amazonaws.com",
}
