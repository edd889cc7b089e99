"""Replication: a second region holds a full copy of production's documents and archives."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.plan.resource import UNKNOWN, Resource, listed, shown
from harness.policy.rule import relation
from harness.policy.rules.storage import BUCKET, companions
from harness.settings import PLATFORM

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph


@relation("CKV_INV_623", BUCKET)
def replicated(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By name: buckets that `PLATFORM.replicated_buckets` names and that are not replicas themselves."""
    for bucket in plan.of(*BUCKET):
        name = str(bucket.get("bucket"))
        if not any(part in name for part in PLATFORM.replicated_buckets) or "replica" in name:
            continue
        replications = companions(plan, bucket, "aws_s3_bucket_replication_configuration")
        address = replications[0].address if replications else bucket.address
        rules = [
            rule
            for replication in replications
            for rule in listed(replication.values.get("rule"))
            if isinstance(rule, Mapping)
        ]
        off = [rule.get("status") for rule in rules if rule.get("status") not in {"Enabled", UNKNOWN}]
        if off or not rules:
            state = f"the status of its rule is {shown(off[0])}" if off else "it has no rule"
            yield address, f"{bucket.get('bucket')} is not replicated: {state}."
            continue
        if not any(_covers_everything(rule) for rule in rules):
            yield address, "Only part of the bucket is replicated: each rule has a filter or a prefix."
        for message in dict.fromkeys((*_not_elsewhere(plan, bucket, rules), *_shared(plan, bucket, rules))):
            yield address, message


def _shared(plan: "PlanGraph", bucket: Resource, rules: list[Mapping[str, Any]]) -> Iterator[str]:
    """Replicas that other buckets copy to as well: a copy of one hides the other's under the same key."""
    copies = {arn for rule in rules for arn in _destinations(rule)}
    for other in plan.of("aws_s3_bucket_replication_configuration"):
        if other in companions(plan, bucket, other.type):
            continue
        for arn in sorted(copies & {arn for rule in listed(other.values.get("rule")) for arn in _destinations(rule)}):
            yield f"{other.address} copies to {arn} too: give each bucket a replica of its own."


def _destinations(rule: Any) -> Iterator[str]:
    """The ARNs of the buckets that a rule copies to, as far as they are known."""
    blocks = listed(rule.get("destination")) if isinstance(rule, Mapping) else []
    yield from (arn for each in blocks if isinstance(each, Mapping) and isinstance(arn := each.get("bucket"), str))


def _covers_everything(rule: Mapping[str, Any]) -> bool:
    """Whether a rule copies every object: it has neither a prefix nor a tag."""
    blocks = [rule, *(block for block in listed(rule.get("filter")) if isinstance(block, Mapping))]
    blocks += [block for part in blocks[1:] for block in listed(part.get("and")) if isinstance(block, Mapping)]
    return all(
        not block.get(name) for block in blocks for name in ("prefix", "tag", "tags") if block.get(name) is not UNKNOWN
    )


def _not_elsewhere(plan: "PlanGraph", bucket: Resource, rules: list[Mapping[str, Any]]) -> Iterator[str]:
    """Why the copies are not in another region, or why the plan does not show it."""
    here = region(plan, bucket)
    for rule in rules:
        for destination in listed(rule.get("destination")):
            arn = destination.get("bucket") if isinstance(destination, Mapping) else None
            replicas = [
                replica
                for replica in plan.of(*BUCKET)
                if isinstance(arn, str) and arn.endswith(f":::{replica.get('bucket')}")
            ]
            if not replicas:
                yield f"The replica {shown(arn)} is not a bucket of this plan: its region is unknown."
            for replica in replicas:
                there = region(plan, replica)
                if here is UNKNOWN or there is UNKNOWN:
                    yield f"The plan does not show the regions of the bucket and of its replica {replica.address}."
                elif here == there:
                    yield f"The replica {replica.address} is in the same region, {here}."


def region(plan: "PlanGraph", resource: Resource) -> Any:
    """A resource's region, such as ``us-east-1``: from itself or its provider; `UNKNOWN` if neither shows it.

    The configuration names a resource's provider as the root does, whatever the modules in between call it.
    """
    value = resource.get("region")
    if isinstance(value, str) and value:
        return value
    return provider_region(plan, plan.expression(resource).get("provider_config_key", ""))


def provider_region(plan: "PlanGraph", key: str) -> Any:
    """The region of a provider of the root, such as ``aws.replica``; `UNKNOWN` if the plan does not show it."""
    provider = plan.document.get("configuration", {}).get("provider_config", {}).get(key, {})
    expression = provider.get("expressions", {}).get("region", {})
    name = expression.get("constant_value")
    references = [reference for reference in expression.get("references", ()) if reference.startswith("var.")]
    if not name and len(references) == 1 and not provider.get("module_address"):
        name = plan.document.get("variables", {}).get(references[0].removeprefix("var."), {}).get("value")
    return name or UNKNOWN
