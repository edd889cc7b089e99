"""The agreed figures of dev and prod (docs/decisions/0004-environment-values.md), compared with their values.

What an environment may let in, pay for and notify is reviewed in ``policy/environments.toml``.

The gate judges the plans that these values lead to. Only this module can check whether they are the agreed values.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import hcl2

from harness.plan.resource import shown
from harness.policy.rules import reviewed
from harness.terraform.module import read_values

Promise = tuple[str, Callable[[Any], bool], str]
"""The path of a value, the condition that it must meet, and the condition in words."""


def _is(expected: object) -> tuple[Callable[[Any], bool], str]:
    return (lambda value: value == expected), f"be {shown(expected)}"


def _least(minimum: int) -> tuple[Callable[[Any], bool], str]:
    return (lambda value: isinstance(value, int) and value >= minimum), f"be {minimum} or more"


def _most(maximum: int) -> tuple[Callable[[Any], bool], str]:
    return (lambda value: isinstance(value, int) and 0 < value <= maximum), f"be {maximum} at most"


PROMISES: Mapping[str, tuple[Promise, ...]] = {
    "dev": (
        ("region", *_is("us-east-1")),
        ("replica_region", *_is("us-west-2")),
        ("lambda_settings.memory_size", *_is(512)),
        ("lambda_settings.reserved_concurrency", *_is(5)),
        ("lambda_settings.timeout", *_is(30)),
        ("table.read_capacity", *_is(5)),
        ("table.write_capacity", *_is(5)),
        ("table.point_in_time_recovery", *_is(expected=False)),
    ),
    "prod": (
        ("region", *_is("us-east-1")),
        ("replica_region", *_is("us-west-2")),
        ("lambda_settings.memory_size", *_is(1024)),
        ("lambda_settings.reserved_concurrency", *_is(100)),
        ("lambda_settings.timeout", *_is(60)),
        ("table.read_capacity", *_is(25)),
        ("table.write_capacity", *_is(25)),
        ("table.max_read_capacity", *_least(250)),
        ("table.max_write_capacity", *_least(250)),
        ("table.point_in_time_recovery", *_is(expected=True)),
        ("deletion_protection", *_is(expected=True)),
        ("force_destroy", *_is(expected=False)),
        ("replication", *_is(expected=True)),
        ("previews", *_is(expected=False)),
        ("api.manage_account_logging", *_is(expected=True)),
        ("key_deletion_window_days", *_is(30)),
        ("api_key_secret.recovery_window_days", *_least(7)),
        ("api_key_secret.rotation_days", *_most(90)),
        ("logging.retention_days", *_least(365)),
        ("api.burst_limit", *_most(100)),
        ("api.quota_per_day", *_most(10000)),
        ("api.rate_limit", *_most(50)),
    ),
}
"""By environment; docs/decisions/0004-environment-values.md has the reasons."""


BY_DEPLOY: Mapping[str, str | None] = {
    "account_id": None,
    "artifacts_dir": None,
    "permissions_boundary": '""',
    "release": "{}",
}
"""The variables that a deploy sets, with the default that each has to have; None for none. A value in a file would hold
for every deploy: a fixed release keeps callers on an old version whatever is deployed."""

VALUES, PREVIEW = "terraform.tfvars", "preview.tfvars"
"""The files of values that a live folder may have."""

PREVIEWS: Mapping[str, Promise] = {
    "logging.level": ("logging.level", lambda level: level in reviewed.of("dev").log_levels, "be a level of dev"),
    "logging.retention_days": ("logging.retention_days", *_most(14)),
}
"""What a preview's values may change, and within which limits. Everything else is as in dev."""


_REVIEWED = frozenset({"alert_emails", "allowed_origins", "payment_sources", "monthly_budget_usd", "logging.level"})
"""The paths that `policy/environments.toml` is about."""


def _reviewed(environment: str) -> tuple[Promise, ...]:
    """What ``policy/environments.toml`` allows an environment; nothing if it has no table."""
    values = reviewed.of(environment)
    subset = "name nothing but "
    return (
        (
            "alert_emails",
            lambda emails: len(emails or ()) >= values.alert_emails,
            f"name {values.alert_emails} or more",
        ),
        (
            "allowed_origins",
            lambda origins: bool(origins) and {*origins} <= values.allowed_origins,
            subset + ", ".join(sorted(values.allowed_origins)),
        ),
        (
            "payment_sources",
            lambda sources: bool(sources) and {*sources} <= values.payment_sources,
            subset + ", ".join(sorted(values.payment_sources)),
        ),
        ("monthly_budget_usd", *_most(values.monthly_budget_usd)),
        ("logging.level", lambda level: level in values.log_levels, f"be {' or '.join(sorted(values.log_levels))}"),
    )


def broken(folder: Path) -> Iterator[str]:
    """The promises that a live folder's values break, each with the value that it must have."""
    for file in sorted((*folder.glob("*.tfvars"), *folder.glob("*.tfvars.json"))):
        if file.name == VALUES:
            promises = (("environment", *_is(folder.name)), *PROMISES.get(folder.name, ()), *_reviewed(folder.name))
            yield from _broken(file, promises)
        elif file.name == PREVIEW and folder.name == "dev":
            yield from _broken(file, tuple(PREVIEWS.values()))
            yield from _not_of_previews(file)
        else:
            yield f"{folder.name}/{file.name}:1: it holds values that nothing judges: move them to {VALUES}."
            continue
        for name in sorted(BY_DEPLOY.keys() & read_values(file).attributes.keys()):
            line = read_values(file).attributes[name].line
            yield f"{folder.name}/{file.name}:{line}: {name} is a value that each deploy sets: remove it here."


def _broken(file: Path, promises: tuple[Promise, ...]) -> Iterator[str]:
    values = _plain(hcl2.loads(file.read_text(encoding="utf-8")))
    for path, holds, words in promises:
        value = values
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if not holds(value):
            written = read_values(file).attributes.get(path.partition(".")[0])
            place = f"{file.parent.name}/{file.name}:{written.line if written else 1}"
            where = "policy/environments.toml" if path in _REVIEWED else "harness/policy/promises.py"
            yield f"{place}: {path} is {shown(value)}, and must {words}: change it, or change {where} in a review."


def _not_of_previews(file: Path) -> Iterator[str]:
    """Values that a preview must have from dev."""
    allowed = {path.partition(".")[0] for path in PREVIEWS} | BY_DEPLOY.keys()
    for name, written in read_values(file).attributes.items():
        if name not in allowed:
            yield (
                f"{file.parent.name}/{file.name}:{written.line}: {name} of a preview differs from dev's, which alone "
                "is judged: remove it here, or add it to PREVIEWS in harness/policy/promises.py in a review."
            )


def _plain(value: Any) -> Any:
    """A value without the quotes that python-hcl2 keeps around texts."""
    if isinstance(value, dict):
        return {str(_plain(name)): _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value[1:-1] if isinstance(value, str) and value[:1] == value[-1:] == '"' else value
