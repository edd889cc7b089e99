"""The evaluation of policies: what AWS's documentation says of each element, and a refusal of what is not modelled."""

from typing import Any

import pytest

from harness.iam.evaluate import AccessRequest, Decision, NotModelledError, arn_like, decide, less
from harness.plan import iam_policy
from harness.plan.iam_policy import Statement
from harness.plan.resource import UNKNOWN

TABLE = "arn:aws:dynamodb:us-east-1:111111111111:table/invoices"
EVENTS = ("Service", "events.amazonaws.com")


def policy(*statements: dict[str, Any]) -> list[Statement]:
    found = iam_policy.statements({"Statement": [{"Effect": "Allow", **one} for one in statements]})
    assert found
    return found


def asked(action: str = "dynamodb:GetItem", resource: str = TABLE, /, **context: Any) -> AccessRequest:
    keys = {name.replace("__", ":").lower(): value for name, value in context.items()}
    return AccessRequest(action, resource, keys)


def condition(operator: str, value: Any, given: Any) -> Decision:
    statement = {"Action": "dynamodb:GetItem", "Resource": "*", "Condition": {operator: {"s3:prefix": value}}}
    return decide(policy(statement), asked(s3__prefix=given))


def test_nothing_is_allowed_unless_something_allows_it() -> None:
    assert decide([], asked()) is Decision.UNGRANTED


def test_a_denial_wins_wherever_it_stands() -> None:
    allow = {"Action": "dynamodb:*", "Resource": "*"}
    deny = {"Effect": "Deny", "Action": "dynamodb:GetItem", "Resource": TABLE}

    assert decide(policy(allow, deny), asked()) is decide(policy(deny, allow), asked()) is Decision.DENIED
    assert decide(policy(allow, deny), asked("dynamodb:PutItem")) is Decision.ALLOWED


@pytest.mark.parametrize(
    ("action", "matches"),
    [
        ("dynamodb:GetItem", True),
        ("DynamoDB:getitem", True),
        ("dynamodb:Get*", True),
        ("dynamodb:?etItem", True),
        ("*", True),
        ("dynamodb:Get", False),
        ("dynamodb:BatchGetItem", False),
        ("s3:*", False),
    ],
)
def test_actions_match_without_case_and_by_wildcards(action: str, matches: bool) -> None:  # noqa: FBT001
    assert (decide(policy({"Action": action, "Resource": "*"}), asked()) is Decision.ALLOWED) == matches


def test_not_action_is_everything_else() -> None:
    but = policy({"NotAction": "dynamodb:GetItem", "Resource": "*"})

    assert decide(but, asked()) is Decision.UNGRANTED
    assert decide(but, asked("dynamodb:PutItem")) is Decision.ALLOWED


def test_not_resource_is_everything_else() -> None:
    but = policy({"Action": "*", "NotResource": TABLE})

    assert decide(but, asked()) is Decision.UNGRANTED
    assert decide(but, asked("dynamodb:GetItem", f"{TABLE}-2")) is Decision.ALLOWED


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        (TABLE, True),
        ("*", True),
        (TABLE.replace("invoices", "inv*"), True),
        (TABLE.replace("invoices", "Invoices"), False),
        (f"{TABLE}/index/*", False),
        (TABLE.replace("111111111111", "*"), True),
        ("arn:aws:dynamodb:*", False),  # a wildcard does not reach over a colon
        ("arn:aws:*:table/invoices", False),
    ],
)
def test_resources_match_part_by_part(pattern: str, matches: bool) -> None:  # noqa: FBT001
    assert arn_like(pattern, TABLE) == matches


@pytest.mark.parametrize(
    ("operator", "value", "given", "holds"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", ["b", "a"], "a", True),
        ("StringEquals", "A", "a", False),
        ("StringEquals", "a", None, False),
        ("StringEqualsIfExists", "a", None, True),
        ("StringEqualsIgnoreCase", "A", "a", True),
        ("StringNotEquals", ["b", "a"], "a", False),
        ("StringNotEquals", ["b", "c"], "a", True),
        ("StringNotEquals", "a", None, True),
        ("StringLike", "claim#*", "claim#1", True),
        ("StringNotLike", "claim#*", "claim#1", False),
        ("Bool", "true", "true", True),
        ("Bool", True, "true", True),
        ("Bool", "false", "true", False),
        ("Null", "true", None, True),
        ("Null", "true", "a", False),
        ("Null", "false", "a", True),
        ("ArnLike", "arn:aws:s3:::b*", "arn:aws:s3:::bucket", True),
        ("ArnEquals", "arn:aws:s3:::bucket", "arn:aws:s3:::other", False),
        ("ArnNotLike", "arn:aws:s3:::b*", "arn:aws:s3:::bucket", False),
        ("ForAllValues:StringLike", "claim#*", ("claim#1", "claim#2"), True),
        ("ForAllValues:StringLike", "claim#*", ("claim#1", "other"), False),
        ("ForAllValues:StringLike", "claim#*", None, True),
        ("ForAnyValue:StringLike", "claim#*", ("claim#1", "other"), True),
        ("ForAnyValue:StringLike", "claim#*", ("other",), False),
        ("ForAnyValue:StringLike", "claim#*", None, False),
        ("ForAllValues:StringNotEquals", "a", ("b", "c"), True),
        ("ForAllValues:StringNotEquals", "a", ("a", "c"), False),
    ],
)
def test_conditions(operator: str, value: Any, given: Any, holds: bool) -> None:  # noqa: FBT001
    assert (condition(operator, value, given) is Decision.ALLOWED) == holds


def test_every_condition_has_to_hold() -> None:
    both = {"StringEquals": {"a:b": "1", "a:c": "2"}}
    statements = policy({"Action": "*", "Resource": "*", "Condition": both})

    assert decide(statements, asked(a__b="1", a__c="2")) is Decision.ALLOWED
    assert decide(statements, asked(a__b="1", a__c="3")) is Decision.UNGRANTED


def test_variables_are_replaced_by_what_the_request_says() -> None:
    own = policy({"Action": "*", "Resource": "arn:aws:s3:::bucket/${aws:username}/*"})

    def wants(user: str) -> Decision:
        return decide(own, asked("s3:GetObject", "arn:aws:s3:::bucket/ann/x", aws__username=user))

    assert (wants("ann"), wants("bob")) == (Decision.ALLOWED, Decision.UNGRANTED)


def test_principals_of_a_resources_policy() -> None:
    statements = policy({"Action": "*", "Resource": "*", "Principal": {"Service": EVENTS[1]}})

    def wants(principal: tuple[str, str]) -> Decision:
        return decide(statements, AccessRequest("sns:Publish", "arn:aws:sns:::x", {}, principal))

    assert (wants(EVENTS), wants(("Service", "s3.amazonaws.com"))) == (Decision.ALLOWED, Decision.UNGRANTED)
    everybody = policy({"Action": "*", "Resource": "*", "Principal": "*"})
    assert decide(everybody, AccessRequest("sns:Publish", "arn:aws:sns:::x", {}, EVENTS)) is Decision.ALLOWED


def test_what_only_the_apply_tells_matches_only_itself() -> None:
    assert condition("ArnLike", UNKNOWN, UNKNOWN) is Decision.ALLOWED
    assert condition("ArnLike", UNKNOWN, "arn:aws:s3:::bucket") is Decision.UNGRANTED
    assert condition("ArnLike", "arn:aws:s3:::bucket", UNKNOWN) is Decision.UNGRANTED


@pytest.mark.parametrize(
    "statement",
    [
        {"Action": "*", "Resource": "*", "Condition": {"NumericLessThan": {"a:b": "1"}}},
        {"Action": "*", "Resource": "*", "Condition": {"StringEquals": {"never:heard-of": "1"}}},
        {"Action": "*", "Resource": "*", "Condition": {"StringEquals": {"a:several": "1"}}},
        {"Action": "*", "Resource": "arn:aws:s3:::${aws:username, 'nobody'}"},
        {"Action": "*", "Resource": "arn:aws:s3:::${*}"},
        {"Action": "*", "Resource": "arn:aws:s3:::${a:wild}"},
        {"Action": "*", "NotPrincipal": {"AWS": "x"}, "Resource": "*"},
        {"Action": "*", "Principal": {"Federated": "x"}, "Resource": "*"},
        {"Action": "*", "NotAction": "x", "Resource": "*"},
        {"Action": "*", "Resource": "*", "NotResource": "x"},
        {"Action": "*"},
        {"Resource": "*"},
        {"Action": "*", "Resource": UNKNOWN},
        {"Effect": "allow", "Action": "*", "Resource": "*"},
    ],
    ids=str,
)
def test_what_is_not_modelled_is_refused(statement: dict[str, Any]) -> None:
    context = {"a:b": "1", "a:several": ("1", "2"), "a:wild": "*", "aws:username": "ann"}

    with pytest.raises(NotModelledError):
        decide(policy(statement), AccessRequest("s3:GetObject", "arn:aws:s3:::x", context, ("AWS", "y")))


def test_a_grant_taken_out_leaves_all_the_others() -> None:
    (statement,) = policy({"Action": ["s3:Get", "s3:Put"], "Resource": ["arn:1", "arn:2"]})

    left = [(one.actions, one.resources) for one in less(statement, "s3:Get", "arn:1")]

    assert left == [(("s3:Put",), ("arn:1", "arn:2")), (("s3:Get",), ("arn:2",))]
    (only,) = policy({"Action": "s3:Get", "Resource": "arn:1"})
    assert [*less(only, "s3:Get", "arn:1")] == []
