"""API Gateway: gateway responses' headers and templates."""

import functools
from collections.abc import Mapping
from typing import Any

from localstack.services.apigateway.next_gen.execute_api.gateway_response import get_gateway_response_or_default

from emulation.patch import patches, source_lacks
from host.apigateway_handlers import handlers
from host.apigateway_templates import lookup, substitute


@patches(
    handlers("gateway_exception"),
    "GatewayExceptionHandler.create_exception_response",
    needed=source_lacks("responseParameters", "responseTemplates"),
)
def gateway_responses(original: Any) -> Any:
    """The gateway's own answers carry the headers and bodies that their gateway responses define.

    AWS: https://docs.aws.amazon.com/apigateway/latest/developerguide/customize-gateway-responses.html
    LocalStack: uses the status code only; headers and templates are ignored.
    """

    @functools.wraps(original)
    def create_exception_response(self: Any, exception: Any, context: Any) -> Any:
        answer = original(self, exception, context)
        defined = get_gateway_response_or_default(exception.type, context.deployment.rest_api.gateway_responses)
        for name, source in (defined.get("responseParameters") or {}).items():
            value = _mapped(source, context)
            if name.startswith("gatewayresponse.header.") and value is not None:
                answer.headers.set(name.removeprefix("gatewayresponse.header."), value)
        templates = defined.get("responseTemplates") or {}
        if templates and not defined.get("defaultResponse"):
            kind = "application/json" if "application/json" in templates else next(iter(templates))
            answer.set_data(substitute(templates[kind], _variables(exception, context), missing=""))
            if "gatewayresponse.header.Content-Type" not in (defined.get("responseParameters") or {}):
                answer.headers.set("Content-Type", kind)
        return answer

    return create_exception_response


def _variables(exception: Any, context: Any) -> Mapping[str, Any]:
    """``$context``, with what went wrong in ``$context.error``."""
    known = context.context_variables or {}
    return {**known, "error": {**(known.get("error") or {}), "message": exception.message}}


def _mapped(source: str, context: Any) -> str | None:
    """The value of a response parameter: a literal in quotes, or something of the request.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/request-response-data-mappings.html
    """
    if source.startswith("'"):
        return source.strip("'")
    place, _, name = source.rpartition(".")
    if source.startswith("context."):
        found = lookup(source.removeprefix("context."), context.context_variables or {})
    elif place == "method.request.header":
        found = context.invocation_request["headers"].get(name)
    elif place == "method.request.querystring":
        found = context.invocation_request["query_string_parameters"].get(name)
    elif place == "stageVariables":
        found = (context.stage_variables or {}).get(name)
    else:
        found = None
    return None if found is None else str(found)
