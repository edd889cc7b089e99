"""The table of what each function may do and what needs it: docs/iam.md, and build/results/iam.json for programs."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.iam.proof import Proof, Reasoned
from harness.iam.recorded import RecordedCall
from harness.paths import ROOT

PAGE = ROOT / "docs" / "iam.md"

_HEAD = """# What the functions may do on AWS, and what needs it

The table is written by `python -m harness.iam page` from the plans of all live environments and from the calls that
tests have seen; the session `contract` holds it fresh. Nothing is granted that is not used: take any line out of
`modules/invoice-platform/functions.tf` and a test fails.

## How it is proven

- **What is used.** In the unit tests (on moto) and in the end-to-end tests (inside the Lambda processes of the embedded
  engine), a hook on botocore notes every call that a function makes, `harness/iam/calls.py` says what each call needs
  (side effects included: a missing object is a 404 only to those that may list, a secret is opened with its key), and
  `tests/contract/recorded_calls.yaml` keeps one row for each kind of request. The hook lies in `harness/iam/hook`,
  reaches the processes by PYTHONPATH, and is part of no zip. What Lambda does by itself as the function's role (logs,
  traces, dead letters, reading the stream) is read from the plan (`harness/iam/service_calls.py`).
- **What is granted** is read from the plan, statement by statement. Some resources have ids that AWS chooses:
  `policy/unknown_resources.yaml` stands for them, and `tests/e2e/test_iam.py` repeats the proof on the plan of a
  deployed stack, where every id is known.
- `harness/iam/evaluate.py` evaluates as AWS does, conditions included, and refuses what it does not know.
- **Who may call what** (`harness/iam/triggers.py`, `admitted.py`): every trigger and delivery in the plan has the
  permission that it needs in the policy of the function, queue, topic, bucket or key; none admits another account, or
  another route, bucket, rule, topic or secret of ours, planned or merely named alike; none is left over. A source that
  only the apply will tell is read from the module's source (`harness/iam/sources.py`).

## How to grant something

1. Write the call, and a test that makes it. The run fails with `new: <function>: <call> needs <action> on <resource>`
   (or with AccessDenied, in the end-to-end tests: the embedded engine enforces roles; LocalStack's handlers are refused
   by the same hook).
2. Grant exactly that in `modules/invoice-platform/functions.tf`.
3. `./noxw -s unit e2e`, then `python -m harness.iam record` and `python -m harness.iam page`; commit what they write.

## How to read a failure

| says | means | fix |
|---|---|---|
| `new: ...` | a function did what is not on the list | grant and record it, or do not do it |
| `not seen any more: ...` | the run that has to see a call has not, run whole | test it, or take the grant out |
| `... is not granted` | a recorded call fails on AWS | grant it |
| `nothing uses it` | a grant that no call needs | take it out, or give the reason in `policy/unused_grants.yaml` |
| `... is not in harness/iam/calls.py` | nobody wrote down what a call needs | look it up, and write it there |
| `nothing allows ...` / `is left over` | a trigger without permission / a permission without trigger | `functions.tf` |
| `... also admits ...` | a source wider than its trigger, and the stranger that it lets in | narrow the source |

"""


@dataclass(frozen=True)
class Line:
    """One grant as the table shows it.

    Attributes:
        function: The function's short name.
        action: The action.
        resource: The resource, with ``{environment}``, ``{account}``, ``{region}``.
        condition: What must hold besides; empty for nothing.
        statement: The statement's id in Terraform.
        needed_by: The calls that fail without it.
        reason: Why it stands though nothing needs it.
        environments: Where it is granted.
    """

    function: str
    action: str
    resource: str
    condition: str
    statement: str
    needed_by: tuple[str, ...]
    reason: str
    environments: tuple[str, ...]


def lines(proofs: Sequence[Proof], reasons: Sequence[Reasoned]) -> list[Line]:
    """The table: a line for each grant, environments that grant the same together."""
    found: dict[Line, list[str]] = {}
    for proof in proofs:
        for line in _of(proof, reasons):
            found.setdefault(line, []).append(proof.environment)
    made = [Line(**{**line.__dict__, "environments": tuple(names)}) for line, names in found.items()]
    return sorted(made, key=lambda one: (one.function, one.action, one.resource))


def _of(proof: Proof, reasons: Sequence[Reasoned]) -> Iterator[Line]:
    for grant in proof.grants():
        reason = proof.reason(grant, reasons)
        yield Line(
            function=grant.function,
            action=grant.action,
            resource=_general(grant.resource, proof),
            condition="; ".join(
                f"{test} {key} {', '.join(map(str, values))}" for test, key, values in grant.statement.conditions
            ).replace(proof.kinds.region, "{region}"),
            statement=grant.statement.sid,
            needed_by=tuple(dict.fromkeys(_said(row) for row in proof.fail_without(grant))),
            reason=reason.reason if reason else "",
            environments=(),
        )


def _said(row: RecordedCall) -> str:
    return row.call


def _general(arn: str, proof: Proof) -> str:
    """An ARN without the environment's own names."""
    arn = arn.replace(proof.kinds.account, "{account}").replace(proof.kinds.region, "{region}")
    return re.sub(rf"-{re.escape(proof.environment)}(?![a-z0-9])", "-{environment}", arn)


def page(table: Sequence[Line]) -> str:
    """The whole page."""
    everywhere = max((one.environments for one in table), key=len, default=())
    functions = sorted({one.function for one in table})
    text = [
        _HEAD,
        f"## The table\n\n{len(table)} grants to {len(functions)} functions, the same in {' and '.join(everywhere)}",
    ]
    text.append(" unless a line says otherwise.\n")
    for function in functions:
        text.append(f"\n### {function}\n\n| action | resource | statement | needed by |\n|---|---|---|---|\n")
        text += [_row(line, everywhere) for line in table if line.function == function]
    return "".join(text)


def _row(line: Line, everywhere: tuple[str, ...]) -> str:
    where = "" if line.environments == everywhere else f" (only {', '.join(line.environments)})"
    condition = f"<br>if {line.condition}" if line.condition else ""
    needed = "<br>".join(line.needed_by) or f"*{line.reason}*"
    return f"| `{line.action}` | `{line.resource}`{condition}{where} | {line.statement} | {needed} |\n"


def figures(proofs: Sequence[Proof], reasons: Sequence[Reasoned]) -> Mapping[str, Any]:
    """For build/results/iam.json."""
    table = lines(proofs, reasons)
    return {
        "functions": len({one.function for one in table}),
        "grants": len(table),
        "recorded": len({row for proof in proofs for row in proof.rows}),
        "ungranted": [told for proof in proofs for told in proof.ungranted()],
        "unneeded": [told for proof in proofs for told in proof.unneeded(reasons)],
        "with_a_reason": sum(bool(one.reason) for one in table),
        "table": [asdict(one) for one in table],
    }
