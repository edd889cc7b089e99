"""Access logs hold what an investigation needs, and nothing with which somebody could call the API."""

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from harness.plan.resource import UNKNOWN, mapping, shown
from harness.policy.rule import relation

if TYPE_CHECKING:
    from harness.plan.graph import PlanGraph

LOGGED = frozenset(
    f"$context.{name}"
    for name in (
        *("error.message", "httpMethod", "identity.apiKeyId", "identity.sourceIp", "identity.userAgent"),
        *("integrationLatency", "path", "protocol", "requestId", "requestTime", "resourcePath", "responseLatency"),
        *("responseLength", "status", "xrayTraceId"),
    )
)
"""The variables that access logs may hold. ``identity.apiKey`` is the key itself."""

_NEEDED = frozenset({"$context.requestId", "$context.requestTime", "$context.status", "$context.identity.apiKeyId"})
_VARIABLE = re.compile(r"\$!?\{?([\w.]*)")


@relation("CKV_INV_414", ("aws_api_gateway_stage",))
def logged_values(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """By the variables of the format (https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html)."""
    for stage in plan.of("aws_api_gateway_stage"):
        for text in stage.all("access_log_settings.format"):
            yield from ((stage.address, message) for message in _problems(text))


def _problems(text: Any) -> Iterator[str]:
    if text is UNKNOWN or not isinstance(text, str):
        return
    variables = {f"${name}" for name in _VARIABLE.findall(text)}
    for variable in sorted(variables):
        if variable not in LOGGED:
            yield f"Its access log has {shown(variable)}, which is not in LOGGED of harness/policy/rules/api_logs.py."
    if missing := sorted(_NEEDED - variables):
        yield f"Its access log lacks {', '.join(missing)}: nobody can say who asked for what."
    try:
        json.loads(text)
    except ValueError:
        yield "The format of its access log is not JSON: no query reads it."


SHOWN = frozenset({"$context.error.messageString", "$context.error.validationErrorString", "$context.requestId"})
"""The variables that API Gateway's own responses may hold."""


@relation("CKV_INV_416", ("aws_api_gateway_gateway_response",))
def shown_values(plan: "PlanGraph") -> Iterator[tuple[str, str]]:
    """Bodies and headers; the origin of the caller is what a browser has sent itself."""
    for response in plan.of("aws_api_gateway_gateway_response"):
        texts = [
            str(value)
            for path in ("response_templates", "response_parameters")
            for block in response.all(path)
            for value in (mapping(block) or {}).values()
            if value is not UNKNOWN
        ]
        variables = {f"${name}" for text in texts for name in _VARIABLE.findall(text)}
        variables |= {text for text in texts if text.startswith(("context.", "method.", "stageVariables."))}
        for variable in sorted(variables - SHOWN - {"method.request.header.Origin"}):
            yield (
                response.address,
                f"It shows {shown(variable)}, which is not in SHOWN of harness/policy/rules/api_logs.py.",
            )
