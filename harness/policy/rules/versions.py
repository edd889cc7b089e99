"""An alias serves the version that the apply publishes, and no other."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.plan.resource import UNKNOWN, Resource, shown
from harness.policy.rule import relation

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph


@relation("CKV_INV_215", ("aws_lambda_alias",))
def newest_version(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By the reference to the function where its version is known after the apply only.

    A release in stages keeps callers on another version, which the input ``release`` names, and may give a share of the
    calls to the version that the function publishes.
    """
    for alias in plan.of("aws_lambda_alias"):
        version = alias.get("function_version")
        functions = _functions(plan, alias)
        published = [UNKNOWN if function.get("version") is None else function.get("version") for function in functions]
        staged = _is_staged(plan, alias)
        if version is UNKNOWN:
            if not plan.links(alias, "function_version", "aws_lambda_function"):
                yield alias.address, "function_version does not come from the function."
        elif version == "$LATEST" or not (staged or version in published):
            yield alias.address, f"function_version is {shown(version)}, which is not what the function publishes."
        if any(not (staged and _is_published(weights, published)) for weights in _weights(alias)):
            yield alias.address, "routing_config sends a part of the calls to another version."


def _is_staged(plan: "PlanGraph", alias: Resource) -> bool:
    """Whether the input ``release`` names the version of an alias as the one that callers keep."""
    release = (plan.document.get("variables") or {}).get("release", {}).get("value") or {}
    stable, function = release.get("stable") or {}, alias.get("function_name")
    return isinstance(function, str) and any(
        function.startswith(f"{name}-") and version == alias.get("function_version") for name, version in stable.items()
    )


def _weights(alias: Resource) -> list[Any]:
    return [weights for weights in alias.all("routing_config.additional_version_weights") if weights not in (None, {})]


def _is_published(weights: Any, published: Sequence[Any]) -> bool:
    """Whether all weights are of versions that the function publishes; what is known after the apply is such a one."""
    if weights is UNKNOWN:
        return any(version is UNKNOWN for version in published)
    return isinstance(weights, Mapping) and all(version in published for version in weights)


def _functions(plan: "PlanGraph", alias: Resource) -> list[Resource]:
    """The function of an alias: by its name or ARN, or by the reference to it."""
    name = alias.get("function_name")
    if not isinstance(name, str):
        return plan.links(alias, "function_name", "aws_lambda_function")
    return [
        function
        for function in plan.of("aws_lambda_function")
        if isinstance(function.get("function_name"), str) and function.get("function_name") in name.split(":")
    ]
