"""What the clock starts is written down: compared with the table ``[schedules]`` of ``policy/platform.toml``."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from harness.plan.resource import Resource, shown
from harness.policy.rule import relation
from harness.policy.rules.platform import CONTENT, Schedule
from harness.settings import PLATFORM
from harness.terraform.plan import is_complete

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph


@relation("CKV_INV_316", ("aws_cloudwatch_event_rule", "aws_cloudwatch_event_target"))
def started_as_written(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Every schedule by its rule's name: the expression, and the text that its targets get. Others get events."""
    found = set()
    for rule in plan.of("aws_cloudwatch_event_rule"):
        schedule = next((each for each in CONTENT.schedules if each.matches(rule.get("name"), plan.environment)), None)
        targets = [target for target in plan.of("aws_cloudwatch_event_target") if _is_of(plan, target, rule)]
        if rule.get("schedule_expression") in {None, ""}:
            yield from _texts_instead_of_events(targets)
        elif schedule is None:
            yield rule.address, "policy/platform.toml does not say that the clock starts anything by this name."
        else:
            found.add(schedule)
            yield from _differences(schedule, rule, targets)
    if plan.of("aws_cloudwatch_event_rule") and is_complete(plan.document):
        for schedule in CONTENT.schedules:
            if schedule not in found:
                yield f"module.{PLATFORM.platform_call}", f"It has no schedule {schedule.rule}: {schedule.harm}."


def _is_of(plan: "PlanGraph", target: Resource, rule: Resource) -> bool:
    """By the rule's name, whatever their keys; while it is not known, by the reference and by equal keys."""
    name = target.get("rule")
    if isinstance(name, str):
        return bool(name == rule.get("name"))
    linked = plan.links(target, "rule", "aws_cloudwatch_event_rule")
    return rule in linked if len(linked) == 1 else target.index in {rule.index, None}


def _texts_instead_of_events(targets: list[Resource]) -> Iterator[tuple[str, str]]:
    for target in targets:
        if target.get("input") not in {None, ""}:
            yield target.address, "input is set: the target gets this text, and not the event. Remove input."


def _differences(schedule: Schedule, rule: Resource, targets: list[Resource]) -> Iterator[tuple[str, str]]:
    expression = rule.get("schedule_expression")
    if expression != schedule.expression:
        yield rule.address, f"schedule_expression is {shown(expression)}, and not {shown(schedule.expression)}."
    if rule.get("event_pattern") not in {None, ""}:
        yield rule.address, "It has a pattern too: events of others start what only the clock should."
    for target in targets:
        if _event(target.get("input")) != schedule.event:
            yield target.address, f"input is {shown(target.get('input'))}, and not {json.dumps(dict(schedule.event))}."


def _event(text: Any) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None
