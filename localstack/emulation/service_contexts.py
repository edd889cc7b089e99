"""The context keys that AWS sends with a service's request: ``localstack/service_contexts.toml``."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "service_contexts.toml"


class UndocumentedRequestError(Exception):
    """The table has no row for a request, so nobody looked up what AWS sends with it."""


def sent_context(principal: str, action: str, values: Mapping[str, str], *, via: str = "") -> dict[str, str]:
    """The keys that AWS sends with a request, in lower case, and no others.

    Args:
        principal: The calling service, such as ``events.amazonaws.com``.
        action: The action, such as ``sns:Publish``.
        values: A value for each key that a row may name.
        via: The kind of resource whose encryption key is used; empty for a request to the target itself.

    Raises:
        UndocumentedRequestError: There is no row for such a request.
    """
    keys = _table().get((principal, action, via))
    if keys is None:
        raise UndocumentedRequestError(f"{FILE.name} has no row for {action} by {principal} {via}".rstrip())
    return {key.lower(): values[key] for key in keys}


@cache
def _table() -> dict[tuple[str, str, str], tuple[str, ...]]:
    rows = tomllib.loads(FILE.read_text(encoding="utf-8"))["request"]
    return {(row["principal"], row["action"], row.get("via", "")): tuple(row["keys"]) for row in rows}
