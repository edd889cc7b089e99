"""What a caller calls, as the plan of something that exists shows it."""

from typing import Any

import pytest

from harness.plan.graph import PlanGraph
from harness.policy.rules.platform import calls_its_function

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:x-dev"
OTHER = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"


@pytest.mark.parametrize(("uri", "found"), [("", 0), (None, 0), (OTHER, 1)])
def test_an_integration_that_calls_nothing_has_an_empty_text_in_the_state(uri: str | None, found: int) -> None:
    block = {
        "mode": "managed",
        "type": "aws_api_gateway_integration",
        "name": "preflight",
        "address": 'aws_api_gateway_integration.preflight["/invoices"]',
        "index": "/invoices",
    }
    integration: dict[str, Any] = {"type": "MOCK", "uri": uri}
    change = {"actions": ["no-op"], "before": integration, "after": integration}
    resources = [{**block, "expressions": {"type": {"constant_value": "MOCK"}}}]
    document = {
        "resource_changes": [{**block, "change": change}],
        "configuration": {"root_module": {"resources": resources}},
    }

    assert len(list(calls_its_function(PlanGraph(document, "dev")))) == found
