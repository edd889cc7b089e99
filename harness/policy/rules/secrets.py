"""Secrets: rotated, and by whom."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.policy.finding import Severity
from harness.policy.resource import UNKNOWN, number, shown
from harness.policy.rule import PLAN, Rule, relation

if TYPE_CHECKING:
    from harness.policy.planned import Planned

MAXIMUM_DAYS = 90


@relation(
    Rule(
        id="CKV_INV_701",
        title="Every secret is rotated",
        severity=Severity.HIGH,
        types=("aws_secretsmanager_secret",),
        rationale="A key that leaked works until somebody changes it: rotation bounds how long.",
        guideline="https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets.html",
        mend=f"Give the secret an aws_secretsmanager_secret_rotation with rotation_rules {{ automatically_after_days = 1 to "
        f"{MAXIMUM_DAYS} }} and a function.",
        modes=frozenset({PLAN}),
    )
)
def rotated(plan: "Planned") -> Iterator[tuple[str, str]]:
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
            if days is not UNKNOWN and schedule is None and not 1 <= (number(days) or 0) <= MAXIMUM_DAYS:
                yield secret.address, f"It is rotated after {shown(days)} days."
