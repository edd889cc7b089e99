"""What was approved is what is applied, also in stages, where two plans do what the approved one would do."""

from collections.abc import Callable

from harness.deploy.plan_comment import fingerprint
from harness.deploy.stages import MOVED
from harness.errors import HarnessError
from harness.terraform.plan import TerraformPlan

Check = Callable[[TerraformPlan], None]
"""Raises HarnessError if a plan must not be applied."""


def both(first: Check | None, second: Check) -> Check:
    """A check that is both, one after the other."""

    def check(plan: TerraformPlan) -> None:
        if first:
            first(plan)
        second(plan)

    return check


def same_but_for_aliases(approved: TerraformPlan) -> Check:
    """A check that the first stage of a release changes what was approved; only callers keep most of their versions."""

    def check(plan: TerraformPlan) -> None:
        if fingerprint(plan, MOVED) != fingerprint(approved, MOVED):
            raise HarnessError(
                "Nothing was applied: the first stage would change something else than what was approved. The account "
                "or the code has changed since.",
                remedy="Have the changes approved again: start the deployment again.",
            )

    return check
