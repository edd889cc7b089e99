"""Whose a resource is: the three tags of DESIGN §7, with the environment that it really is in."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.plan.resource import UNKNOWN, Resource, mapping, shown
from harness.policy.finding import Severity
from harness.policy.rule import HCL, PLAN, Rule, attribute, relation

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

FIXED = {"ManagedBy": "terraform", "Project": "invoice-modernization"}
"""Tags with one value everywhere."""

_GUIDE = "https://docs.aws.amazon.com/whitepapers/latest/tagging-best-practices/tagging-best-practices.html"


def environment_tag(live_folder: str) -> str:
    """What ``Environment`` says of a live folder's resources; bootstrap serves all environments."""
    return "all" if live_folder == "bootstrap" else live_folder


@relation(
    Rule(
        id="CKV_INV_101",
        title="Everything carries Environment, Project and ManagedBy, and Environment is the live folder's",
        severity=Severity.MEDIUM,
        types=("*",),
        rationale="Cost, ownership and clean-up go by tags; a wrong Environment puts a resource into the wrong "
        "budget and report.",
        guideline=_GUIDE,
        remedy="Leave these tags to the provider's default_tags in live/<environment>/providers.tf, and set none of "
        "them on the "
        "resource.",
        modes=frozenset({PLAN}),
        scope="tagged",
    )
)
def tagged(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Each resource that can carry tags."""
    wanted = {"Environment": environment_tag(plan.environment), **FIXED}
    for one in plan.resources:
        if one.data or "tags_all" not in one.values:
            continue
        tags = one.values["tags_all"]
        if tags is UNKNOWN:
            yield one.address, "Its tags are unknown before the apply."
            continue
        for name, value in wanted.items():
            found = (tags or {}).get(name)
            if found is not UNKNOWN and found != value:
                yield one.address, f"Its tag {name} is {shown(found)} instead of {shown(value)}."


@attribute(
    Rule(
        id="CKV_INV_102",
        title="A live folder's provider tags everything",
        severity=Severity.MEDIUM,
        types=("provider.aws",),
        rationale="default_tags reach every resource, those too that a module's author forgot.",
        guideline=_GUIDE,
        remedy='Give the provider block default_tags { tags = { Environment = …, ManagedBy = "terraform", Project = '
        '"invoice-modernization" } }.',
        modes=frozenset({HCL}),
        scope="tagged",
    )
)
def default_tags(provider: Resource) -> Iterator[str]:
    """Each provider block, aliased ones too."""
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
