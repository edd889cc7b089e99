"""The evaluation of policies: each element as AWS documents it, and an error for elements that are not modelled."""

from typing import Any

import pytest

from harness.plan import iam_policy
from harness.plan.arn import arn_like
from harness.plan.evaluate import AccessRequest, Decision, NotModelledError, decide, less
from harness.plan.iam_policy import Statement
from harness.plan.resource import UNKNOWN

TABLE = "arn:aws:dynamodb:us-east-1:111111111111:table/invoices"
EVENTS = ("Service", "events.amazonaws.com")


def policy(*statements: dict[str, Any]) -> list[Statement]:
    parsed = iam_policy.statements({"Statement": [{"Effect": "Allow", **each} for each in statements]})
    assert parsed
    return parsed


def request_for(action: str = "dynamodb:GetItem", resource: str = TABLE, /, **context: Any) -> AccessRequest:
    keys = {name.replace("__", ":").lower(): value for name, value in context.items()}
    return AccessRequest(action, resource, keys)


def condition(operator: str, value: Any, request_value: Any) -> Decision:
    statement = {"Action": "dynamodb:GetItem", "Resource": "*", "Condition": {operator: {"s3:prefix": value}}}
    return decide(policy(statement), request_for(s3__prefix=request_value))


def test_nothing_is_allowed_without_an_allow_statement() -> None:
    assert decide([], request_for()) is Decision.UNGRANTED


def test_a_denial_wins_wherever_it_is() -> None:
    allow = {"Action": "dynamodb:*", "Resource": "*"}
    deny = {"Effect": "Deny", "Action": "dynamodb:GetItem", "Resource": TABLE}

    assert decide(policy(allow, deny), request_for()) is decide(policy(deny, allow), request_for()) is Decision.DENIED
    assert decide(policy(allow, deny), request_for("dynamodb:PutItem")) is Decision.ALLOWED


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
    assert (decide(policy({"Action": action, "Resource": "*"}), request_for()) is Decision.ALLOWED) == matches


def test_not_action_is_everything_else() -> None:
    but = policy({"NotAction": "dynamodb:GetItem", "Resource": "*"})

    assert decide(but, request_for()) is Decision.UNGRANTED
    assert decide(but, request_for("dynamodb:PutItem")) is Decision.ALLOWED


def test_not_resource_is_everything_else() -> None:
    but = policy({"Action": "*", "NotResource": TABLE})

    assert decide(but, request_for()) is Decision.UNGRANTED
    assert decide(but, request_for("dynamodb:GetItem", f"{TABLE}-2")) is Decision.ALLOWED


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        (TABLE, True),
        ("*", True),
        (TABLE.replace("invoices", "inv*"), True),
        (TABLE.replace("invoices", "Invoices"), False),
        (f"{TABLE}/index/*", False),
        (TABLE.replace("111111111111", "*"), True),
        ("arn:aws:dynamodb:*", False),  # a wildcard does not span a colon
        ("arn:aws:*:table/invoices", False),
    ],
)
def test_resources_match_part_by_part(pattern: str, matches: bool) -> None:  # noqa: FBT001
    assert arn_like(pattern, TABLE) == matches


@pytest.mark.parametrize(
    ("operator", "value", "request_value", "holds"),
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
def test_conditions(operator: str, value: Any, request_value: Any, holds: bool) -> None:  # noqa: FBT001
    assert (condition(operator, value, request_value) is Decision.ALLOWED) == holds


def test_every_condition_has_to_hold() -> None:
    both = {"StringEquals": {"a:b": "1", "a:c": "2"}}
    statements = policy({"Action": "*", "Resource": "*", "Condition": both})

    assert decide(statements, request_for(a__b="1", a__c="2")) is Decision.ALLOWED
    assert decide(statements, request_for(a__b="1", a__c="3")) is Decision.UNGRANTED


def test_variables_are_replaced_by_the_requests_values() -> None:
    statements = policy({"Action": "*", "Resource": "arn:aws:s3:::bucket/${aws:username}/*"})

    def decision(user: str) -> Decision:
        request = request_for("s3:GetObject", "arn:aws:s3:::bucket/ann/x", aws__username=user)
        return decide(statements, request)

    assert (decision("ann"), decision("bob")) == (Decision.ALLOWED, Decision.UNGRANTED)


def test_principals_of_a_resources_policy() -> None:
    statements = policy({"Action": "*", "Resource": "*", "Principal": {"Service": EVENTS[1]}})

    def decision(principal: tuple[str, str]) -> Decision:
        return decide(statements, AccessRequest("sns:Publish", "arn:aws:sns:::x", {}, principal))

    assert (decision(EVENTS), decision(("Service", "s3.amazonaws.com"))) == (Decision.ALLOWED, Decision.UNGRANTED)
    everybody = policy({"Action": "*", "Resource": "*", "Principal": "*"})
    assert decide(everybody, AccessRequest("sns:Publish", "arn:aws:sns:::x", {}, EVENTS)) is Decision.ALLOWED


def test_an_unknown_value_matches_only_another_unknown_value() -> None:
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
def test_an_element_that_is_not_modelled_is_an_error(statement: dict[str, Any]) -> None:
    context = {"a:b": "1", "a:several": ("1", "2"), "a:wild": "*", "aws:username": "ann"}

    with pytest.raises(NotModelledError):
        decide(policy(statement), AccessRequest("s3:GetObject", "arn:aws:s3:::x", context, ("AWS", "y")))


def test_removing_a_grant_leaves_all_others() -> None:
    (statement,) = policy({"Action": ["s3:Get", "s3:Put"], "Resource": ["arn:1", "arn:2"]})

    rest = [(each.actions, each.resources) for each in less(statement, "s3:Get", "arn:1")]

    assert rest == [(("s3:Put",), ("arn:1", "arn:2")), (("s3:Get",), ("arn:2",))]
    (only,) = policy({"Action": "s3:Get", "Resource": "arn:1"})
    assert [*less(only, "s3:Get", "arn:1")] == []
