"""The concurrency that a plan reserves for functions, compared with what the account allows, before anything is made.

A function whose reservation is rejected has been created by then: the apply stops half-way, and so does the next one.
"""

from collections.abc import Mapping
from typing import Any

from harness.errors import HarnessError
from harness.terraform.plan import ResourceChange, TerraformPlan

UNRESERVED = 100
"""Executions that must stay unreserved in a region, for functions without a reservation.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
"""

QUOTA = "L-B99A9384"
"""Lambda's quota "Concurrent executions" in Service Quotas.

https://docs.aws.amazon.com/general/latest/gr/lambda-service.html
"""


def check(plan: TerraformPlan, functions: Any, environment: str) -> None:
    """Check that the account can reserve what a plan reserves.

    Args:
        plan: The plan.
        functions: A client of Lambda in the account and region of the plan.
        environment: The live folder's name, for messages.

    Raises:
        HarnessError: It cannot.
    """
    changes = [change for change in plan.resources if change.type == "aws_lambda_function"]
    planned, present = sum(map(_planned, changes)), sum(_reserved(change.before) for change in changes)
    if planned <= present:
        return
    limits = functions.get_account_settings()["AccountLimit"]
    limit, unreserved = limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]
    others = max(0, limit - unreserved - present)
    needed = planned + others + UNRESERVED
    if needed > limit:
        elsewhere = f"{others} are reserved by other functions, " if others else ""
        raise HarnessError(
            f"Nothing was applied: {environment!r} needs {needed} concurrent executions, and the account allows "
            f"{limit}. Its functions reserve {planned}, {elsewhere}and {UNRESERVED} must stay unreserved.",
            remedy=f"Have the quota raised: aws service-quotas request-service-quota-increase --service-code lambda "
            f"--quota-code {QUOTA} --desired-value {max(1000, needed)}. Or lower lambda_settings.reserved_concurrency "
            f"and reserved_concurrency in live/{environment}/terraform.tfvars.",
        )


def _planned(change: ResourceChange) -> int:
    return 0 if change.will_be_gone else _reserved(change.values)


def _reserved(values: Mapping[str, Any] | None) -> int:
    """A function's reservation; -1 and nothing mean none."""
    value = (values or {}).get("reserved_concurrent_executions")
    return max(0, value) if isinstance(value, int) else 0
