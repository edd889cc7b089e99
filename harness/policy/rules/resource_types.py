"""Only types of resources that somebody has reviewed are planned: the table ``policy/resource_types.toml``."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from harness.policy.rule import relation

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

TABLE = Path(__file__).resolve().parents[3] / "policy" / "resource_types.toml"

_CONTENT = tomllib.loads(TABLE.read_text(encoding="utf-8"))

PLANNED: dict[str, str] = _CONTENT["planned"]
"""The types, each with what it is for."""

_HARM: dict[str, str] = _CONTENT["harm"]


@relation("CKV_INV_903", ("*",))
def reviewed_types(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Managed resources; `harness.policy.source_code` has the list of data sources."""
    for resource in plan.resources:
        if not resource.data and resource.type not in PLANNED:
            yield resource.address, f"Nobody has reviewed {resource.type}: {harm(resource.type)}."


def harm(kind: str) -> str:
    """What a resource of a type may do, in words.

    Args:
        kind: Such as ``aws_iam_access_key``.
    """
    return _HARM[max((begin for begin in _HARM if kind.startswith(begin)), key=len)]
