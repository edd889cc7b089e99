"""The gate: `judge_plan` judges one plan, `scan` judges the whole repository.

`judge_plan` needs only the standard library, so that a deploy can judge the very plan that it applies. `scan` needs
what the plan tests need, and checkov in its own environment.
"""

from datetime import date

from harness.policy.finding import Finding, Severity
from harness.policy.judge import judge_plan
from harness.policy.verdict import GateVerdict

__all__ = ["Finding", "GateVerdict", "Severity", "judge_plan", "scan"]


def scan(*, today: date | None = None) -> GateVerdict:
    """Scan the source and the plan of every live folder and module example.

    Args:
        today: The day that decides which suppressions have ended; today's date by default.

    Raises:
        HarnessError: The ledger cannot be read, or checkov cannot be run.
    """
    from harness.policy import scanning  # noqa: PLC0415 - a deploy has neither tftest nor an HCL parser

    return scanning.scan(today=today)
