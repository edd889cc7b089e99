"""Events: what the code (or an outside party) puts on a bus ⇔ the rules that match it, and their targets."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.contract.functions import Function, function_called
from harness.contract.mismatch import Mismatch, listed
from harness.contract.patterns import matches
from harness.contract.source import items
from harness.plan.graph import PlanGraph
from harness.plan.resource import UNKNOWN, Resource, parsed

_RESOURCE = re.compile(r"\baws_\w+\.[\w-]+")


@dataclass(frozen=True)
class EmittedEvent:
    """An event, and who is meant to receive it.

    Attributes:
        where: File and symbol of what emits it, or the document that names the outside emitter.
        body: The event as EventBridge delivers it: ``source``, ``detail-type``, ``detail`` …
        bus: The bus that it is put on.
        receivers: Who it is for: functions by `Function.name`, topics and queues by their names; empty if nobody.
    """

    where: str
    body: Mapping[str, Any]
    bus: str
    receivers: frozenset[str]

    def __str__(self) -> str:
        return f"{self.body['detail-type']} of {self.body['source']}"


@dataclass(frozen=True)
class EventRule:
    """A rule as planned.

    Attributes:
        name: On AWS.
        address: The resource.
        bus: The bus that it listens on.
        pattern: The events that it matches.
        receivers: Its targets, named as in `EmittedEvent`.
    """

    name: str
    address: str
    bus: str
    pattern: Mapping[str, Any]
    receivers: frozenset[str]


def rules_of(plan: PlanGraph, functions: Mapping[str, Function], sources: Path | None = None) -> list[EventRule]:
    """The rules of a plan that have a pattern, with their targets.

    Args:
        plan: The plan.
        functions: Of the same plan.
        sources: The module that passes the targets to the bus's module. Its source shows which resource a target is
            where the plan has it as known only after apply.
    """
    rules = []
    for rule in plan.of("aws_cloudwatch_event_rule"):
        pattern = parsed(rule.get("event_pattern"))
        if not isinstance(pattern, Mapping):
            continue
        targets = [
            target
            for target in plan.of("aws_cloudwatch_event_target")
            if target.get("rule") == rule.get("name") and target.get("event_bus_name") == rule.get("event_bus_name")
        ]
        receivers = frozenset(_receiver(plan, target, functions, sources) for target in targets)
        rules.append(
            EventRule(str(rule.get("name")), rule.address, str(rule.get("event_bus_name")), pattern, receivers)
        )
    return rules


def _receiver(plan: PlanGraph, target: Resource, functions: Mapping[str, Function], sources: Path | None) -> str:
    arn, name = target.get("arn"), str(target.get("target_id"))
    if arn is UNKNOWN:
        expression = " ".join(item.text for item in items(sources, name)) if sources else ""
        names = {
            str(resource.get("name"))
            for reference in _RESOURCE.findall(expression)
            for resource in plan.followed(reference, target.module[:-1])
        }
        return names.pop() if len(names) == 1 else f"{name} (known after apply)"
    if ":lambda:" in str(arn):
        return function_called(arn, functions)
    return str(arn).rpartition(":")[2]


def compare(rules: Sequence[EventRule], events: Sequence[EmittedEvent]) -> Iterator[Mismatch]:
    """Each event reaches exactly its receivers; and no rule, or part of one, waits for an event that nobody emits.

    Args:
        rules: As planned.
        events: Every event that the code emits, and those that come from outside.
    """
    for event in events:
        yield from _compare_delivery(rules, event)
    for rule in rules:
        yield from _compare_use(rule, events)


def _compare_delivery(rules: Sequence[EventRule], event: EmittedEvent) -> Iterator[Mismatch]:
    """The event reaches its receivers and nobody else."""
    matching = [rule for rule in rules if rule.bus == event.bus and matches(rule.pattern, event.body)]
    reached = frozenset(name for rule in matching for name in rule.receivers)
    if reached == event.receivers and reached:
        return
    if matching:
        plan = "; ".join(f"{rule.address} delivers it to {listed(rule.receivers)}" for rule in matching)
    else:
        others = "; ".join(f"{rule.address} matches {json.dumps(rule.pattern)} on {rule.bus}" for rule in rules)
        plan = f"no rule matches it: {others}"
    yield Mismatch(
        f"The event {event} does not reach its receivers",
        f"{event.where} emits it on {event.bus} for {listed(event.receivers)}",
        plan,
        "Let the rule's pattern have the detail-type and source that the code sends.",
    )


def _compare_use(rule: EventRule, events: Sequence[EmittedEvent]) -> Iterator[Mismatch]:
    """Something emits every event that the rule waits for."""
    on_bus = [event for event in events if event.bus == rule.bus]
    for pattern, part in _parts(rule.pattern):
        if not any(matches(pattern, event.body) for event in on_bus):
            yield Mismatch(
                f"The rule {rule.name} waits for {part}, which nobody emits",
                f"emitted are {listed({f'{event} ({event.where})' for event in events})}",
                f"{rule.address} matches {json.dumps(rule.pattern)} on {rule.bus}",
                "Rename the event in both, or remove it from the rule.",
            )


def _parts(pattern: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """The pattern once for each of its detail-types, because something has to emit each of them."""
    kinds = pattern.get("detail-type")
    if not isinstance(kinds, list):
        yield pattern, json.dumps(pattern)
        return
    for kind in kinds:
        yield {**pattern, "detail-type": [kind]}, json.dumps(kind)
