"""What works or warns is switched on: deliveries, keys, traces and logs of the API, limits of its clients."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.plan.resource import UNKNOWN, Resource, is_false, is_true, listed, number, shown
from harness.policy.rule import attribute, relation
from harness.policy.rules import reviewed

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph


@dataclass(frozen=True)
class Switch:
    """An argument that switches a resource off.

    Attributes:
        argument: Its name.
        on: The values that leave it on; a missing argument does too.
        harm: What happens otherwise.
    """

    argument: str
    on: tuple[Any, ...]
    harm: str


SWITCHES: Mapping[str, tuple[Switch, ...]] = {
    "aws_api_gateway_api_key": (Switch("enabled", (True,), "its client is rejected"),),
    "aws_cloudwatch_event_rule": (
        Switch("is_enabled", (True,), "its events are dropped"),
        Switch("state", ("ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"), "its events are dropped"),
    ),
    "aws_kms_key": (Switch("is_enabled", (True,), "nothing that it has encrypted can be read"),),
    "aws_lambda_event_source_mapping": (Switch("enabled", (True,), "its stream or queue is not read, and expires"),),
    "aws_scheduler_schedule": (Switch("state", ("ENABLED",), "it never runs"),),
}


@attribute("CKV_INV_307", tuple(SWITCHES))
def switched_on(resource: Resource) -> Iterator[str]:
    """By the argument that each type has for it."""
    for switch in SWITCHES[resource.type]:
        value = resource.get(switch.argument)
        if value is None or value is UNKNOWN or value in switch.on or (True in switch.on and is_true(value)):
            continue
        yield f"{switch.argument} is {shown(value)}: {switch.harm}."


@attribute("CKV_INV_410", ("aws_api_gateway_usage_plan", "aws_api_gateway_method_settings"))
def limited(resource: Resource) -> Iterator[str]:
    """A usage plan needs a quota and a rate; the stage's settings must not lift AWS's limits, nor block everything."""
    if resource.type == "aws_api_gateway_method_settings":
        for name in ("throttling_rate_limit", "throttling_burst_limit"):
            value = resource.get(f"settings.{name}")
            if number(value) is not None and (number(value) or 0) <= 0:
                yield f"settings.{name} is {shown(value)}."
        return
    for path in ("quota_settings.limit", "throttle_settings.rate_limit", "throttle_settings.burst_limit"):
        value = resource.get(path)
        if value is not UNKNOWN and (number(value) or 0) <= 0:
            yield f"{path} is {shown(value)}."


@relation("CKV_INV_411", ("aws_api_gateway_stage", "aws_api_gateway_method_settings"))
def api_logged(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Access logs by the stage; errors and metrics by its settings; never whole bodies, which hold personal data."""
    for stage in plan.of("aws_api_gateway_stage"):
        destination = stage.get("access_log_settings.destination_arn")
        if destination is not UNKNOWN and not destination:
            yield stage.address, "It has no access log."
    if plan.environment == "prod" and not plan.of("aws_api_gateway_account"):
        for stage in plan.of("aws_api_gateway_stage"):
            yield stage.address, "Nothing gives API Gateway the role with which it logs (aws_api_gateway_account)."
    for settings in plan.of("aws_api_gateway_method_settings"):
        level = settings.get("settings.logging_level")
        if level is not UNKNOWN and level not in {"ERROR", "INFO"}:
            yield settings.address, f"settings.logging_level is {shown(level)}."
        if is_false(settings.get("settings.metrics_enabled")):
            yield settings.address, "settings.metrics_enabled is false: alarms on its methods see nothing."
        if is_true(settings.get("settings.data_trace_enabled")):
            yield settings.address, "settings.data_trace_enabled is true: whole requests are logged."


@relation("CKV_INV_806", ("aws_budgets_budget",))
def budget_warns(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Actual costs, at the limit at the latest, to somebody."""
    for budget in plan.of("aws_budgets_budget"):
        notifications = listed(budget.values.get("notification"))
        if not any(isinstance(each, Mapping) and _warns(each) for each in notifications):
            yield budget.address, "No notification warns somebody of actual costs at the limit or before it."

    if plan.environment:
        yield from _uncounted(plan)


def _uncounted(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """A limit above the reviewed one, and filters: several count only what all of them let through."""
    highest = reviewed.of(plan.environment).monthly_budget_usd
    for budget in plan.of("aws_budgets_budget"):
        limit = number(budget.get("limit_amount"))
        if limit is not None and limit > highest:
            yield budget.address, f"Its limit is {limit:.0f}: policy/environments.toml allows {highest}."
        for block in listed(budget.values.get("cost_filter")):
            name, values = (block.get("name"), listed(block.get("values"))) if isinstance(block, Mapping) else ("", [])
            if name != "TagKeyValue" or values != [f"user:Environment${plan.environment}"]:
                yield budget.address, f"Its filter {shown(name)} {shown(values)} leaves out costs of this environment."


def _warns(notification: Mapping[str, Any]) -> bool:
    recipients = [notification.get(name) for name in ("subscriber_email_addresses", "subscriber_sns_topic_arns")]
    return (
        notification.get("notification_type") in {"ACTUAL", UNKNOWN}
        and notification.get("comparison_operator") in {"GREATER_THAN", UNKNOWN}
        and notification.get("threshold_type") in {"PERCENTAGE", UNKNOWN}
        and 0 < (number(notification.get("threshold")) or 0) <= 100
        and any(each is UNKNOWN or each for each in recipients)
    )
