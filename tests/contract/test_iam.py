"""What the functions do ⇔ what the plans of every live environment grant them: nothing is missing, nothing unneeded."""

import copy
import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from harness.access.grants import roles, stand_ins
from harness.access.proof import Proof, UnusedGrant, ledger
from harness.access.recorded_calls import RecordedCall
from harness.errors import HarnessError
from harness.iam import page
from harness.iam.environments import proof_of
from harness.package import functions
from harness.plan import evaluate
from harness.plan.graph import PlanGraph
from harness.plan.iam_policy import Statement
from harness.policy.offline_aws import ACCOUNT_ID
from harness.results import record
from harness.stack.deployment import REGION
from tests.contract.conftest import ENVIRONMENTS, Environment

HINT = "docs/iam.md explains this failure and how to fix it."


@pytest.fixture(scope="module")
def plans(environments: dict[str, Environment]) -> dict[str, PlanGraph]:
    return {name: environment.plan for name, environment in environments.items()}


@pytest.fixture(scope="module")
def proofs(plans: dict[str, PlanGraph]) -> dict[str, Proof]:
    by_environment = {environment: proof_of(plan) for environment, plan in plans.items()}
    record("iam", page.figures([*by_environment.values()], ledger()))
    return by_environment


@pytest.fixture(params=ENVIRONMENTS)
def proof(request: pytest.FixtureRequest, proofs: dict[str, Proof]) -> Proof:
    return proofs[request.param]


def report(findings: Iterator[Any] | list[Any]) -> str:
    lines = [str(finding) for finding in findings]
    return "\n".join([*lines, HINT]) if lines else ""


def none_of(findings: Iterator[Any] | list[Any]) -> None:
    """Fail with every line: when it compares texts, pytest leaves out the middle."""
    if lines := report(findings):
        pytest.fail(lines, pytrace=False)


def test_every_function_is_checked(proof: Proof) -> None:
    names = {function.name for function in functions()}

    assert proof.roles.keys() == names
    assert {row.function for row in proof.rows} == names


def test_everything_that_is_done_is_granted(proof: Proof) -> None:
    none_of(proof.ungranted())


def test_everything_that_is_granted_is_done(proof: Proof) -> None:
    none_of([*proof.unneeded(ledger()), *proof.unneeded_values()])


def test_no_reason_is_recorded_for_a_grant_that_needs_none(proofs: dict[str, Proof]) -> None:
    idle = [{*proof.idle(ledger())} for proof in proofs.values()]

    none_of([*set.intersection(*idle)])


def test_removing_any_grant_breaks_exactly_its_uses(proof: Proof) -> None:
    wrong = []
    for grant in proof.grants():
        needing, failing = proof.uses(grant), proof.fail_without(grant)
        if needing != failing or (not failing and proof.reason(grant, ledger()) is None):
            wrong.append(f"{grant}: {len(needing)} uses, of which {len(failing)} fail without it")

    assert len(proof.grants()) > 50
    none_of(wrong)


def test_the_page_matches_the_plans(proofs: dict[str, Proof]) -> None:
    written = page.page(page.rows([*proofs.values()], ledger()))

    assert page.PAGE.read_text(encoding="utf-8") == written, "./noxw -s docs writes docs/iam.md again"


# --- each of the checks above is shown to fail ----------------------------------------------------------------------


def granting(proof: Proof, function: str, *more: Statement) -> Proof:
    """The same proof with more granted to one function."""
    role = proof.roles[function]
    return replace(proof, roles={**proof.roles, function: replace(role, statements=(*role.statements, *more))})


def statement(action: str, resource: str, **changes: Any) -> Statement:
    nothing: dict[str, Any] = dict.fromkeys(("not_actions", "not_resources", "principals", "not_principals"), ())
    default = Statement(sid="More", effect="Allow", actions=(action,), resources=(resource,), conditions=(), **nothing)
    return replace(default, **changes)


def test_a_grant_that_nothing_uses_is_found(proof: Proof) -> None:
    more = granting(proof, "get-invoice", statement("dynamodb:Scan", "arn:aws:dynamodb:us-east-1:000000000000:table/x"))

    assert "get-invoice: dynamodb:Scan" in report(more.unneeded([]))


def test_a_grant_that_another_one_covers_is_found(proof: Proof) -> None:
    first = proof.grants()[0]

    assert "granted elsewhere too" in report(
        granting(proof, first.function, replace(first.alone, sid="Twice")).unneeded([])
    )


def test_a_call_that_is_not_granted_is_found(proof: Proof) -> None:
    row = RecordedCall(
        "get-invoice", "dynamodb:Scan", "dynamodb:Scan", "arn:aws:dynamodb:{region}:{account}:table/invoices"
    )

    assert "get-invoice: dynamodb:Scan needs" in report(replace(proof, rows=[*proof.rows, row]).ungranted())


def test_a_denial_wins(proof: Proof) -> None:
    deny = statement("dynamodb:*", "*", effect="Deny")

    assert "denied by a Deny statement" in report(granting(proof, "query-invoices", deny).ungranted())


def test_a_claim_under_an_invoices_id_is_not_granted(proof: Proof) -> None:
    """process-invoice may put claims, by the condition on their keys, and nothing else."""
    (put,) = [row for row in proof.rows if (row.function, row.action) == ("process-invoice", "dynamodb:PutItem")]
    other = replace(put, keys=(("dynamodb:leadingkeys", ("claim#x", "x")),))

    assert not report(replace(proof, rows=[put]).ungranted())
    assert report(replace(proof, rows=[other]).ungranted())


@pytest.mark.parametrize(
    ("key", "value"), [("events:source", "payments.example"), ("events:detail-type", "upload-continued")]
)
def test_an_event_in_another_name_or_of_another_type_is_not_granted(proof: Proof, key: str, value: str) -> None:
    """process-invoice may publish the platform's changes of invoices, and nothing else."""
    rows = [row for row in proof.rows if (row.function, row.action) == ("process-invoice", "events:PutEvents")]
    others = [
        replace(row, keys=tuple((name, (value,) if name == key else of) for name, of in row.keys)) for row in rows
    ]

    assert not report(replace(proof, rows=rows).ungranted())
    assert len([*replace(proof, rows=others).ungranted()]) == len(rows) > 1


def test_a_condition_value_that_nothing_uses_is_found(proof: Proof) -> None:
    rows = [row for row in proof.rows if "invoice-voided" not in str(row.keys)]

    assert "process-invoice: nothing uses invoice-voided" in report(replace(proof, rows=rows).unneeded_values())


def test_a_reason_for_a_grant_that_is_used_is_found(proof: Proof) -> None:
    first = proof.grants()[0]
    needless = UnusedGrant(first.function, first.action, first.resource, "because")

    assert [*proof.idle([needless])] == [needless]
    assert [*proof.idle([replace(needless, action="s3:GetBucketAcl")])]


def test_a_function_that_loses_its_policy_is_found(plans: dict[str, PlanGraph]) -> None:
    plan = plans["dev"]
    document = copy.deepcopy(dict(plan.document))
    document["resource_changes"] = [
        change
        for change in document["resource_changes"]
        if not (
            change["type"] == "aws_iam_role_policy"
            and change["address"].endswith('["get-invoice"].aws_iam_role_policy.this')
        )
    ]

    with pytest.raises(HarnessError, match=r"get-invoice.*has no policy in its module"):
        roles(PlanGraph(document, "dev", plan.source), account="0", region="x")


def test_each_unknown_resource_is_stated_once_and_needed(plans: dict[str, PlanGraph]) -> None:
    for plan, pair in itertools.product(plans.values(), stand_ins()):
        fewer = {other: resource for other, resource in stand_ins().items() if other != pair}
        with pytest.raises(HarnessError, match=rf"{pair[0]}'s statement {pair[1]} is known only after apply"):
            roles(plan, account=ACCOUNT_ID, region=REGION, unknown=fewer)


def test_conditions_are_evaluated(proof: Proof) -> None:
    """A secret's key may only be used through Secrets Manager."""
    (row,) = [row for row in proof.rows if (row.call, row.action) == ("secretsmanager:GetSecretValue", "kms:Decrypt")]
    request = proof.kinds.filled(row.request)
    role = proof.roles["rotate-api-key"].statements
    directly = replace(request, context={**request.context, "kms:viaservice": None})

    assert evaluate.allows(role, request)
    assert not evaluate.allows(role, directly)
