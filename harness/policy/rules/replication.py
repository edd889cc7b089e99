"""Replication: production's documents and archives lie, whole, in a second region too."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.plan.resource import UNKNOWN, Resource, listed, shown
from harness.policy.finding import Severity
from harness.policy.rule import PLAN, Rule, relation
from harness.policy.rules.storage import BUCKET, companions

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph


@relation(
    Rule(
        id="CKV_INV_623",
        title="Production's documents and archives are replicated to a second region",
        severity=Severity.CRITICAL,
        types=BUCKET,
        rationale="Invoices must be kept for years, and a region can be lost.",
        guideline="https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication.html",
        remedy="Give the bucket an aws_s3_bucket_replication_configuration with a rule for all of it (status Enabled, "
        "filter {}), to a bucket of this plan whose provider's region is another one.",
        modes=frozenset({PLAN}),
        scope="prod",
    )
)
def replicated(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By name: what holds documents and archives, and is no replica itself."""
    for bucket in plan.of(*BUCKET):
        name = str(bucket.get("bucket"))
        if not re.search(r"documents|archives", name) or "replica" in name:
            continue
        rules = [
            rule
            for one in companions(plan, bucket, "aws_s3_bucket_replication_configuration")
            for rule in listed(one.values.get("rule"))
            if isinstance(rule, Mapping)
        ]
        off = [rule.get("status") for rule in rules if rule.get("status") not in {"Enabled", UNKNOWN}]
        if off or not rules:
            yield bucket.address, f"It is not replicated (replication is {shown(off[0]) if off else 'not set'})."
            continue
        if not any(_of_everything(rule) for rule in rules):
            yield bucket.address, "Not all of it is replicated: each rule has a filter or a prefix."
        for message in dict.fromkeys(_too_near(plan, bucket, rules)):
            yield bucket.address, message


def _of_everything(rule: Mapping[str, Any]) -> bool:
    """Whether a rule copies every object: neither a prefix nor a tag chooses some."""
    chosen = [rule, *(one for one in listed(rule.get("filter")) if isinstance(one, Mapping))]
    chosen += [one for part in chosen[1:] for one in listed(part.get("and")) if isinstance(one, Mapping)]
    return all(
        not one.get(name) for one in chosen for name in ("prefix", "tag", "tags") if one.get(name) is not UNKNOWN
    )


def _too_near(plan: "PlanGraph", bucket: Resource, rules: list[Mapping[str, Any]]) -> Iterator[str]:
    """Why the copies do not lie in another region, or why nobody can tell."""
    here = region(plan, bucket)
    for rule in rules:
        for destination in listed(rule.get("destination")):
            arn = destination.get("bucket") if isinstance(destination, Mapping) else None
            to = [one for one in plan.of(*BUCKET) if isinstance(arn, str) and arn.endswith(f":::{one.get('bucket')}")]
            if not to:
                yield f"Its replica {shown(arn)} is no bucket of this plan: nobody can tell its region."
            for one in to:
                there = region(plan, one)
                if here is UNKNOWN or there is UNKNOWN:
                    yield f"The plan does not tell the regions of it and of its replica {one.address}."
                elif here == there:
                    yield f"Its replica {one.address} lies in the same region, {here}."


def region(plan: "PlanGraph", one: Resource) -> Any:
    """Where a resource will lie, such as ``us-east-1``: as it says itself, or its provider; `UNKNOWN` if neither does.

    The configuration names a resource's provider as the root does, whatever modules on the way call it.
    """
    configuration = plan.document.get("configuration", {})
    key = plan.expression(one).get("provider_config_key", "")
    provider = configuration.get("provider_config", {}).get(key, {})
    written = provider.get("expressions", {}).get("region", {})
    said = one.get("region")
    found = (said if isinstance(said, str) else None) or written.get("constant_value")
    references = [each for each in written.get("references", ()) if each.startswith("var.")]
    if not found and len(references) == 1 and not provider.get("module_address"):
        found = plan.document.get("variables", {}).get(references[0].removeprefix("var."), {}).get("value")
    return found or UNKNOWN
