"""The options of a deploy, and the report of how it ended."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.paths import ROOT
from harness.results import record

Confirm = Callable[[], bool]
"""Asks whether to apply the plan."""


def ask(question: str = "Apply exactly this plan?", otherwise: str = "Nothing was applied") -> bool:
    """Ask the person at the terminal.

    Args:
        question: What.
        otherwise: What it means that nobody can answer.

    Raises:
        HarnessError: There is no terminal.
    """
    if not sys.stdin.isatty():
        raise HarnessError(
            f"{otherwise}: there is no terminal to ask. {question}",
            remedy="Run it in a terminal, or confirm beforehand with --yes.",
        )
    return input(f"{question} Type 'yes': ").strip() == "yes"


@dataclass(frozen=True)
class DeployRequest:
    """The options of a deploy.

    Attributes:
        environment: The live folder's name.
        allow_destroy: Addresses of the stateful resources that may be destroyed.
        confirm: Asks before anything is applied.
        full_gate: Whether checkov scans the plan too, in a separate environment; otherwise only the plan rules judge.
        options: Further options of ``terraform plan``.
        smoke: Whether the smoke test follows.
        canary: The percentage of the calls that new versions of functions get first; 0 for all at once.
        sources: The folder of the functions.
        plan_only: Whether the deploy ends after the plan is judged and shown.
        approved: The digest of the changes that were approved (`harness.deploy.plan_comment.fingerprint`); a plan of
            other changes is not applied. None if this deploy asks by itself.
        workspace: Terraform's workspace; that of a preview is judged as a copy of the environment.
        cost_reason: Why the environment may cost more than a tenth more than before; empty without a reason.
    """

    environment: str
    allow_destroy: frozenset[str] = frozenset()
    confirm: Confirm = ask
    full_gate: bool = True
    options: Sequence[str] = ()
    smoke: bool = True
    canary: int = 0
    sources: Path = ROOT / "lambdas"
    plan_only: bool = False
    approved: str | None = None
    workspace: str = "default"
    cost_reason: str = ""


@dataclass
class DeployReport:
    """The report of a deploy, in ``build/results/deploy.json``, however the deploy ends.

    Attributes:
        apply_began: Whether Terraform has begun to change anything.
    """

    environment: str
    engine: str
    account_id: str = ""
    outcome: str = "failed"
    plan_sha256: str = ""
    changes_sha256: str = ""
    apply_began: bool = False
    changes: dict[str, int] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    allowed_to_destroy: list[str] = field(default_factory=list)
    deployed_again: list[str] = field(default_factory=list)
    cost: dict[str, Any] = field(default_factory=dict)
    smoke: str = "not run"
    canary: dict[str, Any] = field(default_factory=dict)
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def save(self, seconds: float) -> Path:
        """Write the report; return its file."""
        return record("deploy", {**vars(self), "seconds": round(seconds, 1)})
