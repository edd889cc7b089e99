"""Secrets: rotated, and by whom."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.plan.resource import UNKNOWN, Resource, number, shown
from harness.policy.finding import Severity
from harness.policy.rule import PLAN, Rule, attribute, relation

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

MAXIMUM_DAYS = 90


@relation(
    Rule(
        id="CKV_INV_701",
        title="Every secret is rotated",
        severity=Severity.HIGH,
        types=("aws_secretsmanager_secret",),
        rationale="A key that leaked works until somebody changes it: rotation bounds how long.",
        guideline="https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets.html",
        remedy="Give the secret an aws_secretsmanager_secret_rotation with a function, and rotation_rules { "
        f"automatically_after_days = 1 to {MAXIMUM_DAYS} }}, or a schedule_expression at least as frequent: "
        "rate(N days), or cron(…) with every month, or every other one, of every year.",
        modes=frozenset({PLAN}),
    )
)
def rotated(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By the reference from the rotation."""
    for secret in plan.of("aws_secretsmanager_secret"):
        rotations = [
            one
            for one in plan.of("aws_secretsmanager_secret_rotation")
            if secret in plan.links(one, "secret_id", "aws_secretsmanager_secret")
        ]
        if not rotations:
            yield secret.address, "Nothing rotates it."
        for one in rotations:
            days, schedule = (
                one.get(f"rotation_rules.{name}") for name in ("automatically_after_days", "schedule_expression")
            )
            if isinstance(schedule, str) and schedule:
                if not 0 < (_days_between(schedule) or 0) <= MAXIMUM_DAYS:
                    yield secret.address, f"It is rotated by {shown(schedule)}."
            elif schedule is None and days is not UNKNOWN and not 1 <= (number(days) or 0) <= MAXIMUM_DAYS:
                yield secret.address, f"It is rotated after {shown(days)} days."


_RATE = re.compile(r"rate\((\d+) (hour|day)s?\)")
_CRON = re.compile(r"cron\(\S+ \S+ \S+ (?:\*|\w+/([12])|(\*/[12])) \S+ \*\)")


def _days_between(schedule: str) -> float | None:
    """The days that may pass between two rotations; None for a schedule that may pass over months, or is none."""
    if found := _RATE.fullmatch(schedule.strip()):
        return int(found[1]) / (24 if found[2] == "hour" else 1)
    return 62 if _CRON.fullmatch(schedule.strip()) else None  # every month, or every other one


@attribute(
    Rule(
        id="CKV_INV_702",
        title="Secrets are encrypted with the environment's own key",
        severity=Severity.MEDIUM,
        types=("aws_secretsmanager_secret",),
        rationale="The account's own key for Secrets Manager admits every principal of the account; ours only whom its "
        "policy names.",
        guideline="https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html",
        remedy="Set kms_key_id to the environment's key (module kms-key).",
        modes=frozenset({PLAN}),
        scope="live",
    )
)
def own_key(secret: Resource) -> Iterator[str]:
    """A key that only the apply knows is one."""
    key = secret.get("kms_key_id")
    if key is not UNKNOWN and not key:
        yield "kms_key_id is not set."
