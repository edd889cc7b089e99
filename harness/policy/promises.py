"""What every environment is promised to be, read from its values: DESIGN's figures for dev and prod.

The gate judges what a plan makes of these values; whether they are the ones agreed on, only this page can tell.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import hcl2

Promise = tuple[str, Callable[[Any], bool], str]
"""Where a value stands, what must hold for it, and that in words."""


def _is(wanted: object) -> tuple[Callable[[Any], bool], str]:
    return (lambda found: found == wanted), f"be {wanted}"


def _least(wanted: int) -> tuple[Callable[[Any], bool], str]:
    return (lambda found: isinstance(found, int) and found >= wanted), f"be {wanted} or more"


def _most(wanted: int) -> tuple[Callable[[Any], bool], str]:
    return (lambda found: isinstance(found, int) and 0 < found <= wanted), f"be {wanted} at most"


PROMISES: Mapping[str, tuple[Promise, ...]] = {
    "dev": (
        ("region", *_is("us-east-1")),
        ("lambda_settings.memory_size", *_is(512)),
        ("lambda_settings.reserved_concurrency", *_is(5)),
        ("lambda_settings.timeout", *_is(30)),
        ("table.read_capacity", *_is(5)),
        ("table.write_capacity", *_is(5)),
        ("table.point_in_time_recovery", *_is(wanted=False)),
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
        ("table.point_in_time_recovery", *_is(wanted=True)),
        ("deletion_protection", *_is(wanted=True)),
        ("force_destroy", *_is(wanted=False)),
        ("replication", *_is(wanted=True)),
        ("previews", *_is(wanted=False)),
        ("key_deletion_window_days", *_is(30)),
        ("api_key_secret.recovery_window_days", *_least(7)),
        ("api_key_secret.rotation_days", *_most(90)),
        ("logging.retention_days", *_least(365)),
        ("api.burst_limit", *_most(100)),
        ("api.quota_per_day", *_most(10000)),
        ("api.rate_limit", *_most(50)),
        ("alert_emails", bool, "name somebody"),
        ("allowed_origins", lambda found: bool(found) and "*" not in found, "name origins, and not *"),
    ),
}
"""By environment, from DESIGN §6 and §7."""


def broken(folder: Path) -> Iterator[str]:
    """The promises that a live folder's ``terraform.tfvars`` does not keep, each with its fix."""
    file = folder / "terraform.tfvars"
    if not file.is_file():
        return
    values = _plain(hcl2.loads(file.read_text(encoding="utf-8")))
    for path, holds, words in (("environment", *_is(folder.name)), *PROMISES.get(folder.name, ())):
        found = values
        for name in path.split("."):
            found = found.get(name) if isinstance(found, dict) else None
        if not holds(found):
            yield f"live/{folder.name}/terraform.tfvars: {path} is {found}, and has to {words}."


def _plain(value: Any) -> Any:
    """A value without the quotes that python-hcl2 keeps around texts."""
    if isinstance(value, dict):
        return {str(_plain(name)): _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value[1:-1] if isinstance(value, str) and value[:1] == value[-1:] == '"' else value
