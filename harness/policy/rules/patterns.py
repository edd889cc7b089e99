"""Event patterns: which events a rule receives is written out, and from reviewed sources only."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.plan.resource import Resource, shown, text
from harness.policy.rule import relation
from harness.policy.rules import reviewed
from harness.settings import PLATFORM

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

RULE = ("aws_cloudwatch_event_rule",)
_FIELDS = ("source", "detail-type")


@relation("CKV_INV_313", RULE)
def listed_events(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Our own events from our own source, payments from reviewed sources, each by its whole name."""
    sources = reviewed.of(plan.environment).payment_sources
    received: set[str] = set()
    rules = [rule for rule in plan.of(*RULE) if not text(rule.get("schedule_expression"))]  # those are CKV_INV_316's
    for rule in rules:
        pattern = _pattern(rule)
        problems = [*_unwritten(pattern)]
        if not problems:
            problems = [*_unlisted(pattern, sources)]
            received |= {*pattern["detail-type"]} if pattern["source"] == [PLATFORM.event_source] else set()
        yield from ((rule.address, problem) for problem in problems)
    missing = sorted({*PLATFORM.event_types} - received)
    if rules and missing:
        yield rules[0].address, f"No rule receives {', '.join(missing)} of {PLATFORM.event_source}: it is lost."


def _pattern(rule: Resource) -> Mapping[str, Any]:
    text = rule.get("event_pattern")
    try:
        pattern = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        pattern = None
    return pattern if isinstance(pattern, Mapping) else {}


def _unwritten(pattern: Mapping[str, Any]) -> Iterator[str]:
    """What a pattern leaves open: a missing field, an operator in place of names, or a field that drops events."""
    for field in _FIELDS:
        values = pattern.get(field)
        if not isinstance(values, list) or not values:
            yield f"Its event pattern has no {field}: it receives every one."
        elif not all(isinstance(value, str) and value for value in values):
            yield f"Its event pattern has {field} {shown(values)}: name each value, without prefix, wildcard or exists."
    for field in sorted(pattern.keys() - {*_FIELDS}):
        yield f"Its event pattern has {field}, and drops events that do not match it."


def _unlisted(pattern: Mapping[str, Any], payment_sources: frozenset[str]) -> Iterator[str]:
    sources, types = {*pattern["source"]}, {*pattern["detail-type"]}
    if sources == {PLATFORM.event_source}:
        if unknown := sorted(types - {*PLATFORM.event_types}):
            yield f"It waits for {', '.join(unknown)}, which {PLATFORM.event_source} does not publish."
        return
    if foreign := sorted(sources - payment_sources):
        yield f"It accepts events of {', '.join(foreign)}, which policy/environments.toml does not list."
    if unknown := sorted(types - {*PLATFORM.received_event_types}):
        yield f"It accepts {', '.join(unknown)} from outside."
