"""Why a call was refused: which statement, condition or missing grant, and the Terraform that would grant it."""

from pathlib import Path

import pytest

from harness.access.grants import Role
from harness.access.recorded_calls import RecordedCall
from harness.iam.denials import Denial, parse
from harness.iam.source import DeclaredGrants
from harness.iam.why import Estate, Policy, explain, role_of, wanted
from harness.plan.iam_policy import Statement

TABLE, BUCKET = "arn:aws:dynamodb:us-east-1:000000000000:table/orders-dev", "arn:aws:s3:::orders-dev"
SOURCE = """\
locals {
  _functions = {
    take-order = {
      description = "Takes orders."
      statements = {
        WriteOrders = { actions = ["dynamodb:PutItem"], resources = [local._arns.table] }
        # Only its own.
        Publish = {
          actions    = ["events:PutEvents"]
          resources  = [local._arns.bus["main"]]
        }
      }
    }

    print-order = {
      statements = {
        Store = { actions = ["s3:PutObject"], resources = ["${local._arns.documents}/*"] }
      }
    }
  }
}
"""


AWS_MESSAGE = (
    "An error occurred (AccessDeniedException) when calling the PutItem operation: User:"
    " arn:aws:sts::000000000000:assumed-role/take-order-dev-role/take-order-dev is not authorized to perform:"
    f" dynamodb:PutItem on resource: {TABLE} because no identity-based policy allows the dynamodb:PutItem action"
)


def a_statement(
    sid: str,
    actions: tuple[str, ...],
    resources: tuple[str, ...],
    *,
    effect: str = "Allow",
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...] = (),
) -> Statement:
    return Statement(sid, effect, actions, (), resources, (), (), (), conditions)


def a_role(function: str, *statements: Statement) -> Role:
    return Role(function, f"{function}-dev", f"module.{function}.aws_iam_role_policy.this", statements)


def a_denial(action: str = "", resource: str = "", call: str = "", explicit: str = "") -> Denial:
    return Denial("take-order-dev", action, call, resource, explicit)


@pytest.fixture
def source(tmp_path: Path) -> DeclaredGrants:
    (tmp_path / "functions.tf").write_text(SOURCE)
    return DeclaredGrants.read(tmp_path)


WRITE = a_statement("WriteOrders", ("dynamodb:PutItem",), (TABLE,))
STORE = a_statement("Store", ("s3:PutObject",), (f"{BUCKET}/*",))
TAKE, PRINT = a_role("take-order", WRITE), a_role("print-order", STORE)
SEEN = [RecordedCall("take-order", "s3:HeadObject", "s3:GetObject", "x")]


def an_estate(source: DeclaredGrants, *policies: Policy) -> Estate:
    return Estate({"take-order": TAKE, "print-order": PRINT}, policies, SEEN, source)


@pytest.mark.parametrize(
    ("text", "denial"),
    [
        (
            AWS_MESSAGE,
            Denial("take-order-dev", "dynamodb:PutItem", "PutItem", TABLE, ""),
        ),
        (
            f'User: "x" User: take-order-dev is not authorized to perform: s3:GetObject on {BUCKET}/a.csv',
            Denial('"x"', "s3:GetObject", "", f"{BUCKET}/a.csv", ""),
        ),
        (
            f"to perform: s3:GetObject on resource: {BUCKET}/a with an explicit deny in a resource-based policy",
            Denial("", "s3:GetObject", "", f"{BUCKET}/a", "resource-based"),
        ),
        (
            "botocore.exceptions.ClientError: An error occurred (403) when calling the HeadObject operation: Forbidden",
            Denial("", "", "HeadObject", "", ""),
        ),
    ],
)
def test_denials_are_read_as_aws_and_the_engines_write_them(text: str, denial: Denial) -> None:
    assert parse(text) == denial


@pytest.mark.parametrize("text", ["", "ValidationException when calling the PutItem operation", "Access was fine"])
def test_other_texts_are_no_denials(text: str) -> None:
    assert parse(text) is None


def test_the_caller_is_found_by_the_name_of_the_session_or_of_the_role() -> None:
    roles = {"take-order": TAKE, "print-order": PRINT}

    assert role_of(Denial("take-order-dev", "", "", "", ""), roles) is TAKE
    assert role_of(Denial("print-order", "", "", "", ""), roles) is PRINT
    assert role_of(Denial("somebody", "", "", "", ""), roles) is None


def test_a_call_without_an_action_wants_what_tests_saw_it_need() -> None:
    assert wanted(a_denial(call="HeadObject"), TAKE, SEEN) == ["s3:GetObject"]
    assert wanted(a_denial(call="DeleteObject"), TAKE, SEEN) == []


def test_an_action_that_is_missing_is_added_to_the_statement_of_the_same_resource(source: DeclaredGrants) -> None:
    found = explain(a_denial("dynamodb:GetItem", TABLE), TAKE, "dynamodb:GetItem", an_estate(source))

    assert found.reasons[0] == "No statement of module.take-order.aws_iam_role_policy.this grants it."
    assert found.reasons[1] == "statement WriteOrders grants dynamodb:PutItem on this resource."
    assert found.remedies[0].startswith('Add "dynamodb:GetItem" to the actions of WriteOrders, ')
    assert found.remedies[0].endswith("functions.tf:6")


def test_a_resource_that_is_missing_is_written_as_the_terraform_writes_it_elsewhere(source: DeclaredGrants) -> None:
    found = explain(a_denial("s3:GetObject", f"{BUCKET}/a"), TAKE, "s3:GetObject", an_estate(source))

    statement = 'S3GetObject = { actions = ["s3:GetObject"], resources = ["${local._arns.documents}/*"] }'
    assert found.remedies[0].endswith(f"functions.tf:5: {statement}")
    assert len(found.remedies) == 1  # tests have seen the function do it


def test_a_grant_that_no_test_would_use_is_discouraged(source: DeclaredGrants) -> None:
    found = explain(a_denial("dynamodb:Scan", TABLE), TAKE, "dynamodb:Scan", an_estate(source))

    assert "no test has seen take-order do this" in found.remedies[-1]


def test_a_statement_with_a_condition_is_named_with_it(source: DeclaredGrants) -> None:
    condition = ("StringEquals", "events:source", ("orders",))
    publish = a_statement("Publish", ("events:PutEvents",), ("arn:aws:events:::bus",), conditions=(condition,))
    role = a_role("take-order", publish)

    found = explain(a_denial("events:PutEvents", "arn:aws:events:::bus"), role, "events:PutEvents", an_estate(source))

    (reason,) = found.reasons
    assert reason.startswith("statement Publish of module.take-order.aws_iam_role_policy.this grants it only if")
    assert reason.endswith("events:source StringEquals orders")
    assert found.remedies[0].endswith("functions.tf:8")


def test_a_deny_of_a_bucket_is_named_and_no_grant_is_offered(source: DeclaredGrants) -> None:
    condition = ("Bool", "aws:SecureTransport", ("false",))
    deny = a_statement("TlsOnly", ("s3:*",), (BUCKET, f"{BUCKET}/*"), effect="Deny", conditions=(condition,))
    estate = an_estate(source, Policy("aws_s3_bucket_policy.this", (deny,)))

    found = explain(a_denial("s3:PutObject", f"{BUCKET}/a", explicit="resource-based"), PRINT, "s3:PutObject", estate)

    assert found.reasons == (
        "statement TlsOnly of aws_s3_bucket_policy.this denies it if aws:SecureTransport Bool false",
    )
    assert "No grant helps" in found.remedies[0]


def test_what_the_source_grants_already_has_to_be_applied(source: DeclaredGrants) -> None:
    found = explain(a_denial("dynamodb:PutItem", TABLE), TAKE, "dynamodb:PutItem", an_estate(source))

    assert "./noxw -s up -- --detach" in found.remedies[0]


def test_the_grants_of_this_repository_are_found_in_its_source() -> None:
    grants = DeclaredGrants.read()

    assert grants.declares("generate-pdf", "ReadInvoices")
    assert grants.declares("rotate-api-key", "OpenSecret")
    assert grants.statements["generate-pdf", "ReadInvoices"].resources == "local._arns.table"
