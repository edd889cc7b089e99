"""No function may read, delete or reconfigure a whole table, bucket, key or queue, whatever its code does."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from harness.plan.iam_policy import POLICIES
from harness.policy.rule import relation
from harness.policy.rules.iam import granted

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

_REJECTED: Mapping[str, str] = {
    "account": ".*",
    "cloudwatch": "Delete.*|Disable.*|PutMetricAlarm|PutCompositeAlarm|SetAlarmState",
    "dynamodb": "Scan|PartiQL.*|(?!DescribeTable$).*Table.*|.*Backup.*|UpdateTimeToLive|.*ResourcePolicy|.*Kinesis.*",
    "events": "(?!PutEvents$|Describe|List|Test).*",
    "iam": ".*",
    "kms": "Cancel.*|Create.*|Delete.*|Disable.*|Enable.*|Put.*|Retire.*|Revoke.*|Schedule.*|Update.*",
    "lambda": "(?!InvokeFunction$|Get|List).*",
    "logs": "Delete.*|Associate.*|Put(?!LogEvents$).*",
    "organizations": ".*",
    "s3": "(Create|Delete|Put)(Bucket|Access|.*Configuration|.*Acl|.*Retention|.*LegalHold).*|DeleteObjectVersion.*"
    "|Bypass.*|Replicate(?!Object$|Tags$).*|ObjectOwnerOverride.*",
    "secretsmanager": "Create.*|Delete.*|.*ResourcePolicy|Cancel.*|Remove.*|Stop.*|Replicate.*|UpdateSecret",
    "sns": "(Add|Create|Delete|Remove|Set|Subscribe|Unsubscribe|Confirm).*",
    "sqs": "(Add|Create|Remove|Set|Purge).*|DeleteQueue|.*MessageMoveTask.*",
    "sts": "Assume.*|Get(Federation|Session).*",
}
"""By service: actions on everything that a resource holds, or on what protects it."""

_COMPILED = {service: re.compile(pattern, re.IGNORECASE) for service, pattern in _REJECTED.items()}


@relation("CKV_INV_514", tuple(POLICIES))
def single_items(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Identity policies. Contract tests compare all other grants with the calls that the code makes."""
    for policy in plan.of(*POLICIES):
        for statement in granted(plan, policy):
            for action in statement.actions:
                service, _, name = str(action).partition(":")
                pattern = _COMPILED.get(service.lower())
                if pattern and pattern.fullmatch(name):
                    yield policy.address, f"Its {statement} grants {action}."
