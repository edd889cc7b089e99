"""The gate's verdict, and the suppressions that it accepts findings by."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from harness.policy import groups
from harness.policy.finding import Finding
from harness.policy.groups import FindingGroup

_KEY = re.compile(r"\[[^\]]*\]")


@dataclass(frozen=True)
class Suppression:
    """A row of the ledger (`harness.policy.ledger`), which accepts findings.

    Attributes:
        id: The rule's id.
        address: The resource block, such as ``modules/lambda/aws_lambda_function.this``; or one use of it, an address
            without keys: ``module.invoice_platform.module.key.aws_kms_key.this``.
        reason: Why it is accepted.
        owner: The role that is responsible for it.
        expires: The last day on which it holds.
        roots: The only roots in which it holds, such as ``live/dev``; empty for all.
        mode: The only scan in which it holds, ``hcl`` or ``plan``; empty for both.
        line: Its line in the ledger.
    """

    id: str
    address: str
    reason: str
    owner: str
    expires: date
    roots: tuple[str, ...] = ()
    mode: str = ""
    line: int = 0

    def covers(self, finding: Finding) -> bool:
        """Whether it accepts a finding."""
        return (
            finding.rule_id == self.id
            and self.address in {finding.definition, _KEY.sub("", finding.address)}
            and self.mode in {"", finding.mode}
            and (not self.roots or finding.root in self.roots)
        )


@dataclass(frozen=True)
class GateVerdict:
    """The gate's verdict.

    Attributes:
        findings: What must be fixed, worst first; empty for green.
        accepted: The findings that the ledger accepts, each with its row.
        counts: Roots, resources and checks, for people and for ``build/results/policy.json``.
    """

    findings: list[Finding]
    accepted: list[tuple[Finding, Suppression]] = field(default_factory=list)
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def green(self) -> bool:
        """Whether nothing is left to fix."""
        return not self.findings

    @cached_property
    def groups(self) -> list[FindingGroup]:
        """The findings by the block that has to be fixed, worst first."""
        return groups.group(self.findings)

    @property
    def to_fix(self) -> int:
        """The number of fixes: one for each rule that a block breaks."""
        return sum(len(group.rules) for group in self.groups)
