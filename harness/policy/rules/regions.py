"""Regions: what an environment consists of is in its own region; only the buckets that hold copies are in another."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.plan.resource import UNKNOWN, Resource
from harness.policy.rule import relation
from harness.policy.rules.replication import provider_region, region
from harness.policy.rules.storage import BUCKET, companions

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

_HOME = "aws"
"""The provider of a live folder that has no alias."""


@relation("CKV_INV_104", ("*",))
def at_home(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By the provider of each resource; the regions of the live folders' providers are CKV_INV_009's."""
    home, copies = provider_region(plan, _HOME), _copies(plan)
    for resource in plan.resources:
        if resource.data or resource.address in copies:
            continue
        there = region(plan, resource)
        if UNKNOWN not in (home, there) and there != home:
            yield resource.address, f"It is created in {there}, and the environment is in {home}."


def _copies(plan: "PlanGraph") -> set[str]:
    """The addresses of the buckets that a replication copies to, and of their settings."""
    arns = {
        arn
        for replication in plan.of("aws_s3_bucket_replication_configuration")
        for arn in replication.all("rule.destination.bucket")
        if isinstance(arn, str)
    }
    replicas = [bucket for bucket in plan.of(*BUCKET) if _arn(bucket) in arns]
    kinds = {resource.type for resource in plan.resources if resource.type.startswith("aws_s3_bucket_")}
    settings = {each.address for replica in replicas for kind in kinds for each in companions(plan, replica, kind)}
    return settings | {replica.address for replica in replicas}


def _arn(bucket: Resource) -> str:
    return f"arn:aws:s3:::{bucket.get('bucket')}"
