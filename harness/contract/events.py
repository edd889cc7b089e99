"""Events: what the code (or somebody outside) puts on a bus ⇔ the rules that take it, and whom they hand it to."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.contract.functions import Function, called
from harness.contract.mismatch import Mismatch, listed
from harness.contract.patterns import matches
from harness.contract.source import items
from harness.plan.graph import PlanGraph
from harness.plan.resource import UNKNOWN, Resource, parsed

_RESOURCE = re.compile(r"\baws_\w+\.[\w-]+")


@dataclass(frozen=True)
class Emitted:
    """An event, and who is meant to get it.

    Attributes:
        where: File and symbol of what emits it, or the document that says who else does.
        event: As EventBridge hands it on: ``source``, ``detail-type``, ``detail`` …
        bus: The bus that it is put on.
        takers: Whom it is for: functions by `Function.name`, topics and queues by their names; none if nobody.
    """

    where: str
    event: Mapping[str, Any]
    bus: str
    takers: frozenset[str]

    def __str__(self) -> str:
        return f"{self.event['detail-type']} of {self.event['source']}"


@dataclass(frozen=True)
class EventRule:
    """A rule as planned.

    Attributes:
        name: On AWS.
        address: The resource.
        bus: The bus that it listens on.
        pattern: What it takes.
        takers: Whom it hands that to, named as in `Emitted`.
    """

    name: str
    address: str
    bus: str
    pattern: Mapping[str, Any]
    takers: frozenset[str]


def rules_of(plan: PlanGraph, functions: Mapping[str, Function], sources: Path | None = None) -> list[EventRule]:
    """The rules of a plan that have a pattern, with their targets.

    Args:
        plan: The plan.
        functions: Of the same plan.
        sources: The module that hands the targets to the bus's: its source tells of which resource a target is that
            only the apply will know.
    """
    found = []
    for rule in plan.of("aws_cloudwatch_event_rule"):
        pattern = parsed(rule.get("event_pattern"))
        if not isinstance(pattern, Mapping):
            continue
        targets = [
            target
            for target in plan.of("aws_cloudwatch_event_target")
            if target.get("rule") == rule.get("name") and target.get("event_bus_name") == rule.get("event_bus_name")
        ]
        takers = frozenset(_taker(plan, target, functions, sources) for target in targets)
        found.append(EventRule(str(rule.get("name")), rule.address, str(rule.get("event_bus_name")), pattern, takers))
    return found


def _taker(plan: PlanGraph, target: Resource, functions: Mapping[str, Function], sources: Path | None) -> str:
    arn, name = target.get("arn"), str(target.get("target_id"))
    if arn is UNKNOWN:
        written = " ".join(one.text for one in items(sources, name)) if sources else ""
        linked = {
            str(one.get("name"))
            for reference in _RESOURCE.findall(written)
            for one in plan.followed(reference, target.module[:-1])
        }
        return linked.pop() if len(linked) == 1 else f"{name} (known after apply)"
    if ":lambda:" in str(arn):
        return called(arn, functions)
    return str(arn).rpartition(":")[2]


def compare(rules: Sequence[EventRule], emitted: Sequence[Emitted]) -> Iterator[Mismatch]:
    """Each event is for somebody, and handed to those alone; and no rule, or part of one, waits for nothing.

    Args:
        rules: As planned.
        emitted: Every event that the code emits, and those that come from outside.
    """
    for one in emitted:
        taking = [rule for rule in rules if rule.bus == one.bus and matches(rule.pattern, one.event)]
        got = frozenset(name for rule in taking for name in rule.takers)
        if got != one.takers or not got:
            others = "; ".join(f"{rule.address} takes {json.dumps(rule.pattern)} on {rule.bus}" for rule in rules)
            yield Mismatch(
                f"The event {one} does not reach those that it is for",
                f"{one.where} emits it on {one.bus} for {listed(one.takers)}",
                "; ".join(f"{rule.address} hands it to {listed(rule.takers)}" for rule in taking)
                or f"no rule takes it: {others}",
                "Let the rule's pattern name the event's detail-type and source as the code does.",
            )
    for rule in rules:
        mine = [one for one in emitted if one.bus == rule.bus]
        for narrower, part in _parts(rule.pattern):
            if not any(matches(narrower, one.event) for one in mine):
                yield Mismatch(
                    f"The rule {rule.name} waits for {part}, which nobody emits",
                    f"emitted are {listed({f'{one} ({one.where})' for one in emitted})}",
                    f"{rule.address} takes {json.dumps(rule.pattern)} on {rule.bus}",
                    "Rename the event in both, or take it out of the rule.",
                )


def _parts(pattern: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """The pattern with one alternative at a time of its detail-types, each of which somebody has to emit."""
    kinds = pattern.get("detail-type")
    if not isinstance(kinds, list):
        yield pattern, json.dumps(pattern)
        return
    for kind in kinds:
        yield {**pattern, "detail-type": [kind]}, json.dumps(kind)
