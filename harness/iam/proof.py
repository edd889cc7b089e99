"""Used ⊆ granted, and granted ⊆ used.

Used is what tests have recorded (`harness.iam.recorded`) and what Lambda does by itself (`harness.iam.service_calls`).
A grant that nothing used is allowed only with a reason, on a ledger; a row there that is not needed is a fault too.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from harness.errors import HarnessError
from harness.iam import evaluate
from harness.iam.evaluate import Decision
from harness.iam.grants import Grant, Role
from harness.iam.kinds import Kinds
from harness.iam.recorded import RecordedCall
from harness.paths import ROOT

LEDGER = ROOT / "policy" / "unused_grants.yaml"
_FIELDS = {"function", "action", "resource", "reason"}


@dataclass(frozen=True)
class Reasoned:
    """A grant that stands though nothing uses it, and why.

    Attributes:
        function: The function's short name.
        action: The action.
        resource: The resource, with ``{environment}``, ``{account}``, ``{region}``.
        reason: Why it is granted all the same.
    """

    function: str
    action: str
    resource: str
    reason: str


def ledger(path: Path = LEDGER) -> list[Reasoned]:
    """Read the ledger of grants that nothing uses.

    Raises:
        HarnessError: A row lacks something, or says something unknown.
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
    return [Reasoned(**row) for row in body]


@dataclass(frozen=True)
class Proof:
    """One environment's roles, against what is done.

    Attributes:
        environment: Its name.
        roles: What its functions may do, by their short names.
        rows: What they do.
        kinds: The environment's own names, to fill in.
    """

    environment: str
    roles: Mapping[str, Role]
    rows: Sequence[RecordedCall]
    kinds: Kinds

    def ungranted(self) -> Iterator[str]:
        """Every use that a role does not allow."""
        for row in self.rows:
            role = self.roles.get(row.function)
            if role is None:
                yield f"{self.environment}: {row}, and there is no such function."
                continue
            decision = evaluate.decide(role.statements, self.kinds.filled(row.request))
            if decision is not Decision.ALLOWED:
                yield f"{self.environment}: {row}, which is {decision.value} ({role.address})."

    def uses(self, grant: Grant) -> list[RecordedCall]:
        """What needs a grant: what it allows."""
        return [
            row
            for row in self.rows
            if row.function == grant.function and evaluate.applies(grant.alone, self.kinds.filled(row.request))
        ]

    def fail_without(self, grant: Grant) -> list[RecordedCall]:
        """What a function can do, and could not do if a grant were taken out."""
        role = self.roles[grant.function]
        less = role.without(grant)
        return [
            row
            for row in self.rows
            if row.function == grant.function
            and evaluate.allows(role.statements, self.kinds.filled(row.request))
            and not evaluate.allows(less, self.kinds.filled(row.request))
        ]

    def grants(self) -> list[Grant]:
        """Everything that is granted, by function."""
        return [grant for _, role in sorted(self.roles.items()) for grant in role.grants()]

    def unneeded(self, reasons: Collection[Reasoned]) -> Iterator[str]:
        """Every grant that could be taken out without anything failing, and that has no reason on the ledger."""
        for grant in self.grants():
            if not self.fail_without(grant) and self.reason(grant, reasons) is None:
                also = "what uses it is granted elsewhere too" if self.uses(grant) else "nothing uses it"
                yield (
                    f"{self.environment}: {grant}: {also}. Take it out, test what needs it, or say in "
                    f"policy/{LEDGER.name} why it has to stand."
                )

    def idle(self, reasons: Collection[Reasoned]) -> Iterator[Reasoned]:
        """Rows of the ledger that are about no grant, or about one that something needs."""
        without_need = [grant for grant in self.grants() if not self.fail_without(grant)]
        for one in reasons:
            if not any(self.reason(grant, [one]) for grant in without_need):
                yield one

    def reason(self, grant: Grant, reasons: Collection[Reasoned]) -> Reasoned | None:
        """Why a grant stands that nothing uses."""
        for one in reasons:
            resource = self.kinds.filled(evaluate.AccessRequest(one.action, one.resource)).resource
            if (one.function, one.action, resource) == (grant.function, grant.action, grant.resource):
                return one
        return None
