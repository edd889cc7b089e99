"""What is named exists, and a service's role may do its work: nothing is granted, watched or copied in vain."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.plan.evaluate import AccessRequest, NotModelledError, allows
from harness.plan.iam_policy import POLICIES
from harness.plan.named import PlannedNames
from harness.plan.resource import Resource, listed, shown
from harness.policy.rule import relation
from harness.policy.rules.iam import granted

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

_TEXTS = frozenset({"alarm_description", "description", "tags", "tags_all"})
_OF_BOOTSTRAP = frozenset({"permissions_boundary"})
"""Arguments that name what live/bootstrap has created; rule CKV_INV_522 says which."""


@relation("CKV_INV_520", ("*",))
def existing_names(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Every ARN that the source writes into an argument or a policy, by the names of the plan's resources."""
    names = PlannedNames(plan)
    for resource in plan.resources:
        written = plan.expression(resource).get("expressions", {})
        for name, value in resource.values.items():
            if (resource.data or name in written) and name not in _TEXTS | _OF_BOOTSTRAP:
                for arn in dict.fromkeys(arn for text in _texts(value) for arn in names.unknown_in(text)):
                    yield resource.address, f"{name} names {shown(arn)}, which is not in this plan."


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


_OF_SOURCE = ("s3:GetReplicationConfiguration", "s3:ListBucket")
_OF_VERSIONS = ("s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging")
_OF_REPLICA = ("s3:ReplicateObject", "s3:ReplicateTags")
"""What S3 does with a replication's role
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html)."""


@relation("CKV_INV_521", ("aws_s3_bucket_replication_configuration",))
def replicating_roles(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By evaluation of the role's policies: exactly the source and its replicas, and nothing else."""
    for replication in plan.of("aws_s3_bucket_replication_configuration"):
        roles = plan.links(replication, "role", "aws_iam_role")
        arn = replication.get("role")
        if isinstance(arn, str):
            roles = [role for role in plan.of("aws_iam_role") if arn.endswith(f"/{role.get('name')}")]
        source = _bucket_arn(plan, replication)
        replicas = [str(each) for each in replication.all("rule.destination.bucket") if isinstance(each, str)]
        statements = [
            statement
            for policy in plan.of(*POLICIES)
            if policy.get("role") in {role.get("name") for role in roles}
            or any(role in plan.links(policy, "role", "aws_iam_role") for role in roles)
            for statement in granted(plan, policy)
        ]
        needed = [(action, source) for action in _OF_SOURCE]
        needed += [(action, f"{source}/x") for action in _OF_VERSIONS]
        needed += [(action, f"{replica}/x") for replica in replicas for action in _OF_REPLICA]
        for action, resource in needed if source else ():
            if not _may(statements, action, resource):
                yield replication.address, f"Its role may not do {action} on {resource}: nothing is copied."
        expected = {resource for _, resource in needed}
        for statement in statements:
            for resource in map(str, statement.resources):
                if source and resource.replace("*", "x") not in expected:
                    yield replication.address, f"Its role may act on {resource}, which is neither source nor replica."


def _may(statements: list[Any], action: str, resource: str) -> bool:
    try:
        return allows(statements, AccessRequest(action, resource))
    except NotModelledError:
        return False


def _bucket_arn(plan: "PlanGraph", replication: Resource) -> str:
    name = replication.get("bucket")
    names = [name] if isinstance(name, str) else []
    names += [bucket.get("bucket") for bucket in plan.links(replication, "bucket", "aws_s3_bucket")]
    known = [each for each in listed(names) if isinstance(each, str)]
    return f"arn:aws:s3:::{known[0]}" if known else ""
