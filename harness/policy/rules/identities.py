"""One resource for each thing: of two that write the same configuration, the last one wins, and nothing says so.

The arguments that make a resource the only one are in ``policy/identities.toml``.
"""

import json
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from harness.plan.resource import UNKNOWN, Resource
from harness.policy.rule import relation

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

TABLE = Path(__file__).resolve().parents[3] / "policy" / "identities.toml"

IDENTITIES: Mapping[str, list[str]] = tomllib.loads(TABLE.read_text(encoding="utf-8"))
"""The arguments that name what a resource writes, by type."""

_NAMES = ("bucket", "function_name", "name")
"""The attributes by which a resource is named where its id is not known yet."""


@relation("CKV_INV_905", tuple(IDENTITIES))
def one_for_each(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """An argument that is unknown stands for the resources that it refers to."""
    for kind, arguments in IDENTITIES.items():
        same: defaultdict[tuple[str, ...], list[Resource]] = defaultdict(list)
        for resource in plan.of(kind):
            same[_provider(plan, resource), *(_identity(plan, resource, name) for name in arguments)].append(resource)
        for resources in same.values():
            for resource in resources[1:]:
                what = " and ".join(arguments) or "type"
                message = f"{resources[0].address} has the same {what}, and the last one written wins: keep one."
                yield resource.address, message


def _identity(plan: "PlanGraph", resource: Resource, argument: str) -> str:
    """The value of an argument; of one that is unknown, the names of what it refers to."""
    value = resource.get(argument)
    if value is not UNKNOWN:
        return json.dumps(value, sort_keys=True, default=repr)
    targets = plan.links(resource, argument)
    if not targets:  # nothing to compare: it is like no other
        return resource.address
    names = sorted(_name(target) for target in targets)
    return json.dumps(names[0] if len(names) == 1 else names)


def _name(resource: Resource) -> str:
    names = (resource.values.get(name) for name in _NAMES)
    return next((name for name in names if isinstance(name, str) and name), resource.address)


def _provider(plan: "PlanGraph", resource: Resource) -> str:
    """What Terraform calls the provider of a resource: names count in one region."""
    return str(plan.expression(resource).get("provider_config_key", ""))
