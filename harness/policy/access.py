"""Who may do what, as rules: `harness.access` compares what a plan allows with what the plan and the code need.

The contract tests use the same comparisons. As rules they also judge the very plan that a deploy applies, and every
mutant of a plan. What cannot be evaluated is a violation too: nobody can say what it allows.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from harness.access import admission, recorded_calls, service_calls
from harness.access.grants import roles
from harness.access.kinds import Kinds
from harness.access.mismatch import AccessMismatch
from harness.access.proof import Proof, UnusedGrant, ledger
from harness.access.recorded_calls import RecordedCall
from harness.access.triggers import Estate
from harness.errors import HarnessError
from harness.plan.evaluate import NotModelledError
from harness.plan.iam_policy import POLICIES, RESOURCE_POLICIES
from harness.plan.resource import Resource
from harness.policy.finding import sentence
from harness.policy.rule import last_judged, relation
from harness.policy.rules.iam import own_accounts
from harness.policy.rules.replication import region

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

DELIVERIES = "CKV_INV_515"
GRANTS = "CKV_INV_516"

TRIGGERS = (
    "aws_api_gateway_integration",
    "aws_budgets_budget",
    "aws_cloudwatch_event_target",
    "aws_cloudwatch_metric_alarm",
    "aws_lambda_permission",
    "aws_s3_bucket_logging",
    "aws_s3_bucket_notification",
    "aws_secretsmanager_secret_rotation",
    "aws_sns_topic_subscription",
)
"""What makes AWS services call something, and the permissions of functions."""

_UNREADABLE = (HarnessError, NotModelledError, LookupError, TypeError, ValueError)


@relation(DELIVERIES, (*TRIGGERS, *RESOURCE_POLICIES))
def admitted(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Each trigger and delivery is allowed, nobody else's is, and no permission is left over."""
    place = _place(plan)
    if place is None:
        return
    estate = Estate(plan, *place)
    for compare in (admission.missing, admission.open_to_others, admission.left_over):
        yield from _violations(plan, lambda compare=compare: compare(estate), TRIGGERS)  # type: ignore[misc]


@relation(GRANTS, (*POLICIES, "aws_lambda_function"))
def used_grants(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Everything that tests have seen a function do is granted, and nothing else, in actions, resources and values."""
    place = _place(plan)
    if place is None:
        return
    account, area = place

    def compare() -> Iterator[AccessMismatch]:
        granted = roles(plan, account=account, region=area)
        rows = [row for row in (*_recorded(), *service_calls.rows(plan)) if row.function in granted]
        proof = Proof(plan.environment, granted, rows, Kinds(account, area, plan.environment))
        yield from (*proof.ungranted(), *proof.unneeded(_reasons()), *proof.unneeded_values())

    yield from _violations(plan, compare, ("aws_lambda_function",))


def _place(plan: "PlanGraph") -> tuple[str, str] | None:
    """The account and the region of a plan; None if it has no function."""
    functions = plan.of("aws_lambda_function")
    if not functions:
        return None
    accounts = own_accounts(plan, functions[0])
    area = region(plan, functions[0])
    return min(accounts, default=""), area if isinstance(area, str) else _area(functions[0])


_ARN = re.compile(r"arn:[\w-]+:[\w-]+:([\w-]+):\d{12}:")


def _area(function: Resource) -> str:
    """The region in one of a function's ARNs, where the provider's does not show; empty if there is none."""
    texts = (value for value in function.values.values() if isinstance(value, str))
    return next((match[1] for text in texts if (match := _ARN.match(text))), "")


def _violations(
    plan: "PlanGraph", compare: Callable[[], Iterable[AccessMismatch]], types: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    try:
        found = {(each.address, sentence(str(each))) for each in compare()}
    except _UNREADABLE as error:
        words = " ".join(str(error).split())
        yield _subject(plan, error, words, types), sentence(f"What the policies allow cannot be evaluated: {words}")
        return
    yield from sorted(found)


def _subject(plan: "PlanGraph", error: Exception, words: str, types: tuple[str, ...]) -> str:
    """The address that an error is about: the one that it names, or of what was judged when it was raised."""
    named = [each.address for each in plan.resources if each.address in words]
    if named:
        return max(named, key=len)
    judged = last_judged(error) or next(iter(plan.of(*types)), None)
    return judged.address if judged else "plan"


@lru_cache
def _recorded() -> tuple[RecordedCall, ...]:
    return tuple(recorded_calls.load())


@lru_cache
def _reasons() -> tuple[UnusedGrant, ...]:
    return tuple(ledger())
