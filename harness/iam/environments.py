"""The proofs of every live environment, from its cached plan."""

from collections.abc import Iterator

from harness.access import recorded_calls, service_calls
from harness.access.grants import roles
from harness.access.kinds import Kinds
from harness.access.proof import Proof
from harness.paths import ROOT
from harness.plan.graph import PlanGraph
from harness.policy import plans
from harness.policy.offline_aws import ACCOUNT_ID
from harness.stack.deployment import REGION, environments


def proof_of(plan: PlanGraph, *, account: str = ACCOUNT_ID) -> Proof:
    """Compares what a plan grants with what the functions do.

    Args:
        plan: Of a whole environment.
        account: The account that the plan is for.
    """
    kinds = Kinds(account, REGION, plan.environment)
    rows = [*recorded_calls.load(), *service_calls.rows(plan)]
    return Proof(plan.environment, roles(plan, account=account, region=REGION), rows, kinds)


def planned() -> Iterator[PlanGraph]:
    """The plan of every live environment, for its current sources."""
    for environment in environments():
        yield plans.stored_plan(ROOT / "live" / environment).planned
