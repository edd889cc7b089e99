"""Secrets: rotated often enough, encrypted with the environment's own key, and nowhere else."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.plan.resource import UNKNOWN, Resource, number, shown
from harness.policy.rule import attribute, relation

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

MAXIMUM_DAYS = 90
"""The longest time between two rotations; rule CKV_INV_701 names it too."""


@relation("CKV_INV_701", ("aws_secretsmanager_secret",))
def rotated(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By the rotation's reference to the secret."""
    for secret in plan.of("aws_secretsmanager_secret"):
        rotations = [
            rotation
            for rotation in plan.of("aws_secretsmanager_secret_rotation")
            if secret in plan.links(rotation, "secret_id", "aws_secretsmanager_secret")
        ]
        if not rotations:
            yield secret.address, "Nothing rotates it."
        for rotation in rotations:
            days, schedule = (
                rotation.get(f"rotation_rules.{name}") for name in ("automatically_after_days", "schedule_expression")
            )
            if isinstance(schedule, str) and schedule:
                if not 0 < (_days_between(schedule) or 0) <= MAXIMUM_DAYS:
                    yield secret.address, f"Its rotation schedule is {shown(schedule)}."
            elif schedule is None and days is not UNKNOWN and not 1 <= (number(days) or 0) <= MAXIMUM_DAYS:
                yield secret.address, f"It is rotated after {shown(days)} days."


@relation("CKV_INV_704", ("aws_secretsmanager_secret_rotation",))
def rotated_after_its_plan(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """For the rotation of a secret that holds a key of an API: Terraform sets it up after the key is in its plans."""
    for rotation in plan.of("aws_secretsmanager_secret_rotation"):
        waits = {resource.address for resource in plan.waits_for(rotation)}
        for membership in plan.of("aws_api_gateway_usage_plan_key"):
            keys = plan.links(membership, "key_id", "aws_api_gateway_api_key")
            if any(key.address in waits for key in keys) and membership.address not in waits:
                yield rotation.address, f"It does not wait for {membership.address}."


_WRITE_ONLY = "_wo"
"""How the names of write-only arguments end."""

_VARIABLES = ("aws_lambda_function", "environment")
"""What CKV_INV_210 judges."""

_RATE = re.compile(r"rate\((\d+) (hour|day)s?\)")
_CRON = re.compile(r"cron\(\S+ \S+ \S+ (?:\*|\w+/([12])|(\*/[12])) \S+ \*\)")


def _days_between(schedule: str) -> float | None:
    """The days that may pass between two rotations; None if it may be many months, or if it is not a schedule."""
    if rate := _RATE.fullmatch(schedule.strip()):
        return int(rate[1]) / (24 if rate[2] == "hour" else 1)
    return 62 if _CRON.fullmatch(schedule.strip()) else None  # every month, or every other one


@attribute("CKV_INV_702", ("aws_secretsmanager_secret",))
def own_key(secret: Resource) -> Iterator[str]:
    """A key that is known after the apply only counts as one."""
    key = secret.get("kms_key_id")
    if key is not UNKNOWN and not key:
        yield "kms_key_id is not set."


@relation("CKV_INV_705", ("*",))
def secrets_stay_secret(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By Terraform's own marks, which follow a value through modules; a write-only argument may hold one.

    Tags with an unknown value have no marks. So what they take values from must not have a secret one.
    """
    for resource in plan.resources:
        written = plan.expression(resource).get("expressions", {})
        for name in sorted({*resource.sensitive} & {*written}):
            if not (name.endswith(_WRITE_ONLY) or (resource.type, name) == _VARIABLES):
                for path in _marked(resource.sensitive[name], name):
                    yield resource.address, f"Its {path} holds a value that is marked as sensitive: remove it there."

        if resource.values.get("tags") is UNKNOWN:
            for owner in plan.links(resource, "tags"):
                for secret in (name for name in owner.sensitive if next(_marked(owner.sensitive[name], name), None)):
                    yield (
                        resource.address,
                        f"Its tags take a value from {owner.type}.{owner.name}, and may show its {secret}.",
                    )


def _marked(mark: Any, path: str) -> Iterator[str]:
    """The paths below which Terraform marks values as sensitive."""
    if isinstance(mark, Mapping):
        for name, inner in mark.items():
            yield from _marked(inner, f"{path}.{name}")
    elif isinstance(mark, list):
        yield from dict.fromkeys(found for inner in mark for found in _marked(inner, path))
    elif mark is True:
        yield path
