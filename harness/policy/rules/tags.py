"""The three tags that say whose a resource is, with the environment that it really is in."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.plan.resource import UNKNOWN, Resource, mapping, shown
from harness.policy.rule import attribute, relation
from harness.settings import PLATFORM

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

FIXED = PLATFORM.tags
"""Tags with one value everywhere."""


def environment_tag(live_folder: str) -> str:
    """The value of ``Environment`` on a live folder's resources; bootstrap serves all environments."""
    return "all" if live_folder == "bootstrap" else live_folder


@relation("CKV_INV_101", ("*",))
def tagged(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Each resource that can carry tags."""
    required = {"Environment": environment_tag(plan.environment), **FIXED}
    for resource in plan.resources:
        if resource.data or "tags_all" not in resource.values:
            continue
        tags = resource.values["tags_all"]
        if tags is UNKNOWN:
            hidden = "A value in its tags is known after the apply only"
            yield resource.address, f"{hidden}: remove it, or tag with a name that the plan shows."
            continue
        for name, expected in required.items():
            value = (tags or {}).get(name)
            if value is not UNKNOWN and value != expected:
                yield resource.address, f"Its tag {name} is {shown(value)} instead of {shown(expected)}."


@attribute("CKV_INV_102", ("provider.aws",))
def default_tags(provider: Resource) -> Iterator[str]:
    """Each provider block, including aliased ones."""
    tags = provider.get("default_tags.tags")
    if tags is UNKNOWN:
        return
    tags = mapping(tags)
    if tags is None:
        yield "It has no default_tags."
        return
    for name in ("Environment", *FIXED):
        if not (tags.get(name) is UNKNOWN or tags.get(name)):
            yield f"Its default_tags have no {name}."
        elif name in FIXED and tags[name] not in {FIXED[name], UNKNOWN}:
            yield f"Its default tag {name} is {shown(tags[name])} instead of {shown(FIXED[name])}."
