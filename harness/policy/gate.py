"""The gate: what P2 and sessions call."""

from harness.policy.finding import Finding, Severity
from harness.policy.judge import judge_plan

__all__ = ["Finding", "Severity", "judge_plan"]
