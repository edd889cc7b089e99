"""Everything used is granted, and everything granted is used.

Used is what tests have recorded (`harness.access.recorded_calls`) and what Lambda itself does
(`harness.access.service_calls`). A grant that nothing uses needs a row with a reason in the ledger; a row that is not
needed is an error too.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from harness.access.grants import Grant, Role
from harness.access.kinds import Kinds
from harness.access.mismatch import AccessMismatch
from harness.access.recorded_calls import RecordedCall
from harness.errors import HarnessError
from harness.paths import ROOT
from harness.plan import evaluate
from harness.plan.evaluate import Decision, less_values
from harness.plan.iam_policy import Statement

LEDGER = ROOT / "policy" / "unused_grants.yaml"
_FIELDS = {"function", "action", "resource", "reason"}


@dataclass(frozen=True)
class UnusedGrant:
    """A grant that is kept although nothing uses it, and why.

    Attributes:
        function: The function's short name.
        action: The action.
        resource: The resource, with ``{environment}``, ``{account}``, ``{region}``.
        reason: Why it is granted nevertheless.
    """

    function: str
    action: str
    resource: str
    reason: str


def ledger(path: Path = LEDGER) -> list[UnusedGrant]:
    """Read the ledger of grants that nothing uses.

    Raises:
        HarnessError: A row lacks a field, or has an unknown one.
    """
    body = yaml.safe_load(path.read_text(encoding="utf-8"))
    for number, row in enumerate(body, start=1):
        if (
            not isinstance(row, Mapping)
            or row.keys() != _FIELDS
            or not all(str(value).strip() for value in row.values())
        ):
            raise HarnessError(
                f"{path.name}: row {number} is {row!r}.", remedy=f"A row has exactly {', '.join(sorted(_FIELDS))}."
            )
    return [UnusedGrant(**row) for row in body]


@dataclass(frozen=True)
class Proof:
    """The roles of one environment, compared with what its functions do.

    Attributes:
        environment: Its name.
        roles: The permissions of its functions, by their short names.
        rows: What the functions do.
        kinds: The environment's own names, to fill in.
    """

    environment: str
    roles: Mapping[str, Role]
    rows: Sequence[RecordedCall]
    kinds: Kinds

    def ungranted(self) -> Iterator[AccessMismatch]:
        """Every use that a role does not allow."""
        for row in self.rows:
            role = self.roles.get(row.function)
            if role is None:
                yield AccessMismatch(
                    next((other.address for other in self.roles.values()), ""),
                    f"{self.environment}: {row}, but there is no such function.",
                )
                continue
            decision = evaluate.decide(role.statements, self.kinds.filled(row.request))
            if decision is not Decision.ALLOWED:
                text = f"{self.environment}: {row}, which is {decision.value} ({role.address})."
                yield AccessMismatch(role.address, text)

    def uses(self, grant: Grant) -> list[RecordedCall]:
        """The uses that a grant allows."""
        return [
            row
            for row in self.rows
            if row.function == grant.function and evaluate.applies(grant.alone, self.kinds.filled(row.request))
        ]

    def fail_without(self, grant: Grant) -> list[RecordedCall]:
        """The uses that are allowed, but would not be without the grant."""
        role = self.roles[grant.function]
        rows = [row for row in self.rows if row.function == grant.function]
        return [row for row in rows if self._loses(row, role, role.without(grant))]

    def _loses(self, row: RecordedCall, role: Role, statements: Iterable[Statement]) -> bool:
        """Whether a role allows a use that other statements in its place would not allow."""
        request = self.kinds.filled(row.request)
        return evaluate.allows(role.statements, request) and not evaluate.allows(statements, request)

    def grants(self) -> list[Grant]:
        """Every grant, by function."""
        return [grant for _, role in sorted(self.roles.items()) for grant in role.grants()]

    def unneeded(self, reasons: Collection[UnusedGrant]) -> Iterator[AccessMismatch]:
        """Every grant without which nothing would fail, and that has no reason in the ledger."""
        for grant in self.grants():
            if not self.fail_without(grant) and self.reason(grant, reasons) is None:
                reason = "what uses it is granted elsewhere too" if self.uses(grant) else "nothing uses it"
                yield AccessMismatch(
                    self.roles[grant.function].address,
                    f"{self.environment}: {grant}: {reason}. Remove it, test what needs it, or give the reason to keep "
                    f"it in policy/{LEDGER.name}.",
                )

    def unneeded_values(self) -> Iterator[AccessMismatch]:
        """Every value of a grant's condition without which nothing would fail, if the condition has several."""
        for function, role in sorted(self.roles.items()):
            for statement in (each for each in role.statements if each.allows):
                for value, rest in less_values(statement):
                    narrower = [rest if each == statement else each for each in role.statements]
                    if not any(self._loses(row, role, narrower) for row in self.rows if row.function == function):
                        text = f"{self.environment}: {function}: nothing uses {value} of {statement}. Remove it."
                        yield AccessMismatch(role.address, text)

    def idle(self, reasons: Collection[UnusedGrant]) -> Iterator[UnusedGrant]:
        """Rows of the ledger that match no grant, or a grant that something needs."""
        unneeded = [grant for grant in self.grants() if not self.fail_without(grant)]
        for row in reasons:
            if not any(self.reason(grant, [row]) for grant in unneeded):
                yield row

    def reason(self, grant: Grant, reasons: Collection[UnusedGrant]) -> UnusedGrant | None:
        """The ledger's row for a grant that nothing uses."""
        for row in reasons:
            resource = self.kinds.filled(evaluate.AccessRequest(row.action, row.resource)).resource
            if (row.function, row.action, resource) == (grant.function, grant.action, grant.resource):
                return row
        return None
