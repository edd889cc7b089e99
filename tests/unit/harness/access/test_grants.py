"""A function's permission on what has an id of AWS's choice is the same before the first apply and after it."""

import json
from typing import Any

import pytest

from harness.access.grants import roles
from harness.plan.graph import PlanGraph

STAND_INS = {("rotate", "Join"): "arn:aws:apigateway:{region}::/usageplans/x/keys"}


def resource(kind: str, values: dict[str, Any]) -> dict[str, Any]:
    change = {"actions": ["no-op"], "before": values, "after": values, "after_unknown": {}}
    return {"address": f"{kind}.this", "mode": "managed", "type": kind, "name": "this", "change": change}


@pytest.mark.parametrize(
    ("named", "granted"),
    [
        ("usageplans/6efb8df9/keys", "usageplans/x/keys"),
        ("usageplans/6efb8df9/keys/*", "usageplans/6efb8df9/keys/*"),  # more than the stand-in
        ("usageplans/another/keys", "usageplans/another/keys"),
    ],
)
def test_a_known_id_of_the_plan_is_the_stand_in(named: str, granted: str) -> None:
    arn = f"arn:aws:apigateway:us-east-1::/{named}"
    statement = {"Sid": "Join", "Effect": "Allow", "Action": "apigateway:POST", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    changes = [
        resource("aws_lambda_function", {"function_name": "rotate-dev"}),
        resource("aws_iam_role_policy", {"policy": policy}),
        resource("aws_api_gateway_usage_plan", {"id": "6efb8df9"}),
    ]
    plan = PlanGraph({"format_version": "1.2", "resource_changes": changes}, "dev")

    role = roles(plan, account="123456789012", region="us-east-1", unknown=STAND_INS)["rotate"]

    assert [str(each) for each in role.statements[0].resources] == [f"arn:aws:apigateway:us-east-1::/{granted}"]
