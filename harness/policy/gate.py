"""The gate's two questions: what is wrong with this plan, and what is wrong with this repository.

The first is answered with the standard library alone, so that a deploy can ask it about the very plan that it applies.
The second needs what the plan tests need, and checkov in an environment of its own.
"""

from datetime import date

from harness.policy.finding import Finding, Severity
from harness.policy.judge import judge_plan
from harness.policy.verdict import GateVerdict

__all__ = ["Finding", "GateVerdict", "Severity", "judge_plan", "scan"]


def scan(*, today: date | None = None) -> GateVerdict:
    """Scan the source and the plan of every live folder and module example.

    Args:
        today: The day by which suppressions end; the computer's unless told otherwise.

    Raises:
        HarnessError: The ledger cannot be read, or checkov cannot be run.
    """
    from harness.policy import scanning  # noqa: PLC0415 - a deploy has neither tftest nor an HCL parser

    return scanning.scan(today=today)
